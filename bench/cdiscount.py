"""Measure the BSON reader and the loader on a generated file in Cdiscount's layout.

PYTHONPATH=. python bench/cdiscount.py [GIGABYTES]

Prints a Markdown table. Each measurement runs in its own process. Figures per core use processor time, which
other work on the machine disturbs less than wall time.
"""

import io
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any
from unittest.mock import patch

import bson
import numpy as np
from PIL import Image

from app.data import bson as bson_index
from app.data.bson import BsonFiles, open_index
from app.data.copies import Copies, find_copies
from app.data.dataset import drop_copies, read_photos, split_calibration
from app.recognition.cores import usable_cores
from app.recognition.network import ARCHITECTURES
from app.recognition.taxonomy import Taxonomy, read_leaves
from app.training.augment import DEGRADED_SIDES, JPEG_QUALITIES, LIGHT_FACTORS, MAX_MARGIN, MIN_SIDE_KEPT
from app.training.loader import AS_THEY_COME, MIXUP_ALPHA, Loader

PICTURE_SIDE = 180  # px, as in Cdiscount's data
SIDE = 160  # px, as in training
BATCH = 64
BATCHES = 60
READS = 50_000
ALL_PRODUCTS, LEAVES = 7_070_000, 5270  # in train.bson
THREADS = usable_cores()  # as many as the loader uses
DRAWN = 300
CATALOGUE = "category_id,category_level1,category_level2,category_level3\n1,A,A,A\n2,B,B,B\n"


