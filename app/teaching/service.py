"""A taught head at work on the features of a network that is loaded anyway."""

from __future__ import annotations

from PIL import Image

from app.recognition.bundle import Bundle
from app.recognition.engines import Look, centre, weigh_roots
from app.recognition.heatmap import Explanation
from app.recognition.prediction import Prediction, predict
from app.recognition.service import ModelService
from app.teaching.head import Head


class TaughtService:
    """Answers as a ModelService does, in the categories of `bundle`, whose head stands in no file."""

    def __init__(self, network: ModelService, head: Head, bundle: Bundle) -> None:
        self.model, self.engine = bundle.model, network.engine
        self._network, self._head, self._bundle = network, head, bundle

    def require_ready(self) -> Bundle:
        self._network.require_ready()
        return self._bundle

    def predict(self, photo: Image.Image) -> Prediction:
        [features] = self._network.embed([photo])
        return predict(self._head.logits(features[None])[0], self._bundle)

    def explain(self, photo: Image.Image) -> Explanation:
        look = self._network.explain(photo).look
        pooled = look.features.mean(axis=(0, 1))
        logits = self._head.logits(pooled[None])[0]
        weights = weigh_roots(centre(self._head.weights), pooled)
        return Explanation(
            predict(logits, self._bundle), Look(logits, look.features, weights), photo.size, self._bundle
        )
