"""BentoML with its own adaptive batching on a tf.function."""

from typing import Any

import bentoml
import numpy as np
from PIL.Image import Image as Photo
from shared import answer, network, prepare


@bentoml.service(workers=1, metrics={"enabled": False})
class Classifier:
    def __init__(self) -> None:
        import tensorflow as tf

        model = network()
        self._run = tf.function(lambda batch: model(batch, training=False), reduce_retracing=True)

    @bentoml.api(batchable=True, max_batch_size=8, max_latency_ms=1000)
    def predict(self, image: list[Photo]) -> list[dict[str, float]]:
        batch = np.stack([prepare(photo) for photo in image])
        return [answer(row) for row in self._run(batch).numpy()]

    @bentoml.api
    def ready(self) -> dict[str, Any]:
        return {"ready": True}
