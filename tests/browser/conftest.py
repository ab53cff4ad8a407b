"""A real Chromium in front of the real site; its only source of random photos is played on loopback."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browsing import Browser, missing_programs, open_chromium
from live_site import LiveSite
from local_sources import LocalOpenProductsFacts
from selenium import webdriver

PATHS = {
    "instructions": "/",
    "form": "/classify/",
    "empty-history": "/classify/history",
    "own": "/classify/categories",
    "model": "/model/",
    "categories": "/categories/?q=ball",
    "category": "/categories/1000010379",
    "api": "/api/",
    "code": "/source/app/recognition/preprocess.py",
    "error": "/nothing/here",
}


@pytest.fixture(scope="session")
def source() -> Iterator[LocalOpenProductsFacts]:
    with LocalOpenProductsFacts() as source:
        yield source


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, source: LocalOpenProductsFacts) -> Iterator[LiveSite]:
    instance = tmp_path_factory.mktemp("site") / "instance"
    with LiveSite(instance, OPEN_PRODUCTS_FACTS_URL=source.url) as site:
        yield site


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """One Chromium for all tests, as starting it takes seconds."""
    if missing := missing_programs():
        reason = f"not installed: {', '.join(missing)}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with open_chromium(tmp_path_factory.mktemp("chromium")) as driver:
        yield driver


@pytest.fixture
def browser(chromium: webdriver.Chrome, site: LiveSite) -> Browser:
    """A visitor who has never been here."""
    browser = Browser(chromium, site.url)
    browser.forget()
    return browser


@pytest.fixture(scope="session")
def coffee_file(tmp_path_factory: pytest.TempPathFactory, coffee: bytes) -> Path:
    path = tmp_path_factory.mktemp("photos") / "coffee.jpg"
    path.write_bytes(coffee)
    return path


def open_history(browser: Browser, coffee_file: Path) -> None:
    browser.upload(coffee_file)
    browser.upload(coffee_file)
    browser.open("/classify/history")
    browser.run("document.querySelector('[name=row]').checked = true")


def open_product(browser: Browser, coffee_file: Path) -> None:
    browser.open("/classify/")
    browser.choose(coffee_file, coffee_file)
    browser.find("[name=product][value=one]").click()
    browser.classify()


@pytest.fixture(params=["en", "fr"])
def language(request: pytest.FixtureRequest, browser: Browser) -> str:
    """Choose a language with the switch; name it before `open_page`."""
    browser.open(f"/language/{request.param}")
    return str(request.param)


@pytest.fixture(params=[*PATHS, "answer", "product", "correct", "heatmaps", "history"])
def open_page(request: pytest.FixtureRequest, browser: Browser, coffee_file: Path) -> Callable[[], None]:
    """Open a page of each kind that the site has."""
    if request.param == "answer":
        return lambda: browser.upload(coffee_file)
    if request.param == "product":
        return lambda: open_product(browser, coffee_file)
    if request.param == "correct":
        browser.upload(coffee_file)
        path = browser.driver.current_url.removeprefix(browser.url)
        return lambda: browser.open(f"{path}/correct?q=cafe")
    if request.param == "heatmaps":
        browser.upload(coffee_file)
        address = f"{browser.driver.current_url}/heatmaps".removeprefix(browser.url)
        return lambda: browser.open(address)
    if request.param == "history":
        return lambda: open_history(browser, coffee_file)
    return lambda: browser.open(PATHS[request.param])
