"""Sentences of the library: English strings that can be translated later."""

from __future__ import annotations

from typing import Any, Self

from msgspec import Meta


class Text(str):
    """An English sentence that keeps its template and its values apart.

    It is a string, so logs and the command line show it as it is. `app.web.languages.translate` makes it
    again in another language from `template` and `values`; a tuple becomes a list with commas.
    `make translations` finds the templates.
    """

    template: str
    values: dict[str, Any]

    def __new__(cls, template: str, **values: Any) -> Self:
        shown = {name: ", ".join(part) if isinstance(part, tuple) else part for name, part in values.items()}
        text = super().__new__(cls, template % shown if values else template)
        text.template, text.values = str(template), values
        return text


class Name(str):
    """A name in English that keeps the same name in French."""

    french: str

    def __new__(cls, english: str, french: str) -> Self:
        name = super().__new__(cls, english)
        name.french = french
        return name


def about(text: Text, **limits: Any) -> Meta:
    """Describe a field of the JSON, for the document of the API, which translates the sentence itself."""
    return Meta(description=str(text), **limits)


def printable(text: str) -> str:
    r"""Show what would act on a terminal instead of being seen, such as escape and bidi marks, as \x1b."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)
