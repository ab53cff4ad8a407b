"""A bundle's network for ONNX Runtime, in float32 and in int8. Runs in the environment of the peers."""

from collections.abc import Callable, Iterator
from pathlib import Path

import keras
import numpy as np
import onnxruntime
from onnxruntime.quantization import CalibrationDataReader, quant_pre_process, quantize_static

Array = np.ndarray
CALIBRATED_ON = 32  # photos: ONNX Runtime keeps every activation of each


class Photos(CalibrationDataReader):
    """Hands prepared photos to the quantiser."""

    def __init__(self, name: str, photos: list[Array]) -> None:
        self._feeds = iter([{name: photo} for photo in photos])

    def get_next(self) -> dict[str, Array] | None:
        return next(self._feeds, None)


def export(network: keras.Model, side: int, path: Path) -> None:
    """Write a network as ONNX: float32 [n, side, side, 3] -> logits float32 [n, classes]."""
    signature = [keras.InputSpec(shape=(None, side, side, 3), dtype="float32")]
    network.export(str(path), format="onnx", verbose=False, input_signature=signature)


def onnx_engines(
    network: keras.Model, photos: list[Array], threads: int, folder: Path
) -> Iterator[tuple[str, Callable[[Array], Array]]]:
    """Name both engines and give the functions that run them."""
    plain, prepared, int8 = (folder / f"{name}.onnx" for name in ("plain", "prepared", "int8"))
    export(network, photos[0].shape[1], plain)
    session = open_session(plain, threads)
    yield "ONNX Runtime float32", runner(session)
    quant_pre_process(str(plain), str(prepared))
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
