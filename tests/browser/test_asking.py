"""Giving a photo in every way there is, and its answer."""

from pathlib import Path

import pytest
import requests
from browsing import Browser
from helpers import WAIT_SECONDS
from hostile_photos import heic
from live_site import LiveSite
from local_sources import LocalOpenProductsFacts
from selenium import webdriver
from selenium.webdriver.common.keys import Keys

from app.errors import SourceUnavailable, UnsupportedFormat, UrlNotAllowed

pytestmark = pytest.mark.browser
PREVIEW_WIDTH = "document.querySelector('.previews img')?.naturalWidth"


@pytest.mark.shared
def test_a_clear_photo_has_its_category_among_the_four(browser: Browser, products: Path) -> None:
    browser.upload(products / "val" / "piano" / "caltech101-01969.jpg")
    names = browser.texts(".answer .categories .name")
    assert len(names) == 4
    assert "Piano" in names


def test_where_it_looked_takes_one_request_for_all_four_pictures(
    browser: Browser, site: LiveSite, coffee_file: Path
) -> None:
    def counted() -> dict[str, float]:
        lines = requests.get(f"{site.url}/metrics", timeout=WAIT_SECONDS).text.splitlines()
        counts = dict(line.rsplit(" ", 1) for line in lines if line.startswith("site_requests_total{"))
        return {name: float(counts.get(f'site_requests_total{{endpoint="heatmaps.{name}",status="200"}}', 0))
                for name in ("index", "picture")}  # fmt: skip

    browser.upload(coffee_file)
    before = counted()
    browser.open(f"{browser.driver.current_url}/heatmaps".removeprefix(browser.url))
    assert (
        browser.run(
            "return [...document.querySelectorAll('.heatmaps img')].map((image) => image.naturalHeight)"
        )
        == [1280] * 4
    )
    assert counted() == {name: count + 1 for name, count in before.items()}


def test_the_answer_shows_the_photo(browser: Browser, coffee_file: Path) -> None:
    browser.upload(coffee_file)
    browser.wait_until("document.querySelector('.stage img').naturalWidth === 320")


def test_several_chosen_photos_are_shown_before_they_are_sent(browser: Browser, coffee_file: Path) -> None:
    browser.open("/classify/")
    browser.choose(coffee_file, coffee_file)
    browser.wait_until(f"{PREVIEW_WIDTH} === 600")
    assert browser.find("#image-name").text == "2 photos chosen"
    assert browser.rows() == 0


