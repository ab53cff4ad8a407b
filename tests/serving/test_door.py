"""The door of a process, by itself; what clients see of it is in test_rate_limits.py."""

import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask, template_rendered

from app.serving.door import MAX_FIELD, Door
from app.settings import ROOT

NAME_IMPORTS = """
import sys
from pathlib import Path
from app import create_app
from app.serving.door import Door
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


def test_a_flood_of_requests_that_all_differ_renders_nothing(app: Flask) -> None:
    door, rendered = Door(app), []
    with template_rendered.connected_to(lambda *_, **__: rendered.append(None), app):
        for number in range(9):
            fields = {"ACCEPT": f"text/html;level={number}", "ACCEPT_LANGUAGE": f"fr;q=0.{number}"}
            door.refuse("GET", f"/classify/{number}/heatmaps", fields)
    assert rendered == []


@pytest.mark.parametrize(("path", "fields", "expected"), [
    ("/classify/", {}, b'<html lang="en">'),
    ("/classify/", {"ACCEPT_LANGUAGE": "de, fr-CH;q=0.9, en;q=0.8"}, b'<html lang="fr">'),
    ("/classify/", {"ACCEPT_LANGUAGE": "fr", "COOKIE": "a=b; language=en; session=c"}, b'<html lang="en">'),
    ("/classify/", {"ACCEPT_LANGUAGE": "fr", "COOKIE": "language=de; my-language=en"}, b'<html lang="fr">'),
    ("/classify/", {"ACCEPT_LANGUAGE": "fr" + "," * MAX_FIELD}, b'<html lang="en">'),
    ("/classify/", {"ACCEPT": "application/json, */*;q=0.1"}, b'"code":"overloaded"'),
    ("/api/v1/predictions", {"ACCEPT": "text/html", "ACCEPT_LANGUAGE": "fr"}, b"cours de classement"),
])  # fmt: skip
def test_a_refusal_suits_its_reader_and_is_in_their_language(
    app: Flask, path: str, fields: dict[str, str], expected: bytes
) -> None:
    assert expected in Door(app).refuse("POST", path, fields)
