"""How many clicks it takes, counted as a user makes them; choosing files in the system's dialog is one."""

import csv
import shutil
from pathlib import Path

import pytest
from browsing import Browser
from helpers import wait_for_the_other_network

pytestmark = pytest.mark.browser


class Hand:
    """Clicks in a browser, and counts that."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self.clicks = 0

    def click(self, selector: str) -> None:
        self.browser.find(selector).click()
        self.clicks += 1

    def choose(self, *photos: Path) -> None:
        assert self.browser.find("label[for=image].button").is_displayed()
        self.browser.choose(*photos)
        self.clicks += 1


@pytest.fixture
def hand(browser: Browser) -> Hand:
    """A visitor on the home page, at a desk."""
    browser.open("/")
    browser.widen()
    return Hand(browser)


def wait_for_an_answer(browser: Browser) -> None:
    """Wait for an answer, whose headline takes the focus."""
    browser.wait_until("document.querySelectorAll('.answer .categories li').length === 4")
    browser.wait_until("document.activeElement.id === 'answer-title'")


def test_the_first_answer_to_a_photo_is_two_clicks_from_home(hand: Hand, coffee_file: Path) -> None:
    hand.browser.leave(lambda: hand.click(".hero .button"))
    hand.choose(coffee_file)
    wait_for_an_answer(hand.browser)
    assert hand.clicks == 2


def test_twenty_photos_and_their_csv_take_four_clicks_from_home(
    hand: Hand, coffee_file: Path, tmp_path: Path
) -> None:
    photos = [tmp_path / f"{number:02}.jpg" for number in range(20)]
    for photo in photos:
        shutil.copy(coffee_file, photo)
    hand.browser.leave(lambda: hand.click(".hero .button"))
    hand.choose(*photos)
    hand.click("#classify")
    for number in range(1, 21):  # each may take its time
        hand.browser.wait_until(f"document.querySelectorAll('.brief[data-id]').length >= {number}")
    hand.browser.wait_until("document.querySelector('#several-export button').checkVisibility()")
    file = hand.browser.download(lambda: hand.click("#several-export button"), tmp_path / "downloads")
    assert hand.clicks == 4
    with file.open(encoding="utf-8-sig", newline="") as table:
        names = [row["file_name"] for row in csv.DictReader(table)]
    assert sorted(names) == [photo.name for photo in photos]


def test_another_network_answers_beside_the_first_in_two_clicks(hand: Hand, coffee_file: Path) -> None:
    wait_for_the_other_network(hand.browser.url)
    hand.browser.upload(coffee_file)
    address = hand.browser.driver.current_url
    hand.click(".answer > .body > .more:last-child > summary")
    hand.click("[data-part]")
    hand.browser.wait_until("document.activeElement.matches('.answer .beside')")
    assert hand.browser.texts(".beside thead th")[1:] == ["EfficientNetV2-B0", "Inception V3"]
    assert hand.browser.driver.current_url == address
    assert hand.clicks == 2


def test_a_photo_of_a_product_is_left_out_in_one_click(hand: Hand, coffee_file: Path) -> None:
    hand.browser.open("/classify/")
    hand.browser.choose(*[coffee_file] * 3)
    hand.browser.find("[name=product][value=one]").click()
    hand.browser.classify()
    hand.browser.wait_until("document.querySelectorAll('.own img').length === 3")
    hand.browser.leave(lambda: hand.click(".own li button"))
    hand.browser.wait_until("document.querySelectorAll('.own img').length === 2")
    assert hand.clicks == 1
