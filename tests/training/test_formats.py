"""What is exported answers as the site does, in the runtimes of the formats."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from small_network import environment

from app.recognition.bundle import Bundle, load_bundle
from app.recognition.engines import OpenVinoEngine
from app.recognition.preprocess import pad_to_square, preprocess
from app.settings import DEFAULT_MODEL, ROOT
from app.training.formats import ABOUT, EXAMPLE, FORMATS, TEMPLATE, describe

PHOTOS = 50


def test_what_is_described_is_enough_to_answer() -> None:
    bundle = load_bundle(ROOT / "weights" / DEFAULT_MODEL)
    about = describe(bundle, "file")
    assert about["temperature"] == bundle.temperature
    assert [one["category_id"] for one in about["categories"]] == bundle.manifest["classes"]


@pytest.mark.parametrize("name", list(FORMATS))
def test_the_example_of_each_format_is_some_twenty_lines(name: str) -> None:
    file, _, imports, run = FORMATS[name]
    text = TEMPLATE.format(imports=imports, run=run.replace("FILE", file))
    compile(text, EXAMPLE, "exec")
    assert sum(bool(line.strip()) for line in text.splitlines()) <= 25


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    """The smaller of the shipped networks."""
    return load_bundle(ROOT / "weights" / "efficientnetv2-b0")


def photos() -> list[Image.Image]:
    random = np.random.default_rng(1)
    coarse = [Image.fromarray(random.integers(0, 255, (5, 5, 3), np.uint8)) for _ in range(PHOTOS)]
    return [photo.resize(random.integers(40, 300, 2).tolist()) for photo in coarse]


@pytest.fixture(scope="module")
def served(bundle: Bundle) -> np.ndarray:
    """Answer the photos as the site does: a row of logits for each."""
    engine = OpenVinoEngine(bundle)
    inputs = [preprocess(photo, bundle.preprocessing)[None] for photo in photos()]
    return np.concatenate([engine.run(one) for one in inputs])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["openvino", "onnx", "litert"])
def test_an_export_answers_as_the_site(bundle: Bundle, served: np.ndarray, name: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "export", str(bundle.folder)]
    arguments = ["--format", name, "--out", str(tmp_path / "out")]
    subprocess.run([*command, *arguments], check=True, cwd=ROOT, env=environment(tmp_path))
    squares = [pad_to_square(photo, bundle.preprocessing.side) for photo in photos()]
    np.save(tmp_path / "pixels.npy", np.stack([np.asarray(square, np.float32) for square in squares]))
    file, _, imports, run = FORMATS[name]
    (tmp_path / "run.py").write_text(RUN.format(run=run.replace("FILE", file), imports=imports))
    runtime = [sys.executable, str(tmp_path / "run.py"), str(tmp_path)]
    subprocess.run(runtime, check=True, env=environment(tmp_path))
    exported = np.load(tmp_path / "logits.npy")
    assert np.abs(exported - served).mean() < 0.05 * served.std()  # the site may compute in bfloat16
    four = [np.sort(np.argsort(-logits, axis=1)[:, :4]) for logits in (exported, served)]
    shared = [
        len(set(ours) & set(theirs)) for ours, theirs in zip(*map(np.ndarray.tolist, four), strict=True)
    ]
    assert np.mean(shared) >= 3.5
    assert (exported.argmax(axis=1) == served.argmax(axis=1)).mean() >= 0.9
    about = json.loads((tmp_path / "out" / ABOUT).read_text())
    assert len(about["categories"]) == exported.shape[1]


RUN = """
import sys
from pathlib import Path
import numpy as np
{imports}
here = Path(sys.argv[1]) / "out"
pixels = np.load(here.parent / "pixels.npy")
{run}
np.save(here.parent / "logits.npy", logits)
"""
