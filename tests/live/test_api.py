"""The API of the running site is as its document says."""

import io
import os
import re
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
import requests
from api_fuzz import UNBOUND, try_api
from helpers import jpeg
from live_site import LiveSite
from PIL import Image

from app.recognition.photos import thumbnail
from app.web.pages.api import SOME_SITE

PROGRAMS = {
    "curl": ["bash", "-c"],
    "Python": [sys.executable, "-c"],
    "JavaScript": ["node", "--input-type=module", "--eval"],
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, small_weights: Path) -> Iterator[LiveSite]:
    with LiveSite(tmp_path_factory.mktemp("api") / "instance", WEIGHTS=str(small_weights), **UNBOUND) as site:
        yield site


def test_the_site_answers_as_its_document_says(site: LiveSite) -> None:
    tried = try_api(site, "--phases", "examples,fuzzing", "--max-examples", "5", "--seed", "1")
    assert tried.returncode == 0, tried.stdout
    assert "Traceback" not in site.log()


@pytest.mark.parametrize("language", PROGRAMS)
def test_the_examples_of_the_page_work(site: LiveSite, tmp_path: Path, coffee: bytes, language: str) -> None:
    (tmp_path / "photo.jpg").write_bytes(coffee)
    answer = requests.post(f"{site.url}/api/v1/predictions", files={"image": coffee}).json()
    photo = thumbnail(Image.open(io.BytesIO(coffee)), 64)
    photos = [b64encode(one).decode() for one in (photo, jpeg(Image.new("RGB", (64, 64), "red")))]
    taught = {"categories": [{"name": one[:40], "photos": [one]} for one in photos]}
    made = requests.post(f"{site.url}/api/v1/classifiers", json=taught).json()
    filled = {"DIGEST": answer["results"][0]["digest"], "classifiers/ID": f"classifiers/{made['id']}"}
    filled |= {f"PHOTO-{number}": one for number, one in enumerate(photos, start=1)}
    page = requests.get(f"{site.url}/api/").text
    pattern = rf'<code data-language="{language}" data-call="([^"]+)">(.*?)</code>'
    examples = {call: unescape(text) for call, text in re.findall(pattern, page, re.DOTALL)}
    assert "POST /api/v1/predictions" in examples
    for call, text in examples.items():
        own = text.replace(SOME_SITE, site.url)
        for name, value in filled.items():
            own = own.replace(name, value)
        command = [*PROGRAMS[language], own]
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        done = subprocess.run(
            command, cwd=tmp_path, env={**os.environ, "PATH": path}, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{call}: {done.stderr}"
        assert done.stdout.strip().startswith("{")
        assert not re.search("[\"']?error[\"']?: ?{", done.stdout), f"{call}: {done.stdout}"
