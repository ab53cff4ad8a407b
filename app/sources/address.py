"""Photos by an address that a visitor or a program gives."""

from urllib.parse import unquote, urlsplit

from app.errors import AddressesOff, NoImage
from app.recognition.origin import ADDRESS, Origin
from app.sources.fetch import Deadline, Fetcher
from app.sources.source import clean_line


def fetch_photo(fetcher: Fetcher | None, url: str, deadline: Deadline) -> bytes:
    """Fetch the untrusted bytes of the photo at an untrusted address.

    Raises AddressesOff without a fetcher, NoImage for an empty address, or as `Fetcher.get_photo`.
    """
    if fetcher is None:
        raise AddressesOff
    if not url:
        raise NoImage
    return fetcher.get_photo(url, deadline)


def complete(url: str) -> str:
    """Put https:// before an address that was typed without it: "www.shop.example/cup.jpg"."""
    host, slash, _ = url.partition("/")
    return f"https://{url}" if slash and "." in host and ":" not in host else url


def describe(url: str) -> Origin:
    """Return the origin of a photo that was fetched from `url`."""
    parts = urlsplit(url)
    host, name = clean_line(parts.hostname), clean_line(unquote(parts.path.rpartition("/")[2]))
    return Origin(ADDRESS, name or host, credit=host, page_url=url)
