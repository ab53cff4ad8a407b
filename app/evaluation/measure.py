"""How accurate a bundle is on labelled photos, measured through the path that serves them."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain, islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.data.dataset import FolderFiles, PhotoSet, has_val, read_measured
from app.errors import AppError, DataError
from app.evaluation.answers import Answers
from app.evaluation.card import save_evaluation
from app.evaluation.curves import (
    calibration_by_chance,
    expected_calibration_error,
    reliability,
    risk_coverage,
)
from app.evaluation.figures import (
    CategoryFigures,
    Confusion,
    Evaluation,
    Group,
    PerProduct,
    RollUp,
    Size,
    Strangers,
    VerdictFigures,
)
from app.evaluation.shares import Mask, Share, measure_error_interval, measure_interval, measure_shares
from app.recognition.bulk import classify_each
from app.recognition.bundle import KNOWN, Bundle, find_seldom_seen
from app.recognition.folders import photo_files
from app.recognition.photos import PHOTO_FAULTS, read_size
from app.recognition.prediction import BEST, Prediction, Verdict, combine
from app.recognition.service import ModelService

Stream = Iterator[Prediction | AppError]
Watch = Callable[[Stream, int], Stream]
SIDES = ((0, 80), (80, 200), (200, None))  # px: the smallest sets end at 80, Cdiscount's own photos have 180
PAIRS = 20


def pass_on(answers: Stream, _number: int) -> Stream:
    """Watch nothing."""
    return answers


def measure(
    service: ModelService,
    data: Path,
    split: str = "val",
    elsewhere: str = "",
    categories: Path | None = None,
    watch: Watch = pass_on,
) -> tuple[Evaluation, PhotoSet]:
    """Classify the photos of some splits, and judge the answers; return the photos of `split` too.

    `split` and `elsewhere`, photos from sources that training never saw, are as in `read_measured`. Photos of
    other categories there and in data/unknown, and those in data/not_product, are judged apart. `watch`
    passes the answers on and gets their number. Raises DataError as `read_measured` does and for files that
    cannot be read, ModelNotReady if the network cannot be loaded, ModelFault if it gives no usable answer.
    """
    bundle = service.wait()
    photos, unknown = read_measured(data, split, bundle.taxonomy, categories)
    theirs, more = read_measured(data, elsewhere, bundle.taxonomy) if elsewhere else (None, [])
    unknown += more + _photos_in(data / "unknown")
    not_product = _photos_in(data / "not_product")
    sets = (photos.readers(), _readers(unknown), _readers(not_product), theirs.readers() if theirs else ())
    count = len(photos) + len(unknown) + len(not_product) + (len(theirs) if theirs else 0)
    answers = watch(classify_each(service, chain(*sets)), count)
    evaluation = evaluate(
        photos,
        islice(answers, len(photos)),
        bundle,
        split,
        of_unknown=islice(answers, len(unknown)),
        of_no_product=islice(answers, len(not_product)),
    )
    if theirs:
        evaluation = replace(evaluation, elsewhere=evaluate(theirs, answers, bundle, elsewhere))
    return evaluation, photos


def _readers(paths: Sequence[Path]) -> Iterator[Callable[[], bytes]]:
    return (partial(FolderFiles(paths).read, number) for number in range(len(paths)))


def _photos_in(folder: Path) -> list[Path]:
    return photo_files(folder).photos if folder.is_dir() else []


def measure_and_save(
    folder: Path, data: Path, categories: Path | None = None, watch: Watch = pass_on
) -> None:
    """Measure the bundle in `folder` on the validation photos, if any, and save figures and plots in it.

    Raises as `measure` does.
    """
    if has_val(data):
        service = ModelService(folder)
        evaluation, _ = measure(service, data, categories=categories, watch=watch)
        save_evaluation(service.wait(), evaluation)


def evaluate(
    photos: PhotoSet,
    answers: Iterable[Prediction | AppError],
    bundle: Bundle,
    split: str = "val",
    of_unknown: Iterable[Prediction | AppError] = (),
    of_no_product: Iterable[Prediction | AppError] = (),
) -> Evaluation:
    """Compare answers, in the order of `photos`, with labels; an unreadable photo counts as wrong.

    `of_unknown`, the answers for products of other categories, is read after all of `answers`, and
    `of_no_product` after that.
    Raises DataError if no photo could be read, and any fault that is not a photo's.
    """
    labels, everything = photos.labels, np.ones(len(photos), bool)
    of_photos, of_products, sides = _collect(photos, _of_photos(answers), bundle)
    unknown, not_product = list(_of_photos(of_unknown)), list(_of_photos(of_no_product))
    if not (read := of_photos.read).any():
        raise DataError(f"None of the {len(photos)} photos can be read.")
    first, any4 = of_photos.right(labels), of_photos.right(labels, BEST)
    levels = of_photos.right_at_levels(labels, bundle)
    shares = partial(measure_shares, products=photos.products)
    confidence = of_photos.confidence
    steps, area = risk_coverage(confidence, first)
    verdicts = _verdicts(of_photos, first, shares)
    claimed, correct = confidence[read], first[read]
    chance = calibration_by_chance(claimed)
    limit = float(np.quantile(of_photos.score[read], 1 - KNOWN))
    seldom = find_seldom_seen(bundle.manifest, bundle.taxonomy)
    names_seldom = np.isin(of_photos.ranked[:, 0], [bundle.taxonomy.class_of[slug] for slug in seldom])
    surely_seldom = names_seldom & (of_photos.verdict == Verdict.SURE.value)
    top1, top4, *by_level = shares([(right, everything) for right in (first, any4, *levels)])
    return Evaluation(
        model=bundle.model,
        taxonomy_version=bundle.taxonomy.version,
        split=split,
        photos=len(photos),
        products=len(np.unique(photos.products)),
        unreadable=int((~read).sum()),
        top1=top1,
        top4=top4,
        levels=tuple(by_level),
        calibration_error=expected_calibration_error(claimed, correct),
        calibration_interval=measure_error_interval(
            lambda rows: expected_calibration_error(claimed[rows], correct[rows]),
            chance,
            photos.products[read],
        ),
        calibration_chance=chance,
        risk_area=area,
        risk_area_interval=measure_interval(
            lambda rows: risk_coverage(confidence[rows], first[rows])[1], photos.products
        ),
        verdicts=verdicts,
        roll_up=_roll_up(of_photos, levels, shares),
        per_product=of_products,
        seldom_sure_right=shares([(first, surely_seldom)])[0],
        departments=_by_department(labels, first, bundle, shares),
        sources=_by_source(photos, first, shares),
        sizes=_by_size(sides, first, shares),
        categories=_by_category(labels, of_photos.ranked[:, 0], first, any4, bundle),
        confusions=_confusions(labels, of_photos, bundle),
        reliability=reliability(claimed, correct),
        risk_coverage=steps,
        unknown=_strangers(unknown, limit),
        not_product=_strangers(not_product, limit),
    )


def _of_photos(answers: Iterable[Prediction | AppError]) -> Stream:
    """Pass on answers and the faults of photos; raise the faults of the disk or the network."""
    for answer in answers:
        if isinstance(answer, AppError) and not isinstance(answer, PHOTO_FAULTS):
            raise answer
        yield answer


Shares = Callable[[list[tuple[Mask, Mask]]], list[Share]]


def _collect(
    photos: PhotoSet, answers: Iterable[Prediction | AppError], bundle: Bundle
) -> tuple[Answers, PerProduct | None, NDArray[np.int64]]:
    """Read all answers once: by photo, by product if any has several photos, and the longest sides.

    Keeps the probabilities of a product's photos only until its last one has arrived.
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
            sides[row] = max(read_size(photos.read(row)))
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


