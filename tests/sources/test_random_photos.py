"""The sources in turn: row 19 of the hostile inputs, at real sockets."""

import gzip
import socket
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from local_sources import (
    COMMONS,
    CONTACT,
    IMAGES,
    SEARCH,
    TOKEN,
    Answer,
    Exchange,
    LocalOpenProductsFacts,
    draw_picture,
    json_answer,
    open_facts,
)

from app.errors import SourceUnavailable
from app.recognition.photos import fingerprint, open_photo
from app.recognition.taxonomy import Category
from app.settings import FOLDER, SOURCES_WITH_URL, Settings
from app.sources import SHORT_SECONDS, open_random_photos
from app.sources.fetch import CLICK_SECONDS, MAX_FETCHES, Fetcher
from app.sources.folder import Folder
from app.sources.open_facts import OpenFacts
from app.sources.pool import FAILURES, Pool, SourceFault, Wish
from app.sources.random_photos import RandomPhotos

BUDGET = 3.0  # of which a source that keeps a click waiting leaves half
MEGABYTE = 1024 * 1024
TEAPOT = Category(7, "teapot", "KITCHEN", "", "", "Teapot", "Théière")
WISH = Wish([TEAPOT])
BOMB = gzip.compress(bytes(100 * MEGABYTE), compresslevel=1)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A folder with one photo, the next source after the one that fails."""
    path = tmp_path / "photos"
    path.mkdir()
    (path / "spare.jpg").write_bytes(draw_picture())
    return Folder(path)


def close_at_once(exchange: Exchange) -> None:
    exchange.connection.shutdown(socket.SHUT_RDWR)


def drip_headers(exchange: Exchange) -> None:
    exchange.send(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    for part in exchange.local.drip(b"x"):
        exchange.send(part)


def stay_silent(exchange: Exchange) -> None:
    exchange.local.stopping.wait()


def drip_body(content_type: str) -> Callable[[Exchange], None]:
    return lambda exchange: Answer(200, content_type, exchange.local.drip(b"[", 1.0))(exchange)


def send_300_megabytes(content_type: str, start: bytes) -> Callable[[Exchange], None]:
    return lambda exchange: Answer(200, content_type, (start + bytes(MEGABYTE) for _ in range(300)))(exchange)


SEARCH_FAULTS = {
    "no answer": close_at_once,
    "silence": stay_silent,
    "503": Answer(503, "text/html", b"<h1>Down</h1>"),
    "429": Answer(429, headers={"Retry-After": "60"}),
    "200 with HTML": Answer(200, "text/html", b"<h1>Welcome</h1>"),
    "HTML called JSON": Answer(200, "application/json", b"<h1>Welcome</h1>"),
    "300 MB": send_300_megabytes("application/json", b"["),
    "gzip bomb": Answer(body=BOMB, headers={"Content-Encoding": "gzip"}),
    "broken gzip": Answer(body=b"[]", headers={"Content-Encoding": "gzip"}),
    "1 byte a second": drip_body("application/json"),
    "headers that drip": drip_headers,
    "redirect loop": Answer(302, headers={"Location": SEARCH}),
    "redirect inward": Answer(302, headers={"Location": "https://169.254.169.254/latest/meta-data/"}),
    "redirect to nowhere": Answer(302, headers={"Location": "http://[::1"}),
    "no products": json_answer({"count": 0, "products": []}),
    "null": json_answer(None),
    "not HTTP": lambda exchange: exchange.send(b"220 mail.example ESMTP\r\n"),
}
PHOTO_FAULTS = {
    "no answer": close_at_once,
    "silence": stay_silent,
    "404": Answer(404),
    "200 with HTML": Answer(200, "text/html", b"<h1>Welcome</h1>"),
    "HTML called a picture": Answer(200, "image/jpeg", b"<h1>Welcome</h1>" * 100),
    "300 MB": send_300_megabytes("image/jpeg", b"\xff\xd8\xff"),
    "gzip bomb": Answer(200, "image/jpeg", BOMB, {"Content-Encoding": "gzip"}),
    "empty": Answer(200, "image/jpeg", b""),
    "half": Answer(200, "image/jpeg", draw_picture()[:2000]),
    "1 byte a second": drip_body("image/jpeg"),
    "redirect inward": Answer(302, headers={"Location": "https://127.0.0.1/a.jpg"}),
}


NEVER_END = {"silence", "1 byte a second", "headers that drip"}


def is_rescued(
    server: LocalOpenProductsFacts, folder: Folder, searches, fault: str = ""
) -> Counter[tuple[str, str]]:
    """Check that a click comes to the folder's photo, and say what was counted."""
    budget = BUDGET if fault in NEVER_END else 60.0
    counted: Counter[tuple[str, str]] = Counter()
    pools = [Pool(open_facts(server), searches), Pool(folder, None)]
    photos = RandomPhotos(pools, lambda *attempt: counted.update([attempt]), budget)
    assert photos.find().origin.title == "spare"
    return counted


