"""Classifiers that visitors teach: their categories, a small copy and the features of each photo, a head."""

from collections.abc import Callable

from app.classifiers.store import ClassifierStore
from app.settings import Settings
from app.storage import ignore


def open_classifiers(settings: Settings, note_fault: Callable[[], object] = ignore) -> ClassifierStore:
    """Open the store: Redis if REDIS_URL is set, else SQLite in the instance folder. Connects on first use.

    `note_fault` is called whenever the store cannot be reached.
    """
    if settings.redis_url:
        from app.classifiers.redis import RedisClassifiers

        return RedisClassifiers(settings.redis_url, note_fault)
    from app.classifiers.sqlite import SqliteClassifiers

    return SqliteClassifiers(settings.instance / "classifiers.sqlite3", note_fault)
