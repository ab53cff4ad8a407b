"""What axe-core finds on every page, by the rules of WCAG 2.2 AA: in both languages, light and dark."""

from collections.abc import Callable
from pathlib import Path

import pytest
import selenium_axe_python
from browsing import Browser

pytestmark = pytest.mark.browser
AXE = (Path(selenium_axe_python.__file__).parent / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
WCAG = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}  # all that a dark page changes
RUN = """
    const [rules, done] = arguments;
    const options = {runOnly: rules, resultTypes: ["violations"], rules: {"target-size": {enabled: true}}};
    axe.run(document, options).then(({violations}) => done(violations.flatMap(({id, nodes}) =>
        nodes.map(({target, failureSummary}) => `${id}: ${target.join(" ")}: ${failureSummary}`))));
"""
RULES = "return axe.getRules(arguments[0]).map((rule) => rule.ruleId)"


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
            if broken := browser.driver.execute_async_script(RUN, rules):
                found[scheme, width] = broken
    assert found == {}


def test_contrast_and_the_size_of_targets_are_among_the_rules(browser: Browser) -> None:
    browser.open("/")
    browser.run(AXE)
    assert {"color-contrast", "target-size", "html-has-lang"} <= set(browser.run(RULES, WCAG))


def test_axe_finds_what_is_wrong(browser: Browser) -> None:
    browser.open("/")
    browser.run(AXE)
    browser.run("document.querySelector('.site-name img').removeAttribute('alt')")
    assert any(broken.startswith("image-alt") for broken in browser.driver.execute_async_script(RUN, WCAG))


def show(browser: Browser, scheme: str) -> None:
    """Show the page light or dark, and at once: a colour on its way to another has no contrast."""
    features = [
        {"name": "prefers-color-scheme", "value": scheme},
        {"name": "prefers-reduced-motion", "value": "reduce"},
    ]
    browser.emulate("Emulation.setEmulatedMedia", features=features)
