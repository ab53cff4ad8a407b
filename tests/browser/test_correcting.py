"""Correct an answer as someone does: with the mouse, by keyboard alone, without script."""

import json
from pathlib import Path

import pytest
from browsing import Browser
from PIL import Image
from selenium.webdriver.common.keys import Keys
from skimage import data

pytestmark = pytest.mark.browser
FIELD = "#right"
OPTIONS = "#suggestions [role=option]"
TYPE_AND_LEAVE = """
    const [leave, late] = arguments;
    const input = document.getElementById("right");
    const option = document.querySelector("#suggestions [role=option]");
    const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
    const fetchNow = window.fetch;
    window.fetch = async (...asked) => {
        await sleep(300);
        return fetchNow(...asked);
    };
    input.dispatchEvent(new Event("input"));
    if (late === "answer") await sleep(250);
    if (leave === "choose") option.click();
    else input.blur();
    await sleep(900);
    return input.getAttribute("aria-expanded");
"""
ACTIVE = "document.getElementById(document.getElementById('right').getAttribute('aria-activedescendant'))"


@pytest.fixture
def answer(browser: Browser, coffee_file: Path) -> Browser:
    """Classify a cup of coffee."""
    browser.upload(coffee_file)
    return browser


def without_script(browser: Browser) -> None:
    browser.emulate("Emulation.setScriptExecutionDisabled", value=True)
    browser.driver.refresh()


def wait_for_suggestions(browser: Browser) -> list[str]:
    """Wait until the list is open and return the names in it."""
    browser.wait_until("document.getElementById('right').getAttribute('aria-expanded') === 'true'")
    return browser.texts(f"{OPTIONS} strong")


def said(browser: Browser) -> str:
    return browser.find(".correction .notice strong").text


def exported_correction(browser: Browser, folder: Path) -> dict[str, object]:
    """Export the history and return what is noted as right of its newest answer."""
    browser.open("/classify/history")
    browser.find("[name=row]").click()
    button = browser.find("button[formaction*=jsonl]")
    row = json.loads(browser.download(button.click, folder).read_text().splitlines()[0])
    return dict(row["correction"])


@pytest.mark.parametrize("with_script", [True, False])
def test_one_click_says_that_the_answer_is_right(answer: Browser, with_script: bool) -> None:
    if not with_script:
        without_script(answer)
    answer.press(".right button")
    assert said(answer) == "Confirmed."
    assert answer.driver.current_url.endswith("#correction")


def test_one_click_chooses_another_of_the_four_and_the_photo_is_kept_when_ticked(
    answer: Browser, tmp_path: Path
) -> None:
    name = answer.find(".choices button span").text
    assert not answer.find("[name=keep_photo]").is_selected()
    answer.find(".consent").click()
    answer.press(".choices button")
    assert said(answer) == f"Corrected: {name}."
    assert answer.find("[name=keep_photo]").is_selected()
    correction = exported_correction(answer, tmp_path / "downloads")
    assert (correction["name"], correction["photo"]) == (name, True)


def test_a_suggestion_is_chosen_with_the_mouse(answer: Browser) -> None:
    answer.find(FIELD).send_keys("theiere")
    assert "Teapot" in wait_for_suggestions(answer)
    answer.find(OPTIONS).click()
    assert answer.find(FIELD).get_attribute("value") == "Teapot"
    assert not answer.find("#suggestions").is_displayed()
    answer.press("#find-category button")
    assert said(answer) == "Corrected: Teapot."


def test_a_suggestion_is_chosen_with_the_keyboard_only(answer: Browser) -> None:
    answer.tab_to(FIELD)
    answer.keys("cafe")
    names = wait_for_suggestions(answer)
    assert answer.find("#suggested").text == f"{len(names)} categories found"
    answer.keys(Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.ARROW_UP)
    assert answer.run(f"return {ACTIVE}.querySelector('strong').textContent") == names[0]
    assert answer.run(f"return {ACTIVE}.getAttribute('aria-selected')") == "true"
    answer.keys(Keys.ARROW_UP)
    assert answer.run(f"return {ACTIVE}.querySelector('strong').textContent") == names[-1]
    answer.keys(Keys.ENTER)
    assert answer.driver.switch_to.active_element == answer.find(FIELD)
    assert answer.find("#find-category button").text == "Keep this one"
    answer.press_enter()
    assert said(answer) == f"Corrected: {names[-1]}."


