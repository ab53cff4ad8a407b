"""Keep the catalogues up to date: `make translations`.

Finds every text of the code and the templates, adds new ones to messages.po with an empty translation, drops
those that are gone, and compiles messages.mo, which the site reads. What is still to translate is printed.
"""

import io
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from babel.messages import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from app.settings import ROOT

FOLDER = Path(__file__).parent
WIDTH = 110
KEYWORDS = {**DEFAULT_KEYWORDS, "Text": None}


def extract() -> Catalog:
    """Find the texts that visitors can meet, as pyproject.toml says where."""
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["babel"]
    methods = [(mapping["pattern"], mapping["method"]) for mapping in tool["mappings"]]
    options = {mapping["pattern"]: mapping.get("options", {}) for mapping in tool["mappings"]}
    found = extract_from_dir(ROOT, methods, options, keywords=KEYWORDS, directory_filter=lambda _: True)
    catalog = Catalog()
    for file, _line, message, _comments, context in sorted(found, key=lambda one: (one[0], one[1])):
        catalog.add(message, None, [(file, 0)], context=context)  # lines move with every change
    return catalog


def read(language: str) -> Catalog:
    """Read the messages.po of a language."""
    with _po(language).open("rb") as file:
        return read_po(file, locale=language)


def update(language: str) -> Catalog:
    """Bring messages.po in line with the texts there are, and compile it."""
    catalog = read(language)
    created = catalog.creation_date
    catalog.update(extract(), no_fuzzy_matching=True, update_header_comment=False)
    catalog.obsolete.clear()
    catalog.creation_date = created  # else every update is a change, and a conflict between branches
    with _po(language).open("wb") as file:
        write_po(file, catalog, WIDTH, omit_header=False, sort_by_file=True, include_lineno=False)
    _po(language).with_suffix(".mo").write_bytes(compiled(catalog))
    return catalog


def compiled(catalog: Catalog) -> bytes:
    """Return a catalogue as the bytes of messages.mo."""
    file = io.BytesIO()
    write_mo(file, catalog)
    return file.getvalue()


def untranslated(catalog: Catalog) -> Iterator[Message]:
    """Give the messages that have no translation, or one of several that is missing."""
    for message in catalog:
        texts = message.string if isinstance(message.string, tuple) else (message.string,)
        if message.id and not all(texts):
            yield message


def _po(language: str) -> Path:
    return FOLDER / language / "LC_MESSAGES" / "messages.po"


if __name__ == "__main__":
    missing = [message for message in untranslated(update("fr")) if message.id]
    for message in missing:
        print(f"not translated: {message.id!r}")
    sys.exit(bool(missing))
