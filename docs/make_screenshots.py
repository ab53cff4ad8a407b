"""Make docs/screenshots/*.png from the running site: `make screenshots`.

Only pictures that are free to show: the CC0 photo of a coffee cup in scikit-image, and drawings.
"""

import io
import tempfile
from pathlib import Path

from browsing import open_chromium
from live_site import LiveSite
from local_sources import LocalOpenProductsFacts
from PIL import Image
from selenium import webdriver
from selenium.webdriver.common.by import By
from skimage import data

FOLDER = Path(__file__).parent / "screenshots"
SHOTS = (("instructions", 1280, "light"), ("classify", 1280, "light"), ("classify", 1280, "dark"),
         ("classify", 360, "light"), ("history", 1280, "light"), ("source", 1280, "dark"),
         ("model", 1280, "light"), ("model", 360, "dark"), ("heatmaps", 1280, "light"),
         ("categories", 1280, "light"), ("category", 360, "light"), ("correct", 1280, "light"))  # fmt: skip


def main() -> None:
    """Classify two pictures as a visitor would, and keep what the pages look like."""
    FOLDER.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as temporary,
        LocalOpenProductsFacts() as source,
        LiveSite(Path(temporary) / "instance", OPEN_PRODUCTS_FACTS_URL=source.url) as site,
        open_chromium(Path(temporary) / "chromium") as driver,
    ):
        photo = Path(temporary) / "coffee.jpg"
        Image.fromarray(data.coffee()).save(photo)
        driver.get(f"{site.url}/classify/")
        driver.find_element(By.CSS_SELECTOR, ".random button").click()
        driver.get(f"{site.url}/classify/")
        driver.find_element(By.ID, "image").send_keys(str(photo))
        driver.find_element(By.CSS_SELECTOR, "#upload button").click()
        answer = driver.current_url
        pages = {
            "instructions": f"{site.url}/",
            "classify": answer,
            "history": f"{site.url}/classify/history",
            "source": f"{site.url}/source/app/recognition/preprocess.py",
            "model": f"{site.url}/model/",
            "heatmaps": f"{answer}/heatmaps",
            "correct": f"{answer}/correct?q=cafe",
            "categories": f"{site.url}/categories/?q=ball",
            "category": f"{site.url}/categories/1000010379",
        }
        for name, width, scheme in SHOTS:
            shoot(driver, pages[name], width, scheme, FOLDER / f"{name}-{width}-{scheme}.png")


def shoot(driver: webdriver.Chrome, url: str, width: int, scheme: str, path: Path) -> None:
    """Save the page, at most 1,800 px of it, as a PNG of 128 colours."""
    emulate = driver.execute_cdp_cmd
    emulate("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 768}
    emulate("Emulation.setDeviceMetricsOverride", size)
    driver.get(url)
    height = min(1800, driver.execute_script("return document.documentElement.scrollHeight"))
    emulate("Emulation.setDeviceMetricsOverride", size | {"height": height})
    picture = Image.open(io.BytesIO(driver.get_screenshot_as_png())).convert("RGB")
    picture.quantize(128).save(path, optimize=True)


if __name__ == "__main__":
    main()
