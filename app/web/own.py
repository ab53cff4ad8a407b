"""What a visitor has taught: who answers for it, and photos on their way into its categories."""

from threading import Lock
from typing import IO

from flask import session

from app.classifiers.classifier import COPY_SIDE, Classifier, Learned, OwnCategory
from app.classifiers.download import zip_bundle
from app.errors import NotTaught
from app.recognition.offers import OWN
from app.recognition.photos import thumbnail
from app.recognition.service import Service
from app.recognition.taxonomy import Taxonomy
from app.teaching.service import TaughtService
from app.web.classifying import decode
from app.web.sessions import history_owner
from app.web.site import site

TAUGHT = "taught"  # in the session: whether the visitor has taught anything, so that no page need look
_lesson = Lock()  # one at a time in a process: it uses all cores, and memory for sums


def own_classifier() -> Classifier:
    """Return the classifier of this visitor. Raises HistoryUnavailable."""
    return Classifier(site().classifiers, history_owner())


def choose_service(model: str = "") -> Service:
    """Return the service of a network, or for `OWN` of what the visitor has taught.

    Raises UnknownModel, NotTaught, ModelNotReady, HistoryUnavailable and ClassifiersUnavailable.
    """
    if model == OWN and site().settings.teach:
        return own_service(own_classifier())
    return site().models.service(model)


def own_service(classifier: Classifier) -> TaughtService:
    """Return the service of a classifier, taught anew if the site's network has changed.

    Raises NotTaught and ModelNotReady.
    """
    learned, network = classifier.learned(), site().models.service()
    if not learned:
        raise NotTaught
    service = learned.put_on(network) or learn(classifier).put_on(network)
    assert service
    return service


def own_taxonomy() -> Taxonomy:
    """Return the categories that the visitor's answers can name now, none if nothing was taught."""
    learned = own_classifier().learned()
    return learned.taxonomy if learned else Taxonomy(())


def add_photo(classifier: Classifier, category: OwnCategory, data: bytes) -> None:
    """Add an untrusted photo to a category. Raises as `decode` and the network do, and ClassifierFull."""
    service = site().models.service()
    base = service.require_ready()
    picture = decode(data)
    [features] = service.embed([picture])
    with site().gate:
        copy = thumbnail(picture, COPY_SIDE)
    classifier.add_photo(category, copy, features, base)


def learn(classifier: Classifier) -> Learned:
    """Teach the default network the photos of a classifier. Raises TooFewTaught and ModelNotReady."""
    with _lesson:
        return classifier.learn(site().models.service())


def write_bundle(classifier: Classifier) -> IO[bytes]:
    """Teach as `learn` does, and write what comes of it as a bundle in a zip file."""
    with _lesson:
        return zip_bundle(classifier.give_lesson(site().models.service()))


def has_taught() -> bool:
    """Tell whether this visitor has taught anything."""
    return site().settings.teach and bool(session.get(TAUGHT))
