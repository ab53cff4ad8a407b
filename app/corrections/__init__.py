"""What visitors say is right of their answers: an append-only log that outlives every history."""

from app.corrections.store import CorrectionStore
from app.settings import Settings


def open_corrections(settings: Settings) -> CorrectionStore:
    """Choose Redis when REDIS_URL is set, else SQLite in the instance folder; connects on first use."""
    if settings.redis_url:
        from app.corrections.redis import RedisCorrections

        return RedisCorrections(settings.redis_url)
    from app.corrections.sqlite import SqliteCorrections

    return SqliteCorrections(settings.instance / "corrections.sqlite3")
