"""The networks on offer, which of them is the default, and why.

Read from the manifests alone, before a network is loaded; imports nothing that starts threads.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.errors import BundleError
from app.texts import Text

MANIFEST = "manifest.json"
CASE_STUDY = "inception-v3"
OWN = "own/categories"  # stands for what a visitor has taught; no folder of a bundle can have this name
TITLES = {
    CASE_STUDY: "Inception V3",
    "efficientnetv2-b0": "EfficientNetV2-B0",
    OWN: Text("Your categories"),
}
TOLERANCE = 0.02  # of top-1, by which the case study's network may trail the best and stay the default


@dataclass(frozen=True)
class Offer:
    """A bundle as its manifest describes it.

    `top1` in 0..1 is measured on sources of the training photos, `elsewhere` on sources that training never
    saw; None if that was never measured.
    """

    model: str
    taxonomy_version: str
    top1: float | None
    elsewhere: float | None = None


def title_of(model: str) -> str:
    """Return a network's name for people."""
    return TITLES.get(model, model)


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read a bundle's manifest without its weights. Raises BundleError."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BundleError(f"There is no trained network {folder.name}: its {MANIFEST} is missing.") from error
    except (OSError, ValueError) as error:
        raise BundleError(f"{folder.name}/{MANIFEST} cannot be read.") from error
    if not isinstance(manifest, dict):
        raise BundleError(f"{folder.name}/{MANIFEST} holds no JSON object.")
    if "product" in (thresholds := manifest.get("thresholds") or {}):  # as release 0.2 wrote it
        thresholds["known"] = thresholds.pop("product")
    return manifest


def find_offers(weights: Path) -> tuple[Offer, ...]:
    """Read the manifests in a folder of bundles, by name; skip those that cannot be read."""
    offers = []
    for path in sorted(weights.glob(f"*/{MANIFEST}")):
        try:
            manifest = read_manifest(path.parent)
            metrics = manifest.get("metrics", {})
            figures = metrics.get("top1"), metrics.get("elsewhere_top1")
            offers.append(Offer(path.parent.name, manifest["taxonomy"], *figures))
        except (BundleError, LookupError, AttributeError):
            continue
    return tuple(offers)


def choose_default(offers: Iterable[Offer]) -> str:
    """Name the default network.

    It is the case study's unless another one for the same categories is more accurate by more than
    `TOLERANCE`; then it is the most accurate of these. Without the case study's it is
    the most accurate of all.
    """
    offers = list(offers)
    own = next((offer for offer in offers if offer.model == CASE_STUDY), None)
    rivals = [offer for offer in offers if not own or _rivals(offer, own)]
    best = max(rivals, key=lambda offer: offer.top1 or 0.0, default=None)
    if best is None or (own and (own.top1 or 0.0) >= (best.top1 or 0.0) - TOLERANCE):
        return CASE_STUDY
    return best.model


def explain_default(offers: Iterable[Offer], default: str) -> Text:
    """Say in a sentence why `default` is the default."""
    offers = list(offers)
    title = title_of(default)
    if default != choose_default(offers):
        return Text(
            "%(network)s answers unless you choose, because the operator of this site chose it.",
            network=title,
        )
    own = next((offer for offer in offers if offer.model == default), None)
    better = [o for o in offers if own and _rivals(o, own) and (o.top1 or 0.0) > (own.top1 or 0.0)]
    if default == CASE_STUDY and better:
        return Text(
            "%(network)s answers unless you choose: it is the case study's network, and within "
            "%(points).0f points of the most accurate one.",
            network=title,
            points=TOLERANCE * 100,
        )
    return Text("%(network)s answers unless you choose: it is the most accurate one.", network=title)


def _rivals(offer: Offer, other: Offer) -> bool:
    """Tell whether two networks answer in the same categories."""
    return offer.taxonomy_version == other.taxonomy_version