def main(gigabytes: float) -> None:
    """Generate the file, measure in child processes, print."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "train.bson"
        pictures = generate(path, gigabytes)
        print(f"{path.stat().st_size / 1e9:.2f} GB, {pictures} pictures of {PICTURE_SIDE} px\n")
        print("| what | measured |\n|---|---:|")
        for name in MEASUREMENTS:
            subprocess.run([sys.executable, __file__, name, str(path)], check=True, stderr=subprocess.DEVNULL)


def generate(path: Path, gigabytes: float) -> int:
    """Write products of 1 to 4 distinct pictures; return the number of pictures."""
    random = np.random.default_rng(1)
    drawn = [draw(random) for _ in range(DRAWN)]
    pictures = product = 0
    with path.open("wb") as file:
        while file.tell() < gigabytes * 1e9:
            count = int(random.choice([1, 2, 3, 4], p=[0.6, 0.19, 0.06, 0.15]))
            images = [{"picture": mark(drawn[(pictures + n) % DRAWN], pictures + n)} for n in range(count)]
            file.write(bson.encode({"_id": product, "imgs": images, "category_id": product % 2 + 1}))
            pictures += count
            product += 1
    path.with_name("category_names.csv").write_text(CATALOGUE)
    return pictures


def draw(random: np.random.Generator) -> bytes:
    """Draw coloured patches with some grain on white, a JPEG of about 6 kB."""
    patches = Image.fromarray(random.integers(0, 255, (12, 12, 3), np.uint8)).resize((140, 140))
    photo = np.full((PICTURE_SIDE, PICTURE_SIDE, 3), 255.0)
    photo[20:160, 20:160] = np.asarray(patches) + random.normal(0, 7, (140, 140, 3))
    buffer = io.BytesIO()
    Image.fromarray(photo.clip(0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


def mark(picture: bytes, number: int) -> bytes:
    """Add a comment to a JPEG, so that the file differs but not the picture."""
    return picture[:2] + b"\xff\xfe\x00\x0a" + b"%08d" % number + picture[2:]


def make_up_whole(path: Path) -> None:
    """Write an index next to `path` as for a file as large as train.bson, without that file or any copies.

    Runs in its own process, as the memory of a parent counts towards that of its children.
    """
    path = path.with_name("whole.bson")
    random = np.random.default_rng(1)
    products = np.zeros(ALL_PRODUCTS, bson_index.PRODUCT)
    products["id"] = np.arange(ALL_PRODUCTS)
    products["category"] = random.integers(1, 3, ALL_PRODUCTS)
    products["pictures"] = random.choice([1, 2, 3, 4], ALL_PRODUCTS, p=[0.6, 0.19, 0.06, 0.15])
    pictures = np.zeros(products["pictures"].sum(), bson_index.PICTURE)
    pictures["md5"] = random.integers(0, 2**64, (len(pictures), 2), np.uint64)
    folder = path.with_name(f"{path.name}.index")
    folder.mkdir()
    path.touch()
    products.tofile(folder / bson_index.PRODUCTS)
    pictures.tofile(folder / bson_index.PICTURES)
    about = {"made_of": bson_index._identity(path), "tables": bson_index._sizes(folder),
             "copies": asdict(Copies(len(pictures), len(pictures), 0, 0)),
             "skipped_places": 0, "skipped_bytes": 0}  # fmt: skip
    (folder / bson_index.ABOUT).write_text(json.dumps(about))


def measure_index(path: Path) -> None:
    """Index the file after reading it once, so that the disk does not count."""
    with path.open("rb") as file:
        while file.read(1 << 20):
            pass
    size = path.stat().st_size / 1e6
    wall, busy = clocked(lambda: open_index(path))
    row("index with MD5, warm file", f"{size / wall:.0f} MB/s ({size / busy:.0f} MB/s of processor time)")
    row("peak memory while indexing", peak_memory())


def measure_copies(path: Path) -> None:
    """Count the copies among the pictures of a whole train.bson."""
    index = open_index(path.with_name("whole.bson"))
    wall, _ = clocked(lambda: find_copies(index.products, index.pictures))
    pictures = f"{len(index.pictures) / 1e6:.1f} million pictures"
    row(f"copies counted among {pictures}", f"{wall:.0f} s, peak memory {peak_memory()}")


def measure_start(path: Path) -> None:
    """Prepare `flask train --all` on a whole train.bson up to the first order of its pictures."""
    whole = path.with_name("whole.bson")

    def prepare() -> None:
        taxonomy = Taxonomy(read_leaves(path.with_name("category_names.csv")))
        photos = read_photos(whole, "train", taxonomy)
        photos.digest()
        trained, held_out = split_calibration(photos)
        drop_copies(held_out, trained, open_index(whole))
        del photos
        how = ARCHITECTURES["inception_v3"].preprocessing(SIDE)
        Loader(trained, LEAVES, how, BATCH, seed=1, exponent=AS_THEY_COME)._order(0)

    wall, _ = clocked(prepare)
    row("`flask train --all` prepared, without TensorFlow", f"{wall:.0f} s, peak memory {peak_memory()}")


def measure_reads(path: Path) -> None:
    """Read pictures in random order."""
    index = open_index(path)
    files = BsonFiles(path, index)
    numbers = np.random.default_rng(1).integers(0, len(index.pictures), READS).tolist()
    wall, _ = clocked(lambda: [files.read(number) for number in numbers])
    row("random pictures read, one thread", f"{READS / wall:.0f} a second")


def measure_loader(path: Path) -> None:
    """Make batches like training: read, decode, augment, preprocess, mix."""
    catalogue = read_leaves(path.with_name("category_names.csv"))
    photos = read_photos(path, "train", Taxonomy(catalogue))
    how = ARCHITECTURES["inception_v3"].preprocessing(SIDE)
    loader = Loader(photos, LEAVES, how, BATCH, seed=1, exponent=AS_THEY_COME)
    loader.batch(0)  # sets the order of the epoch
    wall, busy = clocked(lambda: [None for _ in loader.batches(0, BATCHES)])
    row(f"the loader, {THREADS} threads", rates(wall, busy))
    with patch("app.training.augment.change_backdrop", return_value=None):
        wall, busy = clocked(lambda: [None for _ in loader.batches(0, BATCHES)])
    row(f"the loader without new backdrops, {THREADS} threads", rates(wall, busy))


def measure_tf_data(path: Path) -> None:
    """Make the same batches without labels with tf.data, from bytes in memory."""
    import tensorflow as tf

    index = open_index(path)
    files = BsonFiles(path, index)
    numbers = np.random.default_rng(1).integers(0, len(index.pictures), BATCH * BATCHES)
    pictures = tf.data.Dataset.from_tensor_slices([files.read(int(number)) for number in numbers])
    options = tf.data.Options()
    options.threading.private_threadpool_size = THREADS
    batches = pictures.map(augment_in_tensorflow, THREADS).batch(BATCH).map(mix_in_tensorflow).prefetch(4)
    batches = batches.with_options(options)
    for _ in batches.take(1):  # builds the graph
        pass
    wall, busy = clocked(lambda: [None for _ in batches])
    row(f"tf.data without new backdrops, {THREADS} threads", rates(wall, busy))


def augment_in_tensorflow(data: Any) -> Any:
    """Do what app.training.augment and preprocess do, with TensorFlow's own operations."""
    import tensorflow as tf

    def chance(share: float) -> Any:
        return tf.random.uniform(()) < share

    def light(photo: Any) -> Any:
        photo = tf.cast(photo, tf.float32)
        for grey in (tf.zeros_like, lambda p: tf.reduce_mean(tf.image.rgb_to_grayscale(p)),
                     tf.image.rgb_to_grayscale):  # fmt: skip
            base = grey(photo)
            photo = tf.clip_by_value(base + tf.random.uniform((), *LIGHT_FACTORS) * (photo - base), 0, 255)
        return tf.cast(photo, tf.uint8)

    def degrade(photo: Any) -> Any:
        side = tf.exp(tf.random.uniform((), *np.log(DEGRADED_SIDES).astype(np.float32)))
        shape = tf.cast(tf.shape(photo)[:2], tf.float32)
        size = tf.cast(tf.round(shape * tf.minimum(1.0, side / tf.reduce_max(shape))), tf.int32)
        small = tf.image.resize(photo, size, "bicubic", antialias=True)
        quality = tf.random.uniform((), *JPEG_QUALITIES, tf.int32)
        return tf.image.adjust_jpeg_quality(tf.saturate_cast(small, tf.uint8), quality)

    def add_margin(photo: Any) -> Any:
        longest = tf.cast(tf.reduce_max(tf.shape(photo)), tf.float32)
        margins = tf.cast(longest * tf.random.uniform((2, 2), 0, MAX_MARGIN), tf.int32)
        return tf.pad(photo, tf.concat([margins, [[0, 0]]], 0), constant_values=255)

    photo = tf.image.random_flip_left_right(tf.io.decode_jpeg(data, channels=3))
    kept = tf.cast(tf.shape(photo)[:2], tf.float32) * tf.random.uniform((2,), MIN_SIDE_KEPT, 1)
    photo = tf.image.random_crop(photo, tf.concat([tf.cast(tf.round(kept), tf.int32), [3]], 0))
    photo = tf.cond(chance(0.5), lambda: light(photo), lambda: photo)
    photo = tf.cond(chance(0.5), lambda: degrade(photo), lambda: photo)
    photo = tf.cond(chance(0.3), lambda: add_margin(photo), lambda: photo)
    dark = 255 - tf.cast(photo, tf.float32)  # as resize_with_pad pads with zeros
    square = 255 - tf.image.resize_with_pad(dark, SIDE, SIDE, "bicubic", antialias=True)
    return tf.clip_by_value(square, 0, 255) / 127.5 - 1


