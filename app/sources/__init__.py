"""Where random product photos come from."""

from app.settings import Settings
from app.sources.fetch import Fetcher
from app.sources.open_products_facts import OpenProductsFacts
from app.sources.source import Source


def open_source(settings: Settings) -> Source:
    """Return the source behind the "random product" button; nothing is fetched yet."""
    return OpenProductsFacts(settings.open_products_facts_url, Fetcher(settings.contact))