def test_escape_closes_the_suggestions_and_then_clears_the_field(answer: Browser) -> None:
    answer.find(FIELD).send_keys("cafe")
    wait_for_suggestions(answer)
    answer.keys(Keys.ARROW_DOWN, Keys.ESCAPE)
    field = answer.find(FIELD)
    assert field.get_attribute("aria-expanded") == "false"
    assert field.get_attribute("aria-activedescendant") is None
    assert field.get_attribute("value") == "cafe"
    answer.keys(Keys.ARROW_DOWN)
    assert answer.find("#suggestions").is_displayed()
    answer.keys(Keys.ESCAPE, Keys.ESCAPE)
    assert field.get_attribute("value") == ""


def test_suggestions_name_first_what_the_page_is_written_in(browser: Browser, coffee_file: Path) -> None:
    browser.open("/language/fr")
    browser.upload(coffee_file)
    browser.find(FIELD).send_keys("teapot")
    assert wait_for_suggestions(browser)[0] == "Théière"
    other = browser.find(f"{OPTIONS} .french")
    assert (other.text, other.get_attribute("lang")) == ("Teapot", "en")
    assert browser.find(f"{OPTIONS} .path").text.startswith(
        "Arts de la table et ustensiles de cuisine \u203a "
    )
    weights = "return ['span', 'span[lang]'].map((one) => getComputedStyle("
    weights += "document.querySelector(`.choices button ${one}`)).fontWeight)"
    own_weight, other_weight = browser.run(weights)
    assert own_weight != other_weight == "400"
    browser.find(OPTIONS).click()
    assert browser.find(FIELD).get_attribute("value") == "Théière"


@pytest.mark.parametrize("leave", ["choose", "blur"])
@pytest.mark.parametrize("late", ["timer", "answer"])
def test_a_late_answer_does_not_open_the_suggestions_again(answer: Browser, leave: str, late: str) -> None:
    answer.find(FIELD).send_keys("cafe")
    wait_for_suggestions(answer)
    assert answer.run(TYPE_AND_LEAVE, leave, late) == "false"


def test_typing_on_forgets_what_was_chosen(answer: Browser) -> None:
    answer.find(FIELD).send_keys("cafe")
    wait_for_suggestions(answer)
    answer.keys(Keys.ARROW_DOWN, Keys.ENTER, "x")
    assert answer.find("#find-category button").text == "Search"
    answer.wait_until("document.getElementById('suggested').textContent === 'No category found'")
    assert not answer.find("#suggestions").is_displayed()


@pytest.mark.parametrize("with_script", [True, False])
def test_a_search_that_is_sent_lists_the_choices_on_a_page_of_their_own(
    answer: Browser, with_script: bool
) -> None:
    if not with_script:
        without_script(answer)
    answer.tab_to(FIELD)
    answer.keys("Théière")
    answer.press_enter()
    assert "/correct?q=" in answer.driver.current_url
    answer.tab_to(".found button")
    answer.press_enter()
    assert said(answer) == "Corrected: Teapot."


def test_what_needs_review_is_found_and_reviewed(browser: Browser, tmp_path: Path) -> None:
    rocket = tmp_path / "rocket.png"
    Image.fromarray(data.rocket()).save(rocket)
    browser.upload(rocket)
    assert browser.find(".verdict .review").text == "Needs review"
    browser.open("/classify/history?review=to_review")
    browser.press(".worklist .thumbnail a")
    browser.press(".right button")
    assert browser.find_all(".review") == []
    browser.open("/classify/history?review=to_review")
    assert browser.find_all("[name=row]") == []


def test_no_choice_of_a_filter_is_cut_off_on_a_small_screen(answer: Browser) -> None:
    view = {"width": 360, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    answer.emulate("Emulation.setDeviceMetricsOverride", **view)
    answer.open("/classify/history")
    cut = answer.run("""
        return [...document.querySelectorAll(".filters select")].filter((select) => {
            const shown = select.offsetWidth;
            select.style.width = "max-content";
            return select.offsetWidth > shown;
        }).map((select) => select.name);
    """)
    assert cut == []
