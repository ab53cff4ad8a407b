"""Web servers on loopback that play the sources of random photos, faults included."""

import io
import json
import ssl
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import Message
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from PIL import Image, ImageDraw

from app.sources.fetch import Fetcher
from app.sources.open_facts import OpenFacts

CONTACT = "catalogue@example.org"

SEARCH = "/api/v2/search"  # of Open Products Facts and Open Beauty Facts
FOOD = "/search"  # of Open Food Facts
IMAGES = "/v1/images/"  # of Openverse
TOKEN = "/v1/auth_tokens/token/"
COMMONS = "/w/api.php"
PRODUCTS = "/products"  # of DummyJSON


class Exchange(BaseHTTPRequestHandler):
    """One request, and the `wfile` its answer is written to."""

    server: "_Server"

    def do_GET(self) -> None:
        self.path, _, query = self.path.partition("?")
        self.answer(query)

    def do_POST(self) -> None:
        self.answer(self.rfile.read(int(self.headers["Content-Length"])).decode())

    def answer(self, query: str) -> None:
        self.query = dict(parse_qsl(query))
        self.local = self.server.local
        self.local.requests.append(Request(self.path, self.query, self.headers))
        with suppress(ConnectionError):  # the client has heard enough
            self.local.answers.get(self.path, NOT_HERE)(self)

    def send(self, data: bytes) -> None:
        """Send part of a body and count it."""
        self.wfile.write(data)
        self.local.bytes_sent += len(data)

    def log_message(self, *args: object) -> None:
        pass


@dataclass(frozen=True)
class Request:
    """What a client asked for; `query` is also what a form holds."""

    path: str
    query: dict[str, str]
    headers: Message


@dataclass(frozen=True)
class Answer:
    """A scripted answer; a body in parts is sent part by part, for as long as the client listens."""

    status: int = 200
    content_type: str = "application/json"
    body: bytes | Iterable[bytes] = b""
    headers: dict[str, str] = field(default_factory=dict)

    def __call__(self, exchange: Exchange) -> None:
        exchange.send_response(self.status)
        if self.content_type:
            exchange.send_header("Content-Type", self.content_type)
        for name, value in self.headers.items():
            exchange.send_header(name, value)
        exchange.end_headers()
        for part in [self.body] if isinstance(self.body, bytes) else self.body:
            exchange.send(part)


NOT_HERE = Answer(404, "text/plain", b"not here")
Script = Callable[[Exchange], None]


class _Server(ThreadingHTTPServer):
    request_queue_size = 128
    local: "LocalServer"


class LocalServer:
    """A web server on loopback: `answers` says what happens at a path, `requests` what was asked.

    Started by `with`; a path without an answer is 404. Answers may be changed while it runs. With a `tls`
    context it speaks https.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.answers: dict[str, Script] = {}
        self.requests: list[Request] = []
        self.bytes_sent = 0
        self.stopping = threading.Event()
        self._server = _Server(("127.0.0.1", 0), Exchange)
        self._server.local = self
        if tls:
            self._server.socket = tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port = self._server.server_port
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Close the port; a second call does nothing."""
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def asked(self, path: str) -> list[Request]:
        """The requests for one path so far."""
        return [request for request in self.requests if request.path == path]

    def drip(self, data: bytes, pause: float = 0.02) -> Iterable[bytes]:
        """Yield `data` again and again with a pause (s) between, until the server stops."""
        while not self.stopping.wait(pause):
            yield data


class LocalOpenProductsFacts(LocalServer):
    """Plays Open Products Facts: every page of the search lists `products`, with drawn pictures.

    `count` is the number of products in all; pages beyond it are empty, as they are there.
    """

    def __init__(self, products: int = 24, count: int = 24_000) -> None:
        super().__init__()
        self.count = count
        self.products = [self._make_product(number) for number in range(products)]
        self.answers[SEARCH] = self._search

    def picture_path(self, product: dict[str, Any]) -> str:
        """Where the 400-px picture of a product is."""
        return str(urlsplit(product["image_front_url"]).path).replace(".200.jpg", ".400.jpg")

    def _make_product(self, number: int) -> dict[str, Any]:
        code = f"376{number:010}"
        folder = f"{code[:3]}/{code[3:6]}/{code[6:9]}/{code[9:]}"
        product = {
            "code": code,
            "product_name": f"Product number {number}",
            "image_front_url": f"{self.url}/images/products/{folder}/front_fr.4.200.jpg",
        }
        self.answers[self.picture_path(product)] = Answer(200, "image/jpeg", draw_picture(number))
        return product

    def _search(self, exchange: Exchange) -> None:
        page, page_size = int(exchange.query["page"]), int(exchange.query["page_size"])
        listed = self.products if (page - 1) * page_size < self.count else []
        answer = {"count": self.count, "page": page, "page_size": page_size, "products": listed}
        json_answer(answer)(exchange)


