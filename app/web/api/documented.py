"""What the document of the API says of a view, written beside the view itself."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from flask.typing import ResponseReturnValue
from msgspec import Struct

from app.errors import AppError
from app.texts import Text

View = TypeVar("View", bound=Callable[..., ResponseReturnValue])


@dataclass(frozen=True, kw_only=True)
class Call:
    """A view as the document describes it.

    `answer` is the type of its JSON, `bodies` has that of each media type it takes, None for plain bytes;
    `query` is that of the arguments in the address. `example` fills in the fields of a call that works.
    """

    summary: Text
    description: Text
    answer: Any
    status: int = 200
    errors: tuple[type[AppError], ...] = ()
    bodies: Mapping[str, Any] = field(default_factory=dict)
    query: type[Struct] | None = None
    example: Mapping[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """How the page and its examples send a call: as "form", as "json", or as "query" in the address."""
        if not self.bodies:
            return "query"
        return "form" if "multipart/form-data" in self.bodies else "json"


def documented(call: Call) -> Callable[[View], View]:
    """Describe a view of the API."""

    def mark(view: View) -> View:
        view.documented = call  # type: ignore[attr-defined]
        return view

    return mark
