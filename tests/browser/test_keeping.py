"""The history as its owner sees it."""

from pathlib import Path

import pytest
from browsing import Browser
from live_site import LiveSite

pytestmark = pytest.mark.browser


def test_reloading_and_going_back_do_not_classify_again(browser: Browser, coffee_file: Path) -> None:
    browser.upload(coffee_file)
    browser.driver.refresh()
    browser.driver.back()
    browser.driver.forward()
    browser.driver.refresh()
    assert browser.find_all(".answer")
    assert browser.rows() == 1


def test_the_history_is_there_in_a_second_tab(browser: Browser, coffee_file: Path) -> None:
    browser.upload(coffee_file)
    browser.driver.switch_to.new_window("tab")
    assert browser.rows() == 1


def test_the_history_survives_a_restart_of_the_server(
    browser: Browser, site: LiveSite, coffee_file: Path
) -> None:
    browser.upload(coffee_file)
    site.restart()
    assert browser.rows() == 1


def test_another_visitor_does_not_see_it(browser: Browser, coffee_file: Path) -> None:
    browser.upload(coffee_file)
    browser.forget()
    assert browser.rows() == 0


def test_a_row_can_be_deleted(browser: Browser, coffee_file: Path) -> None:
    browser.upload(coffee_file)
    kept = browser.driver.current_url
    browser.upload(coffee_file)
    browser.find_all(".more > summary")[-1].click()
    browser.press(".delete button")
    links = [link.get_attribute("href") for link in browser.find_all(".recent li a")]
    assert links == [kept]


def test_the_history_can_be_cleared(browser: Browser, coffee_file: Path) -> None:
    browser.upload(coffee_file)
    browser.upload(coffee_file)
    browser.open("/classify/history")
    browser.find(".clear summary").click()
    browser.press(".clear button")
    assert browser.rows() == 0
