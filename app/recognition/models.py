"""The networks of a process."""

import threading
from contextlib import AbstractContextManager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any

from app.errors import BundleError, DataError, UnknownModel
from app.recognition.bundle import TAXONOMY
from app.recognition.catalogue import Catalogue, open_catalogue
from app.recognition.mapping import TaxonomyMap
from app.recognition.offers import find_offers
from app.recognition.service import ModelService
from app.recognition.taxonomy import Taxonomy, read_taxonomy
from app.texts import Text

MAX_NAME = 80  # characters of a name that an error quotes


class Models:
    """The networks of a process, each loaded once: the default one at start, the others on first use.

    Safe for threads. Nothing starts before it is needed.
    """

    def __init__(
        self,
        weights: Path,
        default: str,
        mapping: TaxonomyMap | None = None,
        gate: AbstractContextManager[Any] | None = None,
        cores: int | None = None,
    ) -> None:
        """Name a folder of bundles and the default network; further arguments are as in ModelService."""
        self.default = default
        self.offers = find_offers(weights)
        self._weights = weights
        self._mapping = mapping
        self._gate = gate
        self._cores = cores
        self.loaded: dict[str, ModelService] = {}
        self._lock = threading.Lock()

    def service(self, model: str = "") -> ModelService:
        """Return the service of a network, by default of the default network. Raises UnknownModel."""
        model = model or self.default
        if model not in {self.default, *self.names}:
            wanted, names = repr(model[:MAX_NAME]), ", ".join(self.names)
            raise UnknownModel(
                Text("There is no network %(model)s. There is: %(names)s.", model=wanted, names=names)
            )
        with self._lock:
            if model not in self.loaded:
                self.loaded[model] = ModelService(
                    self._weights / model, mapping=self._mapping, gate=self._gate, cores=self._cores
                )
            return self.loaded[model]

    @cached_property
    def taxonomy(self) -> Taxonomy:
        """The categories of the default network, known before it is loaded. Raises BundleError."""
        try:
            return read_taxonomy(self._weights / self.default / TAXONOMY)
        except DataError as error:
            raise BundleError(str(error)) from error

    @cached_property
    def catalogue(self) -> Catalogue:
        """What answers of the default network name, known before it is loaded. Raises BundleError."""
        return open_catalogue(self.taxonomy, self._mapping)

    def states(self) -> list[dict[str, Any]]:
        """Return for each network whether it is loaded, and in which taxonomy it answers."""
        return [{"model": name, **self._state(name)} for name in self.names]

    def _state(self, model: str) -> dict[str, Any]:
        if model in self.loaded:
            return self.loaded[model].state()
        state = {"status": "not loaded"}
        with suppress(DataError):  # a damaged bundle reports itself when it is loaded
            taxonomy = read_taxonomy(self._weights / model / TAXONOMY)
            state["taxonomy"] = open_catalogue(taxonomy, self._mapping).version
        return state

    @property
    def names(self) -> list[str]:
        """The ids of the available networks."""
        return [offer.model for offer in self.offers]
