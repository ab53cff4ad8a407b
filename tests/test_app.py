"""Starting the site: settings, and what start must not do."""

import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path
from unittest import mock

import pytest
from helpers import free_port

from app.errors import SettingsError
from app.serving import __main__ as start
from app.settings import ROOT, Settings, read_secret_key, read_settings


def test_the_web_process_does_not_import_tensorflow() -> None:
    script = (
        "import sys, wsgi\n"
        "service = wsgi.application.extensions['site'].models.service()\n"
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


def test_photo_sources_come_from_the_environment(tmp_path: Path) -> None:
    settings = read_settings({
        "PHOTO_SOURCES": "folder, dummyjson",
        "PHOTO_FOLDER": str(tmp_path),
        "WIKIMEDIA_CATEGORIES": "Lamps, Desk fans",
        "PHOTO_BY_ADDRESS": "off",
        "RETAIN_PHOTOS": "on",
    })  # fmt: skip
    assert settings.photo_sources == ("folder", "dummyjson")
    assert settings.photo_folder == tmp_path
    assert settings.wikimedia_categories == ("Lamps", "Desk fans")
    assert not settings.photo_by_address
    assert settings.retain_photos


def test_every_setting_is_documented() -> None:
    table = (ROOT / "docs" / "settings.md").read_text()
    assert [name for field in fields(Settings) if f"`{(name := field.name.upper())}`" not in table] == []


@pytest.mark.parametrize("environment", [
    {"REDIS_URL": "localhost"},
    {"REDIS_URL": "redis://localhost:port"},
    {"OPEN_PRODUCTS_FACTS_URL": "file:///etc/passwd"},
    {"OPEN_FOOD_FACTS_URL": "https://"},
    {"DUMMYJSON_URL": "dummyjson.com"},
    {"PROXY_URL": "proxy:3128"},
    {"PHOTO_SOURCES": "open-products-facts,flickr"},
    {"OPENVERSE_URL": "api.openverse.org"},
    {"OPENVERSE_CLIENT_ID": "client"},
    {"OPENVERSE_CLIENT_SECRET": "secret"},
    {"PHOTO_SOURCES": "dummyjson,dummyjson"},
    {"PHOTO_SOURCES": "dummyjson,"},
    {"PHOTO_SOURCES": "folder"},
    {"PHOTO_FOLDER": "/nowhere/at/all"},
    {"PHOTO_FOLDER": "README.md"},
    {"WIKIMEDIA_CATEGORIES": ","},
    {"PHOTO_BY_ADDRESS": "perhaps"},
    {"RETAIN_PHOTOS": "yes"},
    {"MODEL": "../elsewhere"},
    {"MODEL": ".."},
    {"TAXONOMY_MAP": "/nowhere.csv"},
    {"SECRET_KEY": "short"},
    {"CONTACT": "shop@example.org\r\nX-Injected: 1"},
    {"CONTACT": "shop@例え.jp"},
    {"HOST": "a b"},
    {"HOST": "[localhost]"},
    {"HOST": "unix:/tmp/site"},
    {"PORT": "abc"},
    {"PORT": "0"},
    {"PORT": "99999"},
    {"PORT": "\uff18000"},
    {"PORT": "9" * 5000},
    {"WEB_CONCURRENCY": "two"},
    {"WEB_CONCURRENCY": "0"},
    {"WEB_CONCURRENCY": "-1"},
    {"TRUSTED_PROXIES": "all"},
    {"RATE_LIMIT": "often"},
    {"PAGE_RATE_LIMIT": "-1 per minute"},
])  # fmt: skip
def test_a_bad_setting_stops_the_start_with_a_sentence_that_names_it(environment: dict[str, str]) -> None:
    (name,) = environment
    with pytest.raises(SettingsError, match=name):
        read_settings(environment)


def test_the_secret_key_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    settings = Settings(instance=tmp_path / "instance")
    key = read_secret_key(settings)
    assert len(key) >= 32
    assert read_secret_key(settings) == key
    assert stat.S_IMODE((tmp_path / "instance" / "secret_key").stat().st_mode) == 0o600


@pytest.mark.parametrize(("redis_url", "secret_key", "warnings"), [
    ("redis://r", "", 1),
    ("redis://r", "x" * 16, 0),
    ("", "", 0),
])  # fmt: skip
def test_a_start_with_redis_and_a_key_of_its_own_warns_that_machines_need_one_key(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    redis_url: str,
    secret_key: str,
    warnings: int,
) -> None:
    own = {
        "INSTANCE": str(tmp_path),
        "REDIS_URL": redis_url,
        "SECRET_KEY": secret_key,
        "PORT": str(free_port()),
    }
    monkeypatch.setattr(start, "Granian", mock.Mock())
    monkeypatch.setattr(start.multiprocessing, "set_start_method", mock.Mock())
    monkeypatch.setattr(start.logging.config, "dictConfig", mock.Mock())  # it would take the log from caplog
    with mock.patch.dict(os.environ, own):
        start.main()
    assert caplog.text.count("SECRET_KEY") == warnings


@pytest.mark.parametrize(("environment", "address"), [
    ({}, "127.0.0.1:8000"),
    ({"HOST": "0.0.0.0", "PORT": "80"}, "0.0.0.0:80"),
    ({"HOST": "localhost", "PORT": "65535"}, "localhost:65535"),
    ({"HOST": "::1"}, "[::1]:8000"),
    ({"HOST": "[::1]"}, "[::1]:8000"),
])  # fmt: skip
def test_host_and_port_make_an_address(environment: dict[str, str], address: str) -> None:
    assert read_settings(environment).address == address


@pytest.mark.parametrize("content", [b"", b"\n", b"short", b"\xff" * 43])
def test_a_secret_key_file_without_a_key_stops_the_start(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "secret_key"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match="holds no secret key"):
        read_secret_key(Settings(instance=tmp_path))
    assert path.read_bytes() == content


def test_a_secret_key_file_that_cannot_be_read_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "secret_key").mkdir()
    with pytest.raises(SettingsError, match="INSTANCE"):
        read_secret_key(Settings(instance=tmp_path))


def test_first_starts_at_once_agree_on_one_key_and_leave_nothing_else(tmp_path: Path) -> None:
    settings = [Settings(instance=tmp_path / "instance")] * 16
    with ThreadPoolExecutor(16) as pool:
        keys = set(pool.map(read_secret_key, settings))
    assert len(keys) == 1
    assert [path.name for path in (tmp_path / "instance").iterdir()] == ["secret_key"]


@pytest.mark.parametrize("command", [["classify", "README.md"], ["evaluate", "--data", "docs"]])
def test_a_bad_setting_ends_a_command_with_its_sentence_and_no_trace(command: list[str]) -> None:
    environment = {**os.environ, "REDIS_URL": "localhost"}
    ended = subprocess.run(
        [sys.executable, "-m", "flask", *command], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("Error: REDIS_URL must start with")
    assert "Traceback" not in ended.stderr


def test_an_instance_folder_that_cannot_be_made_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="INSTANCE"):
        read_secret_key(Settings(instance=tmp_path / "file" / "instance"))
