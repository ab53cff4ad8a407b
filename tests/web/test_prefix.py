"""The site below a path prefix, which the proxy names in X-Forwarded-Prefix."""

import io
import re
from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from helpers import csrf_token

from app import create_app
from app.recognition.service import ModelService
from app.settings import DEFAULT_MODEL, Settings

SHOP = {"X-Forwarded-Prefix": "/shop/photos"}
PAGES = [
    "/",
    "/classify/",
    "/classify/history",
    "/model/",
    "/categories/",
    "/source/wsgi.py",
    "/api/",
    "/nothing",
]
LINK = re.compile(r'(?:href|src|action|data-search|poster)="(/[^"]*)"')


@pytest.fixture
def behind(settings: Settings, service: ModelService) -> FlaskClient:
    """Give a visitor of a site behind a proxy that takes the prefix off the path."""
    app = create_app(replace(settings, trusted_proxies=1))
    app.extensions["site"].models.loaded[DEFAULT_MODEL] = service
    client = app.test_client(use_cookies=False)  # it would look at the paths of cookies
    client.environ_base["HTTP_X_FORWARDED_PREFIX"] = SHOP["X-Forwarded-Prefix"]
    return client


@pytest.mark.parametrize("path", PAGES)
def test_every_link_and_form_of_a_page_keeps_the_prefix(behind: FlaskClient, path: str) -> None:
    links = LINK.findall(behind.get(path).text)
    assert links
    assert [link for link in links if not link.startswith("/shop/photos/")] == []


def test_cookies_and_redirects_keep_it(behind: FlaskClient, coffee: bytes) -> None:
    page = behind.get("/classify/")
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert token
    assert "Path=/shop/photos/classify/" in page.headers["Set-Cookie"]
    own = page.headers["Set-Cookie"].partition(";")[0]
    form = {"csrf_token": token[1], "image": (io.BytesIO(coffee), "a.jpg")}
    answer = behind.post("/classify/", data=form, headers={"Cookie": own})
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/shop/photos/classify/")
    chosen = behind.get("/language/fr?back=/shop/photos/model/")
    assert chosen.headers["Location"] == "/shop/photos/model/"
    assert "Path=/shop/photos/;" in f"{chosen.headers['Set-Cookie']};"


def test_the_document_of_the_api_names_the_prefix(behind: FlaskClient) -> None:
    assert behind.get("/api/v1/openapi.json").get_json()["servers"] == [{"url": "/shop/photos"}]


def test_a_page_kept_for_one_prefix_is_not_sent_for_another(behind: FlaskClient) -> None:
    assert "/shop/photos/classify/" in behind.get("/").text
    behind.environ_base["HTTP_X_FORWARDED_PREFIX"] = ""
    assert "/shop/photos/" not in behind.get("/").text


@pytest.mark.parametrize(
    "prefix", ["//evil.example", "/a//b", "https://evil.example", "/..", "/a/../b", '/"', "x"]
)
def test_what_can_be_no_prefix_is_ignored(behind: FlaskClient, prefix: str) -> None:
    behind.environ_base["HTTP_X_FORWARDED_PREFIX"] = prefix
    assert 'href="/classify/"' in behind.get("/").text


def test_the_nearest_proxy_has_the_last_word(behind: FlaskClient) -> None:
    behind.environ_base["HTTP_X_FORWARDED_PREFIX"] = "/forged, /own/"
    assert 'href="/own/classify/"' in behind.get("/").text


def test_without_a_trusted_proxy_nobody_names_a_prefix(client: FlaskClient) -> None:
    assert 'href="/classify/"' in client.get("/", headers=SHOP).text
    assert csrf_token(client)
