"""Sentences of the library: made in English, and with what it takes to say them in another language."""

from __future__ import annotations

from typing import Any, Self


class Text(str):
    """An English sentence that keeps its template and the values in it apart.

    It is a string, so logs and the command line show it as it is; `app.web.languages.translate` says it anew
    from `template` and `values` (a tuple is a list with commas). `make translations` finds the templates.
    """

    template: str
    values: dict[str, Any]

    def __new__(cls, template: str, **values: Any) -> Self:
        shown = {name: ", ".join(part) if isinstance(part, tuple) else part for name, part in values.items()}
        text = super().__new__(cls, template % shown if values else template)
        text.template, text.values = str(template), values
        return text
