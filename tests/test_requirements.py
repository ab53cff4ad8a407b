"""The locked requirements: complete, pinned, in line with pyproject.toml, and enough to serve the site."""

import os
import re
import subprocess
import tomllib
import venv
from importlib.metadata import distribution
from pathlib import Path

import pytest
import requests
from live_site import LiveSite
from packaging.requirements import Requirement

from app.settings import ROOT

OWN_LOCK = "requirements-pip.txt"  # of what installs all others
LOCKS = {  # by the extras of pyproject.toml that each pins
    "requirements-serve.txt": set(),
    "requirements.txt": {"keras", "parquet"},
    "requirements-train.txt": {"train"},
    "requirements-test.txt": {"test"},
}
ASKED_FOR = {"flask", "jinja2", "tensorflow", "pillow", "numpy", "requests", "flask-session"}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def pinned(lock: str) -> dict[str, Requirement]:
    """Return what a lock pins, by name."""
    lines = re.sub(r"\\\n *", "", (ROOT / lock).read_text()).splitlines()
    found = [Requirement(line.partition("--hash")[0]) for line in lines if not line.lstrip().startswith("#")]
    return {requirement.name: requirement for requirement in found}


def wanted(extras: set[str]) -> dict[str, Requirement]:
    """Return what pyproject.toml asks for with some extras, those inside of these too."""
    texts = [
        *PROJECT["dependencies"],
        *(text for name in extras for text in PROJECT["optional-dependencies"][name]),
    ]
    found = {}
    for requirement in map(Requirement, texts):
        if requirement.name == PROJECT["name"]:
            found |= wanted(requirement.extras)
        else:
            found[requirement.name] = requirement
    return found


@pytest.mark.parametrize("lock", [*LOCKS, OWN_LOCK])
def test_a_lock_holds_names_versions_hashes_and_nothing_else(lock: str) -> None:
    pin = r"[\w.-]+==\S+( ; .+)? \\\n( {4}--hash=sha256:[0-9a-f]{64}( \\)?\n)+"
    assert re.fullmatch(rf"({pin}( +# .+\n)+)+", (ROOT / lock).read_text())
    assert "://" not in (ROOT / lock).read_text()


@pytest.mark.parametrize(("lock", "extras"), LOCKS.items())
def test_a_lock_pins_what_pyproject_asks_for(lock: str, extras: set[str]) -> None:
    """Otherwise: make lock."""
    pins = pinned(lock)
    for name, requirement in wanted(extras).items():
        [pin] = pins[name].specifier
        assert pin.version in requirement.specifier, name


@pytest.mark.parametrize("lock", [*LOCKS, OWN_LOCK])
def test_all_locks_pin_the_same_versions(lock: str) -> None:
    everything = pinned("requirements-test.txt")
    assert {str(pin) for pin in pinned(lock).values()} <= {str(pin) for pin in everything.values()}


def test_the_packages_that_the_project_is_to_be_made_of_are_installed_with_it() -> None:
    assert pinned("requirements.txt").keys() >= ASKED_FOR


@pytest.fixture(scope="module")
def server_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an environment of exactly the packages that requirements-serve.txt pins, linked from this one."""
    folder = tmp_path_factory.mktemp("server")
    venv.create(folder, symlinks=True)
    python = folder / "bin" / "python"
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = Path(
        subprocess.run([python, "-c", where], capture_output=True, text=True, check=True).stdout.strip()
    )
    for name, pin in pinned("requirements-serve.txt").items():
        if pin.marker and not pin.marker.evaluate():
            continue
        installed = distribution(name)
        assert installed.version in pin.specifier, name
        for entry in {Path(file).parts[0] for file in installed.files or ()} - {".."}:
            link = packages / entry
            link.exists() or link.symlink_to(installed.locate_file(entry))
    return python


def test_the_site_classifies_where_only_the_serving_requirements_are_installed(
    server_python: Path, tmp_path: Path, coffee: bytes
) -> None:
    with LiveSite(tmp_path / "instance", (str(server_python), "-m", "app.serving")) as site:
        answer = requests.post(f"{site.url}/api/v1/predictions", files={"image": coffee}, timeout=60)
        assert answer.status_code == 200, answer.text
        assert len(answer.json()["results"][0]["predictions"]) == 4
        assert requests.get(f"{site.url}/classify/", timeout=60).ok


@pytest.mark.parametrize("package", ["tensorflow", "keras", "nncf", "matplotlib", "pyarrow"])
def test_the_serving_requirements_lack_what_only_training_needs(server_python: Path, package: str) -> None:
    code = f"from importlib.util import find_spec; print(find_spec({package!r}))"
    found = subprocess.run([server_python, "-c", code], capture_output=True, text=True, check=True).stdout
    assert found == "None\n"


@pytest.mark.parametrize(("command", "missing"), [
    (("train", "--data", "tests", "--init", "random", "--arch", "inception_v3", "--out", "nowhere"),
     "keras, matplotlib, nncf"),
    (("evaluate", "--data", "tests", "--engine", "keras"), "keras"),
])  # fmt: skip
def test_a_command_that_needs_more_says_what_to_install(
    server_python: Path, tmp_path: Path, command: tuple[str, ...], missing: str
) -> None:
    flask = [server_python, "-m", "flask", "--app", "wsgi", *command]
    ended = subprocess.run(
        flask, cwd=ROOT, env={"INSTANCE": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert ended.stderr == f"Error: Missing: {missing}. pip install -r requirements-train.txt\n"


@pytest.mark.parametrize(("said", "status", "expected"), [
    ("No known vulnerabilities found", 0, 0),
    ("Found 1 known vulnerability in 1 package", 1, 1),
    ("requests.exceptions.ConnectionError: ('Connection aborted.')", 1, 0),
])  # fmt: skip
def test_the_audit_fails_for_what_is_vulnerable_and_not_for_want_of_a_network(
    tmp_path: Path, said: str, status: int, expected: int
) -> None:
    tool = tmp_path / "pip-audit"
    tool.write_text(f'#!/bin/sh\necho "{said}" >&2\nexit {status}\n')
    tool.chmod(0o755)
    environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    ended = subprocess.run(
        [ROOT / "tests" / "audit.sh", OWN_LOCK], env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == expected
    assert (said in ended.stdout) == ("exceptions" not in said)
    assert ("No advisory service" in ended.stdout) == ("exceptions" in said)
