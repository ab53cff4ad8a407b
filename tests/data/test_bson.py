"""Reading BSON files: sound ones, damaged ones, and the index beside them."""

import io
import os
import shutil
from pathlib import Path

import bson
import pytest
from cdiscount_files import Product, encode, write_bson
from PIL import Image

from app.data.bson import BUFFER, NO_CATEGORY, BsonFiles, Index, open_index
from app.errors import DataError
from app.recognition.taxonomy import read_leaves

PRODUCTS: list[Product] = [
    (7, 1000000001, [b"one", b"two"]),
    (9, 1000000003, [b"three"]),
    (2**40, 1000000001, [b"four", b"five", b"six"]),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_bson(tmp_path / "train.bson", PRODUCTS)


def numbers(index: Index) -> list[int]:
    return index.products["id"].tolist()


@pytest.fixture
def sample(products: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(products / "cdiscount" / "train_example.bson", tmp_path))


@pytest.mark.shared
def test_every_picture_of_kaggles_sample_decodes(sample: Path) -> None:
    index = open_index(sample)
    files = BsonFiles(sample, index)
    assert (len(index.products), len(index.pictures), index.skipped_places) == (82, 110, 0)
    for number in range(110):
        with Image.open(io.BytesIO(files.read(number))) as picture:
            picture.load()
            assert (picture.format, picture.size) == ("JPEG", (180, 180))


@pytest.mark.shared
def test_every_product_of_kaggles_sample_has_a_category_with_names(sample: Path, products: Path) -> None:
    catalogue = read_leaves(products / "cdiscount" / "category_names.csv")
    assert len(catalogue) == 5270
    assert set(open_index(sample).products["category"]) <= {leaf.category_id for leaf in catalogue}


@pytest.mark.shared
def test_kaggles_sample_reads_as_another_library_reads_it(sample: Path) -> None:
    index = open_index(sample)
    files = BsonFiles(sample, index)
    for row, document in enumerate(bson.decode_all(sample.read_bytes())):
        product = index.products[row]
        assert (product["id"], product["category"]) == (document["_id"], document["category_id"])
        pictures = [files.read(index.picture(row, which)) for which in range(product["pictures"])]
        assert pictures == [image["picture"] for image in document["imgs"]]


def test_a_picture_is_found_by_its_product_and_place(path: Path) -> None:
    index = open_index(path)
    assert BsonFiles(path, index).read(index.picture(2, 1)) == b"five"


def test_a_picture_is_named_by_its_product_and_place(path: Path) -> None:
    index = open_index(path)
    assert BsonFiles(path, index).name(4) == f"{path}, product {2**40}, picture 2"


def test_a_product_without_pictures_is_kept(tmp_path: Path) -> None:
    index = open_index(write_bson(tmp_path / "train.bson", [(5, 1000000001, []), *PRODUCTS]))
    assert index.products["pictures"].tolist() == [0, 2, 1, 3]
    assert index.picture(1, 0) == 0


def test_products_of_a_test_file_have_no_category(tmp_path: Path) -> None:
    index = open_index(write_bson(tmp_path / "test.bson", [(7, None, [b"one"])]))
    assert index.products["category"].tolist() == [NO_CATEGORY]


def test_further_fields_of_a_document_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "train.bson"
    document = {"_id": 7, "title": "mug", "price": 1.5, "shop": {"open": True}, "no": None}
    path.write_bytes(bson.encode(document | {"imgs": [{"size": 3, "picture": b"one"}], "category_id": 4}))
    index = open_index(path)
    assert index.products["category"].tolist() == [4]
    assert BsonFiles(path, index).read(0) == b"one"


@pytest.mark.parametrize("lost", [1, 20, 100])
def test_a_truncated_end_is_counted_and_costs_one_product(path: Path, lost: int) -> None:
    os.truncate(path, path.stat().st_size - lost)
    index = open_index(path)
    assert numbers(index) == [7, 9]
    assert index.skipped_places == 1
    assert index.skipped_bytes == len(encode(PRODUCTS[2])) - lost


@pytest.mark.parametrize("length", [0, -5, 4, 40, 10_000, 2**31 - 1])
def test_a_wrong_length_costs_one_product(path: Path, length: int) -> None:
    first, second, third = map(encode, PRODUCTS)
    path.write_bytes(first + length.to_bytes(4, "little", signed=True) + second[4:] + third)
    index = open_index(path)
    assert numbers(index) == [7, 2**40]
    assert (index.skipped_places, index.skipped_bytes) == (1, len(second))


@pytest.mark.parametrize("place", range(4, 20))
def test_wrong_bytes_in_its_head_cost_a_product_at_most(path: Path, place: int) -> None:
    first, second, third = map(encode, PRODUCTS)
    path.write_bytes(first + second[:place] + b"\xff" + second[place + 1 :] + third)
    index = open_index(path)
    assert {7, 2**40} <= set(numbers(index))
    assert index.skipped_places + len(index.products) == 3


def test_wrong_lengths_inside_a_document_cost_one_product(path: Path) -> None:
    first, second, third = map(encode, PRODUCTS)
    at = second.index(b"picture") + len(b"picture\0")
    path.write_bytes(first + second[:at] + b"\xff\xff" + second[at + 2 :] + third)
    assert numbers(open_index(path)) == [7, 2**40]


@pytest.mark.parametrize("size", [1, 8, BUFFER - 10, BUFFER - 5, BUFFER - 1, 2 * BUFFER])
def test_the_next_product_after_rubbish_is_found(path: Path, size: int) -> None:
    path.write_bytes(b"\xff" * size + b"".join(map(encode, PRODUCTS)))
    index = open_index(path)
    assert numbers(index) == [7, 9, 2**40]
    assert (index.skipped_places, index.skipped_bytes) == (1, size)


def test_what_was_skipped_is_said_in_a_sentence(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"torn")
    assert str(open_index(path)).endswith("; damaged places skipped: 1 (4 bytes).")


def test_exact_copies_are_counted_across_products_and_categories(tmp_path: Path) -> None:
    products: list[Product] = [
        (1, 1000000001, [b"same", b"twice", b"twice"]),
        (2, 1000000001, [b"shelf"]),
        (3, 1000000001, [b"shelf"]),
        (4, 1000000002, [b"same", b"alone"]),
    ]
    copies = open_index(write_bson(tmp_path / "train.bson", products)).copies
    assert (copies.pictures, copies.distinct) == (7, 4)
    assert (copies.in_other_products, copies.in_other_categories) == (4, 2)


def test_an_index_is_made_once(path: Path) -> None:
    open_index(path)
    made = (path.parent / "train.bson.index").stat().st_mtime_ns
    open_index(path)
    assert (path.parent / "train.bson.index").stat().st_mtime_ns == made


def test_a_changed_file_is_indexed_again(path: Path) -> None:
    assert len(open_index(path).products) == 3
    with path.open("ab") as file:
        file.write(encode((11, 1000000001, [b"seven"])))
    assert numbers(open_index(path)) == [7, 9, 2**40, 11]


def test_an_unfinished_index_is_not_taken_for_one(path: Path) -> None:
    unfinished = path.parent / "train.bson.index"
    unfinished.mkdir()
    (unfinished / "products").write_bytes(b"half")
    assert len(open_index(path).products) == 3


@pytest.mark.parametrize(
    ("name", "content"),
    [("about.json", b'{"form'), ("about.json", b"[]"), ("products", b"torn"), ("pictures", b"")],
)
def test_a_damaged_index_is_made_again(path: Path, name: str, content: bytes) -> None:
    open_index(path)
    (path.parent / "train.bson.index" / name).write_bytes(content)
    assert numbers(open_index(path)) == [7, 9, 2**40]


@pytest.mark.parametrize("content", [b"", b"neither BSON nor anything like it"])
def test_a_file_without_products_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "train.bson"
    path.write_bytes(content)
    with pytest.raises(DataError, match="holds no product"):
        open_index(path)
    assert list(tmp_path.iterdir()) == [path]
