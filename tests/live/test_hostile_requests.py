"""Hostile requests through real sockets to the running site: it refuses them and lives on."""

import io
import random
import re
import socket
from collections.abc import Callable, Iterator
from http.client import HTTPResponse
from pathlib import Path
from urllib.parse import urlsplit

import hostile_photos as photos
import numpy as np
import pytest
import requests
from live_site import LiveSite
from markupsafe import escape
from PIL import Image
from requests.adapters import HTTPAdapter

from app.errors import AppError, NoImage, TooLarge, TooManyPixels, UnreadablePhoto, UnsupportedFormat
from app.web.error_pages import CSRF_SENTENCE

MB = 1024 * 1024
BOUNDARY = b"----boundary"
MULTIPART = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY.decode()}"}
PATHS = {"form": "/classify/", "api": "/api/v1/predictions"}
TIMEOUT_SECONDS = 60

Send = Callable[..., requests.Response]


class Visitor:
    """A browser without script: its cookies, the token in its forms, and how many answers it was given."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = requests.Session()
        self.http.mount(
            url, HTTPAdapter(max_retries=1)
        )  # a browser, too, repeats a GET when its connection ended
        self.answers = 0
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.page())
        assert found
        self.token = found[1]

    def page(self, path: str = "/classify/") -> str:
        return self.http.get(self.url + path, timeout=TIMEOUT_SECONDS).text

    def post(self, path: str, *parts: bytes) -> requests.Response:
        """Send the parts of a form as they are."""
        answer = self.http.post(
            self.url + path,
            data=multipart(*parts),
            headers=MULTIPART,
            allow_redirects=False,
            timeout=TIMEOUT_SECONDS,
        )
        self.answers += answer.status_code == 303
        return answer

    def upload(self, photo: bytes) -> str:
        """Upload a photo by the form and return the path of its answer."""
        answer = self.post("/classify/", part(b"csrf_token", self.token.encode()), image(photo))
        assert answer.status_code == 303
        return answer.headers["Location"]

    def shown_photo(self, path: str) -> requests.Response:
        return self.http.get(f"{self.url}{path}/photo", timeout=TIMEOUT_SECONDS)

    def rows(self) -> int:
        return len(set(re.findall(r'src="(/classify/[^"]+/photo)"', self.page())))


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile") / "instance"


@pytest.fixture(scope="module")
def site(instance: Path, small_weights: Path, coffee: bytes) -> Iterator[LiveSite]:
    with LiveSite(instance, WEIGHTS=str(small_weights)) as site:
        Visitor(site.url).upload(coffee)  # whatever is made on first use is made
        yield site


@pytest.fixture
def visitor(site: LiveSite) -> Visitor:
    return Visitor(site.url)


@pytest.fixture(autouse=True)
def unharmed(site: LiveSite, visitor: Visitor) -> Iterator[None]:
    """Afterwards the same worker answers, without a trace in its log, and nothing refused was kept."""
    worker = site.worker()
    yield
    assert visitor.rows() == visitor.answers
    assert site.worker() == worker
    assert "Traceback" not in site.log()


@pytest.fixture(params=["form", "api"])
def send(request: pytest.FixtureRequest, visitor: Visitor) -> Send:
    """Send parts to the form of the page, with its token, or to the API."""
    own = [part(b"csrf_token", visitor.token.encode())] if request.param == "form" else []
    return lambda *parts: visitor.post(PATHS[request.param], *own, *parts)


def cpu_ticks(site: LiveSite) -> int:
    """Read how long the worker has computed, whatever else the machine was at."""
    fields = Path(f"/proc/{site.worker()}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


@pytest.fixture(scope="module")
def cost_of_a_photo(site: LiveSite, coffee: bytes) -> float:
    """Measure what this machine computes for an innocent photo in a body of 9 MB."""
    visitor, count = Visitor(site.url), 5
    before = cpu_ticks(site)
    for _ in range(count):
        visitor.upload(coffee + random.Random(0).randbytes(9 * MB))
    return max(1, cpu_ticks(site) - before) / count


@pytest.fixture
def cost(site: LiveSite, cost_of_a_photo: float) -> Callable[[], float]:
    """Give the worker's computing since the start of the test, in innocent photos of 9 MB."""
    before = cpu_ticks(site)
    return lambda: (cpu_ticks(site) - before) / cost_of_a_photo