def mix_in_tensorflow(batch: Any) -> Any:
    """Mix photos as the loader does."""
    import tensorflow as tf

    first, second = (tf.random.gamma((tf.shape(batch)[0], 1, 1, 1), MIXUP_ALPHA) for _ in range(2))
    share = first / (first + second)
    return share * batch + (1 - share) * batch[::-1]


def clocked(work: Callable[[], object]) -> tuple[float, float]:
    """Return the wall seconds and the processor seconds that `work` takes."""
    wall, busy = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - busy


def peak_memory() -> str:
    return f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB"


def rates(wall: float, busy: float) -> str:
    pictures = BATCH * BATCHES
    return f"{pictures / wall:.0f} pictures/s ({pictures / busy:.0f} per second of processor time)"


def row(name: str, value: str) -> None:
    print(f"| {name} | {value} |", flush=True)


MEASUREMENTS = {
    "whole": make_up_whole,
    "index": measure_index,
    "copies": measure_copies,
    "start": measure_start,
    "reads": measure_reads,
    "loader": measure_loader,
    "tf.data": measure_tf_data,
}

if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1] in MEASUREMENTS:
        MEASUREMENTS[sys.argv[1]](Path(sys.argv[2]))
    else:
        main(float(sys.argv[1]) if sys.argv[1:] else 1.1)
