"""Several photos at a time: by mouse, keyboard and touch, without script, and when the site is busy."""

import csv
import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import profiles
import pytest
from browsing import Browser
from helpers import jpeg
from live_site import LiveSite
from PIL import Image
from selenium import webdriver
from selenium.webdriver.common.keys import Keys
from skimage import data

from app.errors import TooLarge, UnreadablePhoto, UnsupportedFormat
from app.recognition.limits import MAX_BYTES, MAX_PIXELS

pytestmark = pytest.mark.browser
WOULD_ASK = """
    const leaving = new Event("beforeunload", {cancelable: true});
    dispatchEvent(leaving);
    return leaving.defaultPrevented;
"""
FINISHED = "document.getElementById('several-stop').disabled"
NARROW = {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}
OVERHANG = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
MAX_BYTES_AT_FIRST = 150_000
# As a browser counts what it has transferred, 300 bytes for each head, but what it has at hand already, too.
TRANSFERRED = """
    const entries = ["navigation", "resource"].flatMap((type) => performance.getEntriesByType(type));
    return entries.map((entry) => [entry.name.split("/").at(-1), 300 + entry.encodedBodySize]);
"""
HOLD_THE_ANSWER = """
    const [send, waiting] = [fetch, document.getElementById("waiting")];
    const words = document.getElementById("waiting-words");
    window.fetch = async (...request) => {
        const answer = await send(...request);
        while (!waiting.checkVisibility()) await new Promise((resolve) => setTimeout(resolve, 20));
        sessionStorage.setItem("waiting", `shown instead of the answer: ${words.textContent}`);
        return answer;
    };
"""


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory, coffee: bytes) -> Path:
    """Photos to choose from: two that differ, half a photo, and a text."""
    folder = tmp_path_factory.mktemp("several")
    (folder / "coffee.jpg").write_bytes(coffee)
    (folder / "rocket.jpg").write_bytes(jpeg(Image.fromarray(data.rocket())))
    (folder / "half.jpg").write_bytes(coffee[:3000])
    (folder / "text.txt").write_text("not a photo")
    return folder


