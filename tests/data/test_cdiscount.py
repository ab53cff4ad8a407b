"""Classes, sampling and splits of a BSON file."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from cdiscount_files import Product, write_bson
from made_up import photo_set

from app.data.bson import open_index
from app.data.cdiscount import NO_CLASS, Sampling, choose_classes, is_val, label_products
from app.data.dataset import PhotoSet, drop_copies, read_photos, sample, split_calibration
from app.errors import DataError
from app.recognition.taxonomy import Category, Taxonomy, read_leaves

CATEGORIES = [1000000001, 1000000002, 1000000003, 1000000004]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A thousand products of two pictures in the categories 1 to 4, and one in none."""
    products: list[Product] = [(n, CATEGORIES[n % 4], [b"front %d" % n, b"back %d" % n]) for n in range(1000)]
    return write_bson(tmp_path / "train.bson", [*products, (5000, 77, [b"nameless"])])


def classes(path: Path, level: int, min_images: int = 1) -> Taxonomy:
    catalogue = read_leaves(path.with_name("category_names.csv"))
    return choose_classes(open_index(path), catalogue, Sampling(level, min_images))


def photos(path: Path, split: str, level: int = 3) -> PhotoSet:
    return read_photos(path, split, classes(path, level))


@pytest.mark.parametrize(
    ("level", "paths"),
    [
        (1, [("MAISON",), ("JARDIN",)]),
        (2, [("MAISON", "ROND"), ("MAISON", "CADRE"), ("JARDIN", "CADRE")]),
        (3, [("MAISON", "ROND", "DISQUE"), ("MAISON", "ROND", "CERCLE"),
             ("MAISON", "CADRE", "CADRE"), ("JARDIN", "CADRE", "CADRE")]),
    ],
)  # fmt: skip
def test_classes_are_the_nodes_of_the_level_told_apart_by_their_path(
    path: Path, level: int, paths: list[tuple[str, ...]]
) -> None:
    assert [category.path for category in classes(path, level).categories] == paths


def test_a_node_goes_by_the_smallest_leaf_below_it(path: Path) -> None:
    node = classes(path, 2).categories[0]
    assert node == Category(1000000001, "rond-1000000001", "MAISON", "ROND", "", "ROND", "ROND")


@pytest.mark.shared
@pytest.mark.parametrize(("level", "count"), [(1, 49), (2, 486), (3, 5270)])
def test_the_whole_tree_has_as_many_nodes_as_kaggles_list(
    products: Path, tmp_path: Path, level: int, count: int
) -> None:
    leaves = read_leaves(products / "cdiscount" / "category_names.csv")
    numbers = [n for n in range(6000) if not is_val(np.array([n]))[0]]
    pairs = zip(numbers, leaves, strict=False)
    path = write_bson(tmp_path / "train.bson", [(n, leaf.category_id, [b"a"]) for n, leaf in pairs])
    shutil.copyfile(products / "cdiscount" / "category_names.csv", tmp_path / "category_names.csv")
    assert len(classes(path, level)) == count


def test_each_product_gets_the_class_above_its_leaf(path: Path) -> None:
    catalogue = read_leaves(path.with_name("category_names.csv"))
    labels = label_products(open_index(path), classes(path, 2), catalogue)
    assert labels.tolist() == [0, 0, 1, 2] * 250 + [NO_CLASS]


def test_a_bundle_that_knows_some_leaves_only_is_asked_for_those(path: Path) -> None:
    some = Taxonomy(classes(path, 3).categories[1:3])
    found = read_photos(path, "val", some)
    assert {found.read(row).split()[1] for row in range(len(found))} == {
        b"%d" % n for n in range(1000) if n % 4 in (1, 2) and is_val(np.array([n]))[0]
    }


def test_classes_with_too_few_pictures_to_train_on_are_left_out(tmp_path: Path) -> None:
    numbers = [n for n in range(200) if not is_val(np.array([n]))[0]]
    held_out = [n for n in range(2000) if is_val(np.array([n]))[0]]
    of_product = dict(zip(numbers, [1000000001] * 30 + [1000000003] * 29 + [1000000004] * 31, strict=False))
    of_product |= dict.fromkeys(held_out, 1000000003)
    products: list[Product] = [(n, category, [b"picture"]) for n, category in of_product.items()]
    path = write_bson(tmp_path / "train.bson", products)
    assert [node.category_id for node in classes(path, 2, min_images=30).categories] == [
        1000000001,
        1000000004,
    ]


def test_fewer_than_two_classes_are_refused(path: Path) -> None:
    with pytest.raises(DataError, match="0 categories of level 3 have 9000 pictures"):
        classes(path, 3, min_images=9000)


def test_so_many_pictures_are_drawn_of_each_category_and_all_of_a_smaller_one(path: Path) -> None:
    sampled = sample(photos(path, "train", level=2), 600, seed=1)
    available = np.bincount(photos(path, "train", level=2).labels)
    assert np.bincount(sampled.labels).tolist() == [600, available[1], available[2]]
    assert len(set(sampled.numbers)) == len(sampled)


def test_a_draw_repeats_only_with_the_same_seed(path: Path) -> None:
    first, again, other = (sample(photos(path, "train"), 10, seed).numbers.tolist() for seed in (1, 1, 2))
    assert first == again != other


def test_train_calibration_and_val_share_no_product(path: Path) -> None:
    trained, calibration = split_calibration(photos(path, "train"))
    sets = [set(part.products.tolist()) for part in (trained, calibration, photos(path, "val"))]
    assert all(sets)
    assert sum(map(len, sets)) == len(set.union(*sets)) == 1000


def test_val_is_a_fiftieth_of_the_products_and_all_their_pictures() -> None:
    assert is_val(np.arange(1_000_000)).mean() == pytest.approx(0.02, abs=1e-3)


def test_a_picture_is_read_with_its_label_and_product(path: Path) -> None:
    found = photos(path, "train")
    for row in (0, 1, 500, len(found) - 1):
        product = int(found.products[row])
        assert found.read(row).split()[1] == b"%d" % product
        assert found.labels[row] == product % 4


def test_a_picture_with_a_copy_in_training_calibrates_nothing(tmp_path: Path) -> None:
    numbers = np.arange(2000)
    pictures = [[b"own %d" % n] if n % 2 else [b"shelf"] for n in numbers]
    products = [(int(n), CATEGORIES[n % 4], own) for n, own in zip(numbers, pictures, strict=True)]
    path = write_bson(tmp_path / "train.bson", products)
    trained, held_out = split_calibration(photos(path, "train"))
    kept = drop_copies(held_out, trained, open_index(path))
    assert {held_out.read(row)[:3] for row in range(len(held_out))} == {b"own", b"she"}
    assert kept.products.tolist() == [n for n in held_out.products if n % 2]


def test_calibration_of_millions_takes_thousands(path: Path) -> None:
    found = photos(path, "train")
    many = photo_set(found.files, np.arange(4_000_000))
    assert len(split_calibration(many)[1]) == pytest.approx(10_000, rel=0.02)


def test_another_split_is_refused(path: Path) -> None:
    with pytest.raises(DataError, match="the splits train and val, not exam"):
        photos(path, "exam")


def test_a_missing_list_of_categories_is_named(path: Path) -> None:
    taxonomy = classes(path, 3)
    path.with_name("category_names.csv").unlink()
    with pytest.raises(DataError, match=r"category_names\.csv does not exist"):
        read_photos(path, "val", taxonomy)
