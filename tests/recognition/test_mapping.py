"""The same answers in another catalogue's words."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_up import answer, small_bundle
from PIL import Image
from skimage import data

from app.errors import DataError, SettingsError
from app.recognition.bundle import Bundle
from app.recognition.heatmap import over_photo
from app.recognition.mapping import read_map
from app.recognition.prediction import Verdict, combine
from app.recognition.service import ModelService
from app.settings import DEFAULT_MODEL, ROOT, read_settings

HEAD = "category_id,id,name_en,name_fr,level1,level2,level3\n"
LINES = ("0,A-1,Tops,Hauts,Clothes,Upper,", "1,A-1,Tops,Hauts,Clothes,Upper,",
         "2,A-2,Skirts,Jupes,Clothes,Lower,", "3,B,Games,Jeux,Games,,")  # fmt: skip

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file that maps the 4 categories of the small bundle to 3 others."""

    def write(*lines: str, head: str = HEAD) -> Path:
        path = tmp_path / "Shop tree.csv"
        path.write_text(head + "\n".join(lines or LINES) + "\n", encoding="utf-8")
        return path

    return write


@pytest.fixture
def mapped(write: Write) -> Bundle:
    return replace(small_bundle(), mapping=read_map(write()))


def test_answers_name_the_other_catalogues_categories_with_the_sum_of_their_probabilities(
    mapped: Bundle,
) -> None:
    predictions = answer(mapped, 0.3, 0.25, 0.4, 0.05).to_json()["predictions"]
    assert [(one["category_id"], one["probability"]) for one in predictions] == [
        ("A-1", pytest.approx(0.55)), ("A-2", pytest.approx(0.4)), ("B", pytest.approx(0.05))
    ]  # fmt: skip
    best = predictions[0]
    assert (best["slug"], best["name"], best["name_fr"]) == ("tops-a-1", "Tops", "Hauts")
    assert best["path"] == ["Clothes", "Upper"]


def test_the_roll_up_leads_down_the_other_tree(mapped: Bundle) -> None:
    steps = answer(mapped, 0.3, 0.25, 0.4, 0.05).roll_up
    assert [(step.name, round(step.probability, 6), step.trusted) for step in steps] == [
        ("Clothes", 0.95, True), ("Upper", 0.55, False)
    ]  # fmt: skip


def test_the_verdict_is_of_the_probability_that_is_shown(mapped: Bundle) -> None:
    assert answer(small_bundle(), 0.45, 0.4, 0.1, 0.05).verdict is Verdict.UNSURE
    assert answer(mapped, 0.45, 0.4, 0.1, 0.05).verdict is Verdict.SURE


def test_whether_there_is_a_product_does_not_depend_on_the_words(mapped: Bundle) -> None:
    given = (0.3, 0.25, 0.4, 0.05)
    assert answer(mapped, *given).known_score == answer(small_bundle(), *given).known_score


def test_photos_of_one_product_are_combined_in_the_other_catalogue(mapped: Bundle) -> None:
    both = combine([answer(mapped, 0.5, 0.3, 0.1, 0.1), answer(mapped, 0.1, 0.1, 0.5, 0.3)], mapped)
    np.testing.assert_allclose(both.probabilities, [0.5, 0.3, 0.2], atol=1e-6)


def test_the_version_names_both_and_changes_with_names_and_with_what_is_mapped_where(
    mapped: Bundle, write: Write
) -> None:
    own, version = small_bundle().taxonomy.version, mapped.catalogue.version
    assert version.startswith(f"{own}+shop-tree-3-")
    renamed = [line.replace("Skirts", "Skirt") for line in LINES]
    moved = ["1,A-2,Skirts,Jupes,Clothes,Lower," if line.startswith("1,") else line for line in LINES]
    others = {
        replace(mapped, mapping=read_map(write(*lines))).catalogue.version for lines in (renamed, moved)
    }
    assert len(others | {version}) == 3
    assert answer(mapped, 0.3, 0.25, 0.4, 0.05).taxonomy_version == version


