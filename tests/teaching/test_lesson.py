"""A lesson from files: it becomes a bundle like any other, the same each time."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import openvino
import pytest
from PIL import Image
from small_bundle import FEATURES, SIDE
from teaching.conftest import teach_drawings

from app import create_app
from app.errors import DataError, ModelNotReady
from app.evaluation.card import read_evaluation
from app.recognition.bundle import MANIFEST, SERVING_MODEL, SERVING_WEIGHTS, load_bundle
from app.recognition.engines import OpenVinoEngine
from app.recognition.preprocess import preprocess
from app.recognition.service import ModelService
from app.settings import ROOT, Settings
from app.teaching.export import put_on
from app.teaching.head import Head
from app.teaching.known import read_known, write_known
from app.teaching.lesson import Lesson, give_lesson
from app.teaching.listing import Names, read_tree


def digests(bundle: Path) -> dict[str, str]:
    names = (SERVING_MODEL, SERVING_WEIGHTS, MANIFEST)
    return {name: hashlib.sha256((bundle / name).read_bytes()).hexdigest() for name in names}


def test_a_bad_file_is_named_and_the_rest_is_taught(base: Path, photos: Path, tmp_path: Path) -> None:
    lesson = teach_drawings(base, photos, tmp_path / "own", tmp_path / "f.sqlite3")
    assert [remark for remark in lesson.remarks if "broken.jpg" in remark] == lesson.remarks != []
    assert [(one.photos, one.measured) for one in lesson.outcomes] == [(8, 8)] * 3


def test_the_same_photos_give_the_same_bundle_to_the_bit(
    base: Path, photos: Path, taught: Path, tmp_path: Path
) -> None:
    teach_drawings(base, photos, tmp_path / "own", tmp_path / "f.sqlite3")  # with no feature known yet
    assert digests(tmp_path / "own") == digests(taught)


def test_the_served_head_answers_as_the_one_that_was_fitted(base: Path) -> None:
    bundle = load_bundle(base)
    random = np.random.default_rng(1)
    head = Head(*(random.normal(size=shape).astype(np.float32) for shape in ((5, FEATURES), 5)))
    served = openvino.Core().compile_model(put_on(bundle, head), "CPU")
    photo = random.uniform(-1, 1, (SIDE, SIDE, 3)).astype(np.float32)
    features = OpenVinoEngine(bundle).embed(photo)
    np.testing.assert_allclose(served([photo[None]])[0], head.logits(features[None]), atol=0.05)


def test_a_taught_bundle_knows_how_many_photos_taught_each_category(taught: Path) -> None:
    known = read_known(load_bundle(taught))
    assert known is not None
    assert known.sums.counts.tolist() == [8, 8, 8]


def test_names_become_categories_with_a_tree_and_ids_that_stay(taught: Path) -> None:
    taxonomy = load_bundle(taught).taxonomy
    assert [one.path for one in taxonomy.categories] == [
        ("Rayé",),
        ("Vaisselle", "Cadre"),
        ("Vaisselle", "Crêpière 日本"),
    ]
    assert taxonomy.version.startswith("own-3-")
    assert len({one.slug for one in taxonomy.categories}) == 3
    assert taxonomy.categories[0].category_id == Names().find(["Rayé"]).category_id


def test_it_keeps_what_cross_validation_measured(taught: Path) -> None:
    evaluation = read_evaluation(taught)
    assert evaluation is not None
    assert (evaluation["split"], evaluation["photos"]) == ("cross-validation", 24)


def test_too_few_photos_for_a_promise_never_make_it_sure(taught: Path) -> None:
    assert load_bundle(taught).thresholds.sure > 1


def test_the_heatmaps_add_up_to_the_logits(taught: Path) -> None:
    check_that_heatmaps_add_up(taught)


def check_that_heatmaps_add_up(bundle: Path) -> None:
    service = ModelService(bundle)
    service.wait()
    looks = [service.explain(Image.new("RGB", (40, 30), colour)).look for colour in ("teal", "orange")]
    sums = [(look.features @ look.weights.T).mean(axis=(0, 1)) for look in looks]
    logits = [look.logits - look.logits.mean() for look in looks]
    difference = logits[0] - logits[1]  # where the biases fall out
    tolerance = 0.05 * np.abs(difference).max()  # some processors compute in bfloat16
    np.testing.assert_allclose(sums[0] - sums[1], difference, atol=tolerance)


def test_the_other_engine_says_that_it_has_nothing_to_run(taught: Path) -> None:
    with pytest.raises(ModelNotReady, match="was taught"):
        ModelService(taught, "keras").wait()


@pytest.mark.parametrize(
    "path", ["/model/own/", "/model/", "/categories/", "/categories/{id}", "/model/own/plots/reliability.svg"]
)
def test_the_pages_of_the_site_show_it_as_any_other(taught: Path, tmp_path: Path, path: str) -> None:
    app = create_app(Settings(instance=tmp_path, weights=taught.parent, model="own"))
    category = load_bundle(taught).taxonomy.categories[0]
    answer = app.test_client().get(path.format(id=category.category_id))
    assert answer.status_code == 200
    assert "Rayé" in answer.text or path.endswith(".svg")


def test_one_category_alone_cannot_be_taught(base: Path, drawings: Path, tmp_path: Path) -> None:
    shutil.copytree(drawings / "train" / "disc", tmp_path / "photos" / "disc")
    with pytest.raises(DataError, match="two categories"):
        teach_drawings(base, tmp_path / "photos", tmp_path / "own", tmp_path / "f.sqlite3")


@pytest.mark.slow
def test_teaching_needs_neither_tensorflow_nor_matplotlib() -> None:
    code = "import sys, app.teaching.lesson; print({'tensorflow', 'keras', 'matplotlib'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


@pytest.fixture(scope="module")
def knowing(base: Path, photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A taught bundle of two categories, which knows them."""
    folder = tmp_path_factory.mktemp("knowing")
    shutil.copytree(photos / "Vaisselle", folder / "photos" / "Vaisselle")
    teach_drawings(base, folder / "photos", folder / "old", folder / "f.sqlite3")
    return folder / "old"


