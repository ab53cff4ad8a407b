"""A real Chromium in front of the real site; its only source of random photos is played on loopback."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browsing import Browser
from live_site import LiveSite
from local_sources import LocalOpenProductsFacts
from selenium import webdriver

CHROMIUM = Path("/usr/bin/chromium")
CHROMEDRIVER = Path("/usr/bin/chromedriver")
OPTIONS = (
    "--headless=new",
    "--no-sandbox",  # it cannot be had as root, in a container
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATHS = {
    "instructions": "/",
    "form": "/classify/",
    "code": "/source/app/recognition/photos.py",
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
    for program in (CHROMIUM, CHROMEDRIVER):
        if not program.exists():
            reason = f"the program {program} is not installed"
            if os.environ.get("CI"):
                pytest.fail(reason)
            pytest.skip(reason)
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for option in (*OPTIONS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with webdriver.Chrome(options, webdriver.ChromeService(str(CHROMEDRIVER))) as driver:
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


@pytest.fixture(params=[*PATHS, "answer"])
def open_page(request: pytest.FixtureRequest, browser: Browser, coffee_file: Path) -> Callable[[], None]:
    """Open a page of each kind that the site has."""
    if request.param == "answer":
        return lambda: browser.upload(coffee_file)
    return lambda: browser.open(PATHS[request.param])
