"""A bundle that starts in no time, and one that was taught three categories of drawings on top of it."""

import shutil
from pathlib import Path

import pytest
from small_bundle import write_small_bundle

from app.teaching.lesson import Lesson, give_lesson
from app.teaching.listing import Names, read_tree


def teach_drawings(base: Path, photos: Path, out: Path, cache: Path) -> Lesson:
    examples = read_tree(photos, Names())
    return give_lesson(base, examples, out, cache=cache, keep=False, watch=lambda answers, _: answers)


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_bundle(tmp_path_factory.mktemp("teaching"))


@pytest.fixture(scope="session")
def photos(drawings: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two levels of folders, with names of all kinds, and a file that is no photo."""
    folder = tmp_path_factory.mktemp("photos")
    for old, new in (("disc", "Vaisselle/Crêpière 日本"), ("frame", "Vaisselle/Cadre"), ("stripes", "Rayé")):
        shutil.copytree(drawings / "train" / old, folder / new)
    (folder / "Rayé" / "broken.jpg").write_bytes(b"no photo")
    return folder


@pytest.fixture(scope="session")
def taught(base: Path, photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of the taught bundle, beside its base."""
    teach_drawings(base, photos, base.with_name("own"), tmp_path_factory.mktemp("cache") / "f.sqlite3")
    return base.with_name("own")
