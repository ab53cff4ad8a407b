"""Each visitor's past answers, in a store keyed by the history id of the session."""

from collections.abc import Callable

from app.history.store import HistoryStore
from app.settings import Settings
from app.storage import ignore


def open_store(settings: Settings, note_fault: Callable[[], object] = ignore) -> HistoryStore:
    """Open the store: Redis if REDIS_URL is set, else SQLite in the instance folder. Connects on first use.

    `note_fault` is called whenever the store cannot be reached.
    """
    if settings.redis_url:
        from app.history.redis import RedisHistory

        return RedisHistory(settings.redis_url, note_fault)
    from app.history.sqlite import SqliteHistory

    return SqliteHistory(
        settings.instance / "history.sqlite3", note_fault, settings.history_gigabytes * 1024**3
    )
