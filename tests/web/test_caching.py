"""Pages that are the same for everybody: rendered once a minute, packed, and not sent twice."""

import gzip
from datetime import timedelta
from types import SimpleNamespace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.web import caching, page_cache, recent

CACHEABLE = [
    "/",
    "/api/",
    "/api/v1/openapi.json",
    "/source/",
    "/source/raw/wsgi.py",
    "/model/",
    "/categories/",
    "/static/base.css",
]


@pytest.mark.parametrize("path", CACHEABLE)
def test_a_page_that_is_the_same_for_everybody_may_be_kept_and_is_not_sent_twice(
    client: FlaskClient, path: str
) -> None:
    first = client.get(path)
    assert first.cache_control.public
    assert first.cache_control.max_age == page_cache.MAX_AGE_SECONDS
    assert "Set-Cookie" not in first.headers
    again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize("path", CACHEABLE)
def test_a_client_that_accepts_gzip_gets_a_packed_page(client: FlaskClient, path: str) -> None:
    plain = client.get(path)
    packed = client.get(path, headers={"Accept-Encoding": "br, gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert gzip.decompress(packed.data) == plain.data
    assert len(packed.data) < len(plain.data)
    assert packed.headers["ETag"] != plain.headers["ETag"]
    assert "Accept-Encoding" in packed.vary


def test_a_page_is_rendered_again_after_a_minute_and_for_each_language(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    rendered = []
    app.add_url_rule("/counted", view_func=caching.cacheable(lambda: f"{rendered.append(0)}"))
    now = 1000.0
    for module in (page_cache, recent):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now))
    for language in ("en", "en", "fr"):
        client.get("/counted", headers={"Accept-Language": language})
    assert len(rendered) == 2
    now += 1
    assert client.get("/counted").age == timedelta(seconds=1)
    now += page_cache.MAX_AGE_SECONDS
    client.get("/counted")
    assert len(rendered) == 3


def test_a_page_is_rendered_again_when_something_it_depends_on_has_changed(
    app: Flask, client: FlaskClient
) -> None:
    state = "loading"
    app.add_url_rule("/state", view_func=caching.cacheable(lambda: state, depends_on=lambda: state))
    assert client.get("/state").text == "loading"
    state = "ready"
    assert client.get("/state").text == "ready"


@pytest.mark.parametrize(("path", "leads_to"), [
    ("/model/?x=1", "/model/"),
    ("/source/raw/app/errors.py?q=2", "/source/raw/app/errors.py"),
    ("/static/base.css?v=3", "/static/base.css"),
    ("/categories/?utm=a&q=mug&department=SPORT", "/categories/?q=mug&department=SPORT"),
])  # fmt: skip
def test_what_a_page_does_not_read_of_its_address_renders_nothing(
    app: Flask, client: FlaskClient, path: str, leads_to: str
) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.location) == (302, leads_to)
    assert not app.extensions["site"].pages
    assert client.get(leads_to).status_code == 200


def test_only_so_many_pages_are_kept(client: FlaskClient, app: Flask) -> None:
    for number in range(page_cache.MAX_PAGES + 5):
        client.get(f"/categories/?q={number}")
    assert len(app.extensions["site"].pages) == page_cache.MAX_PAGES
