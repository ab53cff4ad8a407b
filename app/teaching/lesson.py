"""One lesson: photos in files, with their categories, become a bundle."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from app.errors import AppError, DataError
from app.recognition.bundle import NEVER, RIGHT, load_bundle
from app.recognition.service import ModelService
from app.teaching.beside import Beside
from app.teaching.export import read_head, write_taught
from app.teaching.features import Array, FeatureCache, embed_files
from app.teaching.known import read_known
from app.teaching.listing import Example, order_categories
from app.teaching.outcome import Outcome, judge, save_cross_validation
from app.teaching.teach import Taught, teach

WEIGHT_OF_KNOWN = 20  # photos that a category of the base counts for: as many new ones move it half way
Answers = Iterator[tuple[bytes, Array | AppError]]
Watch = Callable[[Answers, int], Answers]


@dataclass(frozen=True)
class Lesson:
    """What came of a lesson: remarks on bad photos and contradictions, categories, and a summary."""

    remarks: list[str]
    outcomes: list[Outcome]
    summary: str


def give_lesson(
    base_folder: Path, examples: Sequence[Example], out: Path, *, cache: Path, keep: bool, watch: Watch
) -> Lesson:
    """Teach the network in `base_folder` with `examples`, and write the bundle `out`.

    With `keep` the categories of the base stay. `cache` is the file of features that are known; `watch`
    passes on the photos' features and gets their number.
    Raises DataError, BundleError, ModelNotReady and OSError.
    """
    service = ModelService(base_folder)
    base = service.wait()
    known = read_known(base)
    if keep and not known:
        raise DataError(
            f"{base.model} does not say what it knows of its categories, so none can be added to them. "
            f"With the photos it was trained on: flask calibrate --data DATA --model {base.model}"
        )
    paths = [example.path for example in examples]
    answers = watch(embed_files(service, paths, FeatureCache(cache, base)), len(paths))
    read, features, digests, remarks = [], [], [], []
    for example, (digest, answer) in zip(examples, answers, strict=True):
        if isinstance(answer, AppError):
            remarks.append(f"{example.path}: {answer}")
        else:
            read.append(example)
            features.append(answer)
            digests.append(digest)
    remarks += _contradictions(read, digests)
    taxonomy = order_categories(read, base.taxonomy if keep else None)
    number = {category: place for place, category in enumerate(taxonomy.categories)}
    labels = np.array([number[example.category] for example in read])
    products = [example.product or digest.hex() for example, digest in zip(read, digests, strict=True)]
    beside = None
    if known and keep:
        known = known.limited_to(WEIGHT_OF_KNOWN)
        beside = Beside(read_head(base), known)
        known = known.among(len(taxonomy), np.arange(len(base.taxonomy)))
    elif known:
        known = known.without_categories(len(taxonomy))
    taught = teach(np.stack(features), labels, products, base, taxonomy, known, beside)
    write_taught(out, base, taxonomy, taught, len(read))
    save_cross_validation(load_bundle(out), taught, [one.path for one in read], labels, products)
    return Lesson(remarks, judge(taught, labels, taxonomy), _summarise(taught, labels))


def _contradictions(examples: Sequence[Example], digests: Sequence[bytes]) -> Iterator[str]:
    first: dict[bytes, Example] = {}
    for one, digest in zip(examples, digests, strict=True):
        other = first.setdefault(digest, one)
        if other.category != one.category:
            yield f"{one.path} is the same photo as {other.path}, in another category."


def _summarise(taught: Taught, labels: np.ndarray) -> str:
    count = len(taught.rows)
    if not count:
        return "Nothing could be measured, which takes two photos of a category. It will never be sure."
    right = (taught.logits.argmax(axis=1) == labels[taught.rows]).mean()
    said = f"By cross-validation {right:.1%} of {count} photos are right."
    if taught.thresholds.sure == NEVER:
        return f"{said} Too few for it to say “sure” and be right in {RIGHT:.0%} of cases: it never will."
    return f"{said} It says “sure” from a probability of {taught.thresholds.sure:.2f}: right in {RIGHT:.0%}."
