"""The parts of the site, in one typed object that the factory makes for each application."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from flask import current_app

from app.classifiers.store import ClassifierStore
from app.corrections.store import CorrectionStore
from app.history.store import HistoryStore
from app.recognition.gate import Gate
from app.recognition.models import Models
from app.settings import Settings
from app.sources.fetch import Fetcher
from app.sources.random_photos import RandomPhotos
from app.web.page_cache import MAX_AGE_SECONDS, MAX_PAGES, Pages
from app.web.recent import Recent

MAX_HEATMAPS, HEATMAP_SECONDS = 32, 60  # the browser asks for them right after the page

if TYPE_CHECKING:  # gunicorn's master imports this, and must not import the metrics: see metrics.py
    from app.web.dependencies import Dependencies
    from app.web.rate_limits import Budgets


@dataclass
class Site:
    """The parts of a running site, for its views.

    `address_fetcher` is None if photos by address are switched off; `source_files` are the files that the
    source section shows, by name; `heatmaps` are those that pages have just shown, by the id of the answer.
    """

    settings: Settings
    gate: Gate
    models: Models
    history: HistoryStore
    corrections: CorrectionStore
    classifiers: ClassifierStore
    random_photos: RandomPhotos
    address_fetcher: Fetcher | None
    budgets: Budgets
    source_files: dict[str, Path]
    dependencies: Dependencies
    pages: Pages = field(default_factory=lambda: Recent(MAX_PAGES, MAX_AGE_SECONDS))
    heatmaps: Recent[str, bytes] = field(default_factory=lambda: Recent(MAX_HEATMAPS, HEATMAP_SECONDS))


def site() -> Site:
    """Return the site of the current request or command."""
    found: Site = current_app.extensions["site"]
    return found
