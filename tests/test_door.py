"""The door of a process, by itself; what clients see of it is in test_limits.py."""

import subprocess
import sys
from pathlib import Path

from app.settings import ROOT

NAME_IMPORTS = """
import sys
from pathlib import Path
from app import create_app
from app.door import Door
from app.settings import Settings

door = Door(create_app(Settings(instance=Path(sys.argv[1]))))
before = set(sys.modules)
door.refuse("POST", "/api/v1/predictions", {})
door.refuse("POST", "/classify/", {"ACCEPT": "text/html"})
print(*set(sys.modules) - before)
"""


def test_no_refusal_waits_for_an_import(tmp_path: Path) -> None:
    command = [sys.executable, "-c", NAME_IMPORTS, str(tmp_path)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert ended.stdout.split() == []
