"""What every history store must do, asked of both."""

import multiprocessing
import os
import signal
import socket
import sqlite3
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from helpers import wait_until
from made_up import entry_of
from PIL import Image
from redis import Redis

from app.errors import HistoryUnavailable, NotFound
from app.history import open_store
from app.history.entry import KEPT_FOR, MAX_ROW_BYTES, Entry, dump_entry
from app.history.redis import RedisHistory
from app.history.sqlite import SqliteHistory
from app.history.store import HistoryStore
from app.history.summary import summarise
from app.recognition.origin import Origin
from app.recognition.photos import RETAINED_SIDE, thumbnail
from app.settings import Settings

ANN, BOB = "owner-ann", "owner-bob"
JPEG = b"\xff\xd8\xff\x00 not quite a photo \xff\xd9"
MUG = {"category_id": 1000010653, "slug": "mug", "name": "Mug", "photo": False}
POT = {"category_id": 2, "slug": "pot", "name": "Pot", "photo": True}
LIVES = (1, 2, 4, 8, 16, 32)  # s, of what is about to expire: as long as it takes to use it before
SPAWN = multiprocessing.get_context("spawn")  # a fork would share what a worker does not


@pytest.fixture
def settings(store_settings: Settings) -> Settings:
    return store_settings


@pytest.fixture
def store(settings: Settings) -> HistoryStore:
    return open_store(settings)


@pytest.fixture
def unreachable_store(unreachable_settings: Settings) -> HistoryStore:
    return open_store(unreachable_settings)


def make_entry(title: str = "", age: timedelta = timedelta(0)) -> Entry:
    guess = {
        "category_id": 1000010653,
        "slug": "mug",
        "path": ["CUISINE", "TASSE", "MUG"],
        "probability": 0.8125,
    }
    origin = Origin("open_products_facts", title, "A. Photographer", "CC BY-SA 3.0", "https://example.org/1")
    return entry_of([guess], origin=origin, created=datetime.now(UTC) - age)


def add_entries(store: HistoryStore, number: int, owner: str = ANN) -> list[Entry]:
    entries = [make_entry(f"Mug {count}") for count in range(number)]
    for entry in entries:
        store.add(owner, entry, JPEG)
    return entries


def add_short_lived(store: HistoryStore, use: Callable[[Entry], object]) -> Entry:
    """Add an entry that is about to expire, and `use` it before: it lives the longer the slower that is."""
    for seconds in LIVES:
        entry = make_entry(age=KEPT_FOR - timedelta(seconds=seconds))
        store.add(ANN, entry, JPEG)
        with suppress(NotFound):
            use(entry)
            return entry
    pytest.fail("it expired too early")


def is_gone(store: HistoryStore, entry: Entry) -> bool:
    try:
        store.get(ANN, entry.id)
    except NotFound:
        return True
    return False


def add_in_this_process(settings: Settings, number: int) -> list[str]:
    return [entry.id for entry in add_entries(open_store(settings), number)]


def add_and_die(settings: Settings) -> None:
    add_entries(open_store(settings), 1)
    os.kill(os.getpid(), signal.SIGKILL)


def all_ids(store: HistoryStore, owner: str = ANN) -> list[str]:
    return [entry.id for entry in store.page(owner, 0, 1000)]


def test_a_row_has_a_copy_of_each_photo_of_its_product(store: HistoryStore) -> None:
    entry = make_entry()
    store.add(ANN, entry, JPEG, b"second", b"third")
    assert [store.thumbnail(ANN, entry.id, place) for place in range(3)] == [JPEG, b"second", b"third"]
    for owner, place in ((ANN, 3), (ANN, -1), (BOB, 1)):
        with pytest.raises(NotFound):
            store.thumbnail(owner, entry.id, place)
    store.clear(ANN)
    with pytest.raises(NotFound):
        store.thumbnail(ANN, entry.id, 1)


def test_settings_choose_the_store(tmp_path: Path) -> None:
    assert isinstance(open_store(Settings(instance=tmp_path)), SqliteHistory)
    assert isinstance(open_store(Settings(redis_url="redis://127.0.0.1")), RedisHistory)


