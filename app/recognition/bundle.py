"""A bundle, weights/<model id>/: all files of a trained network, checked before use."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf
from pathlib import Path
from typing import Any

from app.errors import AppError, BundleError
from app.recognition.catalogue import Catalogue, open_catalogue
from app.recognition.mapping import TaxonomyMap
from app.recognition.offers import MANIFEST as MANIFEST
from app.recognition.offers import read_manifest
from app.recognition.preprocess import Preprocessing
from app.recognition.taxonomy import Taxonomy, read_taxonomy
from app.recognition.tree import Tree

TAXONOMY = "taxonomy.csv"
KERAS_WEIGHTS = "network.weights.h5"
SERVING_MODEL = "serving.xml"
SERVING_WEIGHTS = "serving.bin"
FILES = (TAXONOMY, KERAS_WEIGHTS, SERVING_MODEL, SERVING_WEIGHTS)
NEVER = 2.0  # a threshold that no probability reaches
SELDOM = 30  # training photos; a category with no more is called seldom seen
RIGHT = 0.95  # promised share of right answers among the sure, and of photos whose path is right
KNOWN = 0.95  # share of the photos of its categories that a network must not say to be of none of them


@dataclass(frozen=True)
class Thresholds:
    """The scores from which a network's answers are trusted; the defaults promise nothing.

    `sure` is a probability of the best category, `path` one of a node above it, and `known` is a
    `known_score`. `app.training.calibration` fits them.
    """

    sure: float = NEVER
    path: float = NEVER
    known: float = -inf


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """A trained network in a folder; `manifest` holds everything that has no field here."""

    folder: Path
    model: str
    architecture: str
    preprocessing: Preprocessing
    taxonomy: Taxonomy
    temperature: float
    thresholds: Thresholds
    manifest: dict[str, Any]
    mapping: TaxonomyMap | None = None

    def file(self, name: str) -> Path:
        """Return the path of one of `FILES` after checking its sha256. Raises BundleError."""
        if name == KERAS_WEIGHTS and "base" in self.manifest:
            raise BundleError(
                f"{self.model} was taught: it has no Keras weights, and only OpenVINO can run it."
            )
        check(self.folder, self.manifest, name)
        return self.folder / name

    @property
    def held_out_sources(self) -> tuple[str, ...]:
        """The sources whose photos calibrated the network and never trained it; none if it saw all."""
        return tuple(self.manifest.get("training", {}).get("held_out_sources", ()))

    @cached_property
    def catalogue(self) -> Catalogue:
        """The categories that answers name, built on first use; training and evaluation use `taxonomy`."""
        return open_catalogue(self.taxonomy, self.mapping)

    @cached_property
    def tree(self) -> Tree:
        """The tree above the classes, built on first use."""
        return Tree(self.taxonomy)


def find_seldom_seen(manifest: dict[str, Any], taxonomy: Taxonomy) -> dict[str, int]:
    """Return the slugs of the categories with few training photos, and how many; empty if it does not say."""
    taught = zip(taxonomy.categories, manifest.get("taught", ()), strict=False)
    return {category.slug: photos for category, photos in taught if photos <= SELDOM}


def load_bundle(folder: Path, mapping: TaxonomyMap | None = None) -> Bundle:
    """Read a bundle without its network; with a mapping, answers use another catalogue.

    `Bundle.file` checks a file of the network when it is loaded.
    Raises BundleError, which names the file, if one is missing, altered or does not fit the others.
    """
    manifest = read_manifest(folder)
    try:
        check(folder, manifest, TAXONOMY)
        taxonomy = read_taxonomy(folder / TAXONOMY)
        if [category.category_id for category in taxonomy.categories] != manifest["classes"]:
            raise BundleError(f"{folder.name}/{TAXONOMY} does not list the classes of {MANIFEST}.")
        return Bundle(
            folder=folder,
            model=manifest["model"],
            architecture=manifest["architecture"],
            preprocessing=Preprocessing(**manifest["preprocessing"]),
            taxonomy=taxonomy,
            temperature=manifest["temperature"],
            thresholds=Thresholds(**manifest.get("thresholds", {})),
            manifest=manifest,
            mapping=mapping,
        )
    except (KeyError, TypeError) as error:
        raise BundleError(f"{folder.name}/{MANIFEST} lacks {error}.") from error
    except BundleError:
        raise
    except AppError as error:
        raise BundleError(str(error)) from error


def check(folder: Path, manifest: dict[str, Any], name: str) -> None:
    """Verify the sha256 of a file. Raises BundleError if the file is missing or altered."""
    try:
        if checksum(folder / name) == manifest["files"][name]:
            return
    except OSError as error:
        raise BundleError(f"{folder.name}/{name} cannot be read: {error.strerror}.") from error
    except (KeyError, TypeError) as error:
        raise BundleError(f"{folder.name}/{MANIFEST} lacks {error}.") from error
    raise BundleError(f"{folder.name}/{name} is damaged: its sha256 is not the one in {MANIFEST}.")


def write_manifest(folder: Path, manifest: dict[str, Any], names: Sequence[str] = FILES) -> None:
    """Write the manifest; unless it has them already, add the sha256 of the bundle's files `names`."""
    files = manifest.get("files") or {name: checksum(folder / name) for name in names}
    text = json.dumps(manifest | {"files": files}, indent=1, ensure_ascii=False)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def checksum(path: Path) -> str:
    """Return the sha256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
