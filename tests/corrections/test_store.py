"""What every store of corrections must do, asked of both."""

import json
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from made_up import entry_of
from redis import Redis

from app.corrections import open_corrections
from app.corrections.redis import PIECE, RedisCorrections
from app.corrections.sqlite import SqliteCorrections
from app.corrections.store import FULL, Correction, CorrectionStore, correct, newest, to_json
from app.errors import CorrectionsUnavailable
from app.history.entry import Entry
from app.recognition.origin import Origin
from app.settings import Settings
from app.sources.address import describe

JPEG = b"\xff\xd8\xff\x00 not quite a photo \xff\xd9"
MUG = {"category_id": 1, "slug": "mug", "name": "Mug", "name_fr": "Tasse", "path": ["CUISINE", "MUG"]}
POT = {"category_id": 2, "slug": "pot", "name": "Théière", "name_fr": "Théière", "path": ["CUISINE", "POT"]}
ORIGIN = Origin("Wikimedia Commons", "A cup", "A. Photographer", "CC BY-SA 3.0", "https://example.org/1")


def make_entry() -> Entry:
    return entry_of([MUG | {"probability": 0.5}], origin=ORIGIN)


@pytest.fixture
def settings(store_settings: Settings) -> Settings:
    return store_settings


@pytest.fixture
def store(settings: Settings) -> CorrectionStore:
    return open_corrections(settings)


@pytest.fixture
def unreachable_store(unreachable_settings: Settings) -> CorrectionStore:
    return open_corrections(unreachable_settings)


def test_settings_choose_the_store(tmp_path: Path) -> None:
    assert isinstance(open_corrections(Settings(instance=tmp_path)), SqliteCorrections)
    assert isinstance(open_corrections(Settings(redis_url="redis://127.0.0.1")), RedisCorrections)
    assert list(tmp_path.iterdir()) == []


def test_a_correction_comes_back_as_it_was_added(store: CorrectionStore) -> None:
    correction = correct(make_entry(), POT, with_photo=True)
    store.add(correction, JPEG)
    assert store.all() == [correction]
    assert store.photo(correction.answer) == JPEG


def test_a_new_store_is_empty(store: CorrectionStore) -> None:
    assert store.all() == []
    assert store.photo("none") is None


def test_corrections_come_oldest_first_and_none_is_ever_replaced(store: CorrectionStore) -> None:
    entry = make_entry()
    corrections = [correct(entry, right, with_photo=False) for right in (POT, MUG, POT)]
    for correction in corrections:
        store.add(correction, None)
    assert store.all() == corrections
    assert newest(store.all()) == corrections[2:]


def test_a_later_photo_replaces_an_earlier_one(store: CorrectionStore) -> None:
    correction = correct(make_entry(), POT, with_photo=True)
    store.add(correction, b"first")
    store.add(correction, b"second")
    assert store.photo(correction.answer) == b"second"


def test_a_later_correction_without_the_photo_takes_it_back(
    store: CorrectionStore, settings: Settings
) -> None:
    entry, other = make_entry(), make_entry()
    for one in (entry, other):
        store.add(correct(one, POT, with_photo=True), JPEG)
    store.add(correct(entry, POT, with_photo=False), None)
    assert store.photo(correct(entry, POT, with_photo=False).answer) is None
    assert store.photo(correct(other, POT, with_photo=True).answer) == JPEG
    if not settings.redis_url:
        with closing(sqlite3.connect(settings.instance / "corrections.sqlite3")) as connection:
            assert connection.execute("SELECT count(*) FROM photo").fetchone() == (1,)


@pytest.mark.parametrize("text", [b"\x80\xff\x00\xfe", b"[1]", b"{}", b"[" * 100_000])
def test_a_correction_that_cannot_be_read_is_left_out(
    store: CorrectionStore, settings: Settings, text: bytes
) -> None:
    first, last = correct(make_entry(), MUG, with_photo=False), correct(make_entry(), POT, with_photo=False)
    store.add(first, None)
    if settings.redis_url:
        with Redis.from_url(settings.redis_url) as client:
            client.rpush("corrections", text)
    else:
        path = settings.instance / "corrections.sqlite3"
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("INSERT INTO correction (json) VALUES (CAST(? AS TEXT))", (text,))
    store.add(last, None)
    assert store.all() == [first, last]


def test_corrections_survive_reopening(store: CorrectionStore, settings: Settings) -> None:
    correction = correct(make_entry(), POT, with_photo=True)
    store.add(correction, JPEG)
    again = open_corrections(settings)
    assert again.all() == [correction]
    assert again.photo(correction.answer) == JPEG


