"""Photos that look alike are found across a catalogue and by a query, from an index on disk."""

import shutil
from pathlib import Path

import pytest
from flask.testing import FlaskCliRunner

from app import create_app
from app.settings import Settings


@pytest.fixture
def runner(tmp_path: Path, small_weights: Path) -> FlaskCliRunner:
    settings = Settings(instance=tmp_path / "instance", weights=small_weights)
    return create_app(settings).test_cli_runner()


@pytest.fixture
def catalogue(tmp_path: Path, drawings: Path) -> Path:
    shutil.copytree(drawings / "train", tmp_path / "catalogue")
    original = next((tmp_path / "catalogue" / "disc").glob("*.jpg"))
    shutil.copy(original, tmp_path / "catalogue" / "again.jpg")
    return tmp_path / "catalogue"


def pairs(runner: FlaskCliRunner, *args: str | Path) -> list[tuple[float, str, str]]:
    result = runner.invoke(args=["similar", *map(str, args)])
    assert result.exit_code == 0, result.output
    found = (line.split("\t") for line in result.stdout.splitlines())
    return [(float(similarity), first, second) for similarity, first, second in found]


def test_a_photo_that_is_there_twice_is_one_pair(runner: FlaskCliRunner, catalogue: Path) -> None:
    found = pairs(runner, catalogue, "--index", catalogue.with_name("index"), "--least", "0.999")
    assert [sorted(Path(name).parent.name for name in names) for _, *names in found].count(
        ["catalogue", "disc"]
    ) == 1


def test_the_photo_nearest_to_itself_is_itself(runner: FlaskCliRunner, catalogue: Path) -> None:
    query = catalogue / "again.jpg"
    index = catalogue.with_name("index")
    first, *others = pairs(runner, catalogue, query, "--index", index, "--count", "3")
    assert len(others) == 2
    assert first[0] > 0.99
    assert first[0] >= others[0][0] >= others[1][0]


def test_an_index_of_a_catalogue_that_has_changed_is_made_anew(
    runner: FlaskCliRunner, catalogue: Path
) -> None:
    query, index = catalogue / "again.jpg", catalogue.with_name("index")
    pairs(runner, catalogue, query, "--index", index)
    shutil.copy(query, catalogue / "third.jpg")
    found = pairs(runner, catalogue, query, "--index", index, "--count", "3")
    assert str(catalogue / "third.jpg") in {name for _, _, name in found}
