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
LEAVE_WHILE_TYPING = """
    const [done] = arguments;
    const input = document.getElementById("right");
    let asked = 0;
    window.fetch = async () => { asked += 1; };
    input.dispatchEvent(new Event("input", {bubbles: true}));
    input.blur();
    setTimeout(() => done([asked, input.getAttribute("aria-expanded")]), 300);  // after the timer of the page
"""
ANSWER_LATE = """
    const send = fetch;
    window.fetch = async (address) => {
        const found = await (await send(address)).json();
        await new Promise((resolve) => { window.answerLate = resolve; });
        return {ok: true, json: async () => found};
    };
    document.getElementById("right").dispatchEvent(new Event("input", {bubbles: true}));
"""
LEAVE_BEFORE_THE_ANSWER = """
    const [done] = arguments;
    const input = document.getElementById("right");
    input.blur();
    answerLate();
    setTimeout(() => done(input.getAttribute("aria-expanded")));
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
    return browser.find(".saved strong").text


def open_other(browser: Browser) -> None:
    browser.find(".other > summary").click()
    browser.wait_until("document.activeElement.id === 'right'")


def exported_correction(browser: Browser, folder: Path) -> dict[str, object]:
    """Export the history and return what is noted as right of its newest answer."""
    browser.open("/classify/history")
    browser.find(".exports summary").click()
    row = json.loads(
        browser.download(browser.find(".exports a[href*=jsonl]").click, folder).read_text().splitlines()[0]
    )
    return dict(row["correction"])


@pytest.mark.parametrize("with_script", [True, False])
def test_one_click_says_that_the_answer_is_right(answer: Browser, with_script: bool) -> None:
    if not with_script:
        without_script(answer)
    answer.press(".right")
    assert said(answer) == "Confirmed"


def test_one_click_chooses_another_of_the_four_and_the_photo_is_kept_when_ticked(
    answer: Browser, tmp_path: Path
) -> None:
    name = answer.texts(".categories .name")[1]
    assert not answer.find("[name=keep_photo]").is_selected()
    answer.find(".consent").click()
    answer.press("[data-rank='1'] .this")
    assert said(answer) == f"Corrected to {name}"
    assert "Photo shared" in answer.find(".saved").text
    correction = exported_correction(answer, tmp_path / "downloads")
    assert (correction["name"], correction["photo"]) == (name, True)


def test_a_suggestion_is_chosen_with_the_mouse(answer: Browser) -> None:
    open_other(answer)
    answer.type("theiere")
    assert "Teapot" in wait_for_suggestions(answer)
    answer.press(OPTIONS)
    assert said(answer) == "Corrected to Teapot"


def test_a_suggestion_is_chosen_with_the_keyboard_only(answer: Browser) -> None:
    answer.tab_to(".other > summary")
    answer.keys(Keys.ENTER)
    answer.wait_until("document.activeElement.id === 'right'")
    answer.type("cafe")
    names = wait_for_suggestions(answer)
    assert answer.find("#suggested").text.startswith(f"{len(names)} categories found")
    answer.keys(Keys.ARROW_DOWN, Keys.ARROW_UP)
    assert answer.run(f"return {ACTIVE}.querySelector('strong').textContent") == names[0]
    assert answer.run(f"return {ACTIVE}.getAttribute('aria-selected')") == "true"
    answer.keys(Keys.ARROW_UP)
    assert answer.run(f"return {ACTIVE}.querySelector('strong').textContent") == names[-1]
    answer.press_enter()
    assert said(answer) == f"Corrected to {names[-1]}"
    assert answer.driver.switch_to.active_element.text == "Undo"


def test_escape_closes_the_suggestions_and_then_clears_the_field(answer: Browser) -> None:
    open_other(answer)
    answer.type("cafe")
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
    open_other(browser)
    browser.type("teapot")
    assert wait_for_suggestions(browser)[0] == "Théière"
    other = browser.find(f"{OPTIONS} .french")
    assert (other.text, other.get_attribute("lang")) == ("Teapot", "en")
    browser.press(OPTIONS)
    assert said(browser) == "Corrigé : Théière"


def test_who_leaves_the_field_while_typing_asks_for_no_suggestions(answer: Browser) -> None:
    open_other(answer)
    answer.type("cafe")
    wait_for_suggestions(answer)
    assert answer.driver.execute_async_script(LEAVE_WHILE_TYPING) == [0, "false"]


def test_a_late_answer_does_not_open_the_suggestions_again(answer: Browser) -> None:
    open_other(answer)
    answer.type("cafe")
    wait_for_suggestions(answer)
    answer.run(ANSWER_LATE)
    answer.wait_until("Boolean(window.answerLate)")
    assert answer.driver.execute_async_script(LEAVE_BEFORE_THE_ANSWER) == "false"


def test_a_word_that_finds_nothing_says_so(answer: Browser) -> None:
    open_other(answer)
    answer.type("cafex")
    answer.wait_until("document.getElementById('suggested').textContent === 'No category found'")
    assert not answer.find("#suggestions").is_displayed()


def test_without_script_a_search_lists_the_choices_on_a_page_of_their_own(answer: Browser) -> None:
    without_script(answer)
    answer.tab_to(".other > summary")
    answer.keys(Keys.ENTER)
    answer.tab_to(FIELD)
    answer.type("Théière")
    answer.press_enter()
    assert "/correct?q=" in answer.driver.current_url
    answer.tab_to(".found button")
    answer.press_enter()
    assert said(answer) == "Corrected to Teapot"


def test_one_click_says_that_it_is_no_product_and_another_takes_it_back(answer: Browser) -> None:
    answer.press("[value=not_a_product]")
    assert said(answer) == "Not a product"
    answer.press("[name=take_back]")
    assert len(answer.find_all(".categories .this")) == 4


def test_a_word_may_say_what_fits_no_category(answer: Browser) -> None:
    open_other(answer)
    answer.find("#word").send_keys("sledge", Keys.TAB)
    answer.press_enter()
    assert said(answer) == "None of these categories: sledge"


def test_one_click_copies_the_number_of_a_category(answer: Browser) -> None:
    number = answer.find(".categories .copy").text
    answer.note_texts(".categories .copy")
    answer.find(".categories .copy").click()
    answer.wait_until("said.includes('Copied')")
    assert answer.read_clipboard() == number


def test_on_a_phone_the_headline_and_the_correction_are_in_the_first_view(answer: Browser) -> None:
    view = {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": True}
    answer.emulate("Emulation.setDeviceMetricsOverride", **view)
    assert answer.find("#answer-title").rect["y"] < 500
    last = answer.find_all(".categories .this")[-1].rect
    assert last["y"] + last["height"] < 740


def test_what_needs_review_is_found_and_reviewed(browser: Browser, tmp_path: Path) -> None:
    rocket = tmp_path / "rocket.png"
    Image.fromarray(data.rocket()).save(rocket)
    browser.upload(rocket)
    assert browser.find(".verdict .review").text == "Needs review"
    browser.open("/classify/history?review=to_review")
    browser.press(".tick")
    assert browser.find_all("[name=row]") == []


def test_no_choice_of_a_filter_is_cut_off_on_a_small_screen(answer: Browser) -> None:
    view = {"width": 360, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    answer.emulate("Emulation.setDeviceMetricsOverride", **view)
    answer.open("/classify/history")
    answer.find(".filters summary").click()
    cut = answer.run("""
        return [...document.querySelectorAll(".filters select")].filter((select) => {
            const shown = select.offsetWidth;
            select.style.width = "max-content";
            return select.offsetWidth > shown;
        }).map((select) => select.name);
    """)
    assert cut == []