@pytest.fixture(scope="session")
def too_large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of more than 10 MB: a photo, and one that no browser can read."""
    folder = tmp_path_factory.mktemp("too_large")
    noise = np.random.default_rng(0).integers(0, 256, (2200, 2600, 3), np.uint8)
    (folder / "photo.jpg").write_bytes(jpeg(Image.fromarray(noise), quality=100))
    (folder / "junk.jpg").write_bytes(bytes(MAX_BYTES + 1))
    assert (folder / "photo.jpg").stat().st_size > MAX_BYTES
    return folder


@pytest.fixture
def busy_browser(
    request: pytest.FixtureRequest, chromium: webdriver.Chrome, tmp_path: Path, small_weights: Path
) -> Iterator[Browser]:
    """A visitor of a site that takes only so many photos in a time."""
    own = {"RATE_LIMIT": request.param, "WEIGHTS": str(small_weights)}
    with LiveSite(tmp_path / "instance", **own) as site:
        browser = Browser(chromium, site.url)
        browser.forget()
        browser.open("/classify/")
        yield browser


def choose(browser: Browser, folder: Path, *names: str) -> None:
    browser.open("/classify/")
    browser.choose(*(folder / name for name in names))


def classify_each(browser: Browser) -> None:
    browser.find("#classify").click()
    browser.wait_until(FINISHED)


def test_different_products_are_answered_one_by_one_and_a_bad_file_spoils_nothing(
    browser: Browser, folder: Path
) -> None:
    choose(browser, folder, "rocket.jpg", "half.jpg", "text.txt", "coffee.jpg")
    assert browser.find("#image-name").text == "4 photos chosen"
    classify_each(browser)
    first, half, text, last = browser.texts(".brief")  # the doubtful ones first
    assert first.startswith("rocket.jpg")
    assert half == f"half.jpg\n{UnreadablePhoto.sentence}"
    assert text == f"text.txt\n{UnsupportedFormat.sentence}"
    assert last.startswith("coffee.jpg\nMug / cup")
    assert browser.find("#several-words").text.startswith("Done: 2 of 4 photos were classified")
    assert browser.find("#several-words").text.endswith("1 sure, 1 to check.")
    assert browser.find("#several-export button").is_displayed()
    browser.press(".brief a")
    assert len(browser.find_all(".answer .categories li")) == 4


def test_nothing_moves_when_the_answers_arrive(browser: Browser, folder: Path) -> None:
    choose(browser, folder, *["coffee.jpg", "half.jpg", "rocket.jpg"] * 3)
    browser.watch_layout()
    classify_each(browser)
    assert browser.layout_shift() < 0.01


def test_nothing_moves_when_a_page_with_an_answer_opens(browser: Browser, coffee_file: Path) -> None:
    browser.upload(coffee_file)
    browser.watch_layout()
    browser.wait_until("document.querySelector('.stage img').complete")
    assert browser.layout_shift() < 0.01


def test_a_place_is_kept_for_an_answer_that_is_slow(browser: Browser, coffee_file: Path) -> None:
    browser.open("/classify/")
    browser.run(HOLD_THE_ANSWER)
    browser.leave(lambda: browser.choose(coffee_file))
    assert browser.find_all(".answer .categories")
    assert not browser.find("#waiting").is_displayed()
    noted = browser.run("return sessionStorage.getItem('waiting')")
    assert noted == "shown instead of the answer: The photo is being classified."


def test_one_product_is_chosen_and_classified_by_keyboard(browser: Browser, folder: Path) -> None:
    choose(browser, folder, "coffee.jpg", "coffee.jpg", "rocket.jpg", "half.jpg")
    browser.run("document.querySelector('.previews li:last-child button').focus()")
    assert browser.tab().get_attribute("value") == "each"
    browser.keys(Keys.ARROW_DOWN)
    assert browser.tab().text == "Classify"
    browser.press_enter()
    assert browser.find(".categories .name").text == "Mug / cup"
    own = browser.texts(".own li")
    assert ["disagrees" in photo for photo in own] == [False, False, True, False]
    assert own[3] == f"Photo 4\n{UnreadablePhoto.sentence}"
    assert browser.rows() == 1


def test_different_products_are_classified_and_opened_by_keyboard(browser: Browser, folder: Path) -> None:
    choose(browser, folder, "coffee.jpg", "rocket.jpg")
    browser.run("document.querySelector('.previews li:last-child button').focus()")
    assert browser.tab(2).text == "Classify"
    browser.keys(Keys.ENTER)
    browser.wait_until(FINISHED)
    assert browser.driver.switch_to.active_element.text == "Your photos"
    browser.tab_to(".brief.sure a")
    browser.press_enter()
    assert browser.find(".categories .name").text == "Mug / cup"


@pytest.mark.parametrize("script", [True, False])
def test_the_enter_key_on_the_choice_sends_the_photos(browser: Browser, folder: Path, script: bool) -> None:
    browser.emulate("Emulation.setScriptExecutionDisabled", value=not script)
    choose(browser, folder, "coffee.jpg", "coffee.jpg")
    browser.find("[name=product][value=one]").click()
    browser.press_enter()
    assert browser.find(".categories .name").text == "Mug / cup"


def test_leaving_before_all_photos_are_sent_asks_first_and_coming_back_resumes_the_run(
    browser: Browser, folder: Path
) -> None:
    choose(browser, folder, *["coffee.jpg"] * 8)
    browser.hold_fetches(1)
    browser.find("#classify").click()
    assert browser.run(WOULD_ASK)  # chromedriver itself answers the question
    browser.run("dispatchEvent(new Event('pageshow')), document.querySelector('#classify').click()")
    browser.release()
    browser.wait_until(FINISHED)
    assert not browser.run(WOULD_ASK)
    assert browser.rows() == 8


def test_all_photos_are_asked_of_the_network_chosen_at_the_start(
    browser: Browser, folder: Path, tmp_path: Path
) -> None:
    choose(browser, folder, *["coffee.jpg"] * 6)
    browser.hold_fetches(6)
    browser.find("#classify").click()
    browser.wait_until("held > 0")
    browser.run("document.getElementById('model').value = 'inception-v3'")
    browser.release()
    browser.wait_until(FINISHED)
    browser.open("/classify/history")
    assert browser.find_all("[name=row]")
    browser.find(".exports summary").click()
    file = browser.download(browser.find(".exports a[href*=csv]").click, tmp_path / "downloads")
    assert {row["model"] for row in csv.DictReader(file.read_text("utf-8-sig").splitlines())} == {
        "efficientnetv2-b0"
    }


def test_a_phone_has_room_for_several_photos(browser: Browser, folder: Path) -> None:
    browser.emulate("Emulation.setDeviceMetricsOverride", **NARROW)
    browser.emulate("Emulation.setTouchEmulationEnabled", enabled=True)
    choose(browser, folder, *["half.jpg"] * 3, *["rocket.jpg"] * 3, *["coffee.jpg"] * 3)
    for label in browser.find_all("#several-show label"):
        assert label.rect["height"] >= 24
    browser.watch_layout()
    classify_each(browser)
    assert len(browser.find_all(".brief")) == 9
    assert browser.run(OVERHANG) == 0
    assert browser.layout_shift() < 0.01


def test_the_choice_is_there_when_it_makes_sense_and_remembered(browser: Browser, folder: Path) -> None:
    browser.open("/classify/")
    assert not browser.find("#several-show").is_displayed()
    choose(browser, folder, *["coffee.jpg"] * 9)
    each, one = browser.find_all("[name=product]")
    assert (each.is_selected(), one.is_enabled()) == (True, False)
    choose(browser, folder, "coffee.jpg", "coffee.jpg")
    browser.find("[name=product][value=one]").click()
    browser.classify()
    choose(browser, folder, "coffee.jpg", "coffee.jpg")
    assert browser.find("[name=product][value=one]").is_selected()


def test_too_many_photos_for_one_product_take_the_choice_away_only_as_long(
    browser: Browser, folder: Path
) -> None:
    choose(browser, folder, "coffee.jpg", "coffee.jpg")
    browser.find("[name=product][value=one]").click()
    browser.drop(*[folder / "coffee.jpg"] * 7)
    assert browser.find("#image-name").text == "9 photos chosen"
    assert browser.find("[name=product]:checked").get_attribute("value") == "each"
    browser.find(".previews button").click()
    assert browser.find("#image-name").text == "8 photos chosen"
    assert browser.find("[name=product]:checked").get_attribute("value") == "one"


def test_more_photos_than_fit_are_refused_before_they_are_sent(browser: Browser, folder: Path) -> None:
    choose(browser, folder, *["coffee.jpg"] * 51)
    assert browser.find("#image-problem").text.startswith("At most 50 photos")
    assert browser.run("return document.getElementById('image').files.length") == 0


@pytest.mark.parametrize("way", ["drop", "paste"])
def test_several_photos_can_be_dropped_or_pasted(browser: Browser, folder: Path, way: str) -> None:
    browser.open("/classify/")
    getattr(browser, way)(folder / "coffee.jpg", folder / "rocket.jpg")
    assert browser.find("#image-name").text == "2 photos chosen"
    classify_each(browser)
    assert len(browser.find_all(".brief a")) == 2


def test_a_dropped_folder_is_opened_and_its_photos_are_counted(
    browser: Browser, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "photos" / "more").mkdir(parents=True)
    (tmp_path / "photos" / "@eaDir").mkdir()
    shutil.copy(folder / "coffee.jpg", tmp_path / "photos" / "coffee.jfif")
    shutil.copy(folder / "rocket.jpg", tmp_path / "photos" / "more")
    for name in ("._coffee.jpg", "notes.txt", "@eaDir/rocket.jpg"):
        shutil.copy(folder / "half.jpg", tmp_path / "photos" / name)
    browser.open("/classify/")
    browser.drop_folder(tmp_path / "photos")
    browser.wait_until("document.getElementById('image-name').textContent")
    assert browser.find("#image-name").text == "2 photos chosen"
    classify_each(browser)
    assert len(browser.find_all(".brief a")) == 2


def test_a_dropped_folder_without_photos_is_told_from_one_with_some(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    browser.open("/classify/")
    browser.drop_folder(tmp_path / "empty")
    browser.wait_until("document.getElementById('image-problem').textContent")
    assert browser.find("#image-problem").text == "There is no photo in this folder."


def test_large_photos_of_one_product_are_made_smaller_before_they_are_sent(
    browser: Browser, tmp_path: Path
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (2000, 2600, 3), np.uint8)
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_bytes(jpeg(Image.fromarray(noise), quality=95))
    assert (tmp_path / "a.jpg").stat().st_size > 5 * 1024 * 1024
    choose(browser, tmp_path, "a.jpg", "b.jpg")
    browser.find("[name=product][value=one]").click()
    browser.classify()
    assert len(browser.find_all(".own li strong")) == 2


def test_a_photo_that_is_too_large_is_made_smaller_before_it_is_sent(
    browser: Browser, too_large: Path
) -> None:
    browser.open("/classify/")
    browser.leave(lambda: browser.choose(too_large / "photo.jpg"))
    assert len(browser.find_all(".answer .categories li")) == 4


def test_a_photo_of_too_many_pixels_is_made_smaller_before_it_is_sent(
    browser: Browser, tmp_path: Path
) -> None:
    """The server would refuse the drawing, as it takes more memory to decode than a photo in JPEG."""
    Image.new("P", (5001, MAX_PIXELS // 5000)).save(tmp_path / "drawing.png")
    browser.open("/classify/")
    browser.leave(lambda: browser.choose(tmp_path / "drawing.png"))
    assert len(browser.find_all(".answer .categories li")) == 4


def test_among_different_products_one_of_too_many_pixels_is_made_smaller(
    browser: Browser, folder: Path, tmp_path: Path
) -> None:
    Image.new("P", (5001, MAX_PIXELS // 5000)).save(tmp_path / "drawing.png")
    shutil.copy(folder / "coffee.jpg", tmp_path)
    choose(browser, tmp_path, "drawing.png", "coffee.jpg")
    classify_each(browser)
    assert len(browser.find_all(".brief a")) == 2


SHRUNK = """
    const [done] = arguments;
    import("/static/fit.js").then(async ({ shrink }) => {
        const photo = await shrink(document.getElementById("image").files[0]);
        done([photo.type, [...new Uint8Array(await photo.arrayBuffer())]]);
    });
