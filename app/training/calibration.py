"""Calibration: the temperature of a network and the thresholds of its promises."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import betaincinv

from app.data.dataset import PhotoSet
from app.errors import DataError
from app.recognition.bundle import (
    KNOWN,
    NEVER,
    RIGHT,
    Bundle,
    Thresholds,
    load_bundle,
    write_manifest,
)
from app.recognition.engines import OpenVinoEngine
from app.recognition.prediction import Prediction, calibrate, predict
from app.recognition.preprocess import preprocess
from app.recognition.taxonomy import Category

ROWS_AT_ONCE = 512
MOST_PHOTOS = 10_000  # more improve no figure, and their logits fill the memory
RISK_OF_LUCK = 0.1  # the accepted probability that easy photos make a promise fail on others


def calibrate_bundle(folder: Path, photos: PhotoSet) -> None:
    """Fit temperature and thresholds of the bundle in `folder` to `photos`, and rewrite its manifest.

    Runs the serving engine. The network must not have been trained on these photos.
    Raises BundleError, and DataError if no photo can be read.
    """
    if not len(photos):
        raise DataError("There is no photo to calibrate with: of so few none is held out from training.")
    bundle = load_bundle(folder)
    photos = photos.subset(np.linspace(0, len(photos) - 1, min(len(photos), MOST_PHOTOS)).astype(np.int64))
    logits, labels = _run(bundle, photos)
    bundle = replace(bundle, temperature=fit_temperature(logits, labels))
    answers = (predict(row, bundle) for row in logits)
    thresholds = fit_thresholds(answers, [bundle.taxonomy.categories[label] for label in labels])
    fitted = {
        "temperature": bundle.temperature,
        "thresholds": asdict(thresholds),
        "calibrated_on": len(labels),
    }
    write_manifest(folder, bundle.manifest | fitted)


def _run(bundle: Bundle, photos: PhotoSet) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return the logits [n, classes] of the photos that can be read, and their labels [n]."""
    engine = OpenVinoEngine(bundle)
    rows, logits = [], []
    for row in range(len(photos)):
        near, photo = photos.open_near(row)
        rows.append(near)
        logits.append(engine.run(preprocess(photo, bundle.preprocessing)[None]))
    return np.concatenate(logits), photos.labels[rows]


def fit_temperature(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Find the temperature, 0.1 to 10, at which mean confidence equals accuracy.

    Expectation consistency (Clarte et al. 2023, arXiv 2303.02644): networks trained on softened
    labels stay too sure at the likeliest temperature. `logits` [n, classes], `labels` [n] indices.
    """
    accuracy = (logits.argmax(axis=1) == labels).mean()
    parts = np.array_split(logits, -(-len(logits) // ROWS_AT_ONCE))  # of 5,270 classes a copy is large

    def excess(log_temperature: float) -> float:
        claimed = [calibrate(part, np.exp(log_temperature)).max(axis=1) for part in parts]
        return float(np.concatenate(claimed).mean() - accuracy)

    low, high = np.log(0.1), np.log(10.0)
    if excess(low) <= 0:
        return 0.1
    return float(np.exp(brentq(excess, low, high))) if excess(high) < 0 else 10.0


def fit_thresholds(answers: Iterable[Prediction], truths: Iterable[Category]) -> Thresholds:
    """Find the thresholds that keep the promises on `answers`, whose right categories are `truths`.

    An answer may be for one photo or for all photos of a product.
    """
    pairs = list(zip(answers, truths, strict=True))
    best = [answer.guesses[0] for answer, _ in pairs]
    right = [guess.category == truth for guess, (_, truth) in zip(best, pairs, strict=True)]
    sure = _fit_sure(np.array([guess.probability for guess in best]), np.array(right))
    nonconformity = np.array([_nonconformity(answer, truth, sure) for answer, truth in pairs])
    return Thresholds(
        sure=sure,
        path=_fit_path(nonconformity),
        known=_fit_known(np.array([answer.known_score for answer, _ in pairs])),
    )


def _nonconformity(answer: Prediction, truth: Category, sure: float) -> float:
    """Return the highest path threshold at which `answer` trusts a node that is not above `truth`.

    It is 0 if it never does, and `NEVER` if it does at any threshold.
    """
    believed = answer.guesses[0].category.path
    if answer.guesses[0].probability >= sure:
        return 0.0 if believed == truth.path else NEVER
    wrong = (n.probability for n in answer.roll_up[:-1] if believed[: n.level] != truth.path[: n.level])
    return next(wrong, 0.0)


def _fit_sure(confidences: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """Find the lowest confidence above which `RIGHT` of the answers are right, with high probability.

    Selection with guaranteed risk (Geifman & El-Yaniv 2017, arXiv 1705.08500) by the binomial bound
    of Clopper & Pearson, without the correction for the search: on some hundred photos that would leave
    hardly any answer sure.
    """
    order = np.argsort(-confidences, kind="stable")
    counts, wrong = np.arange(1, len(order) + 1), np.cumsum(~right[order])
    risks = betaincinv(wrong + 1, counts - wrong, 1 - RISK_OF_LUCK)  # NaN if every answer is wrong
    last_of_equals = np.append(confidences[order][1:] < confidences[order][:-1], True)
    kept = np.flatnonzero((risks <= 1 - RIGHT) & last_of_equals)
    return float(confidences[order][kept[-1]]) if len(kept) else NEVER


def _fit_known(scores: NDArray[np.float64]) -> float:
    """Find the highest score under which at most 1 - `KNOWN` of the photos fall, with high probability.

    By the bound of `_fit_sure`; no photo falls under the score that a handful of photos gives.
    """
    from scipy.stats import beta

    below = np.arange(len(scores))
    risks = beta.ppf(1 - RISK_OF_LUCK, below + 1, len(scores) - below)
    return float(np.sort(scores)[max(0, int((risks <= 1 - KNOWN).sum()) - 1)])


def _fit_path(scores: NDArray[np.float64]) -> float:
    """Find the probability above which the deepest trusted node is right for `RIGHT` of the photos.

    `scores` [n] are what `_nonconformity` returns; an answer that trusts no node claims nothing and is not
    wrong. Goren et al. 2024, arXiv 2405.11533, by the quantile of split conformal prediction: it holds on
    average over new photos, without the safety margin of `_fit_sure`.
    """
    rank = int(np.ceil((len(scores) + 1) * RIGHT))
    return float(np.nextafter(np.sort(scores)[rank - 1], NEVER)) if rank <= len(scores) else NEVER
