"""Networks that a new one learns from (knowledge distillation, Hinton et al. 2015, arXiv 1503.02531)."""

import threading
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from app.errors import TrainingError
from app.recognition.bundle import Bundle
from app.recognition.engines import OpenVinoEngine
from app.recognition.prediction import calibrate
from app.recognition.preprocess import Preprocessing
from app.recognition.taxonomy import Taxonomy

Array = NDArray[np.float32]


class Teacher:
    """The mean answer of one bundle or several; safe for threads."""

    def __init__(self, bundles: Sequence[Bundle], taxonomy: Taxonomy) -> None:
        """Load the networks. Raises TrainingError for one with other categories."""
        for bundle in bundles:
            if bundle.taxonomy.version != taxonomy.version:
                raise TrainingError(f"The teacher {bundle.model} knows other categories than the data have.")
        self._members = [(bundle, OpenVinoEngine(bundle)) for bundle in bundles]
        self._lock = threading.Lock()

    def answer(self, inputs: Callable[[Preprocessing], Array]) -> Array:
        """Return calibrated probabilities float32 [n, classes].

        `inputs` returns the photos [n, side, side, 3] as a network expects them.
        """
        answers = []
        for bundle, engine in self._members:
            batch = inputs(bundle.preprocessing)
            with self._lock:
                logits = engine.run(batch)
            answers.append(calibrate(logits, bundle.temperature))
        return np.asarray(np.mean(answers, axis=0), np.float32)
