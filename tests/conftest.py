"""What every test can ask for."""

import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from drawings import write_drawings
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from helpers import WAIT_SECONDS, free_port, jpeg, program, wait_until_it_answers
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from own_redis import OwnRedis
from PIL import Image
from redis import Redis
from skimage import data
from small_bundle import write_small_bundle

from app import create_app
from app.recognition.service import ModelService
from app.settings import DEFAULT_MODEL, ROOT, Settings
from app.web import source_files

LONG = {"browser", "live", "training"}  # folders of tests that take longest
PRODUCTS = ROOT.parent / "shared" / "products"
NOWHERE = "http://127.0.0.1:9"  # the discard port: nothing listens


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the long files: processes that share out the files end together when the last are short."""
    items.sort(key=lambda item: item.path.parent.name not in LONG)


@pytest.fixture(scope="session", autouse=True)
def only_loopback() -> Iterator[None]:
    """Refuse connections that leave the machine, so that no test depends on the web."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        host = address[0] if isinstance(address, tuple) else address
        if isinstance(address, tuple) and host not in {"127.0.0.1", "::1", "localhost"}:
            raise AssertionError(f"a test tried to reach {host}")
        connect(self, address)

    patch = pytest.MonkeyPatch()
    patch.setattr(socket.socket, "connect", guarded)
    yield
    patch.undo()


class CompiledTemplates(BytecodeCache):
    """Keeps what templates are compiled to: most tests make a site, which would compile its own, in 0.1 s."""

    def __init__(self) -> None:
        self._codes: dict[tuple[str, str], Any] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._codes.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._codes[bucket.key, bucket.checksum] = bucket.code


@pytest.fixture(scope="session", autouse=True)
def what_sites_share() -> Iterator[None]:
    """Compile each template, and list the source files, once for all sites of this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Flask, "jinja_options", {"bytecode_cache": CompiledTemplates()})
        patch.setattr(source_files, "list_files", cache(source_files.list_files))
        yield


@pytest.fixture(scope="session")
def products() -> Path:
    """The labelled photos; a clone without them skips the test, CI must have them."""
    if not PRODUCTS.is_dir():
        if os.environ.get("CI"):
            pytest.fail(f"{PRODUCTS} is missing")
        pytest.skip("needs the labelled photos in ../shared/products")
    return PRODUCTS


@pytest.fixture(scope="session")
def service() -> ModelService:
    """The shipped network, loaded once for all tests."""
    service = ModelService(ROOT / "weights" / DEFAULT_MODEL)
    service.wait()
    return service


@pytest.fixture(scope="session")
def drawings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder of three categories with 8 training and 3 validation drawings each."""
    root = tmp_path_factory.mktemp("drawings")
    write_drawings(root)
    return root


@pytest.fixture(scope="session")
def small_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder of weights for sites that are to start in no time."""
    weights = tmp_path_factory.mktemp("weights")
    write_small_bundle(weights)
    return weights


@pytest.fixture(scope="session")
def coffee() -> bytes:
    """A photo of a cup of coffee (CC0, from scikit-image) as a JPEG of 600 x 400 px."""
    return jpeg(Image.fromarray(data.coffee()))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The site with one source of random photos, which is out of reach."""
    return Settings(
        instance=tmp_path / "instance",
        photo_sources=("open-products-facts",),
        open_products_facts_url=NOWHERE,
    )


@pytest.fixture
def app(settings: Settings, service: ModelService) -> Flask:
    app = create_app(settings)
    app.extensions["site"].models.loaded[DEFAULT_MODEL] = service
    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def make_small_site(settings: Settings, small_weights: Path) -> Callable[..., Flask]:
    """Make sites, with other settings if named, whose small network is ready."""

    def make(**others: Any) -> Flask:
        app = create_app(replace(settings, weights=small_weights, **others))
        app.extensions["site"].models.service().wait()
        return app

    return make


@pytest.fixture
def runner(app: Flask) -> FlaskCliRunner:
    return app.test_cli_runner()


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a redis-server for the whole test run and give its URL."""
    port = free_port()
    folder = tmp_path_factory.mktemp("redis")
    command = [program("redis-server"), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)]
    command += ["--save", "", "--appendonly", "no", "--logfile", "redis.log"]
    with subprocess.Popen(command) as server, pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.storage.redis.TIMEOUT_SECONDS", WAIT_SECONDS)  # a busy machine answers late
        try:
            wait_until_it_answers(server, port)
            yield f"redis://127.0.0.1:{port}"
        finally:
            server.terminate()


@pytest.fixture
def dead_redis_url() -> str:
    """Give the URL of a port where nothing listens."""
    return f"redis://127.0.0.1:{free_port()}"


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[OwnRedis]:
    """Start a redis-server that a test may stop and make fail."""
    server = OwnRedis(tmp_path)
    server.start()
    yield server
    server.kill()


@pytest.fixture(params=["sqlite", "redis"])
def store_settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Settings by which stores are in SQLite, whose folder is not there yet, and in Redis, which is empty."""
    if request.param == "sqlite":
        return Settings(instance=tmp_path / "made" / "on first use")
    redis_url = request.getfixturevalue("redis_url")
    with Redis.from_url(redis_url) as client:
        client.flushdb()
    return Settings(redis_url=redis_url)


@pytest.fixture(params=["sqlite", "redis"])
def unreachable_settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Settings by which no store can be reached: folders are in place of the files, or no Redis is there."""
    if request.param == "redis":
        return Settings(redis_url=request.getfixturevalue("dead_redis_url"))
    for name in ("classifiers", "corrections", "history"):
        (tmp_path / f"{name}.sqlite3").mkdir()
    return Settings(instance=tmp_path)
