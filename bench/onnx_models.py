"""A bundle's network for ONNX Runtime, in float32 and int8. Runs in the peers' environment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime

from app.training.formats import write_onnx

if TYPE_CHECKING:  # running a network needs no Keras
    import keras

Array = np.ndarray
CALIBRATED_ON = 32  # photos; ONNX Runtime keeps every activation of each


class Photos:
    """Feeds preprocessed photos to the quantiser."""

    def __init__(self, name: str, photos: list[Array]) -> None:
        self._feeds = iter([{name: photo} for photo in photos])

    def get_next(self) -> dict[str, Array] | None:
        return next(self._feeds, None)


def onnx_engines(
    network: keras.Model, photos: list[Array], threads: int, folder: Path
) -> Iterator[tuple[str, Callable[[Array], Array]]]:
    """Return the functions that run the two engines, by name."""
    from onnxruntime.quantization import quant_pre_process, quantize_static

    plain, prepared, int8 = (folder / f"{name}.onnx" for name in ("plain", "prepared", "int8"))
    write_onnx(network, photos[0].shape[1], plain)
    session = open_session(plain, threads)
    yield "ONNX Runtime float32", runner(session)
    quant_pre_process(str(plain), str(prepared), skip_symbolic_shape=True)
    reader = Photos(session.get_inputs()[0].name, photos[:CALIBRATED_ON])
    quantize_static(str(prepared), str(int8), reader, per_channel=True)
    yield "ONNX Runtime int8", runner(open_session(int8, threads))


def open_session(path: Path, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(str(path), options)


def runner(session: onnxruntime.InferenceSession) -> Callable[[Array], Array]:
    name = session.get_inputs()[0].name
    return lambda batch: session.run(None, {name: batch})[0]
