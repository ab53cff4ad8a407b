"""Product photos from the web, from a folder, or from an address that a visitor gives."""

from app.recognition.photos import open_photo
from app.settings import FOLDER, SOURCES_WITH_URL, Settings
from app.sources.dummyjson import DummyJson
from app.sources.fetch import Fetcher
from app.sources.folder import Folder
from app.sources.open_facts import OpenFacts
from app.sources.pool import Decode, Pool
from app.sources.random_photos import Count, RandomPhotos, count_nothing
from app.sources.rates import SearchLog, SqliteSearchLog
from app.sources.source import Source
from app.sources.wikimedia_commons import WikimediaCommons

OPEN_FACTS = {
    "open-products-facts": "Open Products Facts",
    "open-beauty-facts": "Open Beauty Facts",
    "open-food-facts": "Open Food Facts",
}


def open_random_photos(
    settings: Settings, count: Count = count_nothing, decode: Decode = open_photo
) -> RandomPhotos:
    """Return the finder behind the "random product photo" button; nothing is fetched yet."""
    searches = _open_search_log(settings)
    pools = [
        Pool(open_source(name, settings), None if name == FOLDER else searches, decode)
        for name in settings.photo_sources
        if name != FOLDER or settings.photo_folder
    ]
    return RandomPhotos(pools, count)


def open_source(name: str, settings: Settings) -> Source:
    """Return the source that PHOTO_SOURCES calls `name`."""
    if name == FOLDER:
        assert settings.photo_folder
        return Folder(settings.photo_folder)
    setting = SOURCES_WITH_URL[name]
    url = getattr(settings, setting).rstrip("/")
    # A host that the operator has set may be on the inner network; the default one may not.
    trusted = url if url != getattr(Settings, setting) else ""
    if name == WikimediaCommons.name:
        # Its etiquette asks for one request at a time, from all worker processes together.
        fetcher = Fetcher(settings.contact, trusted, settings.proxy_url, settings.instance / f"{name}.lock")
        return WikimediaCommons(url, settings.wikimedia_categories, fetcher)
    fetcher = Fetcher(settings.contact, trusted, settings.proxy_url)
    if name == DummyJson.name:
        return DummyJson(url, fetcher)
    return OpenFacts(name, OPEN_FACTS[name], url, fetcher)


def open_address_fetcher(settings: Settings) -> Fetcher | None:
    """Return the fetcher for addresses that visitors give; None if that is switched off."""
    return Fetcher(settings.contact, proxy=settings.proxy_url) if settings.photo_by_address else None


def _open_search_log(settings: Settings) -> SearchLog:
    """Choose Redis if REDIS_URL is set, otherwise SQLite in the instance folder; connect on first use."""
    if settings.redis_url:
        from app.sources.redis_rates import RedisSearchLog

        return RedisSearchLog(settings.redis_url)
    return SqliteSearchLog(settings.instance / "searches.sqlite3")
