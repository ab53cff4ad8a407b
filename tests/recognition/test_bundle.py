"""A bundle is whole and unaltered, or it is not loaded."""

import json
import shutil
from pathlib import Path

import pytest

from app.errors import BundleError
from app.recognition.bundle import FILES, KERAS_WEIGHTS, MANIFEST, Thresholds, load_bundle, write_manifest
from app.recognition.service import ModelService
from app.settings import DEFAULT_MODEL, ROOT

SHIPPED = ROOT / "weights" / DEFAULT_MODEL


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return shutil.copytree(SHIPPED, tmp_path / "copy")


def test_the_shipped_bundle_loads() -> None:
    bundle = load_bundle(SHIPPED)
    assert bundle.model == DEFAULT_MODEL
    assert bundle.temperature > 0
    assert len(bundle.taxonomy) == len(bundle.manifest["classes"])


def test_a_threshold_that_release_0_2_wrote_is_read(copy: Path) -> None:
    manifest = json.loads((copy / MANIFEST).read_text())
    (copy / MANIFEST).write_text(json.dumps(manifest | {"thresholds": {"sure": 0.9, "product": -7.5}}))
    assert load_bundle(copy).thresholds == Thresholds(sure=0.9, known=-7.5)


@pytest.mark.parametrize("name", FILES)
def test_an_altered_file_is_named(copy: Path, name: str) -> None:
    data = bytearray((copy / name).read_bytes())
    data[len(data) // 2] ^= 1
    (copy / name).write_bytes(data)
    with pytest.raises(BundleError, match=name):
        load_bundle(copy).file(name)


@pytest.mark.parametrize("name", FILES)
def test_a_truncated_file_is_named(copy: Path, name: str) -> None:
    data = (copy / name).read_bytes()
    (copy / name).write_bytes(data[: len(data) // 2])
    with pytest.raises(BundleError, match=name):
        load_bundle(copy).file(name)


@pytest.mark.parametrize("name", [*FILES, MANIFEST])
def test_a_missing_file_is_named(copy: Path, name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(BundleError, match=name):
        load_bundle(copy).file(name)


def test_a_server_needs_no_keras_weights(copy: Path) -> None:
    (copy / KERAS_WEIGHTS).unlink()
    service = ModelService(copy)
    service.wait()
    assert service.state()["status"] == "ready"


def test_writing_the_manifest_anew_does_not_vouch_for_a_file_that_was_altered(copy: Path) -> None:
    manifest = load_bundle(copy).manifest
    (copy / KERAS_WEIGHTS).write_bytes(b"")
    write_manifest(copy, manifest | {"temperature": 2.0})
    bundle = load_bundle(copy)
    assert bundle.temperature == 2.0
    with pytest.raises(BundleError, match=KERAS_WEIGHTS):
        bundle.file(KERAS_WEIGHTS)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"files": 3}'])
def test_a_manifest_of_another_shape_is_refused(copy: Path, text: str) -> None:
    (copy / MANIFEST).write_text(text)
    with pytest.raises(BundleError, match=MANIFEST):
        load_bundle(copy)


def test_classes_that_do_not_fit_the_taxonomy_are_refused(copy: Path) -> None:
    manifest = json.loads((copy / MANIFEST).read_text())
    manifest["classes"].reverse()
    write_manifest(copy, manifest)
    with pytest.raises(BundleError, match="classes"):
        load_bundle(copy)
