"""The switch between French and English as a visitor uses it."""

from pathlib import Path

import pytest
from browsing import Browser

pytestmark = pytest.mark.browser
LANGUAGE = "return document.documentElement.lang"
PRESS = ".switch a[lang={}]"


@pytest.mark.parametrize("with_script", [True, False])
def test_a_page_that_the_browser_keeps_changes_its_language_at_once(
    browser: Browser, with_script: bool
) -> None:
    browser.widen()
    browser.open("/categories/?q=ball")
    browser.emulate("Emulation.setScriptExecutionDisabled", value=not with_script)
    for language, heading in (("fr", "Catégories"), ("en", "Categories"), ("fr", "Catégories")):
        browser.press(PRESS.format(language))
        assert browser.driver.current_url == f"{browser.url}/categories/?q=ball"
        assert browser.find("h1").text == heading


def test_the_choice_holds_on_the_next_page_and_in_what_scripts_say(browser: Browser) -> None:
    browser.widen()
    browser.open("/")
    browser.press(PRESS.format("fr"))
    browser.open("/source/wsgi.py")
    assert browser.run(LANGUAGE) == "fr"
    assert browser.find("#file-actions button").text == "Copier"


def test_a_choice_in_the_middle_of_the_work_keeps_the_answer(browser: Browser, coffee_file: Path) -> None:
    browser.widen()
    browser.upload(coffee_file)
    answer = browser.driver.current_url
    browser.press(PRESS.format("fr"))
    assert browser.driver.current_url == answer
    assert browser.find(".delete button").get_attribute("textContent") == "Supprimer cette réponse"
    assert browser.rows() == 1


def test_selected_rows_are_counted_in_french(browser: Browser, coffee_file: Path) -> None:
    browser.open("/language/fr")
    browser.upload(coffee_file)
    browser.upload(coffee_file)
    browser.open("/classify/history")
    for row, words in zip(browser.find_all("[name=row]"), ("1 sélectionnée", "2 sélectionnées"), strict=True):
        row.click()
        assert browser.find("#selected").text == words
