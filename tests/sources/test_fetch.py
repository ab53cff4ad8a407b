import errno
import gzip
import logging
import math
import socket
import threading
import time
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from hostile_photos import GREY, png
from local_sources import Answer, Exchange, LocalServer, draw_picture, json_answer

from app.errors import (
    AppError,
    MachineFull,
    Overloaded,
    TooLarge,
    TooManyPixels,
    UnsupportedFormat,
    UrlNotAllowed,
    UrlUnavailable,
)
from app.settings import ROOT
from app.sources import fetch
from app.sources.fetch import (
    MAX_JSON_BYTES,
    MAX_REDIRECTS,
    MAX_REST_SECONDS,
    REST_SECONDS,
    VERSION,
    Deadline,
    Fetcher,
)

CONTACT = "catalogue@example.org"
BUDGET = 0.4
MEGABYTE = 1024 * 1024
JPEG_START = b"\xff\xd8\xff"


@pytest.fixture
def server() -> Iterator[LocalServer]:
    with LocalServer() as server:
        yield server


@pytest.fixture
def fetcher(server: LocalServer) -> Fetcher:
    """A fetcher whose operator vouches for the local server."""
    return Fetcher(CONTACT, trusted=server.url)


def refused_after(
    fetcher: Fetcher, url: str, budget: float = 5.0, error: type[AppError] = UrlUnavailable
) -> float:
    """Check that no photo is had from `url`; return the seconds that it took to say so."""
    started = time.monotonic()
    with pytest.raises(error):
        fetcher.get_photo(url, Deadline(budget))
    return time.monotonic() - started


def test_a_photo_arrives_as_it_was_sent(server, fetcher):
    picture = draw_picture()
    server.answers["/a.jpg"] = Answer(200, "image/jpeg", picture)
    assert fetcher.get_photo(f"{server.url}/a.jpg", Deadline()) == picture


@pytest.mark.parametrize("content_type", ["application/octet-stream", "binary/octet-stream", ""])
def test_a_photo_whose_type_the_server_does_not_know_arrives(server, fetcher, content_type):
    server.answers["/a.jpg"] = Answer(200, content_type, draw_picture())
    assert fetcher.get_photo(f"{server.url}/a.jpg", Deadline()) == draw_picture()


def test_json_arrives_decoded(server, fetcher):
    server.answers["/a"] = json_answer({"count": 3})
    assert fetcher.get_json(f"{server.url}/a", Deadline()) == {"count": 3}


def test_a_gzipped_answer_is_unpacked(server, fetcher):
    packed = Answer(body=gzip.compress(b"[1]"), headers={"Content-Encoding": "gzip"})
    server.answers["/a"] = packed
    assert fetcher.get_json(f"{server.url}/a", Deadline()) == [1]


def test_the_user_agent_carries_version_and_contact(server, fetcher):
    server.answers["/a"] = json_answer([])
    fetcher.get_json(f"{server.url}/a", Deadline())
    assert server.requests[0].headers["User-Agent"] == f"ProductImageClassifier/{VERSION} ({CONTACT})"


def test_the_version_is_the_project_s():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == VERSION


def test_cookies_are_not_kept(server, fetcher):
    server.answers["/a"] = Answer(302, headers={"Set-Cookie": "id=1", "Location": "/b"})
    server.answers["/b"] = Answer(body=b"[]", headers={"Set-Cookie": "id=2"})
    fetcher.get_json(f"{server.url}/a", Deadline())
    fetcher.get_json(f"{server.url}/b", Deadline())
    assert [request.headers["Cookie"] for request in server.requests] == [None, None, None]


def test_proxies_of_the_environment_are_not_used(server, fetcher, monkeypatch):
    server.answers["/a"] = json_answer([])
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "")
    assert fetcher.get_json(f"{server.url}/a", Deadline()) == []


def test_redirects_are_followed(server, fetcher):
    picture = draw_picture()
    server.answers["/0"] = Answer(302, headers={"Location": "1"})
    server.answers["/1"] = Answer(301, headers={"Location": f"{server.url}/2"})
    server.answers["/2"] = Answer(307, headers={"Location": "/3"})
    server.answers["/3"] = Answer(200, "image/jpeg", picture)
    assert fetcher.get_photo(f"{server.url}/0", Deadline()) == picture


