"""A classifier to take away: as a bundle, as photos in folders, or as a project file to load again."""

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO
from zipfile import ZIP_STORED, ZipFile

import msgspec
from msgspec import Struct

from app.classifiers.classifier import Classifier, Lesson
from app.errors import BadRequest
from app.texts import Text

BUNDLE = "my-categories"  # the folder in the zip, and so the name of the network
UNSAFE = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]')  # in the name of a folder on some system


class ProjectCategory(Struct):
    """A category, and its photos as JPEG, which are base64 in the file."""

    name: str
    photos: list[bytes]


class Project(Struct):
    """What the file of a project holds; the API takes the same to make a classifier."""

    categories: list[ProjectCategory]


def dump_project(classifier: Classifier) -> bytes:
    """Write the categories with their photos as JSON."""
    categories = [ProjectCategory(category.name, copies) for category, copies in classifier.copies()]
    return msgspec.json.encode(Project(categories))


def load_project(data: bytes) -> Project:
    """Read what `dump_project` wrote. Raises BadRequest for anything else."""
    try:
        return msgspec.json.decode(data, type=Project)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadRequest(Text("This is not a project file of this page.")) from error


def zip_bundle(lesson: Lesson) -> IO[bytes]:
    """Write what was learned as a bundle that loads into the weights of any installation."""
    from app.teaching.export import write_taught

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / BUNDLE
        write_taught(folder, lesson.base, lesson.taxonomy, lesson.taught, len(lesson.labels))
        return _zip((f"{BUNDLE}/{path.name}", path.read_bytes()) for path in sorted(folder.iterdir()))


def zip_photos(classifier: Classifier) -> IO[bytes]:
    """Write the copies of the photos in a folder for each category, as `flask teach` takes them."""
    return _zip(
        (f"{_folder(category.name)}/{photo_id}.jpg", copy)
        for category, copies in classifier.copies()
        for photo_id, copy in zip(category.photos, copies, strict=False)
    )


def _folder(name: str) -> str:
    return UNSAFE.sub("_", name).strip(". ") or "_"


def _zip(files: Iterator[tuple[str, bytes]]) -> IO[bytes]:
    file = tempfile.TemporaryFile()  # noqa: SIM115  # whoever sends it closes it
    with ZipFile(file, "w", ZIP_STORED) as archive:
        for name, data in files:
            archive.writestr(name, data)
    file.seek(0)
    return file
