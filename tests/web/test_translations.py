"""The catalogue holds every text of the site, whole and well set, and is compiled as it is written."""

import io
import re
import subprocess
import sys
from pathlib import Path

import pytest
from babel.messages import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from app.settings import ROOT

FRENCH = ROOT / "app/web/translations/fr/LC_MESSAGES"
CATALOGUE = read_po(io.BytesIO((FRENCH / "messages.po").read_bytes()), locale="fr")
MESSAGES = [message for message in CATALOGUE if message.id]
UPDATE = "run: make translations"


def test_every_text_of_the_site_is_in_the_catalogue_and_no_other(tmp_path: Path) -> None:
    found = {message.id for message in extract(tmp_path / "messages.pot") if message.id}
    assert found == {message.id for message in MESSAGES}, UPDATE
    assert not CATALOGUE.obsolete, UPDATE


def test_every_text_is_translated() -> None:
    assert [message.id for message in MESSAGES if not all(texts(message.string))] == []
    assert not any(message.fuzzy for message in MESSAGES)


def test_no_translation_loses_a_value_or_invents_one() -> None:
    assert [(message.id, errors) for message, errors in CATALOGUE.check()] == []
    names = [(message.id, name) for message in MESSAGES for name in wrong_names(message.id, message.string)]
    assert names == []


def test_no_translation_is_that_of_another_text() -> None:
    """A translation is about as long as its text: one that slipped by a line is not."""
    lengths = [
        (len(source), len(text))
        for message in MESSAGES
        for source, text in zip(texts(message.id), texts(message.string), strict=False)
    ]
    assert [pair for pair in lengths if not (pair[0] - 15) / 2 < pair[1] < 2 * (pair[0] + 15)] == []


def test_what_is_compiled_is_what_was_written() -> None:
    compiled = io.BytesIO()
    write_mo(compiled, CATALOGUE)
    assert (FRENCH / "messages.mo").read_bytes() == compiled.getvalue(), UPDATE


@pytest.mark.parametrize("wrong", [" [:;!?»]", "« ", " %%", "'", '"[^"=]* [^"=]*"(?![^<]*>)'])
def test_french_is_set_as_french_is(wrong: str) -> None:
    """No line breaks before a sign or inside quotation marks, and typographic apostrophes."""
    assert [text for message in MESSAGES for text in texts(message.string) if re.search(wrong, text)] == []


def extract(file: Path) -> Catalog:
    """Find the texts of the site as `make translations` does."""
    pybabel = [sys.executable, "-m", "babel.messages.frontend", "--quiet", "extract", "--keyword", "Text"]
    command = [*pybabel, "--mapping-file", "pyproject.toml", "--output-file", str(file), "."]
    subprocess.run(command, cwd=ROOT, check=True)
    with file.open("rb") as template:
        return read_po(template)


def texts(string: str | tuple[str, ...] | list[str]) -> tuple[str, ...]:
    return (string,) if isinstance(string, str) else tuple(string)


def wrong_names(source: str | tuple[str, ...], translation: str | tuple[str, ...]) -> set[str]:
    names = [set(re.findall(r"%\((\w+)\)|{(\w+)}", "".join(texts(one)))) for one in (source, translation)]
    return {"".join(name) for name in names[0] ^ names[1]}
