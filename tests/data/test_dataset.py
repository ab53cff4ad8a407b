"""Reading labelled photos from a folder tree."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_up import photo_set

from app.data.dataset import (
    FolderFiles,
    PhotoSet,
    check_complete,
    check_readable,
    read_folder,
    read_measured,
    split_calibration,
)
from app.errors import DataError
from app.recognition.taxonomy import Taxonomy, read_taxonomy


def test_photos_carry_the_class_index_of_their_folder(drawings: Path) -> None:
    taxonomy = read_taxonomy(drawings / "taxonomy.csv")
    photos = read_folder(drawings, "train", taxonomy)
    assert len(photos) == 24
    for row, label in enumerate(photos.labels):
        assert taxonomy.categories[label].slug == Path(photos.name(row)).parent.name


def test_a_folder_that_is_not_a_category_is_named(drawings: Path, tmp_path: Path) -> None:
    data = shutil.copytree(drawings, tmp_path / "data")
    (data / "train" / "mystery").mkdir()
    with pytest.raises(DataError, match="mystery"):
        read_folder(data, "train", read_taxonomy(data / "taxonomy.csv"))


def test_a_category_without_photos_cannot_be_learned_but_others_can_be_measured(
    drawings: Path, tmp_path: Path
) -> None:
    data = shutil.copytree(drawings, tmp_path / "data")
    shutil.rmtree(data / "train" / "disc")
    taxonomy = read_taxonomy(data / "taxonomy.csv")
    photos = read_folder(data, "train", taxonomy)
    assert len(photos) == 16
    with pytest.raises(DataError, match="1 of 3 categories, such as disc"):
        check_complete(photos, taxonomy)


def test_a_category_with_a_single_photo_cannot_be_learned(drawings: Path, tmp_path: Path) -> None:
    data = shutil.copytree(drawings, tmp_path / "data")
    for photo in sorted((data / "train" / "disc").iterdir())[1:]:
        photo.unlink()
    taxonomy = read_taxonomy(data / "taxonomy.csv")
    with pytest.raises(DataError, match="too few to train on, for 1 of 3 categories, such as disc"):
        check_complete(read_folder(data, "train", taxonomy), taxonomy)


def test_a_category_whose_photos_cannot_be_read_is_told_before_training(
    drawings: Path, tmp_path: Path
) -> None:
    data = shutil.copytree(drawings, tmp_path / "data")
    taxonomy = read_taxonomy(data / "taxonomy.csv")
    photos = sorted((data / "train" / "stripes").iterdir())
    for photo in photos[:-1]:
        photo.write_bytes(b"not a photo")
    check_readable(read_folder(data, "train", taxonomy), taxonomy)
    photos[-1].write_bytes(b"not a photo")
    with pytest.raises(DataError, match="can be read for 1 of 3 categories, such as stripes"):
        check_readable(read_folder(data, "train", taxonomy), taxonomy)


def test_a_category_whose_photos_are_all_held_out_is_told_before_training(drawings: Path) -> None:
    taxonomy = read_taxonomy(drawings / "taxonomy.csv")
    photos = read_folder(drawings, "train", taxonomy)
    with pytest.raises(DataError, match="not held out can be read for 1 of 3"):
        check_readable(photos.subset(photos.labels > 0), taxonomy)


def test_a_split_without_any_photo_is_a_sentence(drawings: Path, tmp_path: Path) -> None:
    (tmp_path / "mine" / "disc").mkdir(parents=True)
    with pytest.raises(DataError, match="mine has no photo"):
        read_folder(tmp_path, "mine", read_taxonomy(drawings / "taxonomy.csv"))


def test_a_missing_split_is_named(drawings: Path) -> None:
    with pytest.raises(DataError, match="exam is not a folder"):
        read_folder(drawings, "exam", read_taxonomy(drawings / "taxonomy.csv"))


def test_several_splits_are_measured_together(drawings: Path) -> None:
    photos, apart = read_measured(drawings, "val,train", read_taxonomy(drawings / "taxonomy.csv"))
    assert len(photos) == 9 + 24
    assert len(set(photos.products)) == len(photos)
    assert apart == []


def test_photos_of_categories_that_the_network_does_not_know_are_kept_apart(drawings: Path) -> None:
    first, second, unknown = read_taxonomy(drawings / "taxonomy.csv").categories
    photos, apart = read_measured(drawings, "val", Taxonomy((second, first)))
    assert len(photos) == 6
    assert {path.parent.name for path in apart} == {unknown.slug}
    assert len(apart) == 3


def test_a_folder_that_no_taxonomy_names_is_not_taken_for_an_unknown_category(
    drawings: Path, tmp_path: Path
) -> None:
    data = shutil.copytree(drawings, tmp_path / "data")
    (data / "val" / "mystery").mkdir()
    with pytest.raises(DataError, match="mystery"):
        read_measured(data, "val", Taxonomy(read_taxonomy(data / "taxonomy.csv").categories[:2]))


@pytest.mark.shared
def test_the_calibration_photos_are_a_twentieth_and_never_trained_on(products: Path) -> None:
    photos = read_folder(products, "train", read_taxonomy(products / "taxonomy.csv"))
    trained, held_out = split_calibration(photos)
    assert not set(trained.numbers) & set(held_out.numbers)
    assert len(trained) + len(held_out) == len(photos)
    assert 0.04 < len(held_out) / len(photos) < 0.06


def test_all_photos_of_a_product_fall_on_one_side_of_the_split(drawings: Path) -> None:
    photos = read_folder(drawings, "train", read_taxonomy(drawings / "taxonomy.csv"))
    thousands = photos.subset(np.arange(2000) % len(photos))
    of_products = replace(thousands, products=np.arange(2000) // 2)
    trained, held_out = split_calibration(of_products)
    assert len(held_out) > 0
    assert not set(trained.products) & set(held_out.products)


def of_two_sources(drawings: Path) -> PhotoSet:
    """Return the drawings: half of a shop's, of which all of the first category."""
    photos = read_folder(drawings, "train", read_taxonomy(drawings / "taxonomy.csv"))
    first = photos.labels == photos.labels.min()
    photos = photos.subset(np.repeat(np.arange(len(photos)), 3))
    shop = (np.arange(len(photos)) % 2 == 0) | np.repeat(first, 3)
    files = FolderFiles(
        [Path(f"{'shop' if is_shop else 'web'}-{row}.jpg") for row, is_shop in enumerate(shop)]
    )
    return replace(photos, files=files, numbers=np.arange(len(photos)), sources=shop.astype(np.int64))