def _strangers(answers: Sequence[Prediction | AppError], limit: float) -> Strangers | None:
    """Judge answers for photos of no known category; `limit` is the score of the promised share of others."""
    if not answers:
        return None
    read = [answer if isinstance(answer, Prediction) else None for answer in answers]
    hits = [[answer is not None and answer.verdict is verdict for answer in read] for verdict in Verdict]
    hits.append([answer is not None and answer.known_score < limit for answer in read])
    everything = np.ones(len(read), bool)
    return Strangers(*measure_shares([(np.array(hit), everything) for hit in hits], np.arange(len(read))))


def _by_department(
    labels: NDArray[np.int64], first: Mask, bundle: Bundle, shares: Shares
) -> tuple[Group, ...]:
    """Measure the photos of each department that has some."""
    of_class = np.array([category.level1 for category in bundle.taxonomy.categories])
    departments = of_class[labels]
    names = np.unique(departments).tolist()
    return tuple(map(Group, names, shares([(first, departments == name) for name in names])))


def _by_source(photos: PhotoSet, first: Mask, shares: Shares) -> tuple[Group, ...]:
    """Measure the photos of each data set."""
    names = photos.source_names()
    measured = shares([(first, photos.sources == number) for number in names.values()])
    return tuple(Group(name, share) for name, share in zip(names, measured, strict=True))


def _by_size(sides: NDArray[np.int64], first: Mask, shares: Shares) -> tuple[Size, ...]:
    """Measure the readable photos by their longest side in px; it is 0 for the others."""
    masks = [(sides > over) & (sides <= (most or np.inf)) for over, most in SIDES]
    measured = shares([(first, mask) for mask in masks])
    return tuple(
        Size(over, most, share)
        for (over, most), share in zip(SIDES, measured, strict=True)
        if share.value is not None
    )


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
    """Find the pairs of categories most often confused, with their most confident mistakes."""
    wrong: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    mistakes = np.flatnonzero(answers.read & ~answers.right(labels))
    for row in mistakes[np.argsort(-answers.confidence[mistakes], kind="stable")].tolist():
        wrong[int(labels[row]), int(answers.ranked[row, 0])].append(row)
    pairs = {(min(pair), max(pair)) for pair in wrong}
    worst = sorted(pairs, key=lambda pair: (-len(wrong[pair]) - len(wrong[pair[::-1]]), pair))[:PAIRS]
    slugs = [category.slug for category in bundle.taxonomy.categories]
    return tuple(
        Confusion(
            first=slugs[a],
            second=slugs[b],
            forth=len(wrong[a, b]),
            back=len(wrong[b, a]),
            rows=_examples(wrong[a, b], wrong[b, a]),
        )
        for a, b in worst
    )


def _examples(forth: list[int], back: list[int]) -> tuple[int, ...]:
    return tuple((forth[:1] + back[:1] + forth[1:] + back[1:])[:2])
