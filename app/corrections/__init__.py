"""What visitors say is right: an append-only log that outlives every history."""

from collections.abc import Callable

from app.corrections.store import CorrectionStore
from app.settings import Settings
from app.storage import ignore


def open_corrections(settings: Settings, note_fault: Callable[[], object] = ignore) -> CorrectionStore:
    """Open the store: Redis if REDIS_URL is set, else SQLite in the instance folder. Connects on first use.

    `note_fault` is called whenever the store cannot be reached or is full.
    """
    if settings.redis_url:
        from app.corrections.redis import RedisCorrections

        return RedisCorrections(settings.redis_url, note_fault)
    from app.corrections.sqlite import SqliteCorrections

    return SqliteCorrections(settings.instance / "corrections.sqlite3", note_fault)
