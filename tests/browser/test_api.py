"""The page of the API: its examples name this site, and its forms show an answer in place."""

from pathlib import Path

import pytest
from browsing import Browser

pytestmark = pytest.mark.browser
PREDICTIONS = "form[action='/api/v1/predictions']"
CATEGORIES = "form[action='/api/v1/categories']"


def try_call(browser: Browser, form: str) -> tuple[str, str]:
    """Send a form and return the status and the JSON that it shows."""
    browser.run("arguments[0].requestSubmit()", browser.find(form))
    browser.wait_until(f"document.querySelector(\"{form} output\").textContent !== ''")
    browser.wait_until(f'document.querySelector("{form}").ariaBusy === "false"')
    return browser.find(f"{form} output").text, browser.find(f"{form} pre").text


def open_forms(browser: Browser) -> None:
    browser.open("/api/")
    browser.run("for (const one of document.querySelectorAll('.try')) one.open = true")


def test_the_examples_name_this_site(browser: Browser) -> None:
    browser.open("/api/")
    assert f"{browser.url}/api/v1/" in browser.find("code[data-language=curl]").text


def test_a_call_can_be_tried(browser: Browser) -> None:
    open_forms(browser)
    browser.run("arguments[0].value = 'mug'", browser.find(f"{CATEGORIES} [name=q]"))
    status, shown = try_call(browser, CATEGORIES)
    assert status.startswith("200")
    assert '"slug": "mug"' in shown


def test_a_photo_can_be_tried(browser: Browser, coffee_file: Path) -> None:
    open_forms(browser)
    browser.find(f"{PREDICTIONS} [name=image]").send_keys(str(coffee_file))
    status, shown = try_call(browser, PREDICTIONS)
    assert status.startswith("200")
    assert '"verdict"' in shown


def test_a_refused_call_shows_the_error(browser: Browser) -> None:
    open_forms(browser)
    status, shown = try_call(browser, PREDICTIONS)
    assert status.startswith("400")
    assert '"code": "no_image"' in shown


def test_without_script_a_form_leads_to_the_answer(browser: Browser) -> None:
    browser.emulate("Emulation.setScriptExecutionDisabled", value=True)
    browser.open("/api/?")
    browser.emulate("Emulation.setScriptExecutionDisabled", value=False)
    open_forms_without = "for (const one of document.querySelectorAll('.try')) one.open = true"
    browser.run(open_forms_without)
    browser.leave(browser.find(f"{CATEGORIES} button").click)
    assert '"taxonomy"' in browser.driver.page_source
