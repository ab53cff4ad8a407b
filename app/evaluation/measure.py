"""How right a bundle is on labelled photos, measured through the very path that serves them."""

import io
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain, islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.errors import AppError
from app.evaluation.answers import Answers
from app.evaluation.curves import calibration_by_chance, reliability, risk_coverage
from app.evaluation.figures import (
    CategoryFigures,
    Confusion,
    Evaluation,
    Group,
    PerProduct,
    RollUp,
    VerdictFigures,
)
from app.evaluation.shares import Mask, Share, measure_interval, measure_shares
from app.recognition.bulk import classify_each
from app.recognition.bundle import Bundle
from app.recognition.prediction import BEST, Prediction, Verdict, combine
from app.recognition.service import ModelService
from app.training.calibration import expected_calibration_error
from app.training.dataset import PhotoSet, read_photos, source_of

Stream = Iterator[Prediction | AppError]
SIDES = (80, 200)  # px: the smallest public sets end at 80, Cdiscount's own photos have 180
PAIRS = 20


def measure(
    service: ModelService,
    data: Path,
    split: str = "val",
    categories: Path | None = None,
    watch: Callable[[Stream, int], Stream] = lambda answers, _: answers,
) -> tuple[Evaluation, PhotoSet]:
    """Classify the photos of a split, and of data/not_product where it exists, and judge the answers.

    `data` and `categories` are as in `read_photos`; `watch` passes the answers on and is told how many
    will come. Raises DataError as `read_photos` does, ModelNotReady when the network cannot be loaded.
    """
    service.wait()
    photos = read_photos(data, split, service.bundle.taxonomy, categories)
    others = sorted((data / "not_product").glob("*.jpg"))
    readers = chain(photos.readers(), (path.read_bytes for path in others))
    answers = watch(classify_each(service, readers), len(photos) + len(others))
    first = islice(answers, len(photos))
    return evaluate(photos, first, service.bundle, split, answers), photos


def evaluate(
    photos: PhotoSet,
    answers: Iterable[Prediction | AppError],
    bundle: Bundle,
    split: str = "val",
    of_no_product: Iterable[Prediction | AppError] = (),
) -> Evaluation:
    """Compare answers, in the order of `photos`, with labels; an unreadable photo counts as wrong.

    `of_no_product`, the answers to photos that show no product, is read after all of `answers`.
    """
    labels, everything = photos.labels, np.ones(len(photos), bool)
    of_photos, of_products, sides = _collect(photos, answers, bundle)
    marked = [_is_marked(answer) for answer in of_no_product]
    first, any4 = of_photos.right(labels), of_photos.right(labels, BEST)
    levels = of_photos.right_at_levels(labels, bundle)
    shares = partial(measure_shares, products=photos.products)
    confidence = of_photos.confidence
    steps, area = risk_coverage(confidence, first)
    verdicts = _verdicts(of_photos, first, shares)
    top1, top4, *by_level = shares([(right, everything) for right in (first, any4, *levels)])
    return Evaluation(
        model=bundle.model,
        taxonomy=bundle.taxonomy.version,
        split=split,
        photos=len(photos),
        products=len(np.unique(photos.products)),
        unreadable=int((~of_photos.read).sum()),
        top1=top1,
        top4=top4,
        levels=tuple(by_level),
        calibration_error=expected_calibration_error(confidence, first),
        calibration_interval=measure_interval(
            lambda rows: expected_calibration_error(confidence[rows], first[rows]), photos.products
        ),
        calibration_chance=calibration_by_chance(confidence),
        risk_area=area,
        risk_area_interval=measure_interval(
            lambda rows: risk_coverage(confidence[rows], first[rows])[1], photos.products
        ),
        verdicts=verdicts,
        roll_up=_roll_up(of_photos, levels, shares),
        not_product=_of_all(np.array(marked)) if marked else None,
        per_product=of_products,
        sources=_groups(_by_source(photos), first, shares),
        sizes=_groups(_by_size(sides), first, shares),
        categories=_by_category(labels, of_photos.ranked[:, 0], first, any4, bundle),
        confusions=_confusions(labels, of_photos, bundle),
        reliability=reliability(confidence, first),
        risk_coverage=steps,
    )


Shares = Callable[[list[tuple[Mask, Mask]]], list[Share]]


def _collect(
    photos: PhotoSet, answers: Iterable[Prediction | AppError], bundle: Bundle
) -> tuple[Answers, PerProduct | None, NDArray[np.int64]]:
    """Read all answers once: by photo, by product where any has several photos, and the longest sides.

    The probabilities of a product's photos are kept only until its last one has come.
    """
    class_of = bundle.taxonomy.class_of
    counts = Counter(photos.products.tolist())
    place = {product: row for row, product in enumerate(counts)}
    label_of = np.zeros(len(counts), int)
    waiting: defaultdict[int, list[Prediction | AppError]] = defaultdict(list)
    by_photo, by_product = Answers.empty(len(photos)), Answers.empty(len(counts))
    sides = np.zeros(len(photos), int)
    for row, answer in enumerate(answers):
        product = int(photos.products[row])
        label_of[place[product]] = photos.labels[row]
        waiting[product].append(answer)
        if isinstance(answer, Prediction):
            by_photo.put(row, answer, class_of)
            with Image.open(io.BytesIO(photos.read(row))) as picture:
                sides[row] = max(picture.size)
        if len(waiting[product]) == counts[product]:
            readable = [one for one in waiting.pop(product) if isinstance(one, Prediction)]
            if readable:
                by_product.put(place[product], combine(readable, bundle), class_of)
    several = len(counts) < len(photos)
    return by_photo, _per_product(by_product, label_of) if several else None, sides


