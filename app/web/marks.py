"""Decorators by which views say what limits apply to them, so that limits know no view by name."""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import current_app, request

View = TypeVar("View", bound=Callable[..., Any])


def classifies(view: View) -> View:
    """Mark a view that classifies photos: it needs a place in the gate and counts towards RATE_LIMIT."""
    return _mark(view, "classifies")


def costly(view: View) -> View:
    """Mark a view that classifies nothing but counts towards RATE_LIMIT."""
    return _mark(view, "costly")


def limited(view: View) -> View:
    """Mark a view that reads the history or searches: it counts towards PAGE_RATE_LIMIT."""
    return _mark(view, "limited")


def keyed(view: View) -> View:
    """Mark a view that needs an API key where the operator gives keys."""
    return _mark(view, "keyed")


def is_marked(*marks: str) -> bool:
    """Return whether the current request calls a view with one of these marks; a mere OPTIONS calls none."""
    if request.method == "OPTIONS":
        return False
    view = current_app.view_functions.get(request.endpoint or "")
    return any(hasattr(view, mark) for mark in marks)


def _mark(view: View, mark: str) -> View:
    setattr(view, mark, True)
    return view
