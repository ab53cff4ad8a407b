"""Run all benchmarks, one after the other, and collect them in docs/bench/README.md: `make bench`.

Each part also runs on its own: PYTHONPATH=.:tests python bench/PART.py
"""

import os
import subprocess
import sys
import sysconfig
import tempfile
import time
import venv
from pathlib import Path

from measuring import RESULTS, check_tools, machine

HERE = Path(__file__).parent
WITH_PEERS = {"network", "peers"}
PARTS = {
    "network": ["network"],
    "waterfall": ["waterfall"],
    "throughput": ["throughput", "cores", "workers"],
    "overload": ["overload"],
    "start": ["start"],
    "pages": ["pages"],
    "bulk": ["bulk"],
    "peers": ["peers"],
    "growth": ["growth-classes", "growth-rows", "growth-upload", "growth-connections"],
}
HEAD = """# Measurements

`make bench` writes this page, and the same numbers as CSV beside it. {machine}.

All figures come from one run. They are medians over rounds in turn, after a warm-up. Compare ratios rather
than absolute numbers. [performance.md](../performance.md) explains them.
"""


def main() -> None:
    """Run every part; report those that fail, and run the others."""
    check_tools()
    where = machine()
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        peers = make_environment(Path(folder))
        for part in sys.argv[1:] or PARTS:
            started = time.perf_counter()
            print(f"== {part}", flush=True)
            quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
            script = HERE / f"{part}.py"
            python = peers if part in WITH_PEERS else sys.executable
            if subprocess.run([python, script], env=quiet).returncode:
                failed.append(part)
            print(f"== {part} took {time.perf_counter() - started:.0f} s", flush=True)
    tables = [path for names in PARTS.values() for name in names if (path := RESULTS / f"{name}.md").exists()]
    text = "\n".join([HEAD.format(machine=where), *(path.read_text() for path in tables)])
    (RESULTS / "README.md").write_text(text)
    if failed:
        sys.exit(f"These parts failed: {', '.join(failed)}.")


def make_environment(folder: Path) -> Path:
    """Install the peers into a separate environment, and return its Python.

    It falls back on the packages of this environment, so that TensorFlow need not be installed twice.
    """
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    packages = sysconfig.get_path("purelib", vars={"base": str(folder)})
    Path(packages, "site.pth").write_text(sysconfig.get_path("purelib") + "\n")
    command: list[str | Path] = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*command, "--requirement", HERE / "peers" / "requirements.txt"], check=True)
    return python


if __name__ == "__main__":
    main()
