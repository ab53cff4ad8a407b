"""Write corrections as photos to train on, in the layout that `flask train` reads."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.corrections.store import Correction, CorrectionStore, newest, to_json
from app.errors import DataError
from app.recognition.catalogue import Catalogue
from app.recognition.taxonomy import Category, Taxonomy, write_taxonomy

RECORDS = "corrections.jsonl"


@dataclass(frozen=True)
class Exported:
    """The counts of an export; `unknown` counts answers whose right category the network does not have."""

    answers: int
    photos: int
    categories: int
    unknown: int


def export(store: CorrectionStore, taxonomy: Taxonomy, catalogue: Catalogue, folder: Path) -> Exported:
    """Write the newest correction of each answer into a new folder.

    `train/<slug>/*.jpg` are the photos that visitors gave, `apart/<kind>/*.jpg` those that show none of the
    categories, `taxonomy.csv` lists the categories in the order of `taxonomy`, and `corrections.jsonl` has
    every correction, also those without a photo. `catalogue` maps a category of another catalogue to the
    network's own.
    Raises DataError if the folder is not empty, CorrectionsUnavailable, and OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise DataError(f"{folder} is not empty. Name a new folder.")
    corrections = newest(store.all())
    right = [own_category(correction, taxonomy, catalogue) for correction in corrections]
    files = [
        _write_photo(store.photo(correction.answer), folder, correction, category)
        for correction, category in zip(corrections, right, strict=True)
    ]
    _write_records(folder / RECORDS, corrections, files)
    shown = {category for category, file in zip(right, files, strict=True) if category and file}
    write_taxonomy(folder / "taxonomy.csv", [one for one in taxonomy.categories if one in shown])
    return Exported(len(corrections), len(files) - files.count(None), len(shown), right.count(None))


def own_category(correction: Correction, taxonomy: Taxonomy, catalogue: Catalogue) -> Category | None:
    """Find the network's category that is right: the same one, or the only one that is answered as it."""
    category_id = correction.right["category_id"] if correction.right else None
    if category_id is None:
        return None
    own = taxonomy.by_id.get(category_id)
    if own is None and category_id in catalogue.taxonomy.by_id:
        members = catalogue.members(category_id)
        own = taxonomy.categories[members[0]] if len(members) == 1 else None
    return own


def _write_photo(
    photo: bytes | None, folder: Path, correction: Correction, category: Category | None
) -> str | None:
    """Write the photo, if there is one with a category or with none, and return its name in the folder."""
    right = correction.right or {}
    if photo is None or (category is None and right.get("category_id") is not None):
        return None
    place = f"train/{category.slug}" if category else f"apart/{right['slug'].lstrip('-')}"
    file = f"{place}/correction-{correction.answer}.jpg"
    path = folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(photo)
    return file


def _write_records(path: Path, corrections: Sequence[Correction], files: Sequence[str | None]) -> None:
    lines = (
        json.dumps({"file": file, **to_json(correction)}) + "\n"
        for correction, file in zip(corrections, files, strict=True)
    )
    path.write_text("".join(lines), encoding="ascii")