class LocalWikimediaCommons(LocalServer):
    """Plays Wikimedia Commons: every category holds `pages`, with drawn pictures."""

    def __init__(self, files: int = 5) -> None:
        super().__init__()
        self.pages = [self._make_page(number) for number in range(files)]
        self.answers[COMMONS] = lambda exchange: json_answer({"query": {"pages": self.pages}})(exchange)

    def _make_page(self, number: int) -> dict[str, Any]:
        path = f"/wikipedia/commons/thumb/a/ab/Teapot_{number}.jpg/640px-Teapot_{number}.jpg"
        self.answers[path] = Answer(200, "image/jpeg", draw_picture(number))
        said = {
            "Artist": '<a href="//commons.wikimedia.org/wiki/User:Ann" title="User:Ann">Ann &amp; Bo</a>',
            "LicenseShortName": "CC BY 4.0",
            "LicenseUrl": "https://creativecommons.org/licenses/by/4.0",
        }
        info = {
            "size": 91_234,
            "width": 4000,
            "height": 3000,
            "thumburl": f"{self.url}{path}",
            "thumbwidth": 640,
            "thumbheight": 480,
            "mime": "image/jpeg",
            "extmetadata": {
                name: {"value": value, "source": "commons-desc-page"} for name, value in said.items()
            },
        }
        return {"pageid": number, "ns": 6, "title": f"File:Teapot {number}.jpg", "imageinfo": [info]}


class LocalOpenFoodFacts(LocalServer):
    """Plays the search engine of Open Food Facts: every page of any food lists `hits`."""

    def __init__(self, products: int = 24, pages: int = 5) -> None:
        super().__init__()
        self.pages = pages
        self.hits = [self._make_hit(number) for number in range(products)]
        self.answers[FOOD] = self._search

    def _make_hit(self, number: int) -> dict[str, Any]:
        path = f"/images/products/376/{number}/front_fr.4.400.jpg"
        self.answers[path] = Answer(200, "image/jpeg", draw_picture(number))
        return {
            "code": f"376{number:010}",
            "product_name": f"Honey {number}",
            "image_front_url": f"{self.url}{path}",
        }

    def _search(self, exchange: Exchange) -> None:
        page, page_size = int(exchange.query["page"]), int(exchange.query["page_size"])
        answer = {
            "hits": self.hits if page <= self.pages else [],
            "page": page,
            "page_size": page_size,
            "page_count": self.pages,
            "count": self.pages * page_size,
            "is_count_exact": True,
            "timed_out": False,
            "took": 5,
        }
        json_answer(answer)(exchange)