"""


def shrunk_by_the_page(browser: Browser, photo: Path) -> tuple[str, Image.Image]:
    """Return the type and the pixels that the page's script would send of a photo, as if these were sRGB."""
    choose(browser, photo.parent, photo.name, photo.name)  # two, as one would be sent at once
    content_type, data = browser.driver.execute_async_script(SHRUNK)
    return content_type, Image.open(io.BytesIO(bytes(data)))


def test_the_page_converts_colours_when_it_makes_a_photo_smaller(browser: Browser, tmp_path: Path) -> None:
    profile = profiles.matrix_profile(profiles.DISPLAY_P3)
    Image.new("RGB", (60, 40), (200, 60, 60)).save(tmp_path / "wide.jpg", quality=95, icc_profile=profile)
    content_type, photo = shrunk_by_the_page(browser, tmp_path / "wide.jpg")
    assert content_type == "image/jpeg"
    wanted = profiles.seen_in_srgb((200, 60, 60), profiles.DISPLAY_P3)
    assert photo.getpixel((9, 9)) == pytest.approx(wanted, abs=5)


def test_the_page_keeps_a_photo_transparent_when_it_makes_it_smaller(
    browser: Browser, tmp_path: Path
) -> None:
    Image.new("RGBA", (60, 40), (255, 255, 255, 0)).save(tmp_path / "clear.png")
    _, photo = shrunk_by_the_page(browser, tmp_path / "clear.png")
    assert photo.convert("RGBA").getpixel((9, 9))[3] == 0


