"""API keys: who may call, how often, and what a wrong key learns."""

import logging
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from app import create_app
from app.errors import SettingsError
from app.recognition.service import ModelService
from app.settings import DEFAULT_MODEL, Settings, read_settings

PATH = "/api/v1/predictions"
SHOP, OTHER = "key-of-the-shop", "key-of-another"
Make = Callable[..., FlaskClient]


def write_keys(folder: Path, rate: str = "2 per hour") -> Path:
    path = folder / "keys.toml"
    tables = [
        f'[{name}]\nsha256 = "{sha256(key.encode()).hexdigest()}"\nrate = "{rate}"\n'
        for name, key in (("shop", SHOP), ("other", OTHER))
    ]
    path.write_text("\n".join(tables))
    return path


@pytest.fixture
def make(settings: Settings, service: ModelService, tmp_path: Path) -> Make:
    """Make a site that wants keys."""

    def make(rate: str = "2 per hour", **more: Any) -> FlaskClient:
        keys = read_settings({"API_KEYS": str(write_keys(tmp_path, rate))}).api_keys
        app = create_app(replace(settings, api_keys=keys, **more))
        app.extensions["site"].models.loaded[DEFAULT_MODEL] = service
        return app.test_client()

    return make


def ask(client: FlaskClient, key: str, photo: bytes = b"x") -> tuple[int, str]:
    headers = {"Authorization": key} if key else {}
    answer = client.post(PATH, data=photo, content_type="image/jpeg", headers=headers)
    return answer.status_code, (answer.get_json().get("error") or {}).get("code", "")


@pytest.mark.parametrize(("key", "code"), [
    ("", "no_key"),
    (f"Basic {SHOP}", "no_key"),
    ("Bearer ", "no_key"),
    ("Bearer wrong", "unknown_key"),
    (f"Bearer {SHOP} ", ""),
    (f"bearer {OTHER}", ""),
])  # fmt: skip
def test_only_a_known_key_lets_a_program_classify(make: Make, coffee: bytes, key: str, code: str) -> None:
    assert ask(make(), key, coffee) == (401 if code else 200, code)


def test_a_refusal_says_how_to_send_a_key(make: Make) -> None:
    answer = make().post(PATH, data=b"x", content_type="image/jpeg")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert "Authorization: Bearer" in answer.get_json()["error"]["message"]


def test_what_costs_nothing_and_the_pages_need_no_key(make: Make) -> None:
    client = make()
    for path in ("/api/", "/api/v1/openapi.json", "/api/v1/models", "/api/v1/categories?q=mug", "/classify/"):
        assert client.get(path).status_code == 200


def test_each_key_has_its_own_rate(make: Make) -> None:
    client = make(rate_limit="1 per hour")
    answers = [ask(client, f"Bearer {key}")[0] for key in (SHOP, SHOP, SHOP, OTHER)]
    assert answers == [415, 415, 429, 415]


def test_a_key_without_a_rate_is_not_counted(make: Make) -> None:
    client = make("off", rate_limit="1 per hour")
    assert {ask(client, f"Bearer {SHOP}")[0] for _ in range(5)} == {415}


def test_wrong_keys_count_as_pages(make: Make) -> None:
    client = make(page_rate_limit="1 per hour")
    assert [ask(client, "Bearer wrong")[0] for _ in range(2)] == [401, 429]


def test_a_key_is_never_logged(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        ask(make(), f"Bearer {SHOP}")
        ask(make(), "Bearer a-wrong-key")
    records = " ".join(str(record.__dict__) for record in caplog.records)
    assert records
    assert SHOP not in records
    assert "a-wrong-key" not in records


def test_the_document_names_the_key_only_where_there_are_keys(make: Make, client: FlaskClient) -> None:
    with_keys, without = (one.get("/api/v1/openapi.json").get_json() for one in (make(), client))
    assert with_keys["paths"][PATH]["post"]["security"] == [{"key": []}]
    assert "401" in with_keys["paths"][PATH]["post"]["responses"]
    assert "security" not in without["paths"][PATH]["post"]


@pytest.mark.parametrize("text", [
    "",
    "not toml",
    '[a]\nsha256 = "abc"\nrate = "off"',
    f'[a]\nsha256 = "{"0" * 64}"',
    f'[a]\nsha256 = "{"0" * 64}"\nrate = "often"',
    f'[a]\nsha256 = "{"0" * 64}"\nrate = "off"\n[b]\nsha256 = "{"0" * 64}"\nrate = "off"',
])  # fmt: skip
def test_a_file_of_keys_that_cannot_be_used_stops_the_start(tmp_path: Path, text: str) -> None:
    path = tmp_path / "keys.toml"
    path.write_text(text)
    with pytest.raises(SettingsError, match="API_KEYS"):
        read_settings({"API_KEYS": str(path)})
