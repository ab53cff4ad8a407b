"""The networks of a process."""

import threading
from pathlib import Path

from app.errors import UnknownModel
from app.recognition.offers import find_offers
from app.recognition.service import ModelService


class Models:
    """The networks of a process, each loaded once: the default one at start, others on first use.

    Safe for threads. Nothing starts before it is asked for.
    """

    def __init__(self, weights: Path, default: str) -> None:
        self.default = default
        self.offers = find_offers(weights)
        self._weights = weights
        self.loaded: dict[str, ModelService] = {}
        self._lock = threading.Lock()

    def service(self, model: str = "") -> ModelService:
        """Return the service of a network, of the default one without a name. Raises UnknownModel."""
        model = model or self.default
        if model not in {self.default, *self.names}:
            raise UnknownModel(f"There is no network {model!r}. There is: {', '.join(self.names)}.")
        with self._lock:
            if model not in self.loaded:
                self.loaded[model] = ModelService(self._weights / model)
            return self.loaded[model]

    @property
    def names(self) -> list[str]:
        """The ids of the networks that can be asked for."""
        return [offer.model for offer in self.offers]