def test_a_photo_that_stays_too_large_is_refused_before_it_is_sent(browser: Browser, too_large: Path) -> None:
    choose(browser, too_large, "junk.jpg")
    assert browser.complaint() == TooLarge.sentence
    assert browser.run("return document.getElementById('image').files.length") == 0


def test_among_different_products_a_photo_is_refused_only_if_it_stays_too_large(
    browser: Browser, too_large: Path
) -> None:
    choose(browser, too_large, "photo.jpg", "junk.jpg")
    classify_each(browser)
    photo, junk = sorted(browser.texts(".brief"), reverse=True)
    assert len(browser.find_all(".brief a")) == 1
    assert TooLarge.sentence not in photo
    assert junk == f"junk.jpg\n{TooLarge.sentence}"


@pytest.mark.parametrize("busy_browser", ["2 per 2 seconds"], indirect=True)
def test_a_busy_site_is_waited_for(busy_browser: Browser, folder: Path) -> None:
    busy_browser.choose(*[folder / "coffee.jpg"] * 3)
    classify_each(busy_browser)
    assert len(busy_browser.find_all(".brief a")) == 3


@pytest.mark.parametrize("busy_browser", ["2 per minute"], indirect=True)
def test_the_visitor_can_stop(busy_browser: Browser, folder: Path) -> None:
    busy_browser.choose(*[folder / "coffee.jpg"] * 30)
    busy_browser.find("#classify").click()
    busy_browser.wait_until("document.getElementById('several-words').textContent.includes('busy')")
    busy_browser.find("#several-stop").click()
    busy_browser.wait_until(FINISHED)
    done = len(busy_browser.find_all(".brief"))
    assert 0 < done < 30
    words = busy_browser.find("#several-words").text
    assert words.startswith(f"Stopped: {done} of 30 photos were classified.")
    busy_browser.wait_until("document.querySelector('#classify').ariaBusy === 'false'")


