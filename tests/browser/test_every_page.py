"""What holds on every page: narrow and wide, light and dark, by keyboard alone."""

from collections.abc import Callable

import pytest
import requests
from browsing import WAIT_SECONDS, Browser
from selenium.webdriver.common.keys import Keys

pytestmark = pytest.mark.browser
OVERHANG = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
COLOUR = "return getComputedStyle(document.getElementById(arguments[0])).backgroundColor"


def test_no_page_scrolls_sideways(browser: Browser, language: str, open_page: Callable[[], None]) -> None:
    open_page()
    assert browser.run("return document.documentElement.lang") == language
    overhang = {}
    for width in (320, 360, 768, 1280):
        view = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
        browser.emulate("Emulation.setDeviceMetricsOverride", **view)
        browser.wait_until(f"innerWidth === {width}")
        overhang[width] = browser.run(OVERHANG)
    assert overhang == {320: 0, 360: 0, 768: 0, 1280: 0}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_writes_to_the_console(browser: Browser, open_page: Callable[[], None], scheme: str) -> None:
    preference = {"name": "prefers-color-scheme", "value": scheme}
    browser.emulate("Emulation.setEmulatedMedia", features=[preference])
    open_page()
    assert browser.console() == []


def test_the_first_stop_of_the_keyboard_skips_to_the_content(
    browser: Browser, open_page: Callable[[], None]
) -> None:
    open_page()
    browser.driver.refresh()  # an answer that is shown in place has the focus
    link = browser.tab()
    assert link.text == "Skip to the content"
    assert 0 <= link.rect["x"] < 300
    browser.keys(Keys.ENTER)
    browser.wait_until("document.activeElement.id === 'main'")


def test_the_sections_can_be_opened_by_keyboard(browser: Browser) -> None:
    browser.widen()
    browser.open("/")
    assert [browser.tab(stops).text for stops in (3, 1, 2)] == ["Instructions", "Run the app", "Source code"]
    browser.keys(Keys.ENTER)
    browser.wait_until("location.pathname === '/source/'")


def test_the_number_of_a_line_of_the_source_links_to_it_and_marks_it(browser: Browser) -> None:
    browser.open("/source/wsgi.py")
    browser.find("#L3 > a").click()
    browser.wait_until("location.hash === '#L3'")
    assert browser.run(COLOUR, "L3") != browser.run(COLOUR, "L2") == browser.run(COLOUR, "L1")


@pytest.mark.parametrize("with_clipboard", [True, False])
def test_the_copy_button_copies_the_file_as_it_is(browser: Browser, with_clipboard: bool) -> None:
    name = "templates/_origin.html"
    browser.open(f"/source/{name}")
    if not with_clipboard:
        browser.run("navigator.clipboard.writeText = () => Promise.reject()")
    browser.find("#file-actions button").click()
    browser.wait_until("document.querySelector('#file-actions [role=status]').textContent === 'Copied'")
    file = requests.get(f"{browser.url}/source/raw/{name}", timeout=WAIT_SECONDS).text
    assert browser.read_clipboard() == (file if with_clipboard else file.removesuffix("\n"))