def test_a_redirect_loop_ends(server, fetcher):
    server.answers["/a"] = Answer(302, headers={"Location": "/a"})
    refused_after(fetcher, f"{server.url}/a")
    assert len(server.requests) == 1 + MAX_REDIRECTS


@pytest.mark.parametrize(
    ("target", "error"),
    [
        ("file:///etc/passwd", UrlNotAllowed),
        ("ftp://127.0.0.1/", UrlNotAllowed),
        ("http://[::1", UrlUnavailable),
    ],
)
def test_a_redirect_to_something_other_than_a_web_address_is_refused(server, fetcher, target, error):
    server.answers["/a"] = Answer(302, headers={"Location": target})
    refused_after(fetcher, f"{server.url}/a", error=error)
    assert len(server.requests) == 1


def test_the_body_of_a_redirect_is_not_read(server, fetcher):
    endless = (bytes(MEGABYTE) for _ in range(300))
    server.answers["/a"] = Answer(302, "image/jpeg", endless, {"Location": "/b"})
    server.answers["/b"] = Answer(200, "image/jpeg", draw_picture())
    fetcher.get_photo(f"{server.url}/a", Deadline())
    assert server.bytes_sent < 150 * MEGABYTE


@pytest.mark.parametrize("status", [204, 304, 400, 403, 404, 429, 500, 503])
def test_a_bad_status_is_refused(server, fetcher, status):
    server.answers["/a.jpg"] = Answer(status, "image/jpeg", draw_picture(), {"Retry-After": "60"})
    refused_after(fetcher, f"{server.url}/a.jpg")
    assert len(server.requests) == 1


def test_html_instead_of_a_picture_is_refused(server, fetcher):
    server.answers["/a.jpg"] = Answer(200, "text/html", b"<p>Please log in")
    refused_after(fetcher, f"{server.url}/a.jpg", error=UnsupportedFormat)


@pytest.mark.parametrize("body", [b"", b"<p>busy", b'{"count": ', b"\xff\xfe", b"[" * 500_000, b"9" * 5000])
def test_an_answer_that_is_not_json_is_refused(server, fetcher, body):
    server.answers["/a"] = Answer(body=body)
    with pytest.raises(UrlUnavailable):
        fetcher.get_json(f"{server.url}/a", Deadline())


def test_a_server_that_is_down_is_refused_at_once(server, fetcher):
    server.stop()
    refused_after(fetcher, f"{server.url}/a.jpg", budget=3600)  # it does not wait for its end


def test_a_name_that_does_not_exist_is_refused(monkeypatch):
    def look_up(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)  # a real look-up would leave the machine
    refused_after(Fetcher(CONTACT), "https://photos.invalid/a.jpg", budget=3600)


def test_a_name_server_that_does_not_answer_ends_with_the_budget(monkeypatch):
    test_is_over = threading.Event()

    def look_up(*_: object, **__: object) -> None:
        test_is_over.wait()
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    try:
        assert refused_after(Fetcher(CONTACT), "https://photos.invalid/a.jpg", BUDGET) >= BUDGET
    finally:
        test_is_over.set()


def test_a_server_without_tls_is_refused_under_https(server):
    url = server.url.replace("http:", "https:")
    refused_after(Fetcher(CONTACT, trusted=url), f"{url}/a.jpg")
    assert not server.asked("/a.jpg")


def test_a_body_that_drips_ends_with_the_budget(server, fetcher):
    server.answers["/a.jpg"] = Answer(200, "image/jpeg", server.drip(b"x"))
    assert refused_after(fetcher, f"{server.url}/a.jpg", BUDGET) >= BUDGET


