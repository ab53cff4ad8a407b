"""`flask train` of the small network on a BSON file of drawings, at level 2; evaluated and submitted."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import small_network
from cdiscount_files import Product, write_bson
from click.testing import Result

from app import create_app
from app.data.cdiscount import is_val
from app.recognition.taxonomy import read_taxonomy
from app.settings import Settings
from app.training.devices import processor_has_bfloat16

LEAVES = {"disc": (1000000001, 1000000002), "frame": (1000000003,), "stripes": (1000000004,)}
NODES = {1000000001, 1000000003, 1000000004}


def flask(folder: Path, *arguments: str | Path, code: int = 0) -> Result:
    """Run a command with the bundles of `folder`."""
    runner = create_app(Settings(instance=folder / "instance", weights=folder)).test_cli_runner()
    done = runner.invoke(args=[str(argument) for argument in arguments])
    assert done.exit_code == code, done.output
    return done


def products(drawings: Path) -> Iterator[Product]:
    """Two drawings a product, numbered so that those of val are the ones held out."""
    numbers = np.arange(2000)
    for split, held_out in (("train", False), ("val", True)):
        free = iter(numbers[is_val(numbers) == held_out].tolist())
        for shape, leaves in LEAVES.items():
            pictures = [path.read_bytes() for path in sorted((drawings / split / shape).iterdir())]
            for place in range(0, len(pictures), 2):
                yield next(free), leaves[place // 2 % len(leaves)], pictures[place : place + 2]


@pytest.fixture(scope="module")
def folder(drawings: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train on train.bson, and return the folder that holds the files and the bundle."""
    folder = tmp_path_factory.mktemp("cdiscount")
    found = list(products(drawings))
    write_bson(folder / "train.bson", found)
    write_bson(folder / "test.bson", [(number + 1000, None, pictures) for number, _, pictures in found])
    command = [sys.executable, small_network.__file__, "train", "--data", folder / "train.bson"]
    command += ["--categories", folder / "category_names.csv", "--level", "2", "--per-category", "6"]
    command += ["--min-images", "7", "--arch", "inception_v3", "--init", "random", "--batch-size", "8"]
    command += ["--stage", "mixed10:2:0.01:75", "--out", folder / "drawn"]
    environment = small_network.environment(folder)
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "train.bson: 18 products, 33 pictures" in done.stderr
    return folder


def test_the_bundle_answers_in_nodes_of_the_level(folder: Path) -> None:
    categories = read_taxonomy(folder / "drawn" / "taxonomy.csv").categories
    assert {category.category_id for category in categories} == NODES
    assert {len(category.path) for category in categories} == {2}


def test_the_manifest_says_what_was_drawn_from_the_file(folder: Path) -> None:
    manifest = json.loads((folder / "drawn" / "manifest.json").read_text())
    training = manifest["training"]
    assert training["file"]["products"] == 18
    assert training["sampling"] == {"level": 2, "min_images": 7, "per_category": 6}
    assert training["data"] == "18 photos trained on, 2 held out for calibration"
    suited = "mixed_bfloat16" if processor_has_bfloat16() else "float32"
    assert (training["precision"], training["replicas"]) == (suited, 1)


def test_evaluation_is_on_the_products_held_out_by_picture_and_by_product(folder: Path) -> None:
    done = flask(folder, "evaluate", "--data", folder / "train.bson", "--model", "drawn", "--json")
    figures = json.loads(done.stdout)
    assert (figures["photos"], figures["products"]) == (9, 6)
    assert figures["per_product"]["top1"]["photos"] == 6


def test_nodes_above_the_leaves_are_not_submitted(folder: Path) -> None:
    out = folder / "submission.csv"
    done = flask(folder, "submit", "--data", folder / "test.bson", "--model", "drawn", "--out", out, code=1)
    assert "drawn knows no leaves of the tree, and Kaggle wants leaves." in done.stderr
    assert not list(folder.glob("submission.csv*"))
