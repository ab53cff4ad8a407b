"""Categories of one's own, from their photos to answers; on a network that starts in no time."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from small_bundle import write_small_bundle

from app.classifiers import open_classifiers
from app.classifiers.classifier import COPY_SIDE, NAME_LENGTH, Classifier, OwnCategory
from app.errors import BadRequest, ClassifierFull, NotFound, TooFewTaught
from app.recognition.offers import OWN
from app.recognition.photos import open_photo, thumbnail
from app.recognition.prediction import calibrate
from app.recognition.service import ModelService
from app.settings import Settings
from app.teaching.service import TaughtService


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> ModelService:
    return ModelService(write_small_bundle(tmp_path_factory.mktemp("network")))


@pytest.fixture
def classifier(tmp_path: Path) -> Classifier:
    return Classifier(open_classifiers(Settings(instance=tmp_path)), "owner-ann")


def add(classifier: Classifier, network: ModelService, name: str, files: Sequence[Path]) -> OwnCategory:
    category = classifier.add_category(name)
    for file in files:
        photo = open_photo(file.read_bytes())
        [features] = network.embed([photo])
        classifier.add_photo(category, thumbnail(photo, COPY_SIDE), features, network.wait())
    return classifier.category(category.id)


@pytest.fixture
def taught(classifier: Classifier, network: ModelService, drawings: Path) -> TaughtService:
    for name in ("disc", "frame", "stripes"):
        add(classifier, network, name, sorted((drawings / "train" / name).iterdir()))
    classifier.learn(network)
    learned = classifier.learned()
    service = learned.put_on(network) if learned else None
    assert service
    return service


def test_new_photos_are_named_by_the_categories_that_were_taught(
    taught: TaughtService, drawings: Path
) -> None:
    photos = {path: path.parent.name for path in sorted((drawings / "val").glob("*/*"))}
    answers = {path: taught.predict(open_photo(path.read_bytes())) for path in photos}
    right = [answers[path].guesses[0].category.name_en == name for path, name in photos.items()]
    assert np.mean(right) > 0.8
    assert {answer.model for answer in answers.values()} == {OWN}


def test_an_explanation_is_of_the_answer_and_its_heat_adds_up_to_it(
    taught: TaughtService, drawings: Path
) -> None:
    photo = open_photo(next((drawings / "val" / "disc").iterdir()).read_bytes())
    explanation, answer = taught.explain(photo), taught.predict(photo)
    np.testing.assert_allclose(explanation.prediction.probabilities, answer.probabilities, atol=0.02)
    look = explanation.look
    heat = look.features.mean(axis=(0, 1)) @ look.weights.T
    biases = taught._head.biases - taught._head.biases.mean()
    np.testing.assert_allclose(
        calibrate(heat + biases, 1.0), calibrate(look.logits - look.logits.mean(), 1.0), atol=1e-3
    )


def test_figures_come_from_cross_validation_once_two_categories_have_five_photos(
    classifier: Classifier, network: ModelService, drawings: Path
) -> None:
    files = {name: sorted((drawings / "train" / name).iterdir()) for name in ("disc", "frame")}
    add(classifier, network, "disc", files["disc"][:5])
    add(classifier, network, "frame", files["frame"][:4])
    assert not classifier.learn(network).is_measured
    add(classifier, network, "frame", files["frame"][4:6])
    learned = classifier.learn(network)
    assert learned.is_measured
    assert [photos for photos, _, _ in learned.figures] == [5, 6]
    assert all(0 <= right <= measured <= photos for photos, measured, right in learned.figures)


@pytest.mark.usefixtures("taught")
def test_what_was_learned_comes_back_as_it_was(classifier: Classifier) -> None:
    learned = classifier.learned()
    assert learned
    assert learned.photos == 24
    assert [category.name_en for category in learned.taxonomy.categories] == ["disc", "frame", "stripes"]


def test_features_of_another_network_are_made_anew(
    classifier: Classifier, network: ModelService, drawings: Path
) -> None:
    for name in ("disc", "frame"):
        category = classifier.add_category(name)
        photo = open_photo(next((drawings / "train" / name).iterdir()).read_bytes())
        classifier.add_photo(category, thumbnail(photo), np.zeros(3, np.float32), network.wait())
    store, owner = classifier._store, classifier._owner
    for name in store.names(owner):
        if name.startswith("vector/"):
            store.put(owner, {name: b"of another network"})
    assert classifier.learn(network).head.weights.shape == (2, 8)


def test_one_category_or_none_teaches_nothing(
    classifier: Classifier, network: ModelService, drawings: Path
) -> None:
    classifier.add_category("empty")
    add(classifier, network, "disc", sorted((drawings / "train" / "disc").iterdir()))
    with pytest.raises(TooFewTaught):
        classifier.learn(network)
    assert classifier.learned() is None


def test_a_name_is_tidied_and_stands_for_one_category(classifier: Classifier) -> None:
    first = classifier.add_category("  Crêpières \n de   fonte ")
    assert classifier.add_category("CREPIERES DE FONTE") == first
    assert [one.name for one in classifier.categories()] == ["Crêpières de fonte"]
    assert len(classifier.add_category("x" * 1000).name) == NAME_LENGTH
    with pytest.raises(BadRequest):
        classifier.add_category(" \n ")


def test_photos_and_categories_can_be_removed(
    classifier: Classifier, network: ModelService, drawings: Path
) -> None:
    files = sorted((drawings / "train" / "disc").iterdir())[:3]
    category = add(classifier, network, "disc", files)
    other = add(classifier, network, "frame", files[:1])
    classifier.remove_photos(category, category.photos[:1])
    assert classifier.category(category.id).photos == category.photos[1:]
    with pytest.raises(NotFound):
        classifier.copy(category.id, category.photos[0])
    classifier.remove(category)
    assert classifier.categories() == [other]
    classifier.clear()
    assert classifier.categories() == []


def test_there_is_a_limit_to_categories_and_photos(
    classifier: Classifier, network: ModelService, drawings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.classifiers.classifier.MOST_CATEGORIES", 2)
    monkeypatch.setattr("app.classifiers.classifier.MOST_TAUGHT", 3)
    files = sorted((drawings / "train" / "disc").iterdir())
    add(classifier, network, "one", files[:2])
    add(classifier, network, "two", files[:1])
    with pytest.raises(ClassifierFull):
        classifier.add_category("three")
    with pytest.raises(ClassifierFull):
        add(classifier, network, "two", files[:1])
