"""The served networks: their runs share out the cores, and they answer as TensorFlow's float network does."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from helpers import WAIT_SECONDS, wait_until
from PIL import Image
from skimage import data

from app.data.dataset import read_measured, read_photos
from app.evaluation.measure import evaluate
from app.recognition.bulk import classify_each
from app.recognition.bundle import load_bundle
from app.recognition.engines import Array, OpenVinoEngine
from app.recognition.service import ModelService
from app.settings import DEFAULT_MODEL, ROOT

SHIPPED = sorted(path.parent for path in (ROOT / "weights").glob("*/manifest.json"))


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: folder.name)
def test_the_served_network_is_as_accurate_on_a_sample_as_its_manifest_says_of_all(
    products: Path, folder: Path
) -> None:
    bundle = load_bundle(folder)
    said = bundle.manifest["metrics"]
    photos = read_measured(products, said["split"], bundle.taxonomy)[0].subset(slice(None, None, 8))
    served = evaluate(photos, classify_each(ModelService(folder), photos.readers()), bundle)
    assert served.unreadable == 0
    assert served.top1.low <= said["top1"] <= served.top1.high
    assert served.top4.low <= said["top4"] <= served.top4.high


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: folder.name)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # TensorFlow's own
def test_the_served_network_answers_as_the_trained_one(products: Path, folder: Path) -> None:
    photos = read_photos(products, "val", load_bundle(folder).taxonomy).subset(slice(None, None, 24))
    services = ModelService(folder), ModelService(folder, "keras")
    served, reference = (list(classify_each(service, photos.readers())) for service in services)
    same = [one.guesses[0].category == other.guesses[0].category
            for one, other in zip(served, reference, strict=True)]  # fmt: skip
    assert np.mean(same) >= 0.97
    differences = [np.abs(one.probabilities - other.probabilities).max()
                   for one, other in zip(served, reference, strict=True)]  # fmt: skip
    assert np.mean(differences) <= 0.03


@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: folder.name)
def test_the_figures_kept_in_a_shipped_bundle_keep_what_the_site_promises(folder: Path) -> None:
    bundle = load_bundle(folder)
    said = bundle.manifest["metrics"]
    where = "elsewhere_" if bundle.held_out_sources else ""  # promises hold on photos like those held out
    assert said[f"{where}calibration_error"] <= 0.05
    assert said[f"{where}sure_accuracy"] >= 0.95
    assert said[f"{where}false_alarms"] <= 0.06  # 5 % on the photos that the threshold was fitted to
    assert said["not_product_at_promise"] >= 0.8


@pytest.mark.slow
@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: folder.name)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # TensorFlow's own
def test_the_served_network_looks_where_the_one_that_was_trained_does(folder: Path) -> None:
    photo = Image.fromarray(data.coffee())
    services = ModelService(folder), ModelService(folder, "keras")
    for service in services:
        service.wait()
    served, reference = (service.explain(photo) for service in services)
    assert served.look.features.shape == reference.look.features.shape
    best = reference.prediction.guesses[0].category.category_id
    heats = [one.heatmap(best).heat.ravel() for one in (served, reference)]
    assert np.corrcoef(heats)[0, 1] > 0.95


class Request:
    """Counts its runs, and holds each until told to go on."""

    def __init__(self, may_end: threading.Event) -> None:
        self.runs = 0
        self._may_end = may_end

    def infer(self, inputs: list[Array]) -> list[Array]:
        self.runs += 1
        assert self._may_end.wait(WAIT_SECONDS)
        return [inputs[0].sum(axis=(1, 2, 3))[:, None]]


@pytest.fixture(scope="module")
def engine() -> OpenVinoEngine:
    """The shipped network, with two cores to share out."""
    return OpenVinoEngine(load_bundle(ROOT / "weights" / DEFAULT_MODEL), cores=2)


@pytest.fixture(scope="module")
def batches() -> list[Array]:
    side = load_bundle(ROOT / "weights" / DEFAULT_MODEL).preprocessing.side
    return list(np.random.default_rng(1).uniform(0, 255, (24, 1, side, side, 3)).astype(np.float32))


def test_everyone_in_a_crowd_gets_the_answer_to_their_own_photo(
    engine: OpenVinoEngine, batches: list[Array]
) -> None:
    alone = [engine.run(batch) for batch in batches]
    with ThreadPoolExecutor(8) as pool:
        crowd = list(pool.map(engine.run, batches))
    np.testing.assert_allclose(crowd, alone, atol=1e-2)


def test_a_lone_run_has_all_cores_and_runs_in_a_crowd_have_one_each(
    engine: OpenVinoEngine, batches: list[Array], monkeypatch: pytest.MonkeyPatch
) -> None:
    may_end = threading.Event()
    alone, crowded = Request(may_end), Request(may_end)
    monkeypatch.setattr(engine, "_requests", SimpleNamespace(alone=alone, crowded=crowded))
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(engine.run, batches[0])
        wait_until(lambda: alone.runs == 1)
        second = pool.submit(engine.run, batches[1])
        wait_until(lambda: crowded.runs == 1)
        may_end.set()
        first.result(), second.result()
    engine.run(batches[2])
    assert (alone.runs, crowded.runs) == (2, 1)


def test_a_photo_has_the_same_features_to_the_bit_alone_and_in_a_crowd(
    engine: OpenVinoEngine, batches: list[Array]
) -> None:
    alone = [engine.embed(batch[0]) for batch in batches]
    with ThreadPoolExecutor(8) as pool:
        crowd = list(pool.map(engine.embed, [batch[0] for batch in batches]))
    np.testing.assert_array_equal(crowd, alone)
    one_core = OpenVinoEngine(load_bundle(ROOT / "weights" / DEFAULT_MODEL), cores=1)
    np.testing.assert_array_equal(one_core.embed(batches[0][0]), alone[0])


def test_a_run_that_fails_harms_no_other(engine: OpenVinoEngine, batches: list[Array]) -> None:
    expected = engine.run(batches[0])
    with pytest.raises(RuntimeError):
        engine.run(np.zeros((1, 2, 2, 1), np.float32))
    np.testing.assert_array_equal(engine.run(batches[0]), expected)
