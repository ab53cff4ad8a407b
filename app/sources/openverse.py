"""Photos of a category from Openverse, which searches Flickr, Wikimedia Commons and museums.

Every picture there has a Creative Commons licence or is in the public domain. https://api.openverse.org/v1/
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import requests

from app.errors import UrlUnavailable
from app.recognition.origin import Origin
from app.sources.fetch import BadStatus, Deadline, Fetcher
from app.sources.rates import DAY_SECONDS, Limit, Limits
from app.sources.source import Listed, clean_line, web_address

TITLE = "Openverse"
PAGE_SIZE = 20  # a larger page needs a client of its own
MAX_PAGES = 20
MIN_SIDE = 200  # px, of the shorter side
OPEN: Limits = (Limit(1, 1), Limit(20, 60), Limit(200, DAY_SECONDS))  # what one address may ask for
CLIENT: Limits = (Limit(100, 60), Limit(10_000, DAY_SECONDS))  # what a registered client may ask for
EARLY_SECONDS = 60.0  # before its end, a token is replaced
PUBLIC_DOMAIN = {"cc0": "CC0", "pdm": "Public Domain Mark"}


@dataclass(frozen=True)
class Page:
    """The photos on one page of a search, and how many pages there are."""

    photos: list[Listed]
    pages: int


class Openverse:
    """Finds photographs by words. Safe for threads.

    With the `client_id` and `secret` of a registered client more searches are allowed.
    """

    name = "openverse"

    def __init__(self, url: str, fetcher: Fetcher, client_id: str = "", secret: str = "") -> None:
        self._url = url
        self._fetcher = fetcher
        self._client = {"client_id": client_id, "client_secret": secret} if client_id else {}
        self._token, self._token_ends = "", 0.0
        self.limits: Limits = CLIENT if client_id else OPEN

    def search(self, words: str, page: int, deadline: Deadline) -> Page:
        """List the photographs on a page, counted from 1. Raises as `Fetcher.get_json` does."""
        query = {
            "q": words,
            "category": "photograph",
            "mature": "false",
            "page_size": PAGE_SIZE,
            "page": page,
        }
        url = f"{self._url}/v1/images/?{urlencode(query)}"
        try:
            answer = self._fetcher.get_json(url, deadline, self._find_token(deadline))
        except UrlUnavailable as error:
            cause = error.__cause__
            if isinstance(cause, BadStatus) and cause.status == requests.codes.unauthorized:
                self._token_ends = 0.0
            raise
        match answer:
            case {"results": list(results), **others}:
                count = others.get("page_count")
                pages = max(1, min(MAX_PAGES, count)) if isinstance(count, int) else 1
                photos = [listed for row in results if (listed := _read(row))]
                return Page(photos, pages if photos else 0)
        raise UrlUnavailable

    def load(self, listed: Listed, deadline: Deadline) -> bytes:
        """Return the untrusted bytes of a photo that `search` has listed. Raises as `get_photo` does."""
        return self._fetcher.get_photo(listed.where, deadline)

    def _find_token(self, deadline: Deadline) -> str:
        """Return the token of the registered client, a new one if need be; "" without a client."""
        if not self._client or time.monotonic() < self._token_ends:
            return self._token
        form = {"grant_type": "client_credentials", **self._client}
        match self._fetcher.post_form(f"{self._url}/v1/auth_tokens/token/", form, deadline):
            case {"access_token": str(token), **others} if token.isascii() and token.isprintable():
                seconds = others.get("expires_in")
                lasts = float(seconds) if isinstance(seconds, int) else 0.0
                self._token, self._token_ends = token, time.monotonic() + lasts - EARLY_SECONDS
                return token
        raise UrlUnavailable


def _read(row: Any) -> Listed | None:
    match row:
        case {"thumbnail": str(image_url)} | {"url": str(image_url)} if _is_usable(row):
            origin = Origin(
                source=TITLE,
                title=clean_line(row.get("title")) or TITLE,
                credit=clean_line(row.get("creator")),
                licence=_licence(row),
                licence_url=web_address(row.get("license_url")),
                page_url=web_address(row.get("foreign_landing_url")),
            )
            return Listed(image_url, origin)
    return None


def _is_usable(row: Mapping[str, Any]) -> bool:
    sides = (row.get("width"), row.get("height"))
    large = all(not isinstance(side, int) or side >= MIN_SIDE for side in sides)
    return large and row.get("mature") is not True and bool(clean_line(row.get("license")))


def _licence(row: Mapping[str, Any]) -> str:
    """Write a licence as people do: "by-sa" and "4.0" as "CC BY-SA 4.0"."""
    code = clean_line(row.get("license")).lower()
    return f"{PUBLIC_DOMAIN.get(code, f'CC {code.upper()}')} {clean_line(row.get('license_version'))}".strip()
