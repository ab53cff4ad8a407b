"""The numbers of an evaluation, in the shape in which a bundle stores them as JSON."""

from dataclasses import asdict, dataclass
from typing import Any

from app.evaluation.shares import Share


@dataclass(frozen=True)
class Group:
    """The photos of one data set, and their top-1."""

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
class Evaluation:
    """All figures of a bundle on one split.

    `levels` has the share of answers right at each level of the tree, the department first; `reliability`
    and the calibration figures cover the readable photos; `calibration_chance` is the error that a
    perfectly calibrated network would show by chance on as many; `not_product` is the share of photos
    without a product that were marked so, `not_product_at_promise` that share if exactly the promised share
    of products were marked too; `per_product` is None if every product has one photo.
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
    not_product: Share | None
    not_product_at_promise: Share | None
    per_product: PerProduct | None
    sources: tuple[Group, ...]
    sizes: tuple[Size, ...]
    categories: tuple[CategoryFigures, ...]
    confusions: tuple[Confusion, ...]
    reliability: tuple[Bin, ...]
    risk_coverage: tuple[Step, ...]

    def to_json(self) -> dict[str, Any]:
        """Return every figure as a JSON object, rounded to 6 digits."""
        figures: dict[str, Any] = _rounded(asdict(self))
        figures["taxonomy"] = figures.pop("taxonomy_version")
        return figures

    def metrics(self) -> dict[str, Any]:
        """Return the figures that a manifest holds, flat."""
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
            "not_product_marked": self.not_product.value if self.not_product else None,
            "not_product_at_promise": self.not_product_at_promise.value
            if self.not_product_at_promise
            else None,
        }


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(inner) for inner in value]
    return value
