"""What a visitor does with a browser, in few words."""

import base64
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.common.exceptions import JavascriptException, WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.expected_conditions import staleness_of
from selenium.webdriver.support.wait import WebDriverWait

PROGRAMS = ("chromium", "chromedriver")
OPTIONS = (
    "--headless=new",
    "--no-sandbox",  # it cannot be had as root, in a container
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WAIT_SECONDS = 30
WITH_FILES = """
    const transfer = new DataTransfer();
    for (const [data, name, type] of arguments) {
        const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
        transfer.items.add(new File([bytes], name, {type}));
    }
"""
DROP = """
    const drop = new DragEvent("drop", {dataTransfer: transfer, bubbles: true, cancelable: true});
    document.querySelector("main").dispatchEvent(drop);
    return drop.defaultPrevented;
"""
PRESSES = """
    const button = document.querySelector(arguments[0]);
    for (const milliseconds of [0, 20, 40, 60]) setTimeout(() => button.click(), milliseconds);
"""
SHIFT = """
    let shift = 0;
    const add = (entries) => entries.forEach((entry) => (shift += entry.hadRecentInput ? 0 : entry.value));
    const observer = new PerformanceObserver((list) => add(list.getEntries()));
    observer.observe({type: "layout-shift", buffered: true});
    window.layoutShift = () => (add(observer.takeRecords()), shift);
"""
HOLD = """
    const send = fetch;
    const released = new Promise((resolve) => { window.release = resolve; });
    let [left] = arguments;
    window.held = window.settled = 0;
    window.fetch = async (...asked) => {
        if (left-- <= 0) return send(...asked);
        window.held += 1;
        await released;
        return send(...asked).finally(() => { window.settled += 1; });
    };
"""
NOTE = """
    const element = document.querySelector(arguments[0]);
    const said = window.said = [];
    new MutationObserver(() => said.push(element.textContent)).observe(element, {childList: true});
"""
PASTE = """
    if (%s) transfer.setData("text/plain", %s);
    document.querySelector(%s).dispatchEvent(
        new ClipboardEvent("paste", {clipboardData: transfer, bubbles: true}),
    );
"""


def missing_programs() -> list[str]:
    return [program for program in PROGRAMS if shutil.which(program) is None]


def open_chromium(profile: Path) -> webdriver.Chrome:
    """Start a Chromium without a window that keeps its files in the folder `profile`."""
    chromium, chromedriver = (str(shutil.which(program)) for program in PROGRAMS)
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for option in (*OPTIONS, f"--user-data-dir={profile}"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(options, webdriver.ChromeService(chromedriver))


class Browser:
    """A Chromium at the site under `url`; paths are relative to it, elements are named by CSS selectors."""

    def __init__(self, driver: webdriver.Chrome, url: str) -> None:
        self.driver = driver
        self.url = url

    def forget(self) -> None:
        """Become a visitor with one tab, no cookie or permission, an empty console and no emulation."""
        first, *others = self.driver.window_handles
        for tab in others:
            self.driver.switch_to.window(tab)
            self.driver.close()
        self.driver.switch_to.window(first)
        self.driver.get("about:blank")
        self.emulate("Emulation.setScriptExecutionDisabled", value=False)
        self.emulate("Emulation.clearDeviceMetricsOverride")
        self.emulate("Emulation.setEmulatedMedia", features=[])
        self.emulate("Emulation.setTouchEmulationEnabled", enabled=False)
        self.emulate("Network.clearBrowserCookies")
        self.emulate("Browser.resetPermissions")
        self.console()

    def emulate(self, command: str, **parameters: Any) -> None:
        """Send a command of the DevTools protocol."""
        self.driver.execute_cdp_cmd(command, parameters)

    def widen(self) -> None:
        """Become as wide as a desk's screen, on which the whole navigation is in one row."""
        view = {"width": 1280, "height": 800, "deviceScaleFactor": 1, "mobile": False}
        self.emulate("Emulation.setDeviceMetricsOverride", **view)

    def open(self, path: str) -> None:
        self.driver.get(self.url + path)

    def read_clipboard(self) -> str:
        self.emulate("Browser.grantPermissions", permissions=["clipboardReadWrite"], origin=self.url)
        return str(self.run("return navigator.clipboard.readText()"))

    def find(self, selector: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def find_all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def texts(self, selector: str) -> list[str]:
        return [element.text for element in self.find_all(selector)]

    def run(self, script: str, *arguments: Any) -> Any:
        """Run the body of a JavaScript function."""
        return self.driver.execute_script(script, *arguments)

    def wait_until(self, expression: str) -> None:
        """Wait until a JavaScript expression is true; what it looks at may come a moment later."""
        wait = WebDriverWait(self.driver, WAIT_SECONDS, 0.02, ignored_exceptions=(JavascriptException,))
        wait.until(lambda _: self.run(f"return {expression}"), expression)

    def hold_fetches(self, number: int) -> None:
        """Have the next requests of the page's scripts wait until `release`."""
        self.run(HOLD, number)

    def release(self) -> None:
        """Send what is held, and wait until the page has its answers, or has given up on them."""
        self.run("release()")
        self.wait_until("settled === held")
        self.wait_until("new Promise((done) => setTimeout(() => done(true)))")

    def note_texts(self, selector: str) -> None:
        """Note in `said` what an element says from now on, however shortly."""
        self.run(NOTE, selector)

    def press(self, selector: str) -> None:
        """Press a button or link and wait for the page that it leads to."""
        self.leave(self.find(selector).click)

    def leave(self, action: Callable[[], object]) -> None:
        """Do what leads to another page, by a reload or without, and wait for that page."""
        page = self.find("main")
        action()
        # Between two pages Chromium may say that it has no such node, before it says that it is gone.
        wait = WebDriverWait(self.driver, WAIT_SECONDS, 0.02, ignored_exceptions=(WebDriverException,))
        wait.until(staleness_of(page))

    def download(self, action: Callable[[], object], folder: Path) -> Path:
        """Do what has the browser save a file in a new folder, and wait for the whole file."""
        folder.mkdir()
        self.emulate("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(folder))
        action()
        [file] = WebDriverWait(self.driver, WAIT_SECONDS, 0.02).until(
            lambda _: [file for file in folder.glob("[!.]*") if file.suffix != ".crdownload"]
        )
        return file

    def press_again_and_again(self, selector: str) -> None:
        """Press a button a few times, too fast for the page that it leads to, and wait for that page."""
        self.leave(lambda: self.run(PRESSES, selector))

    def keys(self, *keys: str) -> None:
        """Press keys wherever the focus is."""
        webdriver.ActionChains(self.driver).send_keys(*keys).perform()

    def type(self, text: str) -> None:
        """Enter a text where the focus is, at once: a slow typist has half of it searched for."""
        self.emulate("Input.insertText", text=text)

    def press_enter(self) -> None:
        """Press the Enter key where the focus is and wait for the page that it leads to."""
        self.leave(lambda: self.keys(Keys.ENTER))

    def tab(self, times: int = 1) -> WebElement:
        """Press the tab key and return what has the focus then."""
        self.keys(Keys.TAB * times)
        return self.driver.switch_to.active_element

    def tab_to(self, selector: str) -> None:
        """Press the tab key until an element has the focus."""
        is_there = f"return document.activeElement === document.querySelector({json.dumps(selector)})"
        assert any(self.tab() and self.run(is_there) for _ in range(60)), f"no tab leads to {selector}"

    def choose(self, *photos: Path) -> None:
        """Choose photos on the page that is open."""
        self.find("#image").send_keys("\n".join(map(str, photos)))

    def drop(self, *photos: Path, content_type: str = "image/jpeg") -> bool:
        """Drop photos on the page; say whether the page took them, else the browser would open them."""
        return bool(self._give(DROP, photos, content_type))

    def drop_folder(self, folder: Path) -> None:
        """Drop a folder from the disk on the page, as only the browser itself can."""
        data = {"items": [], "files": [str(folder)], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            event = {"type": kind, "x": 200, "y": 200, "data": data}
            self.driver.execute_cdp_cmd("Input.dispatchDragEvent", event)

    def paste(self, *photos: Path, text: str = "", into: str = "body") -> None:
        """Paste photos, perhaps with a text that they show."""
        script = PASTE % (json.dumps(text), json.dumps(text), json.dumps(into))
        self._give(script, photos, "image/jpeg")

    def watch_layout(self) -> None:
        """Begin to add up what has moved on the open page, and will, without the visitor's doing."""
        self.run(SHIFT)

    def layout_shift(self) -> float:
        """Return how much has moved: https://web.dev/articles/cls."""
        self.wait_until("new Promise((drawn) => requestAnimationFrame(() => setTimeout(() => drawn(true))))")
        return float(self.run("return layoutShift()"))

    def classify(self) -> None:
        self.press("#classify")

    def upload(self, photo: Path) -> None:
        """Classify a photo and come to its answer."""
        self.open("/classify/")
        self.leave(lambda: self.choose(photo))

    def complaint(self, selector: str = "#image-problem") -> str:
        """Wait until the page says what is wrong, and return that."""
        self.wait_until(f"document.querySelector('{selector}').textContent")
        return self.find(selector).text

    def rows(self) -> int:
        """Open the history and count its rows."""
        self.open("/classify/history")
        return len(self.find_all("[name=row]"))

    def console(self) -> list[str]:
        """Return what the console says since the last call, but not that an error page is an error."""
        here = self.driver.current_url
        messages = [entry["message"] for entry in self.driver.get_log("browser")]  # type: ignore[no-untyped-call]
        return [message for message in messages if not message.startswith(f"{here} - Failed to load")]

    def _give(self, script: str, photos: Sequence[Path], content_type: str) -> Any:
        files = [
            (base64.b64encode(photo.read_bytes()).decode(), photo.name, content_type) for photo in photos
        ]
        return self.run(WITH_FILES + script, *files)
