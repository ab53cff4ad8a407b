"""Photos from categories of Wikimedia Commons.

https://www.mediawiki.org/wiki/API:Categorymembers, https://www.mediawiki.org/wiki/API:Etiquette
"""

import re
import secrets
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, urlencode

from app.errors import UrlUnavailable
from app.recognition.origin import Origin
from app.sources.fetch import Deadline, Fetcher
from app.sources.rates import USUAL
from app.sources.source import Listed, clean_line, strip_markup, web_address

TITLE = "Wikimedia Commons"
MAX_NAME = 255  # bytes of a title in MediaWiki
PHOTOS = {"image/jpeg", "image/png", "image/webp"}  # the rest are drawings (SVG), scans (TIFF, PDF), sounds
QUERY = {
    "action": "query",
    "format": "json",
    "formatversion": 2,
    "generator": "categorymembers",
    "gcmtype": "file",
    "gcmlimit": 50,
    "prop": "imageinfo",
    "iiprop": "url|size|mime|extmetadata",
    "iiurlwidth": 640,
}


class WikimediaCommons:
    """A Source: the files of a few categories, such as "Teapots"."""

    name = "wikimedia-commons"
    limits = USUAL

    def __init__(self, url: str, categories: Sequence[str], fetcher: Fetcher) -> None:
        self._url = url
        self._categories = categories
        self._fetcher = fetcher

    def search(self, deadline: Deadline) -> list[Listed]:
        category = secrets.choice(self._categories)
        url = f"{self._url}/w/api.php?{urlencode(QUERY | {'gcmtitle': f'Category:{category}'})}"
        match self._fetcher.get_json(url, deadline):
            case {"query": {"pages": list(pages)}}:
                return [listed for page in pages if (listed := self._read(page))]
            case {"batchcomplete": True}:  # an empty category
                return []
        raise UrlUnavailable

    def load(self, listed: Listed, deadline: Deadline) -> bytes:
        return self._fetcher.get_photo(listed.where, deadline)

    def _read(self, page: Any) -> Listed | None:
        match page:
            case {
                "title": str(name),
                "imageinfo": [{"thumburl": str(image_url), "mime": str(mime), **info}, *_],
            } if mime in PHOTOS:
                said = info.get("extmetadata")
                origin = Origin(
                    source=TITLE,
                    title=clean_line(re.sub(r"^File:|\.\w{3,4}$", "", name[:MAX_NAME])),
                    credit=strip_markup(_value(said, "Artist")),
                    licence=strip_markup(_value(said, "LicenseShortName")) or "licence on its page",
                    licence_url=web_address(_value(said, "LicenseUrl")),
                    page_url=f"{self._url}/wiki/{quote(name[:MAX_NAME].replace(' ', '_'), errors='replace')}",
                )
                return Listed(image_url, origin)
        return None


def _value(metadata: Any, field: str) -> Any:
    entry = metadata.get(field) if isinstance(metadata, dict) else None
    return entry.get("value") if isinstance(entry, dict) else None