def test_sources_held_out_calibrate_and_are_not_trained_on(drawings: Path) -> None:
    trained, held_out = split_calibration(of_two_sources(drawings), ["shop"])
    assert set(held_out.source_names()) == {"shop"}
    assert set(trained.numbers).isdisjoint(held_out.numbers)


def test_a_category_that_only_a_held_out_source_shows_is_still_trained_on(drawings: Path) -> None:
    photos = of_two_sources(drawings)
    trained, held_out = split_calibration(photos, ["shop"])
    assert (trained.labels == photos.labels.min()).sum() == (photos.labels == photos.labels.min()).sum()
    assert photos.labels.min() not in held_out.labels


def test_a_source_to_hold_out_that_no_photo_has_is_named(drawings: Path) -> None:
    with pytest.raises(DataError, match="of the source shopp"):
        split_calibration(of_two_sources(drawings), ["shopp"])


def test_a_photos_source_is_what_its_name_begins_with(drawings: Path, tmp_path: Path) -> None:
    data = shutil.copytree(drawings, tmp_path / "data")
    (data / "train" / "disc" / "drawn-0.jpg").rename(data / "train" / "disc" / "web-shop-0.jpg")
    photos = read_folder(data, "train", read_taxonomy(data / "taxonomy.csv"))
    assert sorted(np.bincount(photos.sources)) == [1, 23]


def test_what_systems_put_beside_photos_does_not_matter_to_training(
    drawings: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data = shutil.copytree(drawings, tmp_path / "data")
    taxonomy = read_taxonomy(data / "taxonomy.csv")
    wanted = read_folder(data, "train", taxonomy).digest()
    for folder in (".Trashes", "@eaDir", "#recycle", "__MACOSX"):
        (data / "train" / folder).mkdir()
        (data / "train" / folder / "a.jpg").touch()
    (data / "train" / "disc" / "._drawn-0.jpg").touch()
    (data / "train" / "disc" / "Thumbs.db").touch()
    assert read_folder(data, "train", taxonomy).digest() == wanted
    assert "Passed over" not in caplog.text
    (data / "train" / "disc" / "notes.txt").touch()
    read_folder(data, "train", taxonomy)
    assert "Passed over: 1 .txt." in caplog.text


def test_a_photo_that_cannot_be_read_is_named(drawings: Path, tmp_path: Path) -> None:
    data = shutil.copytree(drawings, tmp_path / "data")
    (data / "train" / "disc" / "drawn-0.jpg").write_bytes(b"torn")
    photos = read_folder(data, "train", read_taxonomy(data / "taxonomy.csv"))
    with pytest.raises(DataError, match=r"drawn-0\.jpg"):
        photos.open(0)


def test_the_next_photo_replaces_one_that_cannot_be_read(
    drawings: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data = shutil.copytree(drawings, tmp_path / "data")
    photos = read_folder(data, "train", read_taxonomy(data / "taxonomy.csv"))
    for row in (0, len(photos) - 1):
        Path(photos.name(row)).write_bytes(b"torn")
    assert [photos.open_near(row)[0] for row in (0, 1, len(photos) - 1)] == [1, 1, 1]
    assert "Took the next photo instead." in caplog.text


def test_a_disk_that_is_gone_ends_the_search_for_the_next_photo(tmp_path: Path) -> None:
    rows = np.arange(10_000)
    photos = photo_set(FolderFiles([tmp_path / "gone.jpg"] * len(rows)), rows)
    with pytest.raises(DataError, match="100 photos in a row cannot be read"):
        photos.open_near(0)


def test_a_sentence_says_that_none_of_the_photos_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "torn.jpg").write_bytes(b"torn")
    zeros = np.zeros(1, np.int64)
    photos = photo_set(FolderFiles([tmp_path / "torn.jpg"]), zeros)
    with pytest.raises(DataError, match=r"1 photos in a row cannot be read, the last is .*torn\.jpg"):
        photos.open_near(0)
