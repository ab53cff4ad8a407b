"""Run the whole series, one part after the other, and gather it in docs/bench/README.md: `make bench`.

Each part also runs alone: PYTHONPATH=.:tests python bench/PART.py
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

Written by `make bench`; the numbers are data beside this page (CSV). {machine}.

Everything side by side in one run, medians over repetitions in turn, warm. Ratios are what counts.
[performance.md](../performance.md) says what they mean.
"""


def main() -> None:
    """Run every part; one that fails is told and stops no other."""
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
    """Install the peers into an environment of their own, and return its Python.

    It also finds the packages of this one behind its own, so that TensorFlow need not be installed twice.
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