def drip_headers(exchange: Exchange) -> None:
    exchange.send(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    for part in exchange.local.drip(b"x"):
        exchange.send(part)


def test_headers_that_drip_end_with_the_budget(server, fetcher):
    server.answers["/a.jpg"] = drip_headers
    assert refused_after(fetcher, f"{server.url}/a.jpg", BUDGET) >= BUDGET


def test_a_server_that_says_nothing_ends_with_the_budget(server, fetcher):
    server.answers["/a.jpg"] = lambda _: server.stopping.wait() and None
    assert refused_after(fetcher, f"{server.url}/a.jpg", BUDGET) >= BUDGET


def test_the_budget_is_shared_by_requests(server, fetcher):
    server.answers["/a.jpg"] = Answer(200, "image/jpeg", server.drip(b"x"))
    deadline = Deadline(BUDGET)
    for _ in range(3):
        with pytest.raises(UrlUnavailable):
            fetcher.get_photo(f"{server.url}/a.jpg", deadline)
    assert len(server.asked("/a.jpg")) <= 1  # of the budget, the others had nothing left


def test_a_click_without_time_left_asks_nobody(server, fetcher):
    refused_after(fetcher, f"{server.url}/a.jpg", budget=0)
    assert not server.asked("/a.jpg")


@pytest.mark.parametrize("goes_alone", [False, True])
def test_a_fetch_without_a_free_slot_is_refused_and_does_not_wait(server, tmp_path, goes_alone):
    fetcher = Fetcher(CONTACT, trusted=server.url, alone=tmp_path / "lock" if goes_alone else None)
    for _ in range(fetch.MAX_FETCHES):
        fetcher._slots.acquire()
    with pytest.raises(Overloaded):
        fetcher.get_photo(f"{server.url}/a.jpg", Deadline(math.inf))  # for which nothing can wait
    assert not server.asked("/a.jpg")


def test_those_who_must_go_alone_wait_in_line(server, tmp_path):
    fetcher = Fetcher(CONTACT, trusted=server.url, alone=tmp_path / "lock")
    server.answers["/a.jpg"] = Answer(200, "image/jpeg", draw_picture())
    with ThreadPoolExecutor(fetch.MAX_FETCHES) as threads:
        url, deadline = f"{server.url}/a.jpg", Deadline(3600)
        fetches = [threads.submit(fetcher.get_photo, url, deadline) for _ in range(fetch.MAX_FETCHES)]
        assert [one.result() for one in fetches] == [draw_picture()] * fetch.MAX_FETCHES


@pytest.mark.parametrize("part", ["headers", "body"])
def test_a_server_that_drips_gives_its_slot_back(server, part, tmp_path):
    fetcher = Fetcher(CONTACT, trusted=server.url, alone=tmp_path / "lock")
    body = Answer(200, "image/jpeg", server.drip(b"x"))
    server.answers["/slow.jpg"] = drip_headers if part == "headers" else body
    server.answers["/a.jpg"] = Answer(200, "image/jpeg", draw_picture())
    refused_after(fetcher, f"{server.url}/slow.jpg", budget=0.1)
    assert fetcher.get_photo(f"{server.url}/a.jpg", Deadline(60))


def test_a_slot_is_free_again_after_each_fetch(server, fetcher):
    server.answers["/a.jpg"] = Answer(200, "image/jpeg", draw_picture())
    for _ in range(fetch.MAX_FETCHES + 1):
        fetcher.get_photo(f"{server.url}/a.jpg", Deadline(60))
        refused_after(fetcher, f"{server.url}/missing.jpg")


def test_a_body_of_300_megabytes_is_cut(server, fetcher):
    parts = (JPEG_START + bytes(MEGABYTE) for _ in range(300))
    server.answers["/a.jpg"] = Answer(200, "image/jpeg", parts)
    refused_after(fetcher, f"{server.url}/a.jpg", error=TooLarge)
    assert server.bytes_sent < 150 * MEGABYTE  # MAX_BYTES, and what was on its way in buffers


def test_json_over_a_megabyte_is_refused(server, fetcher):
    server.answers["/fits"] = Answer(body=b"[" + b" " * (MAX_JSON_BYTES - 2) + b"]")
    server.answers["/a"] = Answer(body=b"[" + b" " * (MAX_JSON_BYTES - 1) + b"]")
    assert fetcher.get_json(f"{server.url}/fits", Deadline()) == []
    with pytest.raises(UrlUnavailable):
        fetcher.get_json(f"{server.url}/a", Deadline())


def test_a_gzip_bomb_is_cut(server, fetcher, caplog):
    bomb = gzip.compress(bytes(100 * MEGABYTE), compresslevel=1)
    assert len(bomb) < MAX_JSON_BYTES
    server.answers["/a"] = Answer(body=bomb, headers={"Content-Encoding": "gzip"})
    with pytest.raises(UrlUnavailable):
        fetcher.get_json(f"{server.url}/a", Deadline())
    assert "TooLarge" in caplog.text


def test_a_body_shorter_than_announced_is_refused(server, fetcher):
    server.answers["/a.jpg"] = Answer(200, "image/jpeg", draw_picture(), {"Content-Length": "999999"})
    refused_after(fetcher, f"{server.url}/a.jpg")


def test_the_reason_goes_to_the_log_on_one_line(server, fetcher, caplog):
    server.answers["/a.jpg"] = Answer(503)
    with caplog.at_level(logging.WARNING, "app.sources"):
        refused_after(fetcher, f"{server.url}/a.jpg?x=1\n2")
    assert len(caplog.messages) == 1
    assert "status 503" in caplog.messages[0]
    assert "\n" not in caplog.messages[0]
    assert "x=1" not in caplog.text
    assert "127.0.0.1" not in caplog.text


def test_what_requests_says_of_an_address_is_not_logged(server, fetcher, caplog):
    server.stop()
    refused_after(fetcher, f"{server.url}/a.jpg?token=secret")
    assert "ConnectionError" in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.parametrize(
    ("status", "header", "seconds"),
    [
        (429, "120", 120),
        (503, "7", 7),
        (429, None, REST_SECONDS),
        (429, "soon", REST_SECONDS),
        (503, None, 0),
        (503, "-5", 0),
        (429, "Wed, 21 Oct 2065 07:28:00 GMT", MAX_REST_SECONDS),
        (404, None, 0),
    ],
)
def test_a_refusal_says_for_how_long_to_stay_away(server, fetcher, status, header, seconds):
    server.answers["/a"] = Answer(status, headers={"Retry-After": header} if header else {})
    with pytest.raises(UrlUnavailable) as refusal:
        fetcher.get_json(f"{server.url}/a", Deadline())
    assert refusal.value.retry_after == seconds


def test_a_picture_of_too_many_pixels_is_not_read_to_its_end(server, fetcher):
    endless = [png((30_000, 30_000), GREY, 1, b"")[:64], *(bytes(MEGABYTE) for _ in range(300))]
    server.answers["/a.png"] = Answer(200, "image/png", endless)
    refused_after(fetcher, f"{server.url}/a.png", error=TooManyPixels)
    assert server.bytes_sent < 150 * MEGABYTE


@pytest.mark.parametrize("content_type", ["image/jpeg", "application/octet-stream", ""])
def test_what_may_be_a_picture_and_begins_otherwise_is_not_read_to_its_end(server, fetcher, content_type):
    server.answers["/a.jpg"] = Answer(200, content_type, (b"<html>" * 100_000 for _ in range(500)))
    refused_after(fetcher, f"{server.url}/a.jpg", error=UnsupportedFormat)
    assert server.bytes_sent < 150 * MEGABYTE


def test_a_proxy_is_used_when_the_operator_sets_it(server):
    server.answers["http://photos.example/a"] = json_answer([1])
    fetcher = Fetcher(CONTACT, trusted="http://photos.example", proxy=server.url)
    assert fetcher.get_json("http://photos.example/a", Deadline()) == [1]


def test_a_malformed_address_is_refused_even_when_no_time_is_left():
    refused_after(Fetcher(CONTACT), "https://[::1", budget=0, error=UrlNotAllowed)


def test_a_deadline_never_has_less_than_nothing_left():
    assert Deadline(-1).left() == 0


def test_a_machine_without_sockets_is_not_blamed_on_the_address(
    fetcher: Fetcher, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def connect(*_: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(socket.socket, "connect", connect)
    refused_after(fetcher, f"{server.url}/a.jpg", error=MachineFull)


def test_a_machine_without_threads_takes_no_slot_of_a_fetcher(
    fetcher: Fetcher, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    server.answers["/a.jpg"] = Answer(200, "image/jpeg", draw_picture())
    with monkeypatch.context() as patch:
        patch.setattr(fetch.Thread, "start", start)
        for _ in range(fetch.MAX_FETCHES + 1):
            refused_after(fetcher, f"{server.url}/a.jpg", error=MachineFull)
    assert fetcher.get_photo(f"{server.url}/a.jpg", Deadline()) == draw_picture()
