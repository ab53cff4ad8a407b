"""Starting the site: settings, and what start must not do."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from app.errors import SettingsError
from app.settings import ROOT, Settings, read_secret_key, read_settings


def test_the_web_process_does_not_import_tensorflow() -> None:
    script = (
        "import sys, wsgi\n"
        "service = wsgi.application.extensions['model_service']\n"
        "service.wait()\n"
        "assert service.state()['status'] == 'ready'\n"
        "assert not {'tensorflow', 'keras', 'torch', 'jax'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)


def test_importing_the_library_imports_no_flask() -> None:
    script = "import sys, app.recognition.service; assert 'flask' not in sys.modules"
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)


def test_settings_come_from_the_environment(tmp_path: Path) -> None:
    settings = read_settings({"MODEL": "other", "INSTANCE": str(tmp_path), "REDIS_URL": "redis://r"})
    assert (settings.model, settings.instance, settings.redis_url) == ("other", tmp_path, "redis://r")


@pytest.mark.parametrize("environment", [
    {"REDIS_URL": "localhost"},
    {"REDIS_URL": "redis://localhost:port"},
    {"OPEN_PRODUCTS_FACTS_URL": "file:///etc/passwd"},
    {"MODEL": "../elsewhere"},
])  # fmt: skip
def test_a_bad_setting_stops_the_start_with_a_sentence_that_names_it(environment: dict[str, str]) -> None:
    (name,) = environment
    with pytest.raises(SettingsError, match=name):
        read_settings(environment)


def test_the_secret_key_is_made_once_and_readable_by_its_owner_alone(tmp_path: Path) -> None:
    settings = Settings(instance=tmp_path / "instance")
    key = read_secret_key(settings)
    assert len(key) >= 32
    assert read_secret_key(settings) == key
    assert stat.S_IMODE((tmp_path / "instance" / "secret_key").stat().st_mode) == 0o600


def test_an_instance_folder_that_cannot_be_made_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="INSTANCE"):
        read_secret_key(Settings(instance=tmp_path / "file" / "instance"))
