"""One owner's classifier: categories by name, photos in them, and what was learned from these."""

from __future__ import annotations

import hashlib
import io
import json
import secrets
import time
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from app.classifiers.store import ClassifierStore
from app.errors import BadRequest, ClassifierFull, NotFound, TooFewTaught
from app.recognition.bundle import Bundle, Thresholds
from app.recognition.limits import MOST_CATEGORIES, MOST_TAUGHT
from app.recognition.offers import OWN
from app.recognition.photos import open_photo
from app.recognition.service import ModelService
from app.recognition.taxonomy import Taxonomy, taught_category
from app.recognition.words import fold_text
from app.teaching.features import Array, identify
from app.teaching.head import Head, Labels
from app.teaching.service import TaughtService
from app.texts import Text

if TYPE_CHECKING:
    from app.teaching.teach import Taught

COPY_SIDE = 256  # px of the copy of a photo that is kept: about what networks look at
NAME_LENGTH = 80  # characters of a category
LEAST_MEASURED, LEAST_CATEGORIES = 5, 2  # photos, in so many categories, from which on figures are shown
HEAD = "head"


@dataclass(frozen=True)
class OwnCategory:
    """A category and the ids of its photos, oldest first."""

    id: str
    name: str
    photos: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Lesson:
    """What was taught, of which photo [n] shows category labels[n], and what was learned."""

    taxonomy: Taxonomy
    labels: Labels
    taught: Taught
    base: Bundle


@dataclass(frozen=True, eq=False)
class Learned:
    """A head with its calibration. `figures` has, for each category, photos, those measured and those right.

    `network` identifies the network whose features the head takes.
    """

    head: Head
    taxonomy: Taxonomy
    temperature: float
    thresholds: Thresholds
    figures: list[tuple[int, int, int]]
    network: str

    @property
    def photos(self) -> int:
        """How many photos were taught."""
        return sum(photos for photos, _, _ in self.figures)

    @property
    def is_measured(self) -> bool:
        """Whether enough photos were measured for their figures to say anything."""
        return sum(photos >= LEAST_MEASURED for photos, _, _ in self.figures) >= LEAST_CATEGORIES

    def put_on(self, service: ModelService) -> TaughtService | None:
        """Put the head on a network; None if it was learned with another one. Raises ModelNotReady."""
        base = service.require_ready()
        if self.network != _tag(base).hex():
            return None
        bundle = replace(
            base,
            model=OWN,
            taxonomy=self.taxonomy,
            temperature=self.temperature,
            thresholds=self.thresholds,
            mapping=None,
        )
        return TaughtService(service, self.head, bundle)


