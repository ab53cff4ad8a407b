"""Where the network looked: the map itself, its words, and whether it finds the product."""

from itertools import product as pairs
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from app.recognition.engines import Look
from app.recognition.heatmap import SIDE, Heatmap, draw
from app.recognition.service import ModelService
from app.settings import ROOT

SHIPPED = sorted(path.parent for path in (ROOT / "weights").glob("*/manifest.json"))
HALF = 200  # px: the product's side on a page of twice that


def heat(*cells: float) -> Heatmap:
    """Make a heatmap from the values of its 9 parts, each of 10 px."""
    return Heatmap(np.kron(np.array(cells, np.float32).reshape(3, 3), np.ones((10, 10), np.float32)))


@pytest.fixture(scope="module", params=SHIPPED, ids=lambda folder: folder.name)
def network(request: pytest.FixtureRequest) -> ModelService:
    network = ModelService(request.param)
    network.wait()
    return network


def test_a_class_activation_map_adds_up_to_the_logits(network: ModelService) -> None:
    look: Look = network.explain(Image.fromarray(data.coffee())).look
    expected = look.logits - look.logits.mean()
    found = look.features.mean(axis=(0, 1)) @ look.weights.T
    assert np.corrcoef(expected, found)[0, 1] > 0.99  # the biases and int8 make the difference
    np.testing.assert_allclose(found, expected, atol=0.1 * expected.std())


def test_an_explained_answer_is_the_answer(network: ModelService) -> None:
    photo = Image.fromarray(data.coffee())
    explained, plain = network.explain(photo).prediction, network.predict(photo)
    assert [guess.category for guess in explained.guesses] == [guess.category for guess in plain.guesses]
    np.testing.assert_allclose(explained.probabilities, plain.probabilities, atol=1e-4)


@pytest.mark.shared
def test_the_heat_lies_on_the_product_wherever_it_stands(network: ModelService, products: Path) -> None:
    shares = []
    folders = sorted(folder for folder in (products / "val").iterdir())[::10]
    corners = list(pairs((0, HALF), repeat=2))
    for number, folder in enumerate(folders):
        left, top = corners[number % 4]
        page = Image.new("RGB", (2 * HALF, 2 * HALF), "white")
        page.paste(Image.open(min(folder.iterdir())).convert("RGB").resize((HALF, HALF)), (left, top))
        found = network.explain(page).heatmaps[0].heat
        x, y = left * SIDE // (2 * HALF), top * SIDE // (2 * HALF)
        shares.append(found[y : y + SIDE // 2, x : x + SIDE // 2].sum() / found.sum())
    assert np.mean(shares) > 1.5 * 0.25  # a quarter of the page is the product's


def test_a_heatmap_covers_the_photo_and_not_the_white_beside_it(service: ModelService) -> None:
    wide = Image.fromarray(data.coffee()).resize((400, 100))
    assert service.explain(wide).heatmaps[0].heat.shape == (SIDE // 4, SIDE)
    assert service.explain(wide.resize((1, 300))).heatmaps[0].heat.shape == (SIDE, 1)


def test_heat_is_between_nothing_and_the_most_in_the_photo(service: ModelService) -> None:
    for heatmap in service.explain(Image.fromarray(data.coffee())).heatmaps:
        assert heatmap.heat.min() >= 0
        assert heatmap.heat.max() == 1
        assert heatmap.shares.sum() == pytest.approx(1)


def test_shares_are_of_the_heat_in_each_ninth_of_the_photo() -> None:
    np.testing.assert_allclose(heat(6, 0, 0, 0, 3, 0, 0, 0, 1).shares, np.diag([0.6, 0.3, 0.1]), atol=1e-6)
    np.testing.assert_allclose(Heatmap(np.ones((32, 2), np.float32)).shares, np.full((3, 3), 1 / 9))


@pytest.mark.parametrize(("cells", "words"), [
    ((1, 0, 0, 0, 0, 0, 0, 0, 0), "mostly the upper left (100 %)"),
    ((40, 0, 0, 0, 35, 0, 0, 25, 0), "mostly the upper left (40 %) and the centre (35 %)"),
    ((0, 0, 20, 0, 20, 0, 20, 20, 20),
     "mostly the upper right (20 %), the centre (20 %) and the lower left (20 %)"),
    ((1, 1, 1, 1, 1.1, 1, 1, 1, 1), "all over the photo, most in the centre (12 %)"),
    ((0,) * 9, "nowhere: nothing in this photo speaks for it"),
])  # fmt: skip
def test_words_name_the_parts_with_most_of_the_heat(cells: tuple[float, ...], words: str) -> None:
    assert heat(*cells).words == words


def test_a_photo_changes_its_colour_only_where_there_is_heat() -> None:
    grey = Image.new("RGB", (90, 90), (200, 200, 200))
    drawn = np.asarray(draw(grey, heat(1, 0, 0, 0, 0, 0, 0, 0, 0)), int)
    red, green, blue = drawn[5, 5]
    assert red - max(green, blue) > 50
    np.testing.assert_array_equal(drawn[60:, 60:], 200)