@pytest.fixture
def extra_megabytes(site: LiveSite) -> Callable[[], float]:
    """Measure by how much the worker's memory has peaked above what it was."""
    process = Path(f"/proc/{site.worker()}")

    def memory(name: str) -> int:
        found = re.search(rf"{name}:\s+(\d+) kB", (process / "status").read_text())
        assert found
        return int(found[1])

    (process / "clear_refs").write_text("5")  # resets the peak, VmHWM
    before = memory("VmRSS")
    return lambda: (memory("VmHWM") - before) / 1024


def part(name: bytes, data: bytes, filename: bytes | None = None) -> bytes:
    """Make one part of a form, with its boundary; a `filename` makes it a file."""
    more = b"" if filename is None else b'; filename="%s"\r\nContent-Type: image/jpeg' % filename
    head = b'--%s\r\nContent-Disposition: form-data; name="%s"%s' % (BOUNDARY, name, more)
    return b"%s\r\n\r\n%s\r\n" % (head, data)


def image(data: bytes, filename: bytes = b"a.jpg") -> bytes:
    return part(b"image", data, filename)


def multipart(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--%s--\r\n" % BOUNDARY


def assert_refused(answer: requests.Response, error: type[AppError], sentence: str = "") -> None:
    sentence = sentence or error.sentence
    assert answer.status_code == error.status
    if answer.headers["Content-Type"] == "application/json":
        assert answer.json() == {"error": {"code": error.code, "message": sentence}}
    else:
        assert str(escape(sentence)) in answer.text


def assert_answered(answer: requests.Response) -> None:
    assert answer.status_code in {200, 303}, answer.text
    if answer.status_code == 200:
        assert len(answer.json()["results"][0]["predictions"]) == 4


# Row 1


@pytest.mark.parametrize("parts", [
    pytest.param([], id="no part"),
    pytest.param([image(b"")], id="empty file"),
    pytest.param([image(b"", filename=b"")], id="no file chosen"),
    pytest.param([part(b"photo", b"x", b"a.jpg")], id="another field"),
    pytest.param([part(b"image", b"x")], id="text instead of a file"),
])  # fmt: skip
def test_a_form_without_a_photo_is_refused(send: Send, parts: list[bytes]) -> None:
    answer = send(*parts)
    assert answer.status_code == NoImage.status
    assert "No photo arrived" in answer.text


# Row 2


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_a_body_declared_too_large_is_refused_before_it_is_sent_and_never_read(
    site: LiveSite, path: str
) -> None:
    with post_slowly(site, path, f"Content-Length: {11 * MB}") as connection:
        assert answer_on(connection).status == TooLarge.status
        assert connection.recv(1) == b""  # nothing more is to come: the connection is closed, the body unread


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_a_body_without_a_length_is_refused_once_it_is_too_large_and_not_read_to_its_end(
    site: LiveSite, path: str
) -> None:
    with post_slowly(site, path, "Transfer-Encoding: chunked") as connection:
        connection.sendall(chunked(image(bytes(10 * MB + 80 * 1024))))  # 64 kB are for the form around it
        assert answer_on(connection).status == TooLarge.status  # though the end of the body never comes


def test_a_body_without_a_length_is_read_up_to_the_limit(visitor: Visitor, coffee: bytes) -> None:
    pieces = [multipart(image(coffee + bytes(9 * MB)))]
    answer = visitor.http.post(
        visitor.url + PATHS["api"], data=iter(pieces), headers=MULTIPART, timeout=TIMEOUT_SECONDS
    )
    assert_answered(answer)


def test_a_photo_just_above_the_limit_is_refused_with_the_sentence(send: Send) -> None:
    assert_refused(send(image(b"\xff\xd8\xff" + bytes(10 * MB))), TooLarge)


def test_photos_that_are_above_the_limit_together_are_refused_with_the_sentence(
    send: Send, coffee: bytes
) -> None:
    assert_refused(send(image(coffee + bytes(5 * MB)), image(coffee + bytes(5 * MB))), TooLarge)


def test_a_photo_just_below_the_limit_is_answered(send: Send, coffee: bytes) -> None:
    assert_answered(send(image(coffee + random.Random(0).randbytes(9 * MB))))  # all kinds of line ends in it


def post_slowly(site: LiveSite, path: str, framing: str) -> socket.socket:
    """Open a connection and send the head of a POST."""
    connection = connect(site)
    fields = ["Host: site", f"Content-Type: {MULTIPART['Content-Type']}", framing]
    connection.sendall("\r\n".join([f"POST {path} HTTP/1.1", *fields, "", ""]).encode())
    return connection


def connect(site: LiveSite) -> socket.socket:
    address = urlsplit(site.url)
    return socket.create_connection((address.hostname, address.port), timeout=TIMEOUT_SECONDS)


def answer_on(connection: socket.socket) -> HTTPResponse:
    answer = HTTPResponse(connection)
    answer.begin()
    answer.read()
    return answer


def chunked(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


# Row 3


@pytest.mark.parametrize("parts", [
    pytest.param([part(b"field", b"x")] * 5000, id="5,000 parts"),
    pytest.param([part(b"field", b"\r\n" + b"a" * 9 * MB)], id="9 MB of text after a line end"),
    pytest.param([part(b"a" * MB, b"x")], id="1 MB field name"),
])  # fmt: skip
def test_a_form_that_is_costly_to_read_is_refused_at_little_cost(
    send: Send, parts: list[bytes], cost: Callable[[], float]
) -> None:
    assert send(*parts).status_code in {400, 413}
    assert cost() < 20


def test_a_large_file_that_starts_with_a_line_end_is_read_at_little_cost(
    send: Send, cost: Callable[[], float]
) -> None:
    assert_refused(send(image(b"\r\n" + b"a" * 9 * MB)), UnsupportedFormat)
    assert cost() < 20


# Row 4


@pytest.mark.parametrize(
    "make",
    [photos.html, photos.svg, photos.eps, photos.pdf, photos.tiff, photos.icns, photos.fli, photos.film],
)
def test_a_file_of_another_format_named_as_a_jpeg_is_refused(send: Send, make: Callable[[], bytes]) -> None:
    answer = send(image(make()))
    assert_refused(answer, UnsupportedFormat)
    assert "JPEG, PNG, WebP, GIF, AVIF and HEIC" in answer.text


# Row 6


@pytest.mark.parametrize("make", [photos.gif_bomb, photos.png_bomb])
def test_a_pixel_bomb_is_refused_at_little_cost(
    send: Send,
    make: Callable[[], bytes],
    cost: Callable[[], float],
    extra_megabytes: Callable[[], float],
) -> None:
    assert_refused(send(image(make())), TooManyPixels)
    assert cost() < 4
    assert extra_megabytes() < 50


# Rows 7 and 8


@pytest.mark.parametrize(
    "make", [photos.png_text_bomb, photos.truncated_jpeg, photos.truncated_png, photos.broken_apng]
)
def test_a_damaged_photo_is_refused(send: Send, make: Callable[[], bytes]) -> None:
    assert_refused(send(image(make())), UnreadablePhoto)


# Rows 10 and 11


@pytest.mark.parametrize(
    "make",
    [
        photos.cmyk_jpeg,
        photos.grey_jpeg,
        photos.palette_png,
        photos.grey_alpha_png,
        photos.rgb_16_bit_png,
        photos.mpo,
        photos.one_pixel,
        photos.one_by_20000,
    ],
)
def test_an_odd_but_sound_photo_is_answered(send: Send, make: Callable[[], bytes]) -> None:
    assert_answered(send(image(make())))


def test_a_photo_turned_by_its_exif_is_shown_upright(visitor: Visitor) -> None:
    shown = pixels(visitor.shown_photo(visitor.upload(photos.rotated(6))))
    assert shown.shape == (64, 96, 3)
    assert shown[4, 4].tolist() == pytest.approx([255, 0, 0], abs=40)


def test_a_transparent_photo_is_shown_on_white(visitor: Visitor) -> None:
    shown = pixels(visitor.shown_photo(visitor.upload(photos.transparent_webp())))
    assert shown.min() > 250


def pixels(answer: requests.Response) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(answer.content)))