@pytest.mark.parametrize("product", ["each", "one"])
def test_without_javascript_several_photos_are_answered(browser: Browser, folder: Path, product: str) -> None:
    browser.emulate("Emulation.setScriptExecutionDisabled", value=True)
    choose(browser, folder, "coffee.jpg", "half.jpg", "coffee.jpg")
    browser.find(f"[name=product][value={product}]").click()
    browser.classify()
    rows = browser.texts(".brief" if product == "each" else ".own li")
    assert [UnreadablePhoto.sentence in row for row in rows].count(True) == 1
    assert len(rows) == 3


def test_undo_on_the_page_brings_a_row_back_to_it(browser: Browser, coffee_file: Path) -> None:
    browser.upload(coffee_file)
    browser.find_all(".more > summary")[-1].click()
    browser.press(".delete button")
    assert not browser.find_all(".recent li")
    browser.wait_until("!document.querySelector('#undo time').textContent.includes('UTC')")  # but local
    browser.press("#undo button")
    assert len(browser.find_all(".recent li")) == 1


@pytest.mark.parametrize("path", ["/", "/classify/"])
def test_the_first_view_transfers_little(browser: Browser, path: str) -> None:
    browser.emulate("Network.clearBrowserCache")
    browser.open(path)
    transferred = dict(browser.run(TRANSFERRED))
    assert {"base.css", "figtree-latin-wght-normal.woff2"} <= transferred.keys()
    assert min(transferred.values()) > 300
    assert sum(transferred.values()) < MAX_BYTES_AT_FIRST
