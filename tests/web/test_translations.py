"""The catalogue holds every text of the site, whole and well set, and is compiled as it is written."""

import re

import pytest

from app.web.translations.catalogue import FOLDER, compiled, extract, read, untranslated

CATALOGUE = read("fr")
MESSAGES = [message for message in CATALOGUE if message.id]
UPDATE = "run: make translations"


def test_every_text_of_the_site_is_in_the_catalogue_and_no_other() -> None:
    found = {message.id for message in extract() if message.id}
    assert found == {message.id for message in MESSAGES}, UPDATE
    assert not CATALOGUE.obsolete, UPDATE


def test_every_text_is_translated() -> None:
    assert [message.id for message in untranslated(CATALOGUE)] == []
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
    assert (FOLDER / "fr/LC_MESSAGES/messages.mo").read_bytes() == compiled(CATALOGUE), UPDATE


@pytest.mark.parametrize("wrong", [" [:;!?»]", "« ", " %%", "'", '"[^"=]* [^"=]*"(?![^<]*>)'])
def test_french_is_set_as_french_is(wrong: str) -> None:
    """No line breaks before a sign or inside quotation marks, and typographic apostrophes."""
    assert [text for message in MESSAGES for text in texts(message.string) if re.search(wrong, text)] == []


def texts(string: str | tuple[str, ...] | list[str]) -> tuple[str, ...]:
    return (string,) if isinstance(string, str) else tuple(string)


def wrong_names(source: str | tuple[str, ...], translation: str | tuple[str, ...]) -> set[str]:
    names = [set(re.findall(r"%\((\w+)\)|{(\w+)}", "".join(texts(one)))) for one in (source, translation)]
    return {"".join(name) for name in names[0] ^ names[1]}