def add(base: Path, photos: Path, out: Path) -> Lesson:
    examples = read_tree(photos, Names(load_bundle(base).taxonomy))
    cache = out.with_name("f.sqlite3")
    return give_lesson(base, examples, out, cache=cache, keep=True, watch=lambda answers, _: answers)


def test_new_categories_stand_behind_the_old_ones_which_keep_their_logits(
    knowing: Path, photos: Path, tmp_path: Path
) -> None:
    shutil.copytree(photos / "Rayé", tmp_path / "photos" / "Rayé")
    add(knowing, tmp_path / "photos", tmp_path / "both")
    old, both = load_bundle(knowing), load_bundle(tmp_path / "both")
    assert both.taxonomy.categories[:2] == old.taxonomy.categories
    assert both.taxonomy.categories[2].path == ("Rayé",)
    photo = np.random.default_rng(1).uniform(-1, 1, (SIDE, SIDE, 3)).astype(np.float32)
    before, after = (OpenVinoEngine(bundle).run(photo[None])[0] for bundle in (old, both))
    np.testing.assert_allclose(after[:2], before, atol=0.05 * np.abs(before).max())


def test_photos_of_a_category_that_is_there_move_it_towards_them(
    knowing: Path, drawings: Path, tmp_path: Path
) -> None:
    (tmp_path / "photos").mkdir()
    shutil.copytree(drawings / "train" / "stripes", tmp_path / "photos" / "Cadre")
    add(knowing, tmp_path / "photos", tmp_path / "moved")
    old, moved = load_bundle(knowing), load_bundle(tmp_path / "moved")
    assert moved.taxonomy == old.taxonomy
    with Image.open(next((drawings / "train" / "stripes").glob("*.jpg"))) as picture:
        photo = preprocess(picture.convert("RGB"), old.preprocessing)
    cadre, other = (OpenVinoEngine(bundle).run(photo[None])[0] for bundle in (old, moved))
    assert other[0] - other[1] > cadre[0] - cadre[1]


def test_a_base_that_knows_nothing_of_its_categories_keeps_none(
    base: Path, photos: Path, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="flask calibrate"):
        add(base, photos, tmp_path / "own")


def test_what_is_known_comes_back_as_it_was_written(knowing: Path) -> None:
    known = read_known(load_bundle(knowing))
    assert known is not None
    write_known(knowing, known)
    again = read_known(load_bundle(knowing))
    assert again is not None
    np.testing.assert_allclose(again.sums.means, known.sums.means, rtol=1e-3)
    np.testing.assert_allclose(again.sums.covariance, known.sums.covariance, rtol=1e-2, atol=1e-6)


def test_the_heatmaps_of_old_and_new_categories_add_up_too(
    knowing: Path, photos: Path, tmp_path: Path
) -> None:
    shutil.copytree(photos / "Rayé", tmp_path / "photos" / "Rayé")
    add(knowing, tmp_path / "photos", tmp_path / "both")
    check_that_heatmaps_add_up(tmp_path / "both")