@pytest.mark.parametrize("fault", SEARCH_FAULTS)
def test_row_19_after_a_search_that_goes_wrong_the_next_source_answers(
    server, folder, searches, fault
) -> None:
    server.answers[SEARCH] = SEARCH_FAULTS[fault]
    outcome = "unusable" if fault == "no products" else "failed"
    assert is_rescued(server, folder, searches, fault) == {
        ("open-products-facts", outcome): 1,
        ("folder", "ok"): 1,
    }
    assert server.bytes_sent < 150 * MEGABYTE


@pytest.mark.parametrize("fault", PHOTO_FAULTS)
def test_row_19_after_photos_that_go_wrong_the_next_source_answers(server, folder, searches, fault) -> None:
    for product in server.products:
        server.answers[server.picture_path(product)] = PHOTO_FAULTS[fault]
    counted = is_rescued(server, folder, searches, fault)
    assert counted.total() == 2
    assert counted["folder", "ok"] == 1


def test_row_19_after_a_source_that_is_down_the_next_one_answers(server, folder, searches) -> None:
    server.stop()
    is_rescued(server, folder, searches)


@pytest.mark.usefixtures("folder")
def test_row_19_after_a_name_that_is_not_found_the_next_source_answers(tmp_path, monkeypatch) -> None:
    def look_up(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)  # a real look-up would leave the machine
    settings = Settings(instance=tmp_path, photo_folder=tmp_path / "photos")
    counted: Counter[tuple[str, str]] = Counter()
    photos = open_random_photos(settings, lambda *attempt: counted.update([attempt]))
    assert photos.find(wish=WISH).origin.title == "spare"
    assert counted == {**{(name, "failed"): 1 for name in SOURCES_WITH_URL}, (FOLDER, "ok"): 1}


@pytest.mark.parametrize("has_stock", [False, True])
def test_after_a_source_that_others_fetch_from_the_next_one_answers(
    server, folder, searches, has_stock
) -> None:
    fetcher = Fetcher(CONTACT, server.url)
    pools = [Pool(OpenFacts("busy", "Busy", server.url, fetcher), searches), Pool(folder, None)]
    if has_stock:
        assert RandomPhotos(pools).find().origin.source == "Busy"
    for _ in range(MAX_FETCHES):
        fetcher._slots.acquire()
    counted: Counter[tuple[str, str]] = Counter()
    photos = RandomPhotos(pools, lambda *attempt: counted.update([attempt]))
    for _ in range(FAILURES + 1):  # which would let a source rest that is to blame
        assert photos.find().origin.title == "spare"
    assert counted == {("busy", "busy"): FAILURES + 1, ("folder", "ok"): FAILURES + 1}


