"""Product photos from the web, from a folder, or from an address that a visitor gives."""

from app.recognition.photos import open_photo
from app.settings import FOLDER, SOURCES_WITH_URL, Settings
from app.sources.category_pool import CategoryPool
from app.sources.dummyjson import DummyJson
from app.sources.fetch import CLICK_SECONDS, Fetcher
from app.sources.folder import Folder
from app.sources.open_facts import OpenFacts
from app.sources.open_food_facts import OpenFoodFacts
from app.sources.openverse import Openverse
from app.sources.pool import OWN_PHOTOS_A_CLICK, BasePool, Decode, Pool
from app.sources.random_photos import Count, RandomPhotos, count_nothing
from app.sources.rates import SearchLog, SqliteSearchLog
from app.sources.source import Source
from app.sources.stock import Stock
from app.sources.wikimedia_commons import WikimediaCommons

OPEN_FACTS = {
    "open-products-facts": "Open Products Facts",
    "open-beauty-facts": "Open Beauty Facts",
}
SHORT_SECONDS = 1.5  # for sources whose search was down for weeks


def open_random_photos(
    settings: Settings, count: Count = count_nothing, decode: Decode = open_photo
) -> RandomPhotos:
    """Return the finder behind the "random product photo" button; nothing is fetched yet."""
    searches = _open_search_log(settings)
    pools = [
        _open_pool(name, settings, searches, decode)
        for name in settings.photo_sources
        if name != FOLDER or settings.photo_folder
    ]
    return RandomPhotos(pools, count)


def _open_pool(name: str, settings: Settings, searches: SearchLog, decode: Decode) -> BasePool:
    """Return the pool of the source that PHOTO_SOURCES calls `name`."""
    if name == Openverse.name:
        stock = Stock(settings.instance / "photo_stock.sqlite3")
        return CategoryPool(open_openverse(settings), searches, stock, decode)
    if name == FOLDER:
        return Pool(open_source(name, settings), None, decode, tries=OWN_PHOTOS_A_CLICK)
    patience = SHORT_SECONDS if name in OPEN_FACTS else CLICK_SECONDS
    return Pool(open_source(name, settings), searches, decode, patience)


def open_openverse(settings: Settings) -> Openverse:
    """Return the source that is asked for a category."""
    url, fetcher = _open_site(Openverse.name, settings)
    return Openverse(url, fetcher, settings.openverse_client_id, settings.openverse_client_secret)


def open_source(name: str, settings: Settings) -> Source:
    """Return the source of any products that PHOTO_SOURCES calls `name`."""
    if name == FOLDER:
        assert settings.photo_folder
        return Folder(settings.photo_folder)
    url, fetcher = _open_site(name, settings)
    if name == WikimediaCommons.name:
        return WikimediaCommons(url, settings.wikimedia_categories, fetcher)
    if name == DummyJson.name:
        return DummyJson(url, fetcher)
    if name == OpenFoodFacts.name:
        return OpenFoodFacts(url, fetcher)
    return OpenFacts(name, OPEN_FACTS[name], url, fetcher)


def _open_site(name: str, settings: Settings) -> tuple[str, Fetcher]:
    """Return the address of a source on the web, and a fetcher for it."""
    setting = SOURCES_WITH_URL[name]
    url = getattr(settings, setting).rstrip("/")
    # A host that the operator has set may be on the inner network; the default one may not.
    trusted = url if url != getattr(Settings, setting) else ""
    # Wikimedia's etiquette asks for one request at a time, from all worker processes together.
    alone = settings.instance / f"{name}.lock" if name == WikimediaCommons.name else None
    return url, Fetcher(settings.contact, trusted, settings.proxy_url, alone)


def open_address_fetcher(settings: Settings) -> Fetcher | None:
    """Return the fetcher for addresses that visitors give; None if that is switched off."""
    return Fetcher(settings.contact, proxy=settings.proxy_url) if settings.photo_by_address else None


def _open_search_log(settings: Settings) -> SearchLog:
    """Choose Redis if REDIS_URL is set, otherwise SQLite in the instance folder; connect on first use."""
    if settings.redis_url:
        from app.sources.redis_rates import RedisSearchLog

        return RedisSearchLog(settings.redis_url)
    return SqliteSearchLog(settings.instance / "searches.sqlite3")
