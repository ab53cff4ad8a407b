from dataclasses import replace
from pathlib import Path

import pytest
from local_sources import draw_picture

from app.errors import UrlUnavailable
from app.recognition.limits import MAX_BYTES
from app.recognition.origin import Origin
from app.settings import Settings
from app.sources import open_random_photos
from app.sources.fetch import Deadline
from app.sources.folder import Folder


@pytest.mark.parametrize("name", ["lamp.jpg", "lamp.JPEG", "lamp.png", "lamp.jfif"])
def test_pictures_are_listed_by_their_name_and_can_be_loaded(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(draw_picture())
    (listed,) = Folder(tmp_path).search(Deadline())
    assert listed.origin == Origin("This site's own photos", "lamp")
    assert Folder(tmp_path).load(listed, Deadline()) == draw_picture()


def test_other_files_are_not_listed(tmp_path: Path) -> None:
    for name in ("a.txt", "a.svg", "jpg", ".hidden", "._a.jpg"):
        (tmp_path / name).touch()
    assert Folder(tmp_path).search(Deadline()) == []


def test_no_more_of_a_file_is_read_than_shows_that_it_is_too_large(tmp_path: Path) -> None:
    with (tmp_path / "large.jpg").open("wb") as file:
        file.truncate(20 * MAX_BYTES)
    folder = Folder(tmp_path)
    (listed,) = folder.search(Deadline())
    assert len(folder.load(listed, Deadline())) == MAX_BYTES + 1


def test_a_folder_or_a_photo_that_is_gone_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    folder = Folder(tmp_path)
    (listed,) = folder.search(Deadline())
    (tmp_path / "a.jpg").unlink()
    with pytest.raises(UrlUnavailable):
        folder.load(listed, Deadline())
    tmp_path.rmdir()
    with pytest.raises(UrlUnavailable):
        folder.search(Deadline())


def test_a_click_gets_the_one_usable_photo_of_a_folder(settings: Settings, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "good.jpg").write_bytes(draw_picture())
    for number in range(15):
        (own / f"{number}.jpg").touch()
    own_only = replace(settings, photo_sources=("folder",), photo_folder=own)
    for _ in range(5):
        assert open_random_photos(own_only).find().origin.title == "good"
