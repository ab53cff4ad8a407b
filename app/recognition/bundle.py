"""A bundle, weights/<model id>/: all that a trained network consists of, checked before it is used."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.errors import AppError, BundleError
from app.recognition.preprocess import Preprocessing
from app.recognition.taxonomy import Taxonomy, read_taxonomy

MANIFEST = "manifest.json"
TAXONOMY = "taxonomy.csv"
KERAS_WEIGHTS = "network.weights.h5"
SERVING_MODEL = "network.int8.xml"
SERVING_WEIGHTS = "network.int8.bin"
FILES = (TAXONOMY, KERAS_WEIGHTS, SERVING_MODEL, SERVING_WEIGHTS)


@dataclass(frozen=True)
class Bundle:
    """A trained network as it lies in a folder; `manifest` holds the rest of what is known about it."""

    folder: Path
    model: str
    architecture: str
    preprocessing: Preprocessing
    taxonomy: Taxonomy
    temperature: float
    manifest: dict[str, Any]


def load_bundle(folder: Path) -> Bundle:
    """Read a bundle and verify every file of it.

    Raises BundleError, naming the file, when one is missing, altered or does not fit the others.
    """
    manifest = _read_manifest(folder)
    try:
        checksums = manifest["files"]
        for name in FILES:
            if checksum(folder / name) != checksums[name]:
                raise BundleError(
                    f"{folder.name}/{name} is damaged: its sha256 is not the one in {MANIFEST}."
                )
        taxonomy = read_taxonomy(folder / TAXONOMY)
        if [category.category_id for category in taxonomy.categories] != manifest["classes"]:
            raise BundleError(f"{folder.name}/{TAXONOMY} does not list the classes of {MANIFEST}.")
        return Bundle(
            folder,
            manifest["model"],
            manifest["architecture"],
            Preprocessing(**manifest["preprocessing"]),
            taxonomy,
            manifest["temperature"],
            manifest,
        )
    except (KeyError, TypeError) as error:
        raise BundleError(f"{folder.name}/{MANIFEST} lacks {error}.") from error
    except OSError as error:
        raise BundleError(
            f"{folder.name}/{Path(error.filename or folder).name} cannot be read: {error.strerror}."
        ) from error
    except BundleError:
        raise
    except AppError as error:
        raise BundleError(str(error)) from error


def write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    """Write the manifest with the sha256 of the bundle's files added."""
    files = {name: checksum(folder / name) for name in FILES}
    text = json.dumps(manifest | {"files": files}, indent=1, ensure_ascii=False)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def checksum(path: Path) -> str:
    """Return the sha256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BundleError(f"There is no trained network {folder.name}: its {MANIFEST} is missing.") from error
    except (OSError, ValueError) as error:
        raise BundleError(f"{folder.name}/{MANIFEST} cannot be read.") from error
    if not isinstance(manifest, dict):
        raise BundleError(f"{folder.name}/{MANIFEST} holds no JSON object.")
    return manifest
