"""Every GPU that TensorFlow finds trains on a share of each batch, in the precision that suits it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from app.training.loader import Array, Batch

if TYPE_CHECKING:
    import keras


@contextmanager
def on_every_gpu() -> Iterator[str]:
    """Build inside this a network that trains on all GPUs; gives the name of its precision.

    Other back ends than TensorFlow, and machines without a GPU, train as Keras would by itself.
    """
    import keras

    keras.utils.clear_session()  # layer names count up in a process, and weight files go by them
    if keras.backend.backend() != "tensorflow":
        yield keras.config.dtype_policy().name
        return
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    strategy = tf.distribute.MirroredStrategy() if len(gpus) > 1 else tf.distribute.get_strategy()
    details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
    before = keras.config.dtype_policy()
    precision = choose_precision([found.get("compute_capability", (0, 0)) for found in details])
    keras.config.set_dtype_policy(precision)
    try:
        with strategy.scope():
            yield precision
    finally:
        keras.config.set_dtype_policy(before)


def choose_precision(capabilities: Sequence[tuple[int, int]]) -> str:
    """Return the Keras dtype policy for GPUs of these compute capabilities.

    float16 needs its loss scaled, and with several GPUs Keras 3.15 looks for an overflow on the first
    one only: one elsewhere would make the weights NaN. bfloat16 cannot overflow.
    """
    if capabilities and min(capabilities) >= (8, 0):
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
    """Give each copy of the network its share of a batch: `train_on_batch` by itself gives each the whole."""
    replicas = count_replicas(network)
    if replicas == 1:
        return batch

    def share(array: Array) -> Any:
        return network.distribute_strategy.experimental_distribute_values_from_function(
            lambda context: array[context.replica_id_in_sync_group :: replicas]
        )

    return tuple(map(share, batch))
