"""Run the whole series, one part after the other, and gather it in docs/bench/README.md: `make bench`.

Each part also runs alone: PYTHONPATH=.:tests python bench/PART.py
"""

import os
import subprocess
import sys
import time
from pathlib import Path

from measuring import RESULTS, check_tools, machine

PARTS = {
    "network": ["network"],
    "waterfall": ["waterfall"],
    "throughput": ["throughput", "workers"],
    "overload": ["overload"],
    "start": ["start"],
    "pages": ["pages"],
    "bulk": ["bulk"],
    "peers": ["peers"],
    "growth": ["growth-classes", "growth-rows", "growth-upload", "growth-connections"],
}
HEAD = """# Measurements

Written by `make bench`; the numbers are data beside this page (CSV). {machine}.

Everything side by side in one run, medians over repetitions in turn, warm. Ratios are what counts.
[performance.md](../performance.md) says what they mean.
"""


def main() -> None:
    """Run every part; one that fails is told and stops no other."""
    check_tools()
    where = machine()
    failed = []
    for part in sys.argv[1:] or PARTS:
        started = time.perf_counter()
        print(f"== {part}", flush=True)
        quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
        script = Path(__file__).with_name(f"{part}.py")
        if subprocess.run([sys.executable, script], env=quiet).returncode:
            failed.append(part)
        print(f"== {part} took {time.perf_counter() - started:.0f} s", flush=True)
    tables = [path for names in PARTS.values() for name in names if (path := RESULTS / f"{name}.md").exists()]
    text = "\n".join([HEAD.format(machine=where), *(path.read_text() for path in tables)])
    (RESULTS / "README.md").write_text(text)
    if failed:
        sys.exit(f"These parts failed: {', '.join(failed)}.")


if __name__ == "__main__":
    main()
