"""Teaching one's own categories: by drop, by keyboard alone, on a phone, without script."""

import base64
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import pytest
from browsing import WITH_FILES, Browser
from live_site import LiveSite
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

pytestmark = pytest.mark.browser
PAGE = "/classify/categories"

DROP = """
    const options = {dataTransfer: transfer, bubbles: true, cancelable: true};
    document.querySelectorAll(".own-category")[%d].dispatchEvent(new DragEvent("drop", options));
"""
PHONE = {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, small_weights: Path) -> Iterator[LiveSite]:
    """A site whose network starts in no time."""
    with LiveSite(tmp_path_factory.mktemp("own") / "instance", WEIGHTS=str(small_weights)) as site:
        yield site


def add_category(browser: Browser, name: str) -> None:
    browser.find("#name").send_keys(name)
    browser.press(".add-category button")


def files_of(drawings: Path, name: str) -> list[Path]:
    return sorted((drawings / "train" / name).iterdir())[:5]


def drop(browser: Browser, place: int, photos: Sequence[Path]) -> None:
    """Drop photos on a category, and wait until all are there."""
    files = [(base64.b64encode(one.read_bytes()).decode(), one.name, "image/jpeg") for one in photos]
    browser.run(WITH_FILES + DROP % place, *files)
    section = f"document.querySelectorAll('.own-category')[{place}]"
    browser.wait_until(f"{section}.querySelectorAll('.previews li').length === {len(photos)}")


def press_by_key(browser: Browser, button: WebElement) -> None:
    """Press a button that chromedriver, where scripts are off, would not scroll to and miss."""
    browser.leave(partial(button.send_keys, Keys.ENTER))


def try_photo(browser: Browser, photo: Path) -> str:
    """Classify a photo with what was taught, and return what it is."""
    browser.find("#image").send_keys(str(photo))
    browser.press("#try button")
    return browser.find(".categories .name").text


def test_three_categories_are_taught_by_drop(browser: Browser, drawings: Path) -> None:
    browser.open(PAGE)
    for place, name in enumerate(("disc", "frame", "stripes")):
        add_category(browser, name)
        drop(browser, place, files_of(drawings, name))
    browser.press("#taught form button")
    assert all("right by cross-validation" in text for text in browser.texts(".own-category > p"))
    assert try_photo(browser, next((drawings / "val" / "stripes").iterdir())) == "stripes"
    assert browser.console() == []


def test_a_bad_file_is_told_beside_its_category(browser: Browser, drawings: Path, tmp_path: Path) -> None:
    browser.open(PAGE)
    add_category(browser, "disc")
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"no photo")
    browser.find("form.photos .pick input").send_keys(str(bad))
    assert "not a photo" in browser.complaint("form.photos .problem")
    browser.find("form.photos .pick input").send_keys(str(files_of(drawings, "disc")[0]))
    browser.wait_until("document.querySelectorAll('.previews li').length === 1")


def test_the_keyboard_makes_teaches_and_deletes(browser: Browser, drawings: Path) -> None:
    browser.open(PAGE)
    for place, name in enumerate(("disc", "frame")):
        browser.tab_to("#name")
        browser.keys(name)
        browser.press_enter()
        drop(browser, place, files_of(drawings, name)[:2])
    browser.tab_to(".previews button")
    browser.press_enter()
    assert len(browser.find_all(".previews li")) == 3
    browser.tab_to("#taught form button")
    browser.press_enter()
    assert "Taught with 3 photos." in browser.find("#taught").text
    browser.tab_to("details.clear summary")
    browser.keys(Keys.ENTER)
    browser.tab_to("details.clear button")
    browser.press_enter()
    assert browser.find_all(".own-category") == []


def test_without_script_plain_forms_do_the_same_on_a_phone(browser: Browser, drawings: Path) -> None:
    browser.emulate("Emulation.setDeviceMetricsOverride", **PHONE)
    browser.emulate("Emulation.setScriptExecutionDisabled", value=True)
    browser.open(PAGE)
    for place, name in enumerate(("disc", "frame")):
        add_category(browser, name)
        field = browser.find_all("form.photos .pick:first-child input")[place]
        field.send_keys("\n".join(map(str, files_of(drawings, name))))
        press_by_key(browser, browser.find_all("form.photos button")[place])
    press_by_key(browser, browser.find("#taught form button"))
    browser.find("#image").send_keys(str(next((drawings / "val" / "disc").iterdir())))
    press_by_key(browser, browser.find("#try button"))
    assert browser.find(".categories .name").text == "disc"
