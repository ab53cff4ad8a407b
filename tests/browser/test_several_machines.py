"""A browser whose requests are answered by two machines in turn."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import Browser
from machines import Machines, two_machines
from selenium import webdriver


@pytest.fixture(scope="module")
def machines(
    tmp_path_factory: pytest.TempPathFactory, small_weights: Path, redis_url: str
) -> Iterator[Machines]:
    with two_machines(tmp_path_factory.mktemp("machines"), small_weights, redis_url) as machines:
        yield machines


def test_a_visitor_of_two_machines_classifies_deletes_and_brings_back(
    chromium: webdriver.Chrome, machines: Machines, coffee_file: Path
) -> None:
    browser = Browser(chromium, machines.url)
    browser.forget()
    for _ in range(2):
        browser.upload(coffee_file)
    assert browser.rows() == 2
    browser.run("document.querySelector('[name=row]').click()")
    browser.press("main button[formaction*='delete']")
    browser.wait_until("document.querySelectorAll('[name=row]').length === 1")
    browser.press("#undo button")
    browser.wait_until("document.querySelectorAll('[name=row]').length === 2")
    assert browser.console() == []
