"""One list of what is a photo in a folder, and a count of what is passed over."""

import os
from pathlib import Path

import pytest

from app.recognition.folders import photo_files

JPEGS = ["a.jpg", "b.JPEG", "c.jfif", "d.jpe", "e.jif"]
PHOTOS = [*JPEGS, "f.png", "g.webp", "h.gif", "i.avif", "j.HEIC", "k.heif", "l.hif"]
COMPANIONS = ("._a.jpg", ".b.jpg", "Thumbs.db", "desktop.ini", ".DS_Store")
HIDDEN_FOLDERS = (".Trashes", "@eaDir", "#recycle", "__MACOSX", "$RECYCLE.BIN")


def fill(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()


def test_a_photo_has_one_of_many_suffixes(tmp_path: Path) -> None:
    fill(tmp_path, *PHOTOS)
    assert [path.name for path in photo_files(tmp_path).photos] == PHOTOS


def test_companions_and_hidden_files_are_not_even_mentioned(tmp_path: Path) -> None:
    fill(tmp_path, "a.jpg", *COMPANIONS)
    for name in HIDDEN_FOLDERS:
        fill(tmp_path / name, "a.jpg", "b.txt")
    listing = photo_files(tmp_path, deep=True)
    assert listing.photos == [tmp_path / "a.jpg"]
    assert listing.remark() == ""


def test_what_else_is_passed_over_is_counted_by_kind(tmp_path: Path) -> None:
    fill(tmp_path, "a.jpg", "1.mov", "2.MOV", "scan.tif", "README")
    os.mkfifo(tmp_path / "pipe.jpg")
    assert photo_files(tmp_path).remark() == (
        "Passed over: 2 .mov, 1 .tif, 1 that cannot be opened as files, 1 without a suffix."
    )


@pytest.mark.parametrize(("deep", "names"), [(False, ["z.jpg"]), (True, ["a.jpg", "z.jpg"])])
def test_folders_within_are_opened_only_if_asked(tmp_path: Path, deep: bool, names: list[str]) -> None:
    fill(tmp_path, "z.jpg")
    fill(tmp_path / "more" / "still", "a.jpg")
    assert [path.name for path in photo_files(tmp_path, deep).photos] == names


def test_a_folder_that_is_gone_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="gone"):
        photo_files(tmp_path / "gone")