class Classifier:
    """The classifier of `owner` in a store. Every method raises ClassifiersUnavailable."""

    def __init__(self, store: ClassifierStore, owner: str) -> None:
        self._store, self._owner = store, owner

    def categories(self) -> list[OwnCategory]:
        """List the categories, oldest first."""
        names = self._store.names(self._owner)
        own = [name for name in names if name.startswith("category/")]
        texts = self._store.get(self._owner, own)
        photos = defaultdict(list)
        for name in names:
            if name.startswith("photo/"):
                _, category_id, photo_id = name.split("/")
                photos[category_id].append(photo_id)
        ids = {name: name.partition("/")[2] for name in own if name in texts}
        return [OwnCategory(ids[name], texts[name].decode(), tuple(photos[ids[name]])) for name in ids]

    def add_category(self, name: str) -> OwnCategory:
        """Add a category, or find the one of this name. Raises BadRequest and ClassifierFull."""
        name = unicodedata.normalize("NFC", " ".join(name.split()))[:NAME_LENGTH].strip()
        if not name:
            raise BadRequest(Text("Give the category a name."))
        categories = self.categories()
        for category in categories:
            if fold_text(category.name) == fold_text(name):
                return category
        if len(categories) >= MOST_CATEGORIES:
            raise ClassifierFull
        category = OwnCategory(_new_id(), name, ())
        self._store.put(self._owner, {f"category/{category.id}": name.encode()})
        return category

    def category(self, category_id: str) -> OwnCategory:
        """Return one category. Raises NotFound."""
        for category in self.categories():
            if category.id == category_id:
                return category
        raise NotFound

    def check_room(self, photos: int) -> None:
        """Raise ClassifierFull if there is no room for so many more photos."""
        if sum(len(category.photos) for category in self.categories()) + photos > MOST_TAUGHT:
            raise ClassifierFull

    def add_photo(self, category: OwnCategory, copy: bytes, features: Array, base: Bundle) -> None:
        """Add a photo: a copy of it as JPEG, and the features that the network of `base` gives it.

        Raises ClassifierFull.
        """
        self.check_room(1)
        place = f"{category.id}/{_new_id()}"
        vector = _tag(base) + features.tobytes()
        self._store.put(self._owner, {f"photo/{place}": copy, f"vector/{place}": vector})

    def copy(self, category_id: str, photo_id: str) -> bytes:
        """Return the copy of a photo. Raises NotFound."""
        for copy in self._store.get(self._owner, [f"photo/{category_id}/{photo_id}"]).values():
            return copy
        raise NotFound

    def copies(self) -> list[tuple[OwnCategory, list[bytes]]]:
        """Return each category with the copies of its photos."""
        found = []
        for category in self.categories():
            names = [f"photo/{category.id}/{photo_id}" for photo_id in category.photos]
            copies = self._store.get(self._owner, names)
            found.append((category, [copies[name] for name in names if name in copies]))
        return found

    def remove_photos(self, category: OwnCategory, photo_ids: Iterable[str]) -> None:
        """Remove photos of a category; ids of no photo are ignored."""
        places = [f"{category.id}/{photo_id}" for photo_id in photo_ids]
        self._store.delete(
            self._owner, [f"{kind}/{place}" for kind in ("photo", "vector") for place in places]
        )

    def remove(self, category: OwnCategory) -> None:
        """Remove a category with its photos."""
        self.remove_photos(category, category.photos)
        self._store.delete(self._owner, [f"category/{category.id}"])

    def clear(self) -> None:
        """Delete everything."""
        self._store.clear(self._owner)

    def give_lesson(self, service: ModelService) -> Lesson:
        """Teach a network the photos of all categories that have any.

        Raises TooFewTaught for fewer than two, and ModelNotReady.
        """
        from app.teaching.known import read_known  # these load SciPy, which a start need not wait for
        from app.teaching.teach import teach

        base = service.require_ready()
        categories = [category for category in self.categories() if category.photos]
        rows = [
            (label, features)
            for label, category in enumerate(categories)
            for features in self._features(category, service, base)
        ]
        labels = np.array([label for label, _ in rows], np.int64)
        if len(categories) < LEAST_CATEGORIES or len(set(labels.tolist())) < len(categories):
            raise TooFewTaught
        taxonomy = Taxonomy(tuple(taught_category([category.name]) for category in categories))
        known = read_known(base)
        start = known and known.without_categories(len(taxonomy))
        products = [features.tobytes() for _, features in rows]  # a photo that came twice is one
        taught = teach(np.stack([one for _, one in rows]), labels, products, base, taxonomy, start)
        return Lesson(taxonomy, labels, taught, base)

    def learn(self, service: ModelService) -> Learned:
        """Teach a network as `give_lesson` does, and keep what it learned."""
        learned = sum_up_lesson(self.give_lesson(service))
        self._store.put(self._owner, {HEAD: _dump(learned)})
        return learned

    def learned(self) -> Learned | None:
        """Return what was learned last; None if that was nothing."""
        for data in self._store.get(self._owner, [HEAD]).values():
            return _load(data)
        return None

    def _features(self, category: OwnCategory, service: ModelService, base: Bundle) -> list[Array]:
        """Read the features of the photos of a category; those of another network are made anew."""
        names = [f"vector/{category.id}/{photo_id}" for photo_id in category.photos]
        tag, vectors = _tag(base), self._store.get(self._owner, names)
        for name, vector in vectors.items():
            if not vector.startswith(tag):
                copy = self.copy(category.id, name.rpartition("/")[2])
                [features] = service.embed([open_photo(copy)])
                vectors[name] = tag + features.tobytes()
                self._store.put(self._owner, {name: vectors[name]})
        return [np.frombuffer(vectors[name][len(tag) :], np.float32) for name in names if name in vectors]


def sum_up_lesson(lesson: Lesson) -> Learned:
    """Take from a lesson what classifying needs."""
    taught = lesson.taught
    measured = lesson.labels[taught.rows]
    right = measured[taught.logits.argmax(axis=1) == measured] if len(measured) else measured
    counts = [np.bincount(some, minlength=len(lesson.taxonomy)) for some in (lesson.labels, measured, right)]
    figures = [(int(all_), int(some), int(hits)) for all_, some, hits in zip(*counts, strict=True)]
    network = _tag(lesson.base).hex()
    return Learned(taught.head, lesson.taxonomy, taught.temperature, taught.thresholds, figures, network)


def _tag(bundle: Bundle) -> bytes:
    """Identify the network of a bundle in few bytes."""
    return hashlib.sha256(identify(bundle)).digest()[:16]


def _new_id() -> str:
    """Make an id; later ones sort behind earlier ones."""
    return f"{time.time_ns():016x}{secrets.token_hex(4)}"


def _dump(learned: Learned) -> bytes:
    about = {
        "names": [category.level1 for category in learned.taxonomy.categories],
        "temperature": learned.temperature,
        "thresholds": asdict(learned.thresholds),
        "figures": learned.figures,
        "network": learned.network,
    }
    file = io.BytesIO()
    np.savez(file, weights=learned.head.weights, biases=learned.head.biases, about=json.dumps(about))
    return file.getvalue()


def _load(data: bytes) -> Learned:
    with np.load(io.BytesIO(data), allow_pickle=False) as stored:
        about = json.loads(str(stored["about"]))
        head = Head(stored["weights"], stored["biases"])
    return Learned(
        head,
        Taxonomy(tuple(taught_category([name]) for name in about["names"])),
        about["temperature"],
        Thresholds(**about["thresholds"]),
        [(all_, some, hits) for all_, some, hits in about["figures"]],
        about["network"],
    )