def test_row_19_a_click_on_slow_sources_alone_ends_with_the_budget(serve, searches) -> None:
    pools = []
    for _ in range(5):
        server = serve()
        server.answers[SEARCH] = stay_silent
        pools.append(Pool(open_facts(server), searches))
    with pytest.raises(SourceUnavailable):
        RandomPhotos(pools, click_seconds=1.0).find()
    assert CLICK_SECONDS == 6


def test_a_slow_source_leaves_half_of_the_time_to_the_next(server, serve, searches) -> None:
    slow = serve()
    slow.answers[SEARCH] = stay_silent
    pools = [Pool(open_facts(one), searches) for one in (slow, server)]
    assert RandomPhotos(pools, click_seconds=4.0).find().origin.source == "Open Products Facts"
    assert server.asked(SEARCH)


def test_the_first_source_that_works_answers_and_the_others_are_not_asked(server, folder, searches) -> None:
    counted: list[tuple[str, str]] = []
    pools = [Pool(folder, None), Pool(open_facts(server), searches)]
    assert RandomPhotos(pools, lambda *attempt: counted.append(attempt)).find().origin.title == "spare"
    assert counted == [("folder", "ok")]
    assert server.requests == []


def test_a_seen_photo_is_shown_again_only_where_no_source_has_another(server, folder, searches) -> None:
    seen = fingerprint(open_photo(draw_picture()))
    pools = [Pool(folder, None), Pool(open_facts(server), searches)]
    assert RandomPhotos(pools).find({seen}).origin.source == "Open Products Facts"
    server.answers[SEARCH] = Answer(500)
    assert (
        RandomPhotos([Pool(folder, None), Pool(open_facts(server), searches)]).find({seen}).origin.title
        == "spare"
    )


def test_without_sources_there_is_no_photo() -> None:
    with pytest.raises(SourceUnavailable):
        RandomPhotos([]).find()


def test_the_order_of_the_sources_and_their_hosts_are_settings(server, commons, tmp_path) -> None:
    settings = Settings(
        instance=tmp_path,
        photo_sources=("wikimedia-commons", "open-beauty-facts"),
        wikimedia_commons_url=f"{commons.url}/",
        wikimedia_categories=("Lamps",),
        open_beauty_facts_url=server.url,
    )
    assert open_random_photos(settings).find().origin.source == "Wikimedia Commons"
    assert commons.asked(COMMONS)[0].query["gcmtitle"] == "Category:Lamps"
    reverse = replace(settings, photo_sources=settings.photo_sources[::-1])
    found = open_random_photos(reverse).find()
    assert found.origin.source == "Open Beauty Facts"
    assert found.origin.credit == "Open Beauty Facts contributors"


@pytest.mark.parametrize("name", SOURCES_WITH_URL)
def test_a_source_at_its_default_address_is_not_trusted_to_lie_inward(name, monkeypatch, tmp_path) -> None:
    look_up = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda _, *others, **more: look_up("127.0.0.1", *others, **more)
    )
    connected: list[object] = []
    monkeypatch.setattr(socket.socket, "connect", lambda _, address: connected.append(address))
    photos = open_random_photos(Settings(instance=tmp_path, photo_sources=(name,)))
    with pytest.raises(SourceUnavailable):
        photos.find(wish=WISH)
    assert connected == []


def test_the_settings_open_openverse_first_with_the_client_that_they_name(images, tmp_path) -> None:
    images.tokens.add("none that anybody has")
    settings = Settings(
        instance=tmp_path,
        openverse_url=images.url,
        openverse_client_id="client",
        openverse_client_secret="secret",
    )
    found = open_random_photos(settings).find(wish=WISH)
    assert (found.origin.source, found.asked) == ("Openverse", TEAPOT)
    assert images.asked(TOKEN)[0].query["client_id"] == "client"


