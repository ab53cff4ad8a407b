"""The numbers of an evaluation, in the shape in which a bundle stores them as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from app.evaluation.shares import Share


@dataclass(frozen=True)
class Group:
    """The photos of one data set or department, and their top-1."""

    name: str
    top1: Share


@dataclass(frozen=True)
class Size:
    """The photos whose longest side is over `over` and at most `most` px (None: no limit)."""

    over: int
    most: int | None
    top1: Share


@dataclass(frozen=True)
class CategoryFigures:
    """A category with photos; shares in 0..1, precision None if it was never the answer."""

    slug: str
    name: str
    photos: int
    top1: float
    top4: float
    precision: float | None


@dataclass(frozen=True)
class Confusion:
    """Two categories, by their slugs, that are confused with each other.

    `forth` photos of the first were answered with the second, `back` the other way round; `rows` are the
    rows in the photo set of up to two of these, the most confident.
    """

    first: str
    second: str
    forth: int
    back: int
    rows: tuple[int, ...]


@dataclass(frozen=True)
class Bin:
    """The answers given with a probability from `low` to `high`: how many, how sure, how right."""

    low: float
    high: float
    photos: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Step:
    """If only the surest `coverage` of all answers are kept, `risk` of them are wrong."""

    coverage: float
    risk: float


@dataclass(frozen=True)
class VerdictFigures:
    """A verdict: the share of answers that got it, and the share of those that name the right category."""

    verdict: str
    given: Share
    right: Share


@dataclass(frozen=True)
class RollUp:
    """The share of answers rolled up to a level (0: no node was trusted), and the share of those right."""

    level: int
    given: Share
    right: Share


@dataclass(frozen=True)
class PerProduct:
    """Figures of products, each judged by all its photos together."""

    products: int
    top1: Share
    top4: Share
    sure: Share
    sure_right: Share


@dataclass(frozen=True)
class Strangers:
    """The verdicts on photos of no category that the network knows.

    `at_promise` is the share that would be marked as none of its categories if exactly the promised share of
    the known ones, those of the evaluation's own photos, were taken for one of them.
    """

    sure: Share
    unsure: Share
    no_category: Share
    at_promise: Share


@dataclass(frozen=True)
class Evaluation:
    """All figures of a bundle on the photos of some splits.

    `levels` has the share of answers right at each level of the tree, the department first; `reliability`
    and the calibration figures cover the readable photos; `calibration_chance` is the error that a
    perfectly calibrated network would show by chance on as many; `per_product` is None if every product has
    one photo; `seldom_sure_right` is the share right among the sure answers that name a category seldom seen
    in training; `unknown` and `not_product` are about photos of other products and of no product, None
    without any; `elsewhere` has the figures on photos from sources that training never saw.
    """

    model: str
    taxonomy_version: str
    split: str
    photos: int
    products: int
    unreadable: int
    top1: Share
    top4: Share
    levels: tuple[Share, ...]
    calibration_error: float
    calibration_interval: tuple[float, float]
    calibration_chance: float
    risk_area: float
    risk_area_interval: tuple[float, float]
    verdicts: tuple[VerdictFigures, ...]
    roll_up: tuple[RollUp, ...]
    per_product: PerProduct | None
    seldom_sure_right: Share
    departments: tuple[Group, ...]
    sources: tuple[Group, ...]
    sizes: tuple[Size, ...]
    categories: tuple[CategoryFigures, ...]
    confusions: tuple[Confusion, ...]
    reliability: tuple[Bin, ...]
    risk_coverage: tuple[Step, ...]
    unknown: Strangers | None = None
    not_product: Strangers | None = None
    elsewhere: Evaluation | None = None

    def to_json(self) -> dict[str, Any]:
        """Return every figure as a JSON object, rounded to 6 digits."""
        figures: dict[str, Any] = _rounded(asdict(self))
        figures["taxonomy"] = figures.pop("taxonomy_version")
        return figures

    def metrics(self) -> dict[str, Any]:
        """Return the figures that a manifest holds, flat."""
        found = self._accuracy()
        for name, strangers in (("unknown", self.unknown), ("not_product", self.not_product)):
            if strangers:
                found[f"{name}_sure"] = strangers.sure.value
                found[f"{name}_marked"] = strangers.no_category.value
                found[f"{name}_at_promise"] = strangers.at_promise.value
        if self.elsewhere:
            found |= {f"elsewhere_{name}": value for name, value in self.elsewhere._accuracy().items()}
        return found

    def _accuracy(self) -> dict[str, Any]:
        sure, _, alarms = self.verdicts
        return {
            "split": self.split,
            "photos": self.photos,
            "unreadable": self.unreadable,
            "top1": self.top1.value,
            "top4": self.top4.value,
            "level1": self.levels[0].value,
            "calibration_error": self.calibration_error,
            "risk_area": self.risk_area,
            "coverage": sure.given.value,
            "sure_accuracy": sure.right.value,
            "false_alarms": alarms.given.value,
        }


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(inner) for inner in value]
    return value
