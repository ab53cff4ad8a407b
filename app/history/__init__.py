"""Each visitor's past answers, in an append-only store keyed by the session."""

from app.history.store import HistoryStore
from app.settings import Settings


def open_store(settings: Settings) -> HistoryStore:
    """Choose Redis when REDIS_URL is set, else SQLite in the instance folder; connects on first use."""
    if settings.redis_url:
        from app.history.redis import RedisHistory

        return RedisHistory(settings.redis_url)
    from app.history.sqlite import SqliteHistory

    return SqliteHistory(settings.instance / "history.sqlite3")
