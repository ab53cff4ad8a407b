"""Train on every GPU that TensorFlow finds, each with a share of a batch, in the precision that suits it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from app.training.loader import Array, Batch

if TYPE_CHECKING:
    import keras


@contextmanager
def on_every_gpu() -> Iterator[str]:
    """Let a network built inside this train on all GPUs; yield the name of its precision.

    Other back ends than TensorFlow train on a device of their choice, in the processor's precision.
    """
    import keras

    keras.utils.clear_session()  # layer names count up in a process, and weight files refer to them
    before = keras.config.dtype_policy()
    capabilities, scope = _find_gpus() if keras.backend.backend() == "tensorflow" else ([], nullcontext())
    precision = choose_precision(capabilities, processor_has_bfloat16())
    keras.config.set_dtype_policy(precision)
    try:
        with scope:
            yield precision
    finally:
        keras.config.set_dtype_policy(before)


def describe_devices() -> str:
    """Name the devices that networks train on, so that nobody waits for a GPU that was not found."""
    import keras

    if keras.backend.backend() != "tensorflow":
        return f"the device that {keras.backend.backend()} chooses"
    import tensorflow as tf

    gpus = len(tf.config.list_physical_devices("GPU"))
    return f"{gpus} GPU{'s' * (gpus > 1)}" if gpus else "the processor, as TensorFlow finds no GPU"


def _find_gpus() -> tuple[list[tuple[int, int]], AbstractContextManager[Any]]:
    """Return the compute capability of each GPU, and the scope in which networks train on all of them."""
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    strategy = tf.distribute.MirroredStrategy() if len(gpus) > 1 else tf.distribute.get_strategy()
    details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
    return [found.get("compute_capability", (0, 0)) for found in details], strategy.scope()


def processor_has_bfloat16() -> bool:
    """Tell whether the processor multiplies in bfloat16 natively (AMX, AVX-512 BF16)."""
    import openvino

    return "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def choose_precision(capabilities: Sequence[tuple[int, int]], processor: bool) -> str:
    """Return the Keras dtype policy for GPUs of these compute capabilities.

    Without GPUs it is bfloat16 if the `processor` has it.
    float16 needs a scaled loss, and with several GPUs Keras 3.15 checks only the first one for an overflow:
    one elsewhere would make the weights NaN. bfloat16 has the range of float32 and does not overflow.
    """
    if min(capabilities) >= (8, 0) if capabilities else processor:
        return "mixed_bfloat16"
    if len(capabilities) == 1 and capabilities[0] >= (7, 0):
        return "mixed_float16"
    return "float32"


def count_replicas(network: keras.Model) -> int:
    """Return how many copies of the network train side by side."""
    import keras

    if keras.backend.backend() != "tensorflow":
        return 1
    return int(network.distribute_strategy.num_replicas_in_sync)


def share_out(batch: Batch, network: keras.Model) -> Any:
    """Give each copy of the network its share of a batch; `train_on_batch` alone gives each the whole."""
    replicas = count_replicas(network)
    if replicas == 1:
        return batch

    def share(array: Array) -> Any:
        return network.distribute_strategy.experimental_distribute_values_from_function(
            lambda context: array[context.replica_id_in_sync_group :: replicas]
        )

    return tuple(map(share, batch))