def test_opening_sqlite_creates_nothing_before_first_use(tmp_path: Path) -> None:
    open_store(Settings(instance=tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_a_new_owner_has_an_empty_history(store: HistoryStore) -> None:
    assert store.page(ANN, 0, 25) == []
    assert store.count(ANN) == 0


def test_an_entry_comes_back_as_it_was_added(store: HistoryStore) -> None:
    entry = make_entry("Mug")
    store.add(ANN, entry, JPEG)
    assert store.get(ANN, entry.id) == entry
    assert store.page(ANN, 0, 25) == [entry]


def test_text_in_any_script_comes_back_unchanged(store: HistoryStore) -> None:
    entry = make_entry("Théière émaillée 茶壶 🫖 \u202e\x00 \ud800 'quoted'")
    store.add(ANN, entry, JPEG)
    assert store.get(ANN, entry.id) == entry


def test_a_thumbnail_comes_back_byte_for_byte(store: HistoryStore) -> None:
    jpeg = bytes(range(256)) * 40
    entry = make_entry()
    store.add(ANN, entry, jpeg)
    assert store.thumbnail(ANN, entry.id) == jpeg


def test_the_newest_entry_comes_first(store: HistoryStore) -> None:
    entries = add_entries(store, 5)
    assert store.page(ANN, 0, 25) == entries[::-1]


def test_pages_follow_each_other_without_gap_or_overlap(store: HistoryStore) -> None:
    newest_first = add_entries(store, 7)[::-1]
    pages = [store.page(ANN, offset, 3) for offset in (0, 3, 6, 9)]
    assert pages == [newest_first[:3], newest_first[3:6], newest_first[6:], []]


def test_count_knows_more_than_one_page(store: HistoryStore) -> None:
    add_entries(store, 30)
    assert store.count(ANN) == 30


def test_owners_do_not_see_each_others_entries(store: HistoryStore) -> None:
    [entry] = add_entries(store, 1, ANN)
    assert store.page(BOB, 0, 25) == []
    assert store.count(BOB) == 0
    with pytest.raises(NotFound):
        store.get(BOB, entry.id)
    with pytest.raises(NotFound):
        store.thumbnail(BOB, entry.id)


def test_owners_cannot_delete_each_others_entries(store: HistoryStore) -> None:
    [entry] = add_entries(store, 1, ANN)
    store.discard(BOB, [entry.id])
    store.clear(BOB)
    assert store.get(ANN, entry.id) == entry
    assert store.thumbnail(ANN, entry.id) == JPEG


@pytest.mark.parametrize("entry_id", ["no-such-id", "", "é *", f"{BOB}:x"])
def test_an_unknown_id_is_not_found(store: HistoryStore, entry_id: str) -> None:
    add_entries(store, 1)
    with pytest.raises(NotFound):
        store.get(ANN, entry_id)
    with pytest.raises(NotFound):
        store.thumbnail(ANN, entry_id)


def test_deleting_an_unknown_id_changes_nothing(store: HistoryStore) -> None:
    add_entries(store, 1)
    store.discard(ANN, ["no-such-id"])
    assert store.count(ANN) == 1


def test_a_deleted_entry_is_gone_with_its_thumbnail(store: HistoryStore) -> None:
    kept, deleted = add_entries(store, 2)
    store.discard(ANN, [deleted.id])
    assert store.page(ANN, 0, 25) == [kept]
    assert store.count(ANN) == 1
    with pytest.raises(NotFound):
        store.get(ANN, deleted.id)
    with pytest.raises(NotFound):
        store.thumbnail(ANN, deleted.id)


def test_entries_come_in_the_order_that_is_asked_for(store: HistoryStore) -> None:
    first, second, third = add_entries(store, 3)
    store.discard(ANN, [second.id])
    wanted = [third.id, "no-such-id", second.id, first.id]
    assert store.entries(ANN, wanted) == [third, first]
    assert store.entries(ANN, []) == store.entries(BOB, wanted) == []


def test_there_is_a_summary_of_every_entry_newest_first(store: HistoryStore) -> None:
    entries = add_entries(store, 3)
    assert store.summaries(ANN) == [summarise(entry) for entry in reversed(entries)]
    assert store.summaries(BOB) == []


def test_what_is_said_right_of_an_entry_is_noted_in_it_and_in_its_summary(store: HistoryStore) -> None:
    entry, other = add_entries(store, 2)
    for right in (POT, MUG):
        store.correct(ANN, entry.id, right)
    noted = replace(entry, correction=MUG)
    assert store.get(ANN, entry.id) == noted
    assert store.summaries(ANN) == [summarise(other), summarise(noted)]
    assert store.thumbnail(ANN, entry.id) == JPEG


def test_of_an_entry_that_is_not_there_nothing_can_be_said(store: HistoryStore) -> None:
    entry, deleted = add_entries(store, 2)
    store.discard(ANN, [deleted.id])
    for owner, entry_id in ((BOB, entry.id), (ANN, deleted.id), (ANN, "no-such-id")):
        with pytest.raises(NotFound):
            store.correct(owner, entry_id, POT)
    assert store.page(ANN, 0, 25) == [entry]


def test_what_is_said_of_an_entry_comes_back_with_it(store: HistoryStore) -> None:
    [entry] = add_entries(store, 1)
    store.correct(ANN, entry.id, POT)
    store.discard(ANN, [entry.id])
    discarded = store.last_discarded(ANN)
    assert discarded is not None
    store.restore(ANN, discarded.id)
    assert store.get(ANN, entry.id).correction == POT
    assert [summary.right for summary in store.summaries(ANN)] == ["pot"]


def test_an_entry_lives_no_longer_for_being_corrected(store: HistoryStore) -> None:
    entry = add_short_lived(store, lambda entry: store.correct(ANN, entry.id, POT))
    wait_until(lambda: not store.count(ANN) and is_gone(store, entry))


def test_a_discarded_set_can_be_brought_back_photo_and_all(store: HistoryStore) -> None:
    entries = add_entries(store, 4)
    before = store.summaries(ANN)
    store.discard(ANN, [entries[0].id, entries[2].id])
    assert store.page(ANN, 0, 25) == [entries[3], entries[1]]
    discarded = store.last_discarded(ANN)
    assert discarded is not None
    assert discarded.count == 2
    assert store.restore(ANN, discarded.id) == 2
    assert store.page(ANN, 0, 25) == entries[::-1]
    assert store.summaries(ANN) == before
    assert store.thumbnail(ANN, entries[0].id) == JPEG
    assert store.last_discarded(ANN) is None


def test_sets_are_brought_back_one_by_one_the_last_first(store: HistoryStore) -> None:
    first, second = add_entries(store, 2)
    for entry in (first, second):
        store.discard(ANN, [entry.id])
    for expected in ([second], [second, first]):
        discarded = store.last_discarded(ANN)
        assert discarded is not None
        store.restore(ANN, discarded.id)
        assert store.page(ANN, 0, 25) == expected


def test_a_set_can_be_brought_back_once_and_by_its_owner_only(store: HistoryStore) -> None:
    [entry] = add_entries(store, 1)
    store.discard(ANN, [entry.id])
    discarded = store.last_discarded(ANN)
    assert discarded is not None
    assert store.last_discarded(BOB) is None
    assert store.restore(BOB, discarded.id) == 0
    assert [store.restore(ANN, discarded.id) for _ in range(2)] == [1, 0]


def test_what_was_discarded_is_gone_for_good_when_it_is_too_late(
    store: HistoryStore, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.history.redis.GRACE", timedelta(0))
    discarded = None
    for seconds in LIVES:
        monkeypatch.setattr("app.history.entry.UNDO_FOR", timedelta(seconds=seconds))
        monkeypatch.setattr("app.history.redis.UNDO_FOR", timedelta(seconds=seconds))
        store.clear(ANN)
        [entry] = add_entries(store, 1)
        store.discard(ANN, [entry.id])
        if discarded := store.last_discarded(ANN):
            break
    assert discarded is not None
    wait_until(lambda: not store.last_discarded(ANN))
    assert store.restore(ANN, discarded.id) == 0
    assert store.count(ANN) == 0
    if settings.redis_url:
        with Redis.from_url(settings.redis_url) as client:
            assert client.keys() == []
    else:
        path = settings.instance / "history.sqlite3"
        assert _execute(path, "SELECT count(*) FROM entry") == [(1,)]  # looking deletes nothing
        store.sweep()
        assert _execute(path, "SELECT count(*) FROM entry") == [(0,)]
        assert _execute(path, "SELECT count(*) FROM thumbnail") == [(0,)]


def test_clearing_leaves_nothing_to_bring_back(store: HistoryStore) -> None:
    [discarded, _] = add_entries(store, 2)
    store.discard(ANN, [discarded.id])
    last = store.last_discarded(ANN)
    assert last is not None
    store.clear(ANN)
    assert store.last_discarded(ANN) is None
    assert store.restore(ANN, last.id) == 0


def test_clearing_takes_all_of_one_owner_and_nothing_else(store: HistoryStore) -> None:
    [anns, *_] = add_entries(store, 3, ANN)
    bobs = add_entries(store, 2, BOB)
    store.clear(ANN)
    assert store.count(ANN) == 0
    assert store.page(ANN, 0, 25) == []
    with pytest.raises(NotFound):
        store.thumbnail(ANN, anns.id)
    assert store.page(BOB, 0, 25) == bobs[::-1]


def test_the_history_survives_reopening(store: HistoryStore, settings: Settings) -> None:
    entries = add_entries(store, 3)
    reopened = open_store(settings)
    assert reopened.page(ANN, 0, 25) == entries[::-1]
    assert reopened.thumbnail(ANN, entries[0].id) == JPEG


def test_an_entry_survives_the_death_of_its_process(store: HistoryStore, settings: Settings) -> None:
    process = SPAWN.Process(target=add_and_die, args=(settings,))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert store.count(ANN) == 1


def test_fifty_adds_at_once_lose_none(store: HistoryStore) -> None:
    entries = [make_entry() for _ in range(50)]
    with ThreadPoolExecutor(50) as pool:
        list(pool.map(lambda entry: store.add(ANN, entry, JPEG), entries))
    assert sorted(all_ids(store)) == sorted(entry.id for entry in entries)


def test_adds_from_two_processes_lose_none(store: HistoryStore, settings: Settings) -> None:
    with ProcessPoolExecutor(2, mp_context=SPAWN) as pool:
        added = [pool.submit(add_in_this_process, settings, 25) for _ in range(2)]
        ids = [entry_id for future in added for entry_id in future.result()]
    assert sorted(all_ids(store)) == sorted(ids)


def test_beyond_the_cap_the_owners_oldest_entries_go(
    store: HistoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.history.sqlite.MAX_ENTRIES", 3)
    monkeypatch.setattr("app.history.redis.MAX_ENTRIES", 3)
    bobs = add_entries(store, 2, BOB)
    entries = add_entries(store, 5, ANN)
    assert store.page(ANN, 0, 25) == entries[:1:-1]
    assert store.count(ANN) == 3
    with pytest.raises(NotFound):
        store.thumbnail(ANN, entries[0].id)
    assert store.page(BOB, 0, 25) == bobs[::-1]


def test_a_row_of_too_many_bytes_is_refused_and_leaves_no_trace(store: HistoryStore) -> None:
    [kept] = add_entries(store, 1)
    large = make_entry("Mug")
    with pytest.raises(HistoryUnavailable, match="too large"):
        store.add(ANN, large, bytes(MAX_ROW_BYTES))
    assert store.page(ANN, 0, 25) == [kept]
    assert store.count(ANN) == 1
    with pytest.raises(NotFound):
        store.thumbnail(ANN, large.id)


def test_the_largest_copy_of_the_noisiest_photo_is_kept(store: HistoryStore) -> None:
    noise = np.random.default_rng(0).integers(0, 2, (RETAINED_SIDE, RETAINED_SIDE, 3), np.uint8) * 255
    jpeg, entry = thumbnail(Image.fromarray(noise), RETAINED_SIDE), make_entry("Mug")
    assert len(jpeg) > MAX_ROW_BYTES / 2
    store.add(ANN, entry, jpeg)
    assert store.thumbnail(ANN, entry.id) == jpeg


def test_an_entry_expires_without_anyone_writing(store: HistoryStore) -> None:
    entry = add_short_lived(store, lambda entry: store.get(ANN, entry.id))
    wait_until(lambda: not store.count(ANN) and is_gone(store, entry))
    assert store.page(ANN, 0, 25) == []
    with pytest.raises(NotFound):
        store.get(ANN, entry.id)
    with pytest.raises(NotFound):
        store.thumbnail(ANN, entry.id)


def test_an_expired_entry_takes_no_other_with_it(store: HistoryStore) -> None:
    expired = make_entry(age=KEPT_FOR + timedelta(seconds=1))
    young = make_entry(age=KEPT_FOR - timedelta(minutes=1))
    store.add(ANN, expired, JPEG)
    store.add(ANN, young, JPEG)
    assert store.page(ANN, 0, 25) == [young]
    assert store.thumbnail(ANN, young.id) == JPEG


@pytest.mark.parametrize(
    "use",
    [
        lambda store: store.add(ANN, make_entry(), JPEG),
        lambda store: store.page(ANN, 0, 25),
        lambda store: store.count(ANN),
        lambda store: store.get(ANN, "id"),
        lambda store: store.thumbnail(ANN, "id"),
        lambda store: store.entries(ANN, ["id"]),
        lambda store: store.correct(ANN, "id", POT),
        lambda store: store.summaries(ANN),
        lambda store: store.discard(ANN, ["id"]),
        lambda store: store.last_discarded(ANN),
        lambda store: store.restore(ANN, 1),
        lambda store: store.clear(ANN),
    ],
    ids=[
        "add",
        "page",
        "count",
        "get",
        "thumbnail",
        "entries",
        "correct",
        "summaries",
        "discard",
        "last_discarded",
        "restore",
        "clear",
    ],
)
def test_an_unreachable_store_says_so(
    unreachable_store: HistoryStore, use: Callable[[HistoryStore], object]
) -> None:
    with pytest.raises(HistoryUnavailable):
        use(unreachable_store)


def test_a_silent_redis_does_not_hold_up_a_page_for_good() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        store = open_store(Settings(redis_url=f"redis://127.0.0.1:{silent.getsockname()[1]}"))
        with pytest.raises(HistoryUnavailable):
            store.count(ANN)


def test_redis_keeps_nothing_of_cleared_histories(redis_url: str) -> None:
    store = open_store(Settings(redis_url=redis_url))
    with Redis.from_url(redis_url) as client:
        client.flushdb()
        add_entries(store, 3)
        store.discard(ANN, all_ids(store)[:1])
        store.clear(ANN)
        assert client.keys() == []


def test_redis_forgets_the_ids_of_expired_entries_at_the_next_add(redis_url: str) -> None:
    store = open_store(Settings(redis_url=redis_url))
    with Redis.from_url(redis_url) as client:
        client.flushdb()
        store.add(ANN, make_entry(age=KEPT_FOR + timedelta(seconds=1)), JPEG)
        [entry] = add_entries(store, 1)
        assert client.zrange(f"history:{ANN}", 0, -1) == [entry.id.encode()]


def test_everything_in_redis_expires(redis_url: str) -> None:
    with Redis.from_url(redis_url) as client:
        client.flushdb()
        store = open_store(Settings(redis_url=redis_url))
        entries = add_entries(store, 2)
        store.discard(ANN, [entries[0].id])
        seconds_left = [client.ttl(key) for key in client.scan_iter()]
    assert len(seconds_left) == 6
    assert all(0 < seconds <= KEPT_FOR.total_seconds() for seconds in seconds_left)


def test_sqlite_keeps_no_thumbnail_of_expired_entries_of_anyone(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite3"
    store = SqliteHistory(path)
    entry = make_entry()
    store.add(BOB, entry, JPEG)
    _execute(path, f"UPDATE entry SET created = created - {KEPT_FOR.total_seconds()}")
    store.add(ANN, replace(entry, id="another"), JPEG)
    store.sweep()
    assert _execute(path, "SELECT count(*) FROM entry") == [(1,)]
    assert _execute(path, "SELECT count(*) FROM thumbnail") == [(1,)]


def test_beyond_its_bound_a_sqlite_file_loses_the_oldest_entries_of_anyone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.history.sqlite.DROPPED_AT_ONCE", 2)
    store = SqliteHistory(tmp_path / "history.sqlite3", max_bytes=400_000)
    store.add(BOB, make_entry("the oldest", age=timedelta(days=1)), JPEG)
    for _ in range(20):
        store.add(ANN, make_entry(), bytes(50_000))
    assert store.count(BOB) == 0
    assert 4 <= store.count(ANN) <= 8


def test_sqlite_keeps_no_thumbnail_of_deleted_entries(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite3"
    store = SqliteHistory(path)
    add_entries(store, 1)
    store.clear(ANN)
    assert _execute(path, "SELECT count(*) FROM thumbnail") == [(0,)]


def test_sqlite_begins_anew_when_its_file_was_deleted(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite3"
    store = SqliteHistory(path)
    add_entries(store, 1)
    path.unlink()
    assert store.count(ANN) == 0
    [entry] = add_entries(store, 1)
    assert store.page(ANN, 0, 25) == [entry]


def test_a_damaged_sqlite_file_is_unavailable(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite3"
    path.write_bytes(b"this was never a database " * 100)
    with pytest.raises(HistoryUnavailable):
        SqliteHistory(path).count(ANN)


def test_sqlite_can_be_read_while_another_process_writes(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite3"
    store = SqliteHistory(path)
    [entry] = add_entries(store, 1)
    writer = sqlite3.connect(path, isolation_level=None)
    try:
        writer.execute("BEGIN EXCLUSIVE")
        assert store.page(ANN, 0, 25) == [entry]
    finally:
        writer.close()


def test_the_sqlite_file_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite3"
    add_entries(SqliteHistory(path), 1)
    assert path.stat().st_mode & 0o777 == 0o600


def _execute(path: Path, statement: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    try:
        with connection:
            return connection.execute(statement).fetchall()
    finally:
        connection.close()


def damage(settings: Settings, entry: Entry, text: bytes, owner: str = ANN) -> None:
    """Put `text` in the place of a row and of its summary."""
    if settings.redis_url:
        with Redis.from_url(settings.redis_url) as client:
            client.hset(f"history:{owner}:{entry.id}", "json", text)
            client.hset(f"summaries:{owner}", entry.id, text)
        return
    with closing(sqlite3.connect(settings.instance / "history.sqlite3")) as connection, connection:
        statement = "UPDATE entry SET json = CAST(? AS TEXT), summary = CAST(? AS TEXT) WHERE id = ?"
        connection.execute(statement, (text, text, entry.id))


UNREADABLE = [
    pytest.param(b"\x80\xff\x00\xfe", id="random bytes"),
    pytest.param(b"", id="nothing"),
    pytest.param(b"[1]", id="another shape"),
    pytest.param(b"{}", id="no fields"),
    pytest.param(b"[" * 100_000, id="nested deep"),
    pytest.param(
        dump_entry(make_entry()).replace('"probability"', '"chance"').encode(), id="a renamed field"
    ),
    pytest.param(dump_entry(make_entry()).replace("+00:00", "").encode(), id="a moment of no zone"),
    pytest.param(
        dump_entry(make_entry()).replace('"asked": null', '"asked": {"slug": "mug"}').encode(), id="asked for"
    ),
]


@pytest.mark.parametrize("text", UNREADABLE)
def test_a_row_that_cannot_be_read_is_left_out_and_costs_no_other(
    store: HistoryStore, settings: Settings, text: bytes
) -> None:
    oldest, damaged, newest = add_entries(store, 3)
    damage(settings, damaged, text)
    assert store.page(ANN, 0, 25) == [newest, oldest]
    assert store.entries(ANN, [damaged.id, oldest.id]) == [oldest]
    assert [summary.id for summary in store.summaries(ANN)] == [newest.id, oldest.id]
    assert store.count(ANN) == 3


@pytest.mark.parametrize("text", UNREADABLE)
def test_a_row_that_cannot_be_read_is_not_found_and_can_be_cleared(
    store: HistoryStore, settings: Settings, text: bytes
) -> None:
    [entry] = add_entries(store, 1)
    damage(settings, entry, text)
    with pytest.raises(NotFound):
        store.get(ANN, entry.id)
    with pytest.raises(NotFound):
        store.correct(ANN, entry.id, MUG)
    store.clear(ANN)
    assert store.count(ANN) == 0


@pytest.mark.parametrize("dhash", [b"-1", b"18446744073709551616", b'"a"'])
def test_a_summary_whose_hash_has_no_64_bits_is_left_out(
    store: HistoryStore, settings: Settings, dhash: bytes
) -> None:
    entry, other = add_entries(store, 2)
    line = b'["%s",%d,"sure","mug","Mug",0.8,"upload","mug","ab",%s]'
    damage(settings, entry, line % (entry.id.encode(), int(datetime.now(UTC).timestamp()), dhash))
    assert [summary.id for summary in store.summaries(ANN)] == [other.id]


def test_fields_that_a_newer_release_has_added_are_ignored(store: HistoryStore, settings: Settings) -> None:
    [entry] = add_entries(store, 1)
    newer = dump_entry(entry).replace('"origin": {', '"angle": 90, "origin": {"by": "nobody", ')
    damage(settings, entry, newer.encode())
    assert store.get(ANN, entry.id) == entry