@pytest.mark.parametrize("make", [photos.animated_gif, photos.animated_webp])
def test_of_a_long_animation_only_the_first_frame_costs_time(
    send: Send, make: Callable[[], bytes], cost: Callable[[], float]
) -> None:
    assert_answered(send(image(make())))
    assert cost() < 20


# Row 12


@pytest.mark.parametrize("make", [photos.html_polyglot, photos.telltale_jpeg])
def test_what_a_photo_carries_besides_its_pixels_is_never_shown(
    visitor: Visitor, make: Callable[[], bytes]
) -> None:
    path = visitor.upload(make())
    shown = visitor.shown_photo(path)
    assert shown.headers["Content-Type"] == "image/jpeg"
    assert shown.headers["X-Content-Type-Options"] == "nosniff"
    assert b"Exif" not in shown.content
    assert photos.SCRIPT.encode() not in shown.content
    assert photos.SCRIPT not in visitor.page(path)


# Row 13


@pytest.mark.parametrize("filename", [
    pytest.param("../../etc/passwd", id="path"),
    pytest.param("a\0b.jpg", id="NUL"),
    pytest.param("n" * 4096 + ".jpg", id="4 KB"),
    pytest.param("\u202egpj.exe", id="right-to-left"),
    pytest.param("<img src=x onerror=alert(1)>", id="markup"),
])  # fmt: skip
def test_the_name_of_a_file_reaches_no_disk_and_a_page_only_as_harmless_text(
    send: Send, visitor: Visitor, instance: Path, coffee: bytes, filename: str
) -> None:
    before = files_of(instance)
    assert_answered(send(image(coffee, filename.encode())))
    assert files_of(instance) == before
    assert escape(filename) == filename or filename not in visitor.page()


