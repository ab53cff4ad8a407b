"""What every store of taught classifiers must do, asked of both."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from redis import Redis

from app.classifiers import open_classifiers
from app.classifiers.redis import RedisClassifiers
from app.classifiers.sqlite import SqliteClassifiers
from app.classifiers.store import ClassifierStore
from app.errors import ClassifierFull, ClassifiersUnavailable
from app.settings import Settings

ANN, BOB = "owner-ann", "owner-bob"


@pytest.fixture
def settings(store_settings: Settings) -> Settings:
    return store_settings


@pytest.fixture
def store(settings: Settings) -> ClassifierStore:
    return open_classifiers(settings)


@pytest.fixture
def unreachable_store(unreachable_settings: Settings) -> ClassifierStore:
    return open_classifiers(unreachable_settings)


def test_settings_choose_the_store(tmp_path: Path) -> None:
    assert isinstance(open_classifiers(Settings(instance=tmp_path)), SqliteClassifiers)
    assert isinstance(open_classifiers(Settings(redis_url="redis://127.0.0.1")), RedisClassifiers)
    assert list(tmp_path.iterdir()) == []


def test_files_come_back_as_they_were_put(store: ClassifierStore, settings: Settings) -> None:
    store.put(ANN, {"b": b"\x00two", "a": b"one"})
    store.put(ANN, {"a": b"new"})
    again = open_classifiers(settings)
    assert again.names(ANN) == ["a", "b"]
    assert again.get(ANN, ["b", "none", "a"]) == {"a": b"new", "b": b"\x00two"}


def test_owners_do_not_see_each_others_files(store: ClassifierStore) -> None:
    store.put(ANN, {"a": b"of Ann"})
    store.put(BOB, {"a": b"of Bob"})
    store.delete(BOB, ["a"])
    assert store.get(ANN, ["a"]) == {"a": b"of Ann"}
    assert (store.names(BOB), store.get(BOB, ["a"])) == ([], {})
    store.clear(BOB)
    assert store.names(ANN) == ["a"]


def test_clearing_deletes_all_of_one_owner(store: ClassifierStore) -> None:
    store.put(ANN, {"a": b"1", "b": b"2"})
    store.clear(ANN)
    assert store.names(ANN) == []


def test_one_file_too_many_is_refused_and_the_others_stay(
    store: ClassifierStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.classifiers.store.MOST_FILES", 2)
    store.put(ANN, {"a": b"1", "b": b"2"})
    with pytest.raises(ClassifierFull):
        store.put(ANN, {"c": b"3"})
    store.put(ANN, {"b": b"4"})
    assert store.get(ANN, ["a", "b", "c"]) == {"a": b"1", "b": b"4"}


def test_the_owner_not_changed_for_longest_makes_room(
    store: ClassifierStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.classifiers.store.MOST_OWNERS", 2)
    for owner in (ANN, BOB, ANN, "owner-cleo"):
        store.put(owner, {"a": b"1"})
    assert [store.names(owner) for owner in (ANN, BOB, "owner-cleo")] == [["a"], [], ["a"]]


def test_a_full_sqlite_file_drops_the_oldest_owner_and_never_the_one_who_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.classifiers.store.MAX_BYTES", 300_000)
    store = open_classifiers(Settings(instance=tmp_path))
    for owner in (ANN, BOB):
        store.put(owner, {"a": bytes(200_000)})
    assert [len(store.names(owner)) for owner in (ANN, BOB)] == [0, 1]
    store.put(BOB, {"b": bytes(400_000)})
    assert len(store.names(BOB)) == 2


def test_all_of_an_owner_expires_after_the_last_change(
    store: ClassifierStore, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put(ANN, {"a": b"1"})
    if settings.redis_url:
        with Redis.from_url(settings.redis_url) as client:
            assert timedelta(days=30).total_seconds() < client.ttl(f"classifier:{ANN}")
        return
    monkeypatch.setattr("app.classifiers.store.KEPT_FOR", timedelta(days=-1))
    assert (store.names(ANN), store.get(ANN, ["a"])) == ([], {})
    store.sweep()
    monkeypatch.undo()
    assert store.names(ANN) == []


def test_files_put_at_once_lose_none(store: ClassifierStore) -> None:
    names = [f"{number:02}" for number in range(20)]
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda name: store.put(ANN, {name: name.encode()}), names))
    assert store.names(ANN) == names


@pytest.mark.parametrize("use", [
    lambda store: store.names(ANN),
    lambda store: store.get(ANN, ["a"]),
    lambda store: store.put(ANN, {"a": b"1"}),
    lambda store: store.delete(ANN, ["a"]),
    lambda store: store.clear(ANN),
    lambda store: store.check(),
], ids=["names", "get", "put", "delete", "clear", "check"])  # fmt: skip
def test_an_unreachable_store_says_so(
    unreachable_store: ClassifierStore, use: Callable[[ClassifierStore], object]
) -> None:
    with pytest.raises(ClassifiersUnavailable):
        use(unreachable_store)


def test_the_sqlite_file_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    open_classifiers(Settings(instance=tmp_path)).names(ANN)
    assert (tmp_path / "classifiers.sqlite3").stat().st_mode & 0o777 == 0o600