def test_without_levels_a_category_is_a_tree_of_its_own(write: Write) -> None:
    path = write(
        *(f"{number},X{number},Name,Nom" for number in range(4)), head="category_id,id,name_en,name_fr\n"
    )
    assert read_map(path).targets[2].path == ("Name",)


@pytest.mark.parametrize(("lines", "sentence"), [
    ((*LINES[:3], "three,B,Games,Jeux,,,"), "line 5: 'three' is not the number of a category"),
    ((*LINES, "0,B,Games,Jeux,Games,,"), "line 6: the category 0 already stands in line 2"),
    ((*LINES[:3], "3,A-2,Skirt,Jupes,Clothes,Lower,"), "line 5: A-2 has another name or path in line 4"),
    ((*LINES[:3], "3,A-2,Skirts,Jupes,Clothes,,"), "line 5: A-2 has another name or path in line 4"),
    ((*LINES[:3], "3,,Games,Jeux,,,"), "line 5: id is empty"),
    ((*LINES[:3], "3,B"), "line 5: name_en is empty"),
    ((*LINES[:3], "3,B,Games,Jeux,,Toys,"), "line 5: a level is given without the one above it"),
])  # fmt: skip
def test_a_wrong_line_is_named(write: Write, lines: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        read_map(write(*lines))


def test_a_file_without_the_columns_or_lines_is_refused(write: Write, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="line 1 lacks the columns id, name_fr"):
        read_map(write(head="category_id,name_en\n"))
    (tmp_path / "empty.csv").write_text(HEAD)
    with pytest.raises(DataError, match="no line below its first"):
        read_map(tmp_path / "empty.csv")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="not a CSV file in UTF-8"):
        read_map(tmp_path / "binary.csv")


@pytest.mark.parametrize(("lines", "sentence"), [
    ((*LINES, "77,B,Games,Jeux,Games,,"), "line 6: no network knows the category 77"),
    (LINES[:3], r"no line for the category 3 \(Damier\), 1 missing in all"),
])  # fmt: skip
def test_a_map_must_have_the_very_categories_of_the_networks(
    write: Write, lines: tuple[str, ...], sentence: str
) -> None:
    with pytest.raises(DataError, match=sentence):
        read_map(write(*lines)).check([small_bundle().taxonomy])


@pytest.mark.parametrize("name", ["Shop tree.csv", "none.csv", ""])
def test_a_map_that_does_not_fit_stops_the_start_with_a_sentence(write: Write, name: str) -> None:
    with pytest.raises(SettingsError, match=r"TAXONOMY_MAP cannot be used\. .*\.$"):
        read_settings({"TAXONOMY_MAP": str(write().parent / name)})


def test_the_heatmap_of_a_category_is_the_mean_of_those_it_stands_for(
    service: ModelService, write: Write
) -> None:
    photo = Image.fromarray(data.coffee())
    first, second = service.explain(photo).prediction.guesses[:2]
    pair = {first.category.category_id, second.category.category_id}
    lines = [
        f"{one.category_id},{'both' if one.category_id in pair else one.category_id},Name,Nom,,,"
        for one in service.require_ready().taxonomy.categories
    ]
    mapped = ModelService(ROOT / "weights" / DEFAULT_MODEL, mapping=read_map(write(*lines)))
    mapped.wait()
    merged = mapped.explain(photo)
    best = merged.prediction.guesses[0]
    assert best.category.category_id == "both"
    assert best.probability == pytest.approx(first.probability + second.probability, abs=1e-4)
    own = service.explain(photo)
    look, weights = own.look, np.array([first.probability, second.probability])
    members = [
        service.require_ready().catalogue.members(guess.category.category_id)[0] for guess in (first, second)
    ]
    mean = (weights / weights.sum()) @ look.weights[members]
    expected = over_photo((look.features @ mean).astype(np.float32), own.size)
    np.testing.assert_allclose(merged.heatmap("both").heat, expected, atol=0.01)
