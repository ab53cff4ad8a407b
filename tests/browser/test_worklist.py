"""The worklist as someone uses it all day: by keyboard alone, without script, with it."""

import json
import re
from pathlib import Path

import pytest
from browsing import Browser
from PIL import Image
from selenium.webdriver.common.keys import Keys

pytestmark = pytest.mark.browser
ROWS = "[name=row]"


@pytest.fixture
def history(browser: Browser, coffee_file: Path, tmp_path: Path) -> Browser:
    """Classify a cup of coffee twice and a white picture once, and open the worklist."""
    white = tmp_path / "white.png"
    Image.new("RGB", (300, 200), "white").save(white)
    for photo in (coffee_file, white, coffee_file):
        browser.upload(photo)
    browser.open("/classify/history")
    return browser


def press_enter(browser: Browser) -> None:
    browser.leave(lambda: browser.keys(Keys.ENTER))


def search(browser: Browser, text: str) -> None:
    browser.run("document.getElementById('text').focus()")
    browser.type(text)


def use_the_keyboard_only(browser: Browser) -> None:
    best = browser.texts(".worklist .best strong")
    browser.tab_to("#text")
    browser.type(best[1])
    browser.keys(Keys.ENTER)
    browser.wait_until("location.search.includes('text=')")
    browser.wait_until("document.querySelectorAll('[name=row]').length === 1")
    assert browser.texts(".worklist .best strong") == [best[1]]
    browser.tab_to(ROWS)
    browser.keys(Keys.SPACE)
    browser.driver.switch_to.active_element.send_keys(Keys.SHIFT + Keys.TAB)
    assert browser.driver.switch_to.active_element.text == "Delete"
    press_enter(browser)
    assert browser.find_all(ROWS) == []
    browser.tab_to("#undo button")
    press_enter(browser)
    assert browser.texts(".worklist .best strong") == [best[1]]


def test_rows_are_found_deleted_and_brought_back_by_keyboard(history: Browser) -> None:
    use_the_keyboard_only(history)


def test_rows_are_found_deleted_and_brought_back_without_script(history: Browser) -> None:
    history.emulate("Emulation.setScriptExecutionDisabled", value=True)
    history.open("/classify/history")
    use_the_keyboard_only(history)


@pytest.mark.parametrize("with_script", [True, False])
def test_the_selected_rows_are_exported_by_keyboard(
    history: Browser, tmp_path: Path, with_script: bool
) -> None:
    history.emulate("Emulation.setScriptExecutionDisabled", value=not with_script)
    history.open("/classify/history")
    history.tab_to(ROWS)
    history.keys(Keys.SPACE)
    history.driver.switch_to.active_element.send_keys(Keys.SHIFT + Keys.TAB * 3)
    file = history.download(lambda: history.keys(Keys.ENTER), tmp_path / "downloads")
    assert file.name == "history.jsonl"
    ids = [json.loads(line)["id"] for line in file.read_text().splitlines()]
    assert ids == [history.find(ROWS).get_attribute("value")]


def test_without_a_selection_an_export_has_all_rows_that_are_shown(history: Browser, tmp_path: Path) -> None:
    history.find(".exports summary").click()
    file = history.download(history.find(".exports a[href*=jsonl]").click, tmp_path / "downloads")
    assert len(file.read_text().splitlines()) == 3


def test_all_rows_of_the_page_are_selected_at_once(history: Browser) -> None:
    history.find(ROWS).click()
    history.find("#select-page").click()
    assert all(row.is_selected() for row in history.find_all(ROWS))
    assert history.find("#selected").text == "3 selected"
    history.find(ROWS).click()
    assert history.find("#selected").text == "2 selected"
    assert history.run("return document.querySelector('#select-page input').indeterminate")


def test_the_list_follows_what_is_typed_and_the_field_keeps_the_focus(history: Browser) -> None:
    search(history, "white")
    history.wait_until("document.querySelectorAll('[name=row]').length === 1")
    assert history.driver.switch_to.active_element.get_attribute("value") == "white"
    assert "text=white" in history.driver.current_url


def test_a_late_answer_to_an_earlier_search_does_not_replace_the_list(history: Browser) -> None:
    history.hold_fetches(1)
    search(history, "coffee")
    history.wait_until("held === 1")
    history.run("document.getElementById('text').value = ''")
    search(history, "white")
    history.wait_until("document.querySelectorAll('[name=row]').length === 1")
    history.release()
    assert "text=white" in history.driver.current_url
    assert len(history.find_all(ROWS)) == 1


def test_one_click_confirms_a_row_where_it_stands(history: Browser) -> None:
    ticks = len(history.find_all(".tick"))
    history.press(".tick")
    assert len(history.find_all(".tick")) == ticks - 1
    assert history.texts(".worklist .verdict")[0] == "Confirmed"


def test_a_review_is_done_by_keys_alone(history: Browser) -> None:
    history.keys("n")
    history.wait_until("document.getElementById('panel').open")
    history.wait_until("document.activeElement.id === 'answer-title'")
    second = history.texts("#panel .categories .name")[1]
    history.keys("2")
    history.wait_until("document.querySelector('#panel .saved')")
    assert history.find("#panel .saved strong").text == f"Corrected to {second}"
    history.keys("?")
    history.wait_until("document.getElementById('keys').checkVisibility()")
    history.keys(Keys.ESCAPE)
    history.wait_until("!document.getElementById('panel').open")
    history.wait_until("!document.querySelector('[data-review]')")


def test_on_a_phone_the_list_begins_in_the_first_third_of_the_page(history: Browser) -> None:
    view = {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": True}
    history.emulate("Emulation.setDeviceMetricsOverride", **view)
    assert history.find(".worklist tbody tr").rect["y"] < 250


def test_a_photo_seen_before_leads_to_its_row(history: Browser) -> None:
    [note] = history.texts(".seen")
    assert note == "The same photo as an earlier one"
    oldest = [row.get_attribute("value") for row in history.find_all(ROWS)][-1]
    history.press(".seen a")
    assert re.search(r"#row-(.+)", history.driver.current_url)[1] == oldest
    assert history.find("tr:target").is_displayed()


def test_a_category_of_the_chart_leads_to_its_rows(history: Browser) -> None:
    history.find(".seen-categories summary").click()
    category = history.find(".seen-categories a").text
    history.press(".seen-categories a")
    assert set(history.texts(".worklist .best strong")) == {category}
    assert len(history.find_all(ROWS)) == 2