def test_thirty_corrections_at_once_lose_none(store: CorrectionStore) -> None:
    corrections = [correct(make_entry(), POT, with_photo=False) for _ in range(30)]
    with ThreadPoolExecutor(30) as pool:
        list(pool.map(lambda correction: store.add(correction, JPEG), corrections))
    assert sorted(one.answer for one in store.all()) == sorted(one.answer for one in corrections)


def test_a_full_store_takes_no_more_and_keeps_what_it_has(
    store: CorrectionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.corrections.store.MAX_BYTES", 100_000)
    kept = correct(make_entry(), POT, with_photo=True)
    store.add(kept, JPEG)
    with pytest.raises(CorrectionsUnavailable, match=FULL):
        store.add(correct(make_entry(), POT, with_photo=True), bytes(100_000))
    assert store.all() == [kept]
    assert store.photo(kept.answer) == JPEG


def test_a_photo_can_be_taken_back_from_a_full_store(
    store: CorrectionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.corrections.store.MAX_BYTES", 100_000)
    entry = make_entry()
    kept = correct(entry, POT, with_photo=True)
    store.add(kept, JPEG)
    with suppress(CorrectionsUnavailable):
        for _ in range(1000):
            store.add(correct(make_entry(), POT, with_photo=False), None)
    with pytest.raises(CorrectionsUnavailable, match=FULL):
        store.add(correct(make_entry(), POT, with_photo=False), None)
    store.add(correct(entry, POT, with_photo=False), None)
    assert store.photo(kept.answer) is None
    assert newest(store.all())[0].origin == Origin()


def test_room_that_photos_leave_is_taken_by_others(
    store: CorrectionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.corrections.store.MAX_BYTES", 100_000)
    entry, other = make_entry(), make_entry()
    for _ in range(5):
        store.add(correct(entry, POT, with_photo=True), bytes(50_000))
    store.add(correct(entry, POT, with_photo=False), None)
    store.add(correct(other, POT, with_photo=True), bytes(60_000))
    assert store.photo(correct(other, POT, with_photo=True).answer) == bytes(60_000)


@pytest.mark.parametrize("use", [
    lambda store: store.add(correct(make_entry(), POT, with_photo=False), None),
    lambda store: store.all(),
    lambda store: store.photo("answer"),
], ids=["add", "all", "photo"])  # fmt: skip
def test_an_unreachable_store_says_so(
    unreachable_store: CorrectionStore, use: Callable[[CorrectionStore], object]
) -> None:
    with pytest.raises(CorrectionsUnavailable):
        use(unreachable_store)


def test_nothing_in_redis_expires_and_a_long_log_is_read_whole(redis_url: str) -> None:
    with Redis.from_url(redis_url) as client:
        client.flushdb()
        store = open_corrections(Settings(redis_url=redis_url))
        correction = correct(make_entry(), POT, with_photo=True)
        store.add(correction, JPEG)
        [text] = client.lrange("corrections", 0, -1)
        client.rpush("corrections", *[text] * PIECE)
        assert [client.ttl(key) for key in client.scan_iter()] == [-1] * 3
    assert store.all() == [correction] * (PIECE + 1)


def test_the_sqlite_file_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    open_corrections(Settings(instance=tmp_path)).all()
    assert (tmp_path / "corrections.sqlite3").stat().st_mode & 0o777 == 0o600


# What is kept


def test_a_correction_keeps_answer_and_model_and_names_neither_the_row_nor_the_photo() -> None:
    entry = make_entry()
    correction = correct(entry, POT, with_photo=False)
    assert (correction.predictions, correction.model, correction.right) == (
        entry.predictions,
        entry.model,
        POT,
    )
    text = json.dumps(to_json(correction))
    assert entry.id not in text
    assert ORIGIN.page_url not in text


def test_a_photo_is_kept_with_its_credit() -> None:
    assert correct(make_entry(), POT, with_photo=True).origin == ORIGIN


def test_a_photo_is_kept_without_the_address_that_a_visitor_gave() -> None:
    entry = replace(make_entry(), origin=describe("https://photos.example/me.jpg?token=secret"))
    assert correct(entry, POT, with_photo=True).origin == Origin()


@pytest.mark.parametrize(("right", "confirms"), [(MUG, True), (POT, False)])
def test_a_correction_to_the_first_category_confirms(right: dict[str, object], confirms: bool) -> None:
    correction: Correction = correct(make_entry(), right, with_photo=False)
    assert correction.confirms is confirms
