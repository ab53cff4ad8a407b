"""`flask soup`: one network from several."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import small_network
from flask.testing import FlaskCliRunner

from app.data.dataset import read_folder
from app.recognition.network import ARCHITECTURES, build_network
from app.recognition.taxonomy import read_taxonomy
from app.settings import ROOT
from app.training.export import write_bundle

# Inside TensorFlow, whenever a weight becomes an array.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
ARCHITECTURE = "inception_v3"


@pytest.fixture(scope="module", autouse=True)
def in_small() -> Iterator[None]:
    """Have the small network in the place of Inception V3."""
    with small_network.in_place():
        yield


def load(folders: list[Path]) -> list[list[np.ndarray]]:
    network = build_network(ARCHITECTURE, 3)
    weights = []
    for folder in folders:
        network.load_weights(folder / "network.weights.h5")
        weights.append(network.get_weights())
    return weights


@pytest.fixture(scope="module")
def members(in_small: None, drawings: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:  # noqa: ARG001
    """Two bundles of the same kind with weights of their own."""
    import keras

    root = tmp_path_factory.mktemp("members")
    taxonomy = read_taxonomy(drawings / "taxonomy.csv")
    photos = read_folder(drawings, "train", taxonomy)
    side = ARCHITECTURES[ARCHITECTURE].preprocessing(32)
    for seed in (1, 2):
        keras.utils.set_random_seed(seed)
        facts = {"architecture": ARCHITECTURE, "training": {"data": "drawings", "seed": seed}}
        network = build_network(ARCHITECTURE, 3)
        write_bundle(network, root / f"member-{seed}", taxonomy, side, trained=photos, calibration=photos,
                     manifest=facts)  # fmt: skip
    return [root / "member-1", root / "member-2"]


@pytest.fixture(scope="module")
def soup(members: list[Path], drawings: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from app import create_app
    from app.settings import Settings

    folder = tmp_path_factory.mktemp("soup")
    runner = create_app(Settings(instance=folder / "instance")).test_cli_runner()
    out = folder / "mean"
    result = runner.invoke(args=["soup", *map(str, members), "--data", str(drawings), "--out", str(out)])
    assert result.exit_code == 0, result.output
    return out


def test_each_weight_is_the_mean_of_its_members(members: list[Path], soup: Path) -> None:
    for mean, first, second in zip(*load([soup, *members]), strict=True):
        np.testing.assert_allclose(mean, (first + second) / 2, rtol=2e-3, atol=1e-6)


def test_the_bundle_tells_how_each_member_was_trained_and_how_right_it_is(soup: Path) -> None:
    manifest = json.loads((soup / "manifest.json").read_text())
    assert [member["seed"] for member in manifest["training"]["members"]] == [1, 2]
    assert manifest["metrics"]["photos"] == 9


def test_a_folder_that_is_not_a_bundle_is_never_replaced_by_one(
    runner: FlaskCliRunner, members: list[Path], drawings: Path, tmp_path: Path
) -> None:
    (tmp_path / "photo.jpg").touch()
    result = runner.invoke(args=["soup", str(members[0]), "--data", str(drawings), "--out", str(tmp_path)])
    assert result.exit_code == 1
    assert "is there and no bundle" in result.output
    assert (tmp_path / "photo.jpg").exists()


def test_bundles_for_other_categories_are_refused_with_a_sentence(
    runner: FlaskCliRunner, members: list[Path], drawings: Path, tmp_path: Path
) -> None:
    other = ROOT / "weights" / ARCHITECTURE.replace("_", "-")
    result = runner.invoke(
        args=["soup", str(members[0]), str(other), "--data", str(drawings), "--out", str(tmp_path / "mean")]
    )
    assert result.exit_code == 1
    assert "is another network than member-1, or for other categories." in result.output
