"""A model soup: one network whose weights are the mean of several networks' weights.

Wortsman et al. 2022, "Model soups", arXiv 2203.05482: networks fine-tuned from the same weights lie so close
together that their mean is a network too, usually a better one, and it is as fast as each of them.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from app.data.dataset import PhotoSet, read_folder, split_calibration
from app.errors import TrainingError
from app.recognition.bundle import KERAS_WEIGHTS, Bundle, load_bundle
from app.recognition.network import build_network
from app.training.export import check_out, write_bundle
from app.training.train import check_val


def average(folders: Sequence[Path], data: Path, out: Path) -> None:
    """Write the bundle of the mean network of the bundles in `folders` to `out`.

    It is served like the first of them and calibrated on `data`, on which all were trained.
    Raises TrainingError for bundles that do not belong together, DataError and BundleError.
    """
    check_out(out)
    bundles = [load_bundle(folder) for folder in folders]
    first = bundles[0]
    for bundle in bundles[1:]:
        if bundle.held_out_sources != first.held_out_sources:
            raise TrainingError(f"{bundle.model} and {first.model} were calibrated on different sources.")
        if (bundle.architecture, bundle.taxonomy.version) != (first.architecture, first.taxonomy.version):
            raise TrainingError(
                f"{bundle.model} is another network than {first.model}, or for other categories."
            )
    photos = read_folder(data, "train", first.taxonomy)
    check_val(data, first.taxonomy)
    trained, held_out = split_calibration(photos, first.held_out_sources)
    network = build_network(first.architecture, len(first.taxonomy))
    members = []
    for bundle in bundles:
        network.load_weights(bundle.file(KERAS_WEIGHTS))
        members.append(network.get_weights())
    network.set_weights([np.mean(weights, axis=0) for weights in zip(*members, strict=True)])
    facts = {"architecture": first.architecture, "training": _facts(bundles, trained)}
    unfinished = out.with_name(f"{out.name}.soup") / out.name
    write_bundle(
        network,
        unfinished,
        first.taxonomy,
        first.preprocessing,
        trained=trained,
        calibration=held_out,
        manifest=facts,
    )
    shutil.rmtree(out, ignore_errors=True)
    unfinished.rename(out)
    shutil.rmtree(unfinished.parent)


def _facts(bundles: Sequence[Bundle], trained: PhotoSet) -> dict[str, object]:
    """Return the training of each member, and what they have in common."""
    runs = [bundle.manifest["training"] for bundle in bundles]
    return {
        "data": runs[0]["data"],
        "sources": sorted(trained.source_names()),
        "held_out_sources": bundles[0].held_out_sources,
        "members": runs,
    }
