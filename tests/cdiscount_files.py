"""BSON files in the shape of Kaggle's, written by a library that the reader knows nothing of."""

from collections.abc import Iterable
from pathlib import Path

import bson

CATALOGUE = """category_id,category_level1,category_level2,category_level3
1000000001,MAISON,ROND,DISQUE
1000000002,MAISON,ROND,CERCLE
1000000003,MAISON,CADRE,CADRE
1000000004,JARDIN,CADRE,CADRE
"""

Product = tuple[int, int | None, list[bytes]]


def encode(product: Product) -> bytes:
    """Encode one product as a document of train.bson, or of test.bson when it has no category."""
    number, category, pictures = product
    document = {"_id": number, "imgs": [{"picture": picture} for picture in pictures]}
    return bytes(bson.encode(document | ({} if category is None else {"category_id": category})))


def write_bson(path: Path, products: Iterable[Product]) -> Path:
    """Write products to `path`, and the list of categories beside it."""
    path.write_bytes(b"".join(map(encode, products)))
    (path.parent / "category_names.csv").write_text(CATALOGUE)
    return path
