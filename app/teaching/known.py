"""What a bundle knows of the features of its own categories, as sums: no photo can be made from them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from app.data.dataset import PhotoSet, sample
from app.errors import AppError, BundleError
from app.recognition.bulk import ask_each
from app.recognition.bundle import Bundle, checksum, write_manifest
from app.recognition.offers import read_manifest
from app.recognition.service import ModelService
from app.teaching.head import Known, Sums, sum_up

KNOWN = "known.npz"
PER_CATEGORY, IN_ALL = 60, 20_000  # photos; more hardly move a mean


def read_known(bundle: Bundle) -> Known | None:
    """Read what a bundle knows; None if it has no such file. Raises BundleError for a damaged one."""
    if KNOWN not in bundle.manifest.get("files", {}):
        return None
    try:
        with np.load(bundle.file(KNOWN), allow_pickle=False) as stored:
            counts, means, deviations, triangle, spread = (
                stored[name].astype(float)
                for name in ("counts", "means", "deviations", "correlation", "spread")
            )
            freedom = float(stored["freedom"])
    except (OSError, ValueError, KeyError) as error:
        raise BundleError(f"{bundle.model}/{KNOWN} cannot be read: {error}.") from error
    upper = np.zeros((len(spread), len(spread)))
    upper[np.triu_indices(len(spread))] = triangle
    correlation = upper + np.triu(upper, 1).T
    roots = means * counts[:, None]
    sums = Sums(counts, roots, np.zeros_like(correlation), freedom)
    within = correlation * deviations * deviations[:, None] * sums.whole_freedom
    return Known(replace(sums, squares=within + roots.T @ means), spread)


def write_known(folder: Path, known: Known) -> None:
    """Write what is known into the bundle in `folder`, and its digest into the manifest."""
    covariance = known.sums.covariance
    deviations = np.sqrt(covariance.diagonal().clip(min=1e-12))
    correlation = covariance / (deviations * deviations[:, None])
    np.savez_compressed(
        folder / KNOWN,
        counts=known.sums.counts.astype(np.int32),
        freedom=known.sums.freedom,
        means=known.sums.means.astype(np.float16),
        deviations=deviations.astype(np.float32),
        correlation=correlation.clip(-1, 1)[np.triu_indices(len(deviations))].astype(np.float16),
        spread=known.spread.astype(np.float32),
    )
    manifest = read_manifest(folder)
    write_manifest(folder, manifest | {"files": manifest["files"] | {KNOWN: checksum(folder / KNOWN)}})


def learn_known(folder: Path, photos: PhotoSet) -> None:
    """Write what the bundle in `folder` knows, by some photos of each category that it was trained on."""
    service = ModelService(folder)
    classes = len(service.wait().taxonomy)
    photos = sample(photos, max(2, min(PER_CATEGORY, IN_ALL // classes)), seed=1)
    answers = list(ask_each(service, photos.readers(), service.embed))
    read = {row: one for row, one in enumerate(answers) if not isinstance(one, AppError)}
    sums = sum_up(np.stack(list(read.values())), photos.labels[list(read)], classes)
    write_known(folder, Known(sums, sums.spread))
