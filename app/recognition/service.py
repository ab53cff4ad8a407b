"""The model service: one network, from loading to answers."""

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.errors import AppError, ModelFault, ModelNotReady
from app.recognition.bundle import Bundle, load_bundle
from app.recognition.engines import ENGINES, Engine, step_back
from app.recognition.heatmap import Explanation
from app.recognition.mapping import TaxonomyMap
from app.recognition.prediction import Prediction, predict
from app.recognition.preprocess import preprocess
from app.texts import Text

log = logging.getLogger(__name__)
PATIENCE_SECONDS = 5.0


class Service(Protocol):
    """What names the categories of photos: a network, or one with a taught head. Safe for threads."""

    model: str
    engine: str

    def require_ready(self) -> Bundle:
        """Wait until it can answer, and return the bundle that it answers by. Raises ModelNotReady."""

    def predict(self, photo: Image.Image) -> Prediction:
        """Name the most likely categories of an RGB photo. Raises ModelNotReady and ModelFault."""

    def explain(self, photo: Image.Image) -> Explanation:
        """Predict, and keep what heatmaps are computed from. Raises as `predict` does."""


class ModelService:
    """Loads a bundle once, in its own thread, and then predicts. Safe for threads.

    Nothing starts before the first use, so a process may still fork after it made a service.
    """

    def __init__(
        self,
        folder: Path,
        engine: str = "openvino",
        mapping: TaxonomyMap | None = None,
        gate: AbstractContextManager[Any] | None = None,
        cores: int | None = None,
    ) -> None:
        """Name a bundle and how to run it; `gate` is held while photos are preprocessed.

        `cores` is the number of cores to use, by default all that the process may use.
        """
        self._folder = folder
        self.model, self.engine = folder.name, engine
        self._mapping = mapping
        self._gate = gate or nullcontext()
        self._cores = cores
        self._lock = threading.Lock()
        self._loaded = threading.Event()
        self._thread: threading.Thread | None = None
        self._error = ""
        self._bundle: Bundle | None = None
        self._network: Engine | None = None

    def start(self) -> None:
        """Start to load and warm the network; later calls do nothing."""
        with self._lock:
            if self._thread is None:
                # no daemon: a process aborts if it ends while OpenVINO's C++ runs in one
                self._thread = threading.Thread(target=self._load, name="load-network")
                self._thread.start()

    def wait(self, seconds: float | None = None) -> Bundle:
        """Start, wait until the network can answer, and return its bundle.

        Raises ModelNotReady if that takes longer than `seconds`, or if loading has failed.
        """
        self.start()
        if not self._loaded.wait(seconds):
            raise ModelNotReady
        if self._network is None or self._bundle is None:
            raise ModelNotReady(Text("The network could not be loaded. %(reason)s", reason=self._error))
        return self._bundle

    def require_ready(self) -> Bundle:
        """Wait until the network can answer, and return its bundle.

        Raises ModelNotReady if that takes longer than `PATIENCE_SECONDS`, or if loading has failed.
        """
        return self.wait(PATIENCE_SECONDS)

    def state(self) -> dict[str, Any]:
        """Return the network's id and whether it is "loading", "ready" or "failed"."""
        self.start()
        if not self._loaded.is_set():
            return {"status": "loading"}
        if self._network is None or self._bundle is None:
            return {"status": "failed", "error": self._error}
        return {"status": "ready", "model": self._bundle.model, "taxonomy": self._bundle.catalogue.version}

    def predict(self, photo: Image.Image) -> Prediction:
        """Name the most likely categories of an RGB photo.

        Raises ModelNotReady, or ModelFault if the network fails on this photo.
        """
        return self.predict_batch([photo])[0]

    def predict_batch(self, photos: Sequence[Image.Image]) -> list[Prediction]:
        """Classify several photos in one run of the network. Raises as `predict` does, for all of them."""
        bundle = self.require_ready()
        assert self._network
        with _one_kind_of_fault():
            with self._gate:
                batch = np.stack([preprocess(photo, bundle.preprocessing) for photo in photos])
            logits = self._network.run(batch)
        return [predict(row, bundle) for row in logits]

    def explain(self, photo: Image.Image) -> Explanation:
        """Predict, and keep what heatmaps are computed from. Raises as `predict` does."""
        bundle = self.require_ready()
        assert self._network
        with _one_kind_of_fault():
            with self._gate:
                square = preprocess(photo, bundle.preprocessing)
            look = self._network.look(square)
        return Explanation(predict(look.logits, bundle), look, photo.size, bundle)

    def embed(self, photos: Sequence[Image.Image]) -> list[NDArray[np.float32]]:
        """Return the network's pooled features [channels] of each RGB photo, from which it can be taught.

        The same photo has the same features in every process on this machine. Raises as `predict` does.
        """
        bundle = self.require_ready()
        assert self._network
        with _one_kind_of_fault():
            with self._gate:
                squares = [preprocess(photo, bundle.preprocessing) for photo in photos]
            return [self._network.embed(square) for square in squares]

    def _load(self) -> None:
        try:
            step_back()
            self._bundle = load_bundle(self._folder, self._mapping)
            self._network = ENGINES[self.engine](self._bundle, self._cores)
        except AppError as error:
            self._error = error.args[0]
            log.error("no network: %s", error)
        except Exception:  # an engine may raise anything: the site stays up and says so
            self._error = Text("The engine cannot run it.")
            log.exception("no network")
        finally:
            self._loaded.set()


@contextmanager
def _one_kind_of_fault() -> Iterator[None]:
    """Turn any exception of an engine into ModelFault."""
    try:
        yield
    except Exception as error:
        log.exception("the network failed on a photo")
        raise ModelFault from error
