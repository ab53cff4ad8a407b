"""`flask submit`: from test.bson to the CSV for Kaggle."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from cdiscount_files import Product, write_bson
from helpers import jpeg
from PIL import Image

from app.data.bson import open_index
from app.errors import DataError, ModelFault
from app.recognition.photos import open_photo
from app.recognition.prediction import Prediction
from app.recognition.service import ModelService
from app.settings import ROOT
from app.training.submission import submit

PRODUCTS = 120


@pytest.fixture
def pictures(coffee: bytes) -> list[bytes]:
    """Different parts of one photo, as JPEGs of 180 x 180 px."""
    photo = open_photo(coffee)
    corners = np.random.default_rng(1).integers(0, 200, (2 * PRODUCTS, 2))
    return [jpeg(photo.crop((int(x), int(y), int(x) + 180, int(y) + 180))) for x, y in corners]


@pytest.fixture
def path(tmp_path: Path, pictures: list[bytes]) -> Path:
    products: list[Product] = [(100 + n, None, pictures[2 * n : 2 * n + 1 + n % 2]) for n in range(PRODUCTS)]
    return write_bson(tmp_path / "test.bson", products)


def run(service: ModelService, path: Path) -> list[bool]:
    out = path.with_name("submission.csv")
    return [readable for _, readable in submit(service, path, open_index(path), out)]


def part_of(out: Path, service: ModelService) -> Path:
    weights = service.require_ready().manifest["files"]["serving.bin"]
    return out.with_name(f"{out.name}.{service.require_ready().model}-{weights[:8]}.part")


def answers(path: Path) -> list[list[str]]:
    header, *lines = path.with_name("submission.csv").read_text().splitlines()
    assert header == "_id,category_id"
    return [line.split(",") for line in lines]


def test_every_product_gets_a_line_in_the_order_of_the_file(service: ModelService, path: Path) -> None:
    assert run(service, path) == [True] * PRODUCTS
    assert [int(product) for product, _ in answers(path)] == list(range(100, 100 + PRODUCTS))


def test_the_answer_is_the_best_mean_over_the_products_pictures(
    service: ModelService, path: Path, pictures: list[bytes]
) -> None:
    run(service, path)
    both = [service.predict(open_photo(picture)).probabilities for picture in pictures[2:4]]
    best = service.require_ready().taxonomy.categories[int(np.mean(both, axis=0).argmax())]
    assert answers(path)[1] == ["101", str(best.category_id)]


def test_a_picture_that_cannot_be_read_is_passed_over(
    service: ModelService, tmp_path: Path, pictures: list[bytes]
) -> None:
    products: list[Product] = [(1, None, [pictures[0]]), (2, None, [b"torn", pictures[0]])]
    assert run(service, write_bson(tmp_path / "test.bson", products)) == [True, True]
    (_, alone), (_, beside_torn) = answers(tmp_path / "test.bson")
    assert alone == beside_torn


def test_a_product_without_a_readable_picture_gets_the_first_category(
    service: ModelService, tmp_path: Path, pictures: list[bytes]
) -> None:
    products: list[Product] = [(1, None, [b"torn"]), (2, None, []), (3, None, [pictures[0]])]
    assert run(service, write_bson(tmp_path / "test.bson", products)) == [False, False, True]
    first = str(service.require_ready().taxonomy.categories[0].category_id)
    assert [category for _, category in answers(tmp_path / "test.bson")][:2] == [first, first]


@pytest.mark.parametrize("torn", [b"", b"105", b"105,10000"])
def test_a_stopped_run_continues_after_its_last_whole_line(
    service: ModelService, path: Path, torn: bytes
) -> None:
    run(service, path)
    whole = path.with_name("submission.csv").read_bytes()
    part = part_of(path.with_name("submission.csv"), service)
    part.write_bytes(b"".join(whole.splitlines(keepends=True)[:6]) + torn)
    assert len(run(service, path)) == PRODUCTS - 5
    assert path.with_name("submission.csv").read_bytes() == whole
    assert not part.exists()


@pytest.mark.parametrize("line", ["7,1000000001", "rubbish"])
def test_a_run_on_other_products_is_not_gone_on_with(service: ModelService, path: Path, line: str) -> None:
    part = part_of(path.with_name("submission.csv"), service)
    part.write_text(f"_id,category_id\n{line}\n")
    with pytest.raises(DataError, match="answers for other products"):
        run(service, path)


def test_two_runs_do_not_write_the_same_file(service: ModelService, path: Path) -> None:
    first = submit(service, path, open_index(path), path.with_name("submission.csv"))
    next(first)
    with pytest.raises(DataError, match="Another process is at work on"):
        run(service, path)
    assert len(list(first)) == PRODUCTS - 1


def test_a_network_without_a_usable_answer_stops_the_run_where_it_is(
    service: ModelService, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = service.predict_batch
    calls = count()

    def fail_later(photos: Sequence[Image.Image]) -> list[Prediction]:
        if next(calls) < 8:
            return answer(photos)
        raise ModelFault

    with monkeypatch.context() as patched:
        patched.setattr(service, "predict_batch", fail_later)
        with pytest.raises(ModelFault):
            run(service, path)
    assert not path.with_name("submission.csv").exists()
    left = run(service, path)
    assert 0 < len(left) < PRODUCTS
    assert all(left)


def test_a_file_that_shrinks_stops_the_run(service: ModelService, path: Path) -> None:
    index = open_index(path)
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(DataError, match="has become shorter"):
        list(submit(service, path, index, path.with_name("submission.csv")))
    assert not path.with_name("submission.csv").exists()


def test_a_killed_command_continues_to_the_same_file(path: Path, service: ModelService) -> None:
    run(service, path)
    whole = path.with_name("submission.csv").read_bytes()
    out = path.with_name("again.csv")
    part = part_of(out, service)
    command = [sys.executable, "-m", "flask", "--app", str(ROOT / "wsgi.py"), "submit"]
    command += ["--data", str(path), "--out", str(out), "--model", service.require_ready().model]
    with subprocess.Popen(command, cwd=path.parent, stderr=subprocess.DEVNULL) as process:
        while not part.exists() or part.read_bytes().count(b"\n") < 3:
            assert process.poll() is None
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
    assert not out.exists()
    done = subprocess.run(command, cwd=path.parent, check=True, capture_output=True, text=True)
    assert "Products without a readable picture in this run: 0." in done.stdout
    assert f"{PRODUCTS:,} products" in done.stderr
    assert out.read_bytes() == whole
