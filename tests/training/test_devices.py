"""Training on several devices and in half precision. Two halves of the processor stand in for two GPUs."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from app.settings import ROOT
from app.training.devices import choose_precision, processor_has_bfloat16

SCRIPT = """
import sys
from contextlib import nullcontext
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from app.recognition.preprocess import Preprocessing
from app.recognition.taxonomy import read_taxonomy
from app.data.dataset import read_photos
from app.training import fit as fitting
from app.training.fit import Stage, fit
from app.training.loader import Loader

part, drawings, folder = sys.argv[1], *map(Path, sys.argv[2:])
processor = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * 2)
photos = read_photos(drawings, "train", read_taxonomy(drawings / "taxonomy.csv"))
loader = Loader(photos, 3, Preprocessing(16, 1 / 255, 0.0), batch_size=8, seed=1)
fitting.SECONDS_PER_CHECKPOINT = 0.0  # killed runs go on in the middle of an epoch, as most do


class Killed(Exception):
    pass


def train(name, devices=(), policy="float32", normalised=False, kill_after=None, resume=False):
    keras.utils.clear_session()
    keras.config.set_dtype_policy(policy)
    with tf.distribute.MirroredStrategy(devices).scope() if devices else nullcontext():
        keras.utils.set_random_seed(1)
        inputs = keras.Input((None, None, 3))
        features = keras.layers.Conv2D(4, 3, activation="relu")(inputs)
        if normalised:
            features = keras.layers.Dropout(0.2)(keras.layers.BatchNormalization()(features))
        features = keras.layers.GlobalAveragePooling2D()(features)
        network = keras.Model(inputs, keras.layers.Dense(3, dtype="float32")(features))

        def report(done, *_):
            if done == kill_after:
                raise Killed

        try:
            curve = fit(network, loader, [Stage("", 3, 0.01, 16)], folder / name, resume, report)
        except Killed:
            return
        state = [keras.ops.convert_to_numpy(v) for v in network.variables + network.optimizer.variables]
        losses = np.array([epoch["loss"] for epoch in curve])
        np.savez(folder / f"{name}.npz", losses, *state)


two = ["CPU:0", "CPU:1"]
if part == "normalised":
    train("normalised", two, normalised=True)
    train("normalised-killed", two, normalised=True, kill_after=8)
    train("normalised-killed", two, normalised=True, resume=True)
else:
    train("one")
    train("two", two)
    train("half", policy="mixed_float16")
    train("half-killed", policy="mixed_float16", kill_after=8)
    train("half-killed", policy="mixed_float16", resume=True)
"""


PATHS = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
ENVIRONMENT = os.environ | {"PYTHONPATH": PATHS, "TF_CPP_MIN_LOG_LEVEL": "3"}
FROM_A_BUNDLE = """
import sys
from pathlib import Path

import small_network
import tensorflow as tf

from app.recognition.bundle import load_bundle
from app.training import devices
from app.training.initial import build_initial

processor = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * 2)
devices._find_gpus = lambda: ([(8, 0)] * 2, tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope())
small_network.in_place().start()
bundle = load_bundle(small_network.write_trained(Path(sys.argv[1])))
with devices.on_every_gpu():
    network = build_initial("inception_v3", sys.argv[1], bundle.taxonomy)
    print(devices.count_replicas(network), {layer.compute_dtype for layer in network.layers[:-1]})
"""


@pytest.fixture(scope="module")
def runs(drawings: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[np.ndarray]]:
    """Train a small network in several ways: the losses of its epochs, its weights, the optimiser's state."""
    folder = tmp_path_factory.mktemp("runs")
    for part in ("plain", "normalised"):  # two strategies on different networks cannot share a process
        subprocess.run([sys.executable, "-c", SCRIPT, part, drawings, folder], env=ENVIRONMENT, check=True)
    return {path.stem: list(np.load(path).values()) for path in folder.glob("*.npz")}


def test_two_devices_train_the_network_that_one_trains(runs: dict[str, list[np.ndarray]]) -> None:
    for one, two in zip(runs["one"], runs["two"], strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-3, atol=1e-5)


def test_a_bundle_is_trained_on_all_devices_and_in_their_precision(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FROM_A_BUNDLE, tmp_path]
    done = subprocess.run(command, env=ENVIRONMENT, check=True, capture_output=True, text=True)
    assert done.stdout == "2 {'bfloat16'}\n"


def test_a_killed_run_on_two_devices_resumes_to_the_same_network(runs: dict[str, list[np.ndarray]]) -> None:
    for whole, resumed in zip(runs["normalised"], runs["normalised-killed"], strict=True):
        np.testing.assert_array_equal(whole, resumed)


def test_a_killed_run_in_half_precision_resumes_with_its_loss_scale(
    runs: dict[str, list[np.ndarray]],
) -> None:
    assert 2**15 in [array.item() for array in runs["half"] if array.size == 1]
    for whole, resumed in zip(runs["half"], runs["half-killed"], strict=True):
        np.testing.assert_array_equal(whole, resumed)


@pytest.mark.parametrize(
    ("capabilities", "precision"),
    [
        ([(6, 1)], "float32"),
        ([(7, 5)], "mixed_float16"),
        ([(7, 5), (7, 5)], "float32"),
        ([(8, 0), (9, 0)], "mixed_bfloat16"),
        ([(8, 0), (7, 0)], "float32"),
    ],
)
def test_precision_suits_the_weakest_gpu(capabilities: list[tuple[int, int]], precision: str) -> None:
    assert choose_precision(capabilities, processor=True) == precision


@pytest.mark.parametrize(("has_bfloat16", "precision"), [(True, "mixed_bfloat16"), (False, "float32")])
def test_a_processor_trains_in_bfloat16_where_it_has_it(has_bfloat16: bool, precision: str) -> None:
    assert choose_precision([], has_bfloat16) == precision


def test_the_processor_is_known_to_have_bfloat16_when_its_flags_say_so() -> None:
    flags = Path("/proc/cpuinfo").read_text().split()
    assert processor_has_bfloat16() == bool({"avx512_bf16", "amx_bf16"} & set(flags))