@pytest.mark.usefixtures("folder")
def test_a_category_is_asked_only_of_sources_that_know_categories(images, tmp_path) -> None:
    settings = Settings(instance=tmp_path, photo_sources=("openverse", "folder"), openverse_url=images.url)
    photos = open_random_photos(replace(settings, photo_folder=tmp_path / "photos"))
    assert photos.find(wish=Wish([TEAPOT], exact=True)).asked == TEAPOT
    images.answers[IMAGES] = Answer(429)
    with pytest.raises(SourceUnavailable):
        photos.find(wish=Wish([replace(TEAPOT, name_en="Wok", slug="wok")], exact=True))
    images.stop()
    assert photos.find(wish=Wish([replace(TEAPOT, name_en="Wok", slug="wok")])).origin.title == "spare"


def test_without_a_source_that_knows_categories_none_can_be_asked_for(folder) -> None:
    photos = RandomPhotos([Pool(folder, None)])
    assert not photos.by_category
    with pytest.raises(SourceUnavailable):
        photos.find(wish=Wish([TEAPOT], exact=True))


@pytest.mark.parametrize("fault", sorted(SEARCH_FAULTS))
def test_row_19_after_openverse_goes_wrong_the_next_source_answers(images, folder, tmp_path, fault) -> None:
    images.answers[IMAGES] = SEARCH_FAULTS[fault]
    settings = Settings(instance=tmp_path, photo_sources=("openverse",), openverse_url=images.url)
    counted: Counter[tuple[str, str]] = Counter()
    pools = [*open_random_photos(settings)._pools, Pool(folder, None)]
    photos = RandomPhotos(
        pools, lambda *attempt: counted.update([attempt]), BUDGET if fault in NEVER_END else 60.0
    )
    assert photos.find(wish=WISH).origin.title == "spare"
    assert counted == {("openverse", "failed"): 1, ("folder", "ok"): 1}
    assert images.bytes_sent < 150 * MEGABYTE


@pytest.mark.parametrize("fault", sorted(PHOTO_FAULTS))
def test_row_19_after_photos_of_openverse_go_wrong_the_next_source_answers(
    images, folder, tmp_path, fault
) -> None:
    rows = [images.make_photo(number) for number in range(20)]
    images.answers[IMAGES] = json_answer({"page_count": 1, "results": rows})
    for row in rows:
        images.answers[row["thumbnail"].removeprefix(images.url)] = PHOTO_FAULTS[fault]
    settings = Settings(instance=tmp_path, photo_sources=("openverse",), openverse_url=images.url)
    pools = [*open_random_photos(settings)._pools, Pool(folder, None)]
    photos = RandomPhotos(pools, click_seconds=BUDGET if fault in NEVER_END else 60.0)
    assert photos.find(wish=WISH).origin.title == "spare"


@pytest.mark.parametrize("fault", [Answer(401), Answer(429), Answer(500), stay_silent, json_answer({})])
def test_row_19_after_no_token_comes_the_next_source_answers(images, folder, tmp_path, fault) -> None:
    images.answers[TOKEN] = fault
    client = {"openverse_client_id": "client", "openverse_client_secret": "secret"}
    settings = Settings(instance=tmp_path, photo_sources=("openverse",), openverse_url=images.url, **client)
    pools = [*open_random_photos(settings)._pools, Pool(folder, None)]
    photos = RandomPhotos(pools, click_seconds=BUDGET if fault is stay_silent else 60.0)
    assert photos.find(wish=WISH).origin.title == "spare"
    assert images.asked(IMAGES) == []


@pytest.mark.parametrize("name", ["open-products-facts", "open-beauty-facts"])
def test_a_click_waits_but_shortly_for_a_source_that_is_often_down(name, tmp_path) -> None:
    settings = Settings(instance=tmp_path, photo_sources=(name, "dummyjson"))
    waits = []
    photos = open_random_photos(settings)
    for pool in photos._pools:
        pool.photo = lambda _seen, deadline, _wish: waits.append(deadline.left()) or refuse()
    with pytest.raises(SourceUnavailable):
        photos.find()
    assert waits[0] <= SHORT_SECONDS < waits[1]


def refuse() -> None:
    raise SourceFault("unusable")
