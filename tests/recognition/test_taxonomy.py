from dataclasses import replace
from pathlib import Path

import pytest

from app.errors import DataError
from app.recognition.taxonomy import Category, Taxonomy, read_taxonomy, write_taxonomy

HEADER = "category_id,slug,level1,level2,level3,name_en,name_fr\n"
MUG = Category(1000010653, "mug", "ART DE LA TABLE", "VERRES", "MUG", "Mug", "Mug")
SOFA = Category(1000003349, "sofa", "MEUBLE", "CANAPES", "CANAPÉ, FIXE", 'Sofa "fixed"', "Canapé")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "taxonomy.csv"


def version(*categories: Category) -> str:
    return Taxonomy(categories).version


def test_a_written_taxonomy_reads_back_the_same(path: Path) -> None:
    write_taxonomy(path, (MUG, SOFA))
    assert read_taxonomy(path) == Taxonomy((MUG, SOFA))


def test_the_order_of_the_file_is_the_order_of_the_classes(path: Path) -> None:
    write_taxonomy(path, (SOFA, MUG))
    assert read_taxonomy(path).class_of == {"sofa": 0, "mug": 1}


def test_columns_of_any_order_and_further_ones_are_read(path: Path) -> None:
    path.write_text(
        "match,slug,category_id,level1,level2,level3,name_en,name_fr\nexact,mug,7,A,B,C,Mug,Tasse\n"
    )
    assert read_taxonomy(path).categories == (Category(7, "mug", "A", "B", "C", "Mug", "Tasse"),)


def test_a_file_saved_by_a_spreadsheet_is_read(path: Path) -> None:
    path.write_text(HEADER + "7,mug,A,B,C,Mug,Tasse\n", encoding="utf-8-sig")
    assert read_taxonomy(path).class_of == {"mug": 0}


def test_the_path_runs_from_the_department_to_the_leaf() -> None:
    assert MUG.path == ("ART DE LA TABLE", "VERRES", "MUG")


def test_the_version_counts_the_categories() -> None:
    assert version(MUG, SOFA).startswith("cdiscount-2-")


def test_equal_taxonomies_have_the_same_version() -> None:
    assert version(MUG, SOFA) == version(replace(MUG), replace(SOFA))


@pytest.mark.parametrize(
    "other",
    [(SOFA, MUG), (MUG,), (replace(MUG, name_fr="Tasse"), SOFA), (replace(MUG, category_id=1), SOFA)],
)
def test_any_change_changes_the_version(other: tuple[Category, ...]) -> None:
    assert version(*other) != version(MUG, SOFA)


def test_a_missing_file_is_named(path: Path) -> None:
    with pytest.raises(DataError, match=r"taxonomy\.csv does not exist"):
        read_taxonomy(path)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("category_id,slug\n", "lacks the columns level1, level2, level3, name_en, name_fr"),
        ("", "lacks the columns"),
        (HEADER, "names no category"),
        (HEADER + "7,mug,A,B,C,Mug,Tasse\nseven,sofa,A,B,C,Sofa,Canapé\n", "line 3: .*seven"),
        (HEADER + "7,mug,A,B,C\n", "line 2: .*ends early"),
        (HEADER + "7,mug,A,B,C,Mug, large,Tasse\n", "line 2 has more fields"),
        (HEADER + "7,mug,A,B,C,Mug,Tasse\n7,sofa,A,B,C,Sofa,Canapé\n", "names a category_id twice"),
        (HEADER + "7,mug,A,B,C,Mug,Tasse\n8,mug,A,B,C,Mug,Tasse\n", "names a slug twice"),
    ],
)
def test_a_wrong_file_is_refused_with_the_fault_and_its_place(path: Path, text: str, fault: str) -> None:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=fault):
        read_taxonomy(path)


TWO_ROWS = HEADER + "7,mug,A,B,C,Mug,Tasse\n8,sofa,A,B,C,Sofa,Canapé\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_what_spreadsheets_save_is_read(path: Path, encoding: str, delimiter: str, end: str) -> None:
    path.write_text(TWO_ROWS, encoding="utf-8")
    wanted = read_taxonomy(path)
    path.write_bytes(TWO_ROWS.replace(",", delimiter).replace("\n", end).encode(encoding))
    assert read_taxonomy(path) == wanted


def test_a_quoted_field_may_hold_what_separates_the_others(path: Path) -> None:
    path.write_text(HEADER.replace(",", ";") + '7;mug;A;B;C;"Mug; large";"Tasse, grande"\n')
    assert read_taxonomy(path).categories[0].name_en == "Mug; large"


def test_names_that_look_alike_are_the_same(path: Path) -> None:
    path.write_text(TWO_ROWS, encoding="utf-8")
    wanted = read_taxonomy(path).version
    path.write_text(TWO_ROWS.replace("é", "e\u0301").replace("Mug", " Mug\u00a0"), encoding="utf-8")
    assert read_taxonomy(path).version == wanted


def test_empty_fields_at_the_end_of_a_row_are_not_too_many(path: Path) -> None:
    path.write_text(TWO_ROWS.replace("Tasse", "Tasse,,"), encoding="utf-8")
    assert len(read_taxonomy(path)) == 2


def test_a_file_that_is_no_text_is_refused(path: Path) -> None:
    path.write_bytes(HEADER.encode() + b"7,mug,A,B,C,Mug,\x81\xff\n")
    with pytest.raises(DataError, match="UTF-8 or Windows-1252"):
        read_taxonomy(path)
