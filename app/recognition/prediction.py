"""From the logits of a network to the answer that people and programs get."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, NotRequired, TypedDict

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from app.errors import ModelFault
from app.recognition.bundle import Bundle
from app.recognition.names import SEPARATOR, name_path
from app.recognition.taxonomy import Category, CategoryJson, Taxonomy, path_in
from app.texts import Name, Text, about

BEST = 4
GEN_EXPONENT, GEN_CLASSES = 0.1, 100
Probability = Annotated[float, about(Text("The calibrated probability, 0 to 1."), ge=0, le=1)]


class HeatmapJson(TypedDict):
    """Where the network looked for a category."""

    grid: Annotated[
        list[list[float]],
        about(Text("The share of the heat in each ninth of the photo, row by row from the upper left.")),
    ]
    words: Annotated[str, about(Text("The same as a sentence."))]


class GuessJson(CategoryJson):
    """A category with its probability."""

    probability: Probability
    heatmap: NotRequired[HeatmapJson]


class NodeJson(TypedDict):
    """A step from the department to the best category."""

    level: Annotated[int, about(Text("Counts from 1, the department."), ge=1)]
    name: Annotated[str, about(Text("The name of the step in the catalogue."))]
    name_en: Annotated[str, about(Text("The English name."))]
    name_fr: Annotated[str, about(Text("The French name."))]
    probability: Annotated[
        float, about(Text("The probability of all categories below it together."), ge=0, le=1)
    ]
    trusted: Annotated[bool, about(Text("Whether you can rely on it."))]


@dataclass(frozen=True)
class Guess:
    """A category with its calibrated probability in 0..1."""

    category: Category
    probability: float

    def to_json(self) -> GuessJson:
        """Return the documented JSON object of one category with its probability."""
        named = self.category.to_json()
        return {**named, "probability": round(self.probability, 6)}  # type: ignore[typeddict-item]  # no heatmap


class Verdict(StrEnum):
    """How far an answer can be relied on."""

    SURE = "sure"
    UNSURE = "unsure"
    NO_CATEGORY = "no_category"


VERDICT_WORDS = {
    Verdict.SURE.value: Text("Sure"),
    Verdict.UNSURE.value: Text("Not sure"),
    Verdict.NO_CATEGORY.value: Text("Probably none of the categories that the network knows"),
}
FORMER_VERDICT = "not_a_product"  # how release 0.2 called `NO_CATEGORY`; what it stored still says so
VERDICT_WORDS[FORMER_VERDICT] = VERDICT_WORDS[Verdict.NO_CATEGORY.value]
# By a person, before anybody relies on it.
NEEDS_REVIEW = frozenset({Verdict.UNSURE, Verdict.NO_CATEGORY, FORMER_VERDICT})


@dataclass(frozen=True)
class Node:
    """A step on the way from the root to the best category, with the probability of all leaves below.

    `level` counts from 1, the department; `name` is the tree's own. If the answer is likely enough to be
    sure, every step is `trusted`; otherwise those above the category whose probability reaches the bundle's
    path threshold.
    """

    level: int
    name: str
    name_en: str
    name_fr: str
    probability: float
    trusted: bool

    def to_json(self) -> NodeJson:
        """Return the documented JSON object of one step."""
        return {
            "level": self.level,
            "name": self.name,
            "name_en": self.name_en,
            "name_fr": self.name_fr,
            "probability": round(self.probability, 6),
            "trusted": self.trusted,
        }


class AnswerJson(TypedDict):
    """The answer for a photo or a product."""

    predictions: Annotated[list[GuessJson], about(Text("The most likely categories, best first."))]
    verdict: Annotated[
        str,
        Meta(extra_json_schema={"enum": [verdict.value for verdict in Verdict]}),
        about(Text("How far you can rely on the best category.")),
    ]
    in_words: Annotated[str, about(Text("The verdict as a sentence."))]
    needs_review: Annotated[bool, about(Text("True unless the verdict is sure."))]
    roll_up: Annotated[
        list[NodeJson],
        about(
            Text(
                "The steps from the department to the best category; read an unsure answer as the last step"
                " that is trusted."
            )
        ),
    ]


NO_ANSWER = dict.fromkeys(AnswerJson.__annotations__)  # beside the error of an unusable photo


@dataclass(frozen=True, eq=False)
class Prediction:
    """The answer of a network for one product: the most likely categories, and how far to trust them.

    `guesses` are the `BEST` categories, best first. `probabilities` float64 [categories] are calibrated, in
    the order of the catalogue that `taxonomy_version` names. A low `known_score` means that the photo shows
    nothing of these categories: another product, or none. `roll_up` leads from the root to the best category.
    """

    model: str
    taxonomy_version: str
    guesses: tuple[Guess, ...]
    probabilities: NDArray[np.float64]
    known_score: float
    verdict: Verdict
    roll_up: tuple[Node, ...]

    def to_json(self) -> AnswerJson:
        """Return the documented JSON fields of an answer."""
        steps = [node.to_json() for node in self.roll_up]
        return {
            "predictions": [guess.to_json() for guess in self.guesses],
            "verdict": self.verdict.value,
            "in_words": put_into_words(self.verdict.value, steps),
            "needs_review": self.verdict in NEEDS_REVIEW,
            "roll_up": steps,
        }


def put_into_words(verdict: str, steps: Iterable[Mapping[str, Any]]) -> Text:
    """Put a verdict and its roll-up into words: "Not sure: best read as Sports"."""
    words = VERDICT_WORDS[verdict]
    trusted = [step["name"] for step in steps if step["trusted"]]
    if verdict == Verdict.UNSURE and trusted:
        english, french = (SEPARATOR.join(name_path(trusted, trusted[-1], code)) for code in ("en", "fr"))
        return Text("%(verdict)s: best read as %(path)s", verdict=words, path=Name(english, french))
    return words


def predict(logits: NDArray[np.float32], bundle: Bundle) -> Prediction:
    """Turn the logits [classes] of one photo into the answer of `bundle`.

    Raises ModelFault for logits that are not finite.
    """
    if not np.isfinite(logits).all():
        raise ModelFault
    probabilities = bundle.catalogue.sum_up(calibrate(logits, bundle.temperature))
    return _answer(probabilities, known_score(logits), bundle)


def combine(predictions: Sequence[Prediction], bundle: Bundle) -> Prediction:
    """Combine the answers for the photos of one product by the mean of their probabilities."""
    probabilities = np.mean([prediction.probabilities for prediction in predictions], axis=0)
    scores = [prediction.known_score for prediction in predictions]
    return _answer(probabilities, float(np.mean(scores)), bundle)


def _answer(probabilities: NDArray[np.float64], score: float, bundle: Bundle) -> Prediction:
    catalogue = bundle.catalogue
    guesses = best_guesses(probabilities, catalogue.taxonomy)
    thresholds = bundle.thresholds
    likely = guesses[0].probability >= thresholds.sure
    verdict = Verdict.SURE if likely else Verdict.UNSURE
    if score < thresholds.known:
        verdict = Verdict.NO_CATEGORY
    best = guesses[0].category
    names = zip(best.path, path_in(best, "en"), path_in(best, "fr"), strict=True)
    sums = catalogue.tree.climb(probabilities, int(probabilities.argmax()))
    roll_up = tuple(
        Node(level, *name, float(sum_), bool(likely or (level < len(best.path) and sum_ >= thresholds.path)))
        for level, (name, sum_) in enumerate(zip(names, sums, strict=True), start=1)
    )
    return Prediction(
        model=bundle.model,
        taxonomy_version=catalogue.version,
        guesses=guesses,
        probabilities=probabilities,
        known_score=score,
        verdict=verdict,
        roll_up=roll_up,
    )


def known_score(logits: NDArray[np.float32]) -> float:
    """Score how much logits [classes] look like those of a known category: the negative generalised entropy.

    GEN (Liu, Lochman & Zach 2023, "GEN: Pushing the Limits of Softmax-Based Out-of-Distribution
    Detection", CVPR) with the paper's exponent and number of classes. Unlike the energy or
    the largest logit it does not depend on a shift of all logits, which training leaves free.
    """
    best = np.sort(calibrate(logits, 1.0))[-GEN_CLASSES:]
    return -float(((best * (1 - best)) ** GEN_EXPONENT).sum())


def calibrate(logits: NDArray[np.float32], temperature: float) -> NDArray[np.float64]:
    """Turn logits [..., classes] into probabilities by temperature scaling.

    Guo et al. 2017, "On Calibration of Modern Neural Networks", arXiv 1706.04599.
    """
    scaled = logits.astype(np.float64) / temperature
    powers = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def best_guesses(probabilities: NDArray[np.float64], taxonomy: Taxonomy) -> tuple[Guess, ...]:
    """Pick the `BEST` most likely categories from probabilities [classes], best first."""
    order = np.argsort(-probabilities, kind="stable")[:BEST]
    return tuple(Guess(taxonomy.categories[index], float(probabilities[index])) for index in order)