def _per_product(answers: Answers, labels: NDArray[np.int64]) -> PerProduct:
    everything, first = np.ones(len(labels), bool), answers.right(labels)
    sure = answers.verdict == Verdict.SURE.value
    cases = [
        (first, everything),
        (answers.right(labels, BEST), everything),
        (sure, everything),
        (first, sure),
    ]
    return PerProduct(len(labels), *measure_shares(cases, np.arange(len(labels))))


def _verdicts(answers: Answers, first: Mask, shares: Shares) -> tuple[VerdictFigures, ...]:
    masks = [answers.verdict == verdict.value for verdict in Verdict]
    given = shares([(mask, np.ones_like(mask)) for mask in masks])
    right = shares([(first, mask) for mask in masks])
    return tuple(VerdictFigures(*row) for row in zip(map(str, Verdict), given, right, strict=True))


def _roll_up(answers: Answers, levels: Mask, shares: Shares) -> tuple[RollUp, ...]:
    depths = range(len(levels), -1, -1)
    masks = [answers.read & (answers.depth == depth) for depth in depths]
    given = shares([(mask, np.ones_like(mask)) for mask in masks])
    right = shares(
        [(levels[depth - 1], mask & (depth > 0)) for depth, mask in zip(depths, masks, strict=True)]
    )
    return tuple(RollUp(*row) for row in zip(depths, given, right, strict=True))


def _is_marked(answer: Prediction | AppError) -> bool:
    return isinstance(answer, Prediction) and answer.verdict is Verdict.NOT_A_PRODUCT


def _of_all(hits: Mask) -> Share:
    (share,) = measure_shares([(hits, np.ones_like(hits))], np.arange(len(hits)))
    return share


def _groups(masks: dict[str, Mask], first: Mask, shares: Shares) -> tuple[Group, ...]:
    found = {name: mask for name, mask in masks.items() if mask.any()}
    measured = shares([(first, mask) for mask in found.values()])
    return tuple(Group(name, share) for name, share in zip(found, measured, strict=True))


def _by_source(photos: PhotoSet) -> dict[str, Mask]:
    """Part the photos by the data set that their names begin with; others belong to none."""
    numbers, rows = np.unique(photos.sources, return_index=True)
    names = [source_of(Path(photos.name(row))) for row in rows.tolist()]
    return {name: photos.sources == number for name, number in zip(names, numbers, strict=True) if name}


def _by_size(sides: NDArray[np.int64]) -> dict[str, Mask]:
    """Part the photos by their longest side, px; 0 stands for those that could not be read."""
    small, large = SIDES
    return {
        f"up to {small} px": (sides > 0) & (sides <= small),
        f"{small + 1} to {large} px": (sides > small) & (sides <= large),
        f"over {large} px": sides > large,
        "not readable": sides == 0,
    }


def _by_category(
    labels: NDArray[np.int64], answered: NDArray[np.int64], first: Mask, any4: Mask, bundle: Bundle
) -> tuple[CategoryFigures, ...]:
    return tuple(
        CategoryFigures(
            slug=category.slug,
            name=category.name_en,
            photos=int((labels == label).sum()),
            top1=float(first[labels == label].mean()),
            top4=float(any4[labels == label].mean()),
            precision=float(first[answered == label].mean()) if label in answered else None,
        )
        for label, category in enumerate(bundle.taxonomy.categories)
        if label in labels
    )


def _confusions(labels: NDArray[np.int64], answers: Answers, bundle: Bundle) -> tuple[Confusion, ...]:
    """Find the pairs of categories taken for each other most often, in either direction."""
    wrong: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    for row in np.argsort(-answers.confidence, kind="stable").tolist():  # the most confident mistake first
        label, answered = int(labels[row]), int(answers.ranked[row, 0])
        if answers.read[row] and label != answered:
            wrong[label, answered].append(row)
    pairs = {(min(pair), max(pair)) for pair in wrong}
    worst = sorted(pairs, key=lambda pair: (-len(wrong[pair]) - len(wrong[pair[::-1]]), pair))[:PAIRS]
    names = [category.name_en for category in bundle.taxonomy.categories]
    return tuple(
        Confusion(names[a], names[b], len(wrong[a, b]), len(wrong[b, a]), _examples(wrong[a, b], wrong[b, a]))
        for a, b in worst
    )


def _examples(forth: list[int], back: list[int]) -> tuple[int, ...]:
    return tuple((forth[:1] + back[:1] + forth[1:] + back[1:])[:2])
