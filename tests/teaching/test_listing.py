"""Photos and their categories, from folders and from tables as spreadsheets write them."""

import unicodedata
from pathlib import Path

import pytest

from app.errors import DataError
from app.teaching.listing import Names, read_table, read_tree


def write(path: Path, text: str, encoding: str) -> Path:
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize(
    ("delimiter", "encoding"), [(",", "utf-8"), (";", "utf-8-sig"), (";", "cp1252"), ("\t", "utf-8")]
)
def test_a_table_is_read_whatever_spreadsheet_wrote_it(tmp_path: Path, delimiter: str, encoding: str) -> None:
    lines = [["path", "category"], ["a\\1.jpg", "Été > Crème brûlée"], ["b/2.jpg", "Œufs"]]
    table = write(tmp_path / "t.csv", "\r\n".join(map(delimiter.join, lines)), encoding)
    first, second = read_table(table, tmp_path, Names())
    assert (first.path, first.category.path) == (tmp_path / "a" / "1.jpg", ("Été", "Crème brûlée"))
    assert (second.path, second.category.path) == (tmp_path / "b" / "2.jpg", ("Œufs",))


def test_a_file_is_found_whose_accents_a_mac_took_apart(tmp_path: Path) -> None:
    apart = unicodedata.normalize("NFD", "théière.jpg")
    (tmp_path / apart).touch()
    table = write(tmp_path / "t.csv", f"path,category\n{apart},Teapot\n", "utf-8")
    [example] = read_table(table, tmp_path, Names())
    assert example.path.exists()


def test_a_table_may_say_which_photos_show_one_product(tmp_path: Path) -> None:
    table = write(tmp_path / "t.csv", "path,category,product\na.jpg,Mug,7\nb.jpg,Mug,7\n", "utf-8")
    assert [one.product for one in read_table(table, tmp_path, Names())] == ["7", "7"]


def test_without_products_a_folder_is_one_where_a_category_has_several(tmp_path: Path) -> None:
    rows = ["path,category", "x/1.jpg,Mug", "x/2.jpg,Mug", "y/3.jpg,Mug", "x/4.jpg,Pan"]
    table = write(tmp_path / "t.csv", "\n".join(rows), "utf-8")
    first, second, third, other = read_table(table, tmp_path, Names())
    assert first.product == second.product != third.product
    assert other.product == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [("path\n1.jpg", "line 1 lacks the columns category"), ("path,category\n1.jpg,\n", "line 2"),
     ("", "line 1"), ("path,category\n", "names no photo")],
)  # fmt: skip
def test_a_table_that_cannot_be_used_is_told_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        read_table(write(tmp_path / "t.csv", text, "utf-8"), tmp_path, Names())


def test_folders_below_the_third_level_join_its_name(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b" / "c" / "d"
    folder.mkdir(parents=True)
    (folder / "1.jpg").touch()
    [example] = read_tree(tmp_path, Names())
    assert example.category.path == ("a", "b", "c / d")


def test_what_archives_leave_behind_is_no_category(tmp_path: Path) -> None:
    for name in (".thumbs", "__MACOSX"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.jpg").touch()
    with pytest.raises(DataError, match="no photo"):
        read_tree(tmp_path, Names())
