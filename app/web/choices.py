"""What a visitor chose with the last photos; the form offers it again with the next."""

from dataclasses import dataclass

from flask import request, session

from app.errors import NotTaught
from app.recognition.offers import OWN
from app.web.own import has_taught
from app.web.site import site

ONE_PRODUCT, EACH = "one", "each"  # what several photos show: one product, or a different one each


@dataclass(frozen=True)
class Choices:
    """The id of the network or `OWN`, and what several photos show: `ONE_PRODUCT` or `EACH`."""

    model: str
    product: str


def read_choices() -> Choices:
    """Return what this visitor chose last, with the default network in place of one that is gone."""
    models = site().models
    model = str(session.get("model"))
    is_there = model in models.names or (model == OWN and has_taught())
    return Choices(model if is_there else models.default, session.get("product", EACH))


def remember_choices() -> Choices:
    """Return what the posted form chooses, else what was chosen before, and remember any change.

    Raises UnknownModel and NotTaught.
    """
    models = site().models
    if model := request.form.get("model"):
        if model == OWN and site().settings.teach:
            if not has_taught():
                raise NotTaught
        else:
            models.service(model)
        _remember("model", model, models.default)
    if (product := request.form.get("product")) in {ONE_PRODUCT, EACH}:
        _remember("product", product, EACH)
    return read_choices()


def _remember(name: str, choice: str, default: str) -> None:
    if session.get(name, default) != choice:  # a visitor who changes nothing needs no session record
        session[name] = choice
