"""The sources, played on loopback, and what stands in for what they need."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from local_sources import (
    CONTACT,
    LocalDummyJson,
    LocalOpenFoodFacts,
    LocalOpenProductsFacts,
    LocalOpenverse,
    LocalServer,
    LocalWikimediaCommons,
    open_facts,
)

from app.sources.dummyjson import DummyJson
from app.sources.fetch import Fetcher
from app.sources.open_facts import OpenFacts
from app.sources.open_food_facts import OpenFoodFacts
from app.sources.openverse import Openverse
from app.sources.rates import SqliteSearchLog
from app.sources.wikimedia_commons import WikimediaCommons


@pytest.fixture(autouse=True)
def no_other_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing but its budget end a fetch from a server that would keep it for good."""
    monkeypatch.setattr("app.sources.fetch.CONNECT_SECONDS", 3600.0)
    monkeypatch.setattr("app.sources.fetch.READ_SECONDS", 3600.0)


@pytest.fixture
def server() -> Iterator[LocalOpenProductsFacts]:
    with LocalOpenProductsFacts() as server:
        yield server


@pytest.fixture
def source(server: LocalOpenProductsFacts) -> OpenFacts:
    return open_facts(server)


@pytest.fixture
def commons() -> Iterator[LocalWikimediaCommons]:
    with LocalWikimediaCommons() as server:
        yield server


@pytest.fixture
def wikimedia(commons: LocalWikimediaCommons, tmp_path: Path) -> WikimediaCommons:
    return WikimediaCommons(commons.url, ("Teapots",), Fetcher(CONTACT, commons.url, alone=tmp_path / "lock"))


@pytest.fixture
def dummy() -> Iterator[LocalDummyJson]:
    with LocalDummyJson() as server:
        yield server


@pytest.fixture
def dummyjson(dummy: LocalDummyJson) -> DummyJson:
    return DummyJson(dummy.url, Fetcher(CONTACT, dummy.url))


@pytest.fixture
def food() -> Iterator[LocalOpenFoodFacts]:
    with LocalOpenFoodFacts() as server:
        yield server


@pytest.fixture
def open_food_facts(food: LocalOpenFoodFacts) -> OpenFoodFacts:
    return OpenFoodFacts(food.url, Fetcher(CONTACT, food.url))


@pytest.fixture
def images() -> Iterator[LocalOpenverse]:
    with LocalOpenverse() as server:
        yield server


@pytest.fixture
def openverse(images: LocalOpenverse) -> Openverse:
    return Openverse(images.url, Fetcher(CONTACT, images.url))


@pytest.fixture
def searches(tmp_path: Path) -> SqliteSearchLog:
    return SqliteSearchLog(tmp_path / "searches.sqlite3")


@pytest.fixture
def serve() -> Iterator[Callable[[], LocalServer]]:
    """Start as many servers without answers as a test wants."""
    servers: list[LocalServer] = []

    def start() -> LocalServer:
        servers.append(LocalServer())
        return servers[-1].__enter__()

    yield start
    for server in servers:
        server.stop()
