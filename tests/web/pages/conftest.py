"""A made-up network that the pages show."""

from pathlib import Path

import pytest
from made_up import MANIFEST, small_bundle, small_evaluation

from app.evaluation.card import save_evaluation
from app.recognition.bundle import FILES, TAXONOMY, write_manifest
from app.recognition.taxonomy import write_taxonomy


@pytest.fixture(scope="session")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the bundle "small": 4 categories and an evaluation, whose plots take a second to draw."""
    folder = tmp_path_factory.mktemp("evaluated")
    for name in FILES:
        (folder / name).touch()
    write_taxonomy(folder / TAXONOMY, small_bundle().taxonomy.categories)
    write_manifest(folder, MANIFEST)
    save_evaluation(small_bundle(folder), small_evaluation())
    return folder