class LocalOpenverse(LocalServer):
    """Plays Openverse: `pages` pages of photographs, drawn, for any words, which are their titles, too.

    If there are `tokens`, a search must carry one of them.
    """

    def __init__(self, photos: int = 20, pages: int = 3) -> None:
        super().__init__()
        self.photos = photos
        self.pages = pages
        self.tokens: set[str] = set()
        self.lasts = 36_000
        self.answers[IMAGES] = self._search
        self.answers[TOKEN] = self._give_token

    def make_photo(self, number: int, words: str = "teapot") -> dict[str, Any]:
        """List a photo as the service does, and serve its thumbnail."""
        key = f"4bc43a04-ef46-4544-a0c1-{number:012}"
        path = f"/v1/images/{key}/thumb/"
        self.answers[path] = Answer(200, "image/jpeg", draw_picture(number))
        return {
            "id": key,
            "title": f"{words} {number}",
            "indexed_on": "2022-08-27T17:39:48Z",
            "foreign_landing_url": f"https://photos.example.org/{number}",
            "url": f"https://photos.example.org/{number}.jpg",
            "creator": "Ann",
            "creator_url": "https://photos.example.org/ann",
            "license": "by-sa",
            "license_version": "4.0",
            "license_url": "https://creativecommons.org/licenses/by-sa/4.0/",
            "provider": "flickr",
            "source": "flickr",
            "category": "photograph",
            "filesize": 896_128,
            "filetype": "jpg",
            "tags": [{"accuracy": None, "name": words}],
            "attribution": f'"{words}" by Ann is licensed under CC BY-SA 4.0.',
            "fields_matched": ["title"],
            "mature": False,
            "height": 3000,
            "width": 4000,
            "thumbnail": f"{self.url}{path}",
            "detail_url": f"{self.url}/v1/images/{key}/",
            "related_url": f"{self.url}/v1/images/{key}/related/",
            "unstable__sensitivity": [],
        }

    def _search(self, exchange: Exchange) -> None:
        if self.tokens and exchange.headers["Authorization"] not in {f"Bearer {one}" for one in self.tokens}:
            json_answer({"detail": "Invalid token."}, 401)(exchange)
            return
        page, words = int(exchange.query["page"]), exchange.query["q"]
        if page > self.pages:
            json_answer({"detail": "Invalid page."}, 404)(exchange)
            return
        first = (page - 1) * self.photos
        answer = {
            "result_count": self.pages * self.photos,
            "page_count": self.pages,
            "page_size": int(exchange.query["page_size"]),
            "page": page,
            "results": [self.make_photo(first + number, words) for number in range(self.photos)],
        }
        json_answer(answer)(exchange)

    def _give_token(self, exchange: Exchange) -> None:
        if exchange.query.get("client_secret") != "secret":
            json_answer({"error": "invalid_client"}, 401)(exchange)
            return
        token = f"token-{len(self.asked(TOKEN))}"
        self.tokens.add(token)
        answer = {
            "access_token": token,
            "expires_in": self.lasts,
            "token_type": "Bearer",
            "scope": "read",
        }
        json_answer(answer)(exchange)


class LocalDummyJson(LocalServer):
    """Plays DummyJSON with `products`, whose pictures are drawn."""

    def __init__(self, products: int = 30) -> None:
        super().__init__()
        self.products = [self._make_product(number) for number in range(products)]
        self.answers[PRODUCTS] = self._list

    def _make_product(self, number: int) -> dict[str, Any]:
        path = f"/product-images/{number}/1.webp"
        self.answers[path] = Answer(200, "image/jpeg", draw_picture(number))
        picture = f"{self.url}{path}"
        return {
            "id": number,
            "title": f"Thing {number}",
            "category": "things",
            "thumbnail": picture,
            "images": [picture],
        }

    def _list(self, exchange: Exchange) -> None:
        skip, limit = int(exchange.query["skip"]), int(exchange.query["limit"])
        listed = self.products[skip : skip + limit]
        json_answer({"products": listed, "total": len(self.products), "skip": skip, "limit": len(listed)})(
            exchange
        )


def open_facts(server: LocalServer) -> OpenFacts:
    """Open the database that `server` plays, as one that the operator vouches for."""
    fetcher = Fetcher(CONTACT, trusted=server.url)
    return OpenFacts("open-products-facts", "Open Products Facts", server.url, fetcher)


def json_answer(document: Any, status: int = 200) -> Answer:
    """Answer with a JSON document."""
    return Answer(status, body=json.dumps(document).encode())


@cache
def draw_picture(number: int = 0, size: tuple[int, int] = (400, 300)) -> bytes:
    """Draw a JPEG of a coloured shape on white; each number another."""
    picture = Image.new("RGB", size, "white")
    box = (size[0] // 4, size[1] // 4, size[0] * 3 // 4, size[1] * 3 // 4)
    draw = ImageDraw.Draw(picture)
    shape = (draw.ellipse, draw.rectangle)[number % 2]
    shape(box, fill=f"hsl({number * 47 % 360}, 70%, 50%)", outline="black")
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG")
    return buffer.getvalue()
