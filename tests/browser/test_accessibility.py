"""What axe-core finds on every page, by the rules of WCAG 2.2 AA: in both languages, light and dark."""

from collections.abc import Callable
from pathlib import Path

import pytest
import selenium_axe_python
from browsing import Browser
from helpers import wait_for_the_other_network

pytestmark = pytest.mark.browser
AXE = (Path(selenium_axe_python.__file__).parent / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
WCAG = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}  # all that a dark page changes
RUN = """
    const ON = {"target-size": {enabled: true}}; // which axe leaves off by itself
    const [rules, done] = arguments;
    const options = {runOnly: rules, resultTypes: ["violations"], preload: false, rules: ON};
    axe.run(document, options).then(({violations}) => done(violations.flatMap(({id, nodes}) =>
        nodes.map(({target, failureSummary}) => `${id}: ${target.join(" ")}: ${failureSummary}`))));
"""
SMALL = """
    const small = () => {
        const button = document.createElement("button");
        button.ariaLabel = "small";
        button.style = "width: 8px; height: 8px; padding: 0; margin: 0; border: 0";
        return button;
    };
    const two = (make) => {
        const place = document.createElement("div");  // else the gaps of a grid keep them apart
        place.append(make(), make());
        return place;
    };
"""


def test_no_page_breaks_a_rule_of_wcag(
    browser: Browser, language: str, open_page: Callable[[], None]
) -> None:
    open_page()
    assert browser.run("return document.documentElement.lang") == language
    browser.run(AXE)
    found = {}
    for scheme, rules in (("light", WCAG), ("dark", COLOURS)):
        show(browser, scheme)
        for width in (360, 768, 1280):
            view = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
            browser.emulate("Emulation.setDeviceMetricsOverride", **view)
            if broken := broken_rules(browser, rules):
                found[scheme, width] = broken
    assert found == {}


def open_menu(browser: Browser, _photo: Path) -> None:
    browser.open("/")
    view = {"width": 360, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    browser.emulate("Emulation.setDeviceMetricsOverride", **view)
    browser.find("#menu-button").click()


def search_another_category(browser: Browser, photo: Path) -> None:
    browser.upload(photo)
    browser.find(".other > summary").click()
    browser.wait_until("document.activeElement.id === 'right'")
    browser.type("cafe")
    browser.wait_until("document.getElementById('right').getAttribute('aria-expanded') === 'true'")


def save_and_show_details(browser: Browser, photo: Path) -> None:
    browser.upload(photo)
    browser.press(".right")
    browser.run("for (const one of document.querySelectorAll('.more')) one.open = true")


def choose_several(browser: Browser, photo: Path) -> None:
    browser.open("/classify/")
    browser.choose(photo, photo)
    browser.wait_until("document.querySelector('.previews img')?.naturalWidth")


def open_panel(browser: Browser, photo: Path) -> None:
    browser.upload(photo)
    browser.open("/classify/history")
    browser.find(".worklist .best").click()
    browser.wait_until("document.activeElement.id === 'answer-title'")
    browser.keys("?")


def ask_another_network(browser: Browser, photo: Path) -> None:
    wait_for_the_other_network(browser.url)
    browser.upload(photo)
    browser.find_all(".more > summary")[-1].click()
    browser.find("[data-part]").click()
    browser.wait_until("document.activeElement.matches('.answer .beside')")


def be_refused(browser: Browser, _photo: Path) -> None:
    browser.open("/classify/")
    browser.find("#url").send_keys("https://127.0.0.1/a.jpg")
    browser.find(".by-address button").click()
    browser.complaint("#url-problem")


@pytest.mark.parametrize(
    "reach",
    [
        open_menu,
        search_another_category,
        save_and_show_details,
        choose_several,
        open_panel,
        ask_another_network,
        be_refused,
    ],
)
def test_no_state_of_a_page_breaks_a_rule_of_wcag(
    browser: Browser, language: str, coffee_file: Path, reach: Callable[[Browser, Path], None]
) -> None:
    reach(browser, coffee_file)
    assert browser.run("return document.documentElement.lang") == language
    browser.run(AXE)
    found = {}
    for scheme in ("light", "dark"):
        show(browser, scheme)
        if broken := broken_rules(browser, WCAG):
            found[scheme] = broken
    assert found == {}


@pytest.mark.parametrize(("rule", "fault"), [
    ("image-alt", "document.querySelector('.site-name img').removeAttribute('alt')"),
    ("color-contrast", "document.querySelector('h1').style.color = '#eee'"),
    ("target-size", "document.querySelector('main').prepend(two(small))"),
])  # fmt: skip
def test_a_page_with_a_fault_does_break_one(browser: Browser, rule: str, fault: str) -> None:
    browser.open("/")
    show(browser, "light")
    browser.run(AXE)
    assert broken_rules(browser, WCAG) == []
    browser.run(SMALL + fault)
    assert {broken.partition(":")[0] for broken in broken_rules(browser, WCAG)} == {rule}


def broken_rules(browser: Browser, rules: object) -> list[str]:
    """Return what axe-core, which the page has loaded, finds on it."""
    return list(browser.driver.execute_async_script(RUN, rules))


def show(browser: Browser, scheme: str) -> None:
    """Show the page light or dark, and at once: a colour on its way to another has no contrast."""
    features = [
        {"name": "prefers-color-scheme", "value": scheme},
        {"name": "prefers-reduced-motion", "value": "reduce"},
    ]
    browser.emulate("Emulation.setEmulatedMedia", features=features)