def test_a_file_that_is_not_a_photo_is_refused_before_it_is_sent(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("not a photo")
    browser.open("/classify/")
    browser.choose(file)
    assert browser.complaint() == UnsupportedFormat.sentence
    assert browser.run("return document.querySelector('#image').files.length") == 0


@pytest.mark.parametrize("content_type", ["image/jpg", "application/octet-stream"])
def test_a_photo_is_sent_whatever_the_system_calls_it(
    browser: Browser, coffee_file: Path, content_type: str
) -> None:
    browser.open("/classify/")
    browser.leave(lambda: browser.drop(coffee_file, content_type=content_type))
    assert len(browser.find_all(".answer .categories li")) == 4


def test_a_photo_that_the_site_refuses_leaves_the_page_as_it_is(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "a.jpg"
    file.write_text("not a photo")
    browser.open("/classify/")
    browser.choose(file)
    assert browser.complaint() == UnsupportedFormat.sentence
    assert browser.find("h1").text == "Classify a photo"


@pytest.mark.parametrize("content_type", ["image/heic", "image/heif", ""])
def test_a_heic_photo_that_this_browser_cannot_show_is_answered(
    browser: Browser, tmp_path: Path, content_type: str
) -> None:
    file = tmp_path / "IMG_0001.heic"
    file.write_bytes(heic())
    browser.open("/classify/")
    browser.leave(lambda: browser.drop(file, content_type=content_type))
    assert len(browser.find_all(".answer .categories li")) == 4


def test_a_button_pressed_again_and_again_classifies_once(browser: Browser, coffee_file: Path) -> None:
    browser.open("/classify/")
    browser.choose(coffee_file, coffee_file)
    browser.find("[name=product][value=one]").click()
    browser.press_again_and_again("#classify")
    assert len(browser.find_all(".answer")) == 1
    assert browser.rows() == 1


def test_a_photo_can_be_dropped_on_the_page(browser: Browser, coffee_file: Path) -> None:
    browser.open("/classify/")
    browser.leave(lambda: browser.drop(coffee_file))
    assert len(browser.find_all(".answer .categories li")) == 4


def test_a_photo_can_be_pasted(browser: Browser, coffee_file: Path) -> None:
    browser.open("/classify/")
    browser.leave(lambda: browser.paste(coffee_file))
    assert len(browser.find_all(".answer .categories li")) == 4


def test_text_that_comes_with_a_picture_of_it_is_pasted_as_text(browser: Browser, coffee_file: Path) -> None:
    browser.open("/classify/")
    browser.paste(coffee_file, text="https://example.com/a.jpg", into="#url")
    assert browser.run("return document.getElementById('image').files.length") == 0
    browser.leave(lambda: browser.paste(coffee_file, into="#url"))
    assert browser.find_all(".answer .categories")


def test_a_random_photo_is_shown_with_its_credit_licence_and_link(
    browser: Browser, source: LocalOpenProductsFacts
) -> None:
    browser.open("/classify/")
    browser.press(".random")
    browser.wait_until("document.querySelector('.stage img').naturalWidth === 320")
    browser.find(".more > summary").click()
    assert "Open Products Facts contributors" in browser.find(".answer .facts .credit").text
    assert "CC BY-SA 3.0" in browser.find(".answer .facts .credit").text
    link = browser.find(".answer .facts a")
    assert link.text.startswith("Product number")
    assert str(link.get_attribute("href")).startswith(f"{source.url}/product/376")


def test_without_a_source_the_random_button_says_so_and_an_upload_still_works(
    browser: Browser, source: LocalOpenProductsFacts, coffee_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "answers", {})
    browser.open("/classify/")
    browser.find(".random").click()
    assert browser.complaint() == SourceUnavailable.sentence
    browser.leave(lambda: browser.choose(coffee_file))
    assert len(browser.find_all(".answer .categories li")) == 4


def test_an_address_on_the_inner_network_is_refused_beside_the_field_which_keeps_it(
    browser: Browser, source: LocalOpenProductsFacts
) -> None:
    browser.open("/classify/")
    browser.find("#url").send_keys(f"{source.url}/a.jpg")
    browser.find(".by-address button").click()
    assert browser.complaint("#url-problem") == UrlNotAllowed.sentence
    assert browser.find("#url").get_attribute("value") == f"{source.url}/a.jpg"


def test_half_an_address_does_not_keep_an_upload_from_being_sent(browser: Browser, coffee_file: Path) -> None:
    browser.open("/classify/")
    browser.find("#url").send_keys("half an address")
    browser.leave(lambda: browser.choose(coffee_file))
    assert len(browser.find_all(".answer .categories li")) == 4


@pytest.mark.parametrize("script", [True, False])
def test_the_enter_key_in_the_address_asks_for_it_and_not_for_a_file(browser: Browser, script: bool) -> None:
    browser.emulate("Emulation.setScriptExecutionDisabled", value=not script)
    browser.open("/classify/")
    browser.find("#url").send_keys("https://127.0.0.1/a.jpg")
    if not script:
        browser.press_enter()
        assert browser.find("h1").text == UrlNotAllowed.sentence
        return
    browser.keys(Keys.ENTER)
    assert browser.complaint("#url-problem") == UrlNotAllowed.sentence


@pytest.mark.parametrize("way", ["upload", "random"])
def test_without_javascript_a_photo_is_answered(browser: Browser, coffee_file: Path, way: str) -> None:
    browser.emulate("Emulation.setScriptExecutionDisabled", value=True)
    browser.open("/classify/")
    assert browser.run("return getComputedStyle(document.getElementById('image')).opacity") == "1"
    if way == "upload":
        browser.choose(coffee_file)
        browser.classify()
    else:
        browser.press(".random")
    assert len(browser.find_all(".answer .categories li")) == 4


def test_the_first_answer_takes_one_click_from_home(browser: Browser) -> None:
    browser.open("/")
    browser.press(".to-try a[href$=teapot]")
    browser.wait_until("document.querySelector('.answer .categories')")
    assert browser.find("#answer-title").text == "Teapot"
    assert browser.driver.switch_to.active_element.get_attribute("id") == "answer-title"


def test_a_second_random_photo_takes_one_click(browser: Browser) -> None:
    browser.open("/classify/")
    browser.press(".random")
    first = browser.driver.current_url
    browser.press(".random")
    assert browser.driver.current_url != first
    assert len(browser.find_all(".recent li")) == 2


def test_the_heatmap_lies_over_the_photo_while_its_row_has_the_pointer_or_the_focus(
    browser: Browser, coffee_file: Path
) -> None:
    browser.upload(coffee_file)
    rows = browser.find_all("[data-rank]")
    webdriver.ActionChains(browser.driver).move_to_element(rows[2]).perform()
    browser.wait_until("document.querySelector('.heated .heat[data-rank=\"2\"]')?.naturalHeight === 1280")
    browser.tab_to("[data-rank='1'] .this")
    browser.wait_until("document.querySelector('.heated .heat').dataset.rank === '1'")
    assert len(browser.find_all(".heat")) == 1


def test_the_answer_to_a_photo_can_be_gone_back_from(browser: Browser, coffee_file: Path) -> None:
    browser.upload(coffee_file)
    browser.leave(browser.driver.back)
    assert browser.find("h1").text == "Classify a photo"
    browser.leave(browser.driver.forward)
    assert browser.find("h1").text == "Mug / cup"


def test_who_goes_back_and_at_once_forward_again_stays_at_the_answer(
    browser: Browser, coffee_file: Path
) -> None:
    browser.upload(coffee_file)
    browser.hold_fetches(1)
    browser.run("history.back()")
    browser.wait_until("held === 1")
    answer = browser.driver.current_url
    browser.run("history.forward()")
    browser.wait_until(f"location.href !== {answer!r}")
    browser.release()
    assert browser.find("h1").text == "Mug / cup"