def files_of(instance: Path) -> set[Path]:
    """List the files of the site, without those that SQLite keeps beside the history while it is written."""
    return {path for path in instance.rglob("*") if not path.name.endswith(("-wal", "-shm"))}


# Row 14


@pytest.mark.parametrize("path", [
    "/source/../../etc/passwd",
    "/source/raw/../../../../etc/passwd",
    "/source/%2e%2e/%2e%2e/etc/passwd",
    "//etc/passwd",
    "/source/..\\..\\etc\\passwd",
    "/SOURCE/wsgi.py",
    "/static/../instance/secret_key",
    "/static/%2e%2e/instance/secret_key",
])  # fmt: skip
def test_no_path_however_it_is_written_reaches_a_file_that_is_not_listed(site: LiveSite, path: str) -> None:
    with connect(site) as connection:  # clients would tidy the path up
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: site\r\nConnection: close\r\n\r\n".encode())
        assert answer_on(connection).status == 404


# Row 16


@pytest.mark.parametrize("path", ["/classify/", "/classify/random", "/classify/clear"])
@pytest.mark.parametrize("token", ["", "forged"])
def test_a_form_of_another_site_changes_nothing(
    visitor: Visitor, coffee: bytes, path: str, token: str
) -> None:
    visitor.upload(coffee)
    visitor.http.headers["Origin"] = "https://evil.example"
    answer = visitor.post(path, part(b"csrf_token", token.encode()), image(coffee))
    assert answer.status_code == 403
    assert CSRF_SENTENCE in answer.text


def test_a_row_cannot_be_deleted_without_the_token(visitor: Visitor, coffee: bytes) -> None:
    assert visitor.post(f"{visitor.upload(coffee)}/delete").status_code == 403


def test_the_token_of_another_visitor_is_refused(site: LiveSite, visitor: Visitor, coffee: bytes) -> None:
    token = Visitor(site.url).token.encode()
    assert visitor.post("/classify/", part(b"csrf_token", token), image(coffee)).status_code == 403
