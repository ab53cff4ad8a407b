"""Make docs/screenshots/*.png from the running site: `make screenshots`.

Only pictures that are free to show: CC0 and public domain photos in scikit-image, and drawings.
"""

import io
import tempfile
from pathlib import Path

from browsing import Browser, open_chromium
from live_site import LiveSite
from local_sources import LocalOpenProductsFacts
from PIL import Image
from selenium import webdriver
from skimage import data

FOLDER = Path(__file__).parent / "screenshots"
SHOTS = (("instructions", 1280, "light"), ("classify", 1280, "light"), ("classify", 1280, "dark"),
         ("classify", 360, "light"), ("product", 1280, "light"), ("history", 1280, "light"),
         ("source", 1280, "dark"), ("model", 1280, "light"), ("model", 360, "dark"),
         ("heatmaps", 1280, "light"), ("categories", 1280, "light"), ("category", 360, "light"),
         ("correct", 1280, "light"), ("own", 1280, "light"))  # fmt: skip
VIEWS = 5  # of each photo to teach
MANY = ("coffee", "clock", "rocket", "astronaut", "chelsea", "brick")


def main() -> None:
    """Classify some pictures as a visitor would, and keep what the pages look like."""
    FOLDER.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as temporary,
        LocalOpenProductsFacts() as source,
        LiveSite(Path(temporary) / "instance", OPEN_PRODUCTS_FACTS_URL=source.url) as site,
        open_chromium(Path(temporary) / "chromium") as driver,
    ):
        browser = Browser(driver, site.url)
        photos = save_photos(Path(temporary))
        browser.open("/classify/")
        browser.press(".random")
        for photo in photos[1:5]:
            browser.upload(photo)
        browser.open("/classify/")
        browser.choose(photos[0], photos[0], photos[2])
        browser.find("[name=product][value=one]").click()
        browser.classify()
        product = driver.current_url
        browser.upload(photos[0])
        answer = driver.current_url
        teach(browser, photos)
        pages = {
            "own": f"{site.url}/classify/categories",
            "instructions": f"{site.url}/",
            "classify": answer,
            "product": product,
            "history": f"{site.url}/classify/history",
            "source": f"{site.url}/source/app/recognition/preprocess.py",
            "model": f"{site.url}/model/",
            "heatmaps": f"{answer}/heatmaps",
            "correct": f"{answer}/correct?q=cafe",
            "categories": f"{site.url}/categories/?q=ball",
            "category": f"{site.url}/categories/1000010379",
        }
        for name, width, scheme in SHOTS:
            look(driver, width, scheme)
            driver.get(pages[name])
            shoot(driver, width, FOLDER / f"{name}-{width}-{scheme}.png")
        look(driver, 1280, "light")
        classify_many(browser, photos)
        shoot(driver, 1280, FOLDER / "several-1280-light.png")


def save_photos(folder: Path) -> list[Path]:
    """Save photos to choose from, the last of them half of one, and a text."""
    photos = [folder / f"{name}.jpg" for name in (*MANY, "half")]
    for photo in photos[:-1]:
        Image.fromarray(getattr(data, photo.stem)()).save(photo)
    photos[-1].write_bytes(photos[0].read_bytes()[:3000])
    text = folder / "notes.txt"
    text.write_text("not a photo")
    return [*photos, text]


def teach(browser: Browser, photos: list[Path]) -> None:
    """Teach two categories of a few photos each."""
    for place, name in enumerate(("Coffee cups", "Clocks")):
        browser.open("/classify/categories")
        browser.find("#name").send_keys(name)
        browser.press(".add-category button")
        field = browser.find_all("form.photos .pick:first-child input")[place]
        field.send_keys("\n".join(views(photos[place])))
        browser.wait_until(f"document.querySelectorAll('.previews li').length === {(place + 1) * VIEWS}")
    browser.press("form[action$='/teach'] button")


def views(photo: Path) -> list[str]:
    """Save a few views of a photo."""
    picture = Image.open(photo)
    width, height = picture.size
    found = []
    for number in range(VIEWS):
        view = picture.crop((number * 8, number * 6, width - number * 8, height - number * 4))
        found.append(str(photo.with_name(f"{photo.stem}-{number}.jpg")))
        (view.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if number % 2 else view).save(found[-1])
    return found


def classify_many(browser: Browser, photos: list[Path]) -> None:
    """Classify photos each on its own, as a visitor who has nothing in the history."""
    browser.emulate("Network.clearBrowserCookies")
    browser.open("/classify/")
    browser.choose(*photos)
    browser.find("#classify").click()
    browser.wait_until("document.getElementById('several-stop').disabled")


def look(driver: webdriver.Chrome, width: int, scheme: str) -> None:
    """Look at the site through a window of this width, in light or dark, with nothing caught in motion."""
    emulate = driver.execute_cdp_cmd
    wishes = {"prefers-color-scheme": scheme, "prefers-reduced-motion": "reduce"}
    features = [{"name": name, "value": value} for name, value in wishes.items()]
    emulate("Emulation.setEmulatedMedia", {"features": features})
    emulate("Emulation.setDeviceMetricsOverride", size_of(width, 800))


def size_of(width: int, height: int) -> dict[str, object]:
    return {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 768}


def shoot(driver: webdriver.Chrome, width: int, path: Path) -> None:
    """Save the page, at most 1,800 px of it, as a PNG of 128 colours."""
    height = min(1800, driver.execute_script("return document.documentElement.scrollHeight"))
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size_of(width, height))
    picture = Image.open(io.BytesIO(driver.get_screenshot_as_png())).convert("RGB")
    picture.quantize(128).save(path, optimize=True)


if __name__ == "__main__":
    main()
