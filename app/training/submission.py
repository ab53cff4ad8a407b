"""From a test file of Kaggle's Cdiscount challenge to the CSV to submit."""

from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.data.bson import BsonFiles, Index
from app.errors import AppError, DataError
from app.recognition.bulk import classify_each
from app.recognition.bundle import SERVING_WEIGHTS, Bundle
from app.recognition.photos import PHOTO_FAULTS
from app.recognition.prediction import Prediction, combine
from app.recognition.service import ModelService
from app.training.claim import claim

HEADER = b"_id,category_id\n"
LEVEL_OF_LEAVES = 3


def submit(service: ModelService, data: Path, index: Index, out: Path) -> Iterator[tuple[int, bool]]:
    """Write `_id,category_id` of every product in a BSON file to `out`, in the order of the file.

    A product's answer is the mean over its photos; one without a readable photo gets the bundle's first
    category, because Kaggle wants an answer. Yields after each product how many are answered, and whether
    this one had a readable photo. The lines collect in a file beside `out`, named after the bundle, from
    which a stopped run continues; `out` appears when it is complete. Raises DataError if that file is for
    other products or another process writes it, the bundle knows no leaves or the disk fails, ModelNotReady
    if the network cannot be loaded, and ModelFault if it gives no usable answer.
    """
    bundle = service.wait()
    if max(len(category.path) for category in bundle.taxonomy.categories) < LEVEL_OF_LEAVES:
        raise DataError(f"{bundle.model} knows no leaves of the tree, and Kaggle wants leaves.")
    unfinished = _unfinished(out, bundle)
    fallback = bundle.taxonomy.categories[0]
    # Line by line, so that what is written survives a kill.
    with claim(unfinished), unfinished.open("a", buffering=1) as file:
        done = _resume(unfinished, index.products["id"])
        for row, prediction in enumerate(_predict(service, BsonFiles(data, index), index, done), start=done):
            category = prediction.guesses[0].category if prediction else fallback
            file.write(f"{index.products['id'][row]},{category.category_id}\n")
            yield row + 1, prediction is not None
        unfinished.replace(out)


def _unfinished(out: Path, bundle: Bundle) -> Path:
    """Return the path of the file that collects the answers of exactly these weights."""
    return out.with_name(f"{out.name}.{bundle.model}-{bundle.manifest['files'][SERVING_WEIGHTS][:8]}.part")


def _resume(unfinished: Path, products: NDArray[np.int64]) -> int:
    """Cut off an incomplete last line, write the header of a new file; return how many are answered."""
    with unfinished.open("a+b") as file:
        file.seek(0)
        text = file.read()
        whole = text[: text.rfind(b"\n") + 1]
        file.truncate(len(whole))
        if not whole:
            file.write(HEADER)
            return 0
    done = whole.count(b"\n") - 1
    last = whole[:-1].rpartition(b"\n")[2].split(b",")[0]
    if not whole.startswith(HEADER) or (done and [last] != [b"%d" % n for n in products[done - 1 : done]]):
        raise DataError(f"{unfinished} holds answers for other products. Delete it, or choose another --out.")
    return done


def _predict(service: ModelService, files: BsonFiles, index: Index, done: int) -> Iterator[Prediction | None]:
    """Yield the answer for each product from row `done` on, None if none of its photos can be read."""
    first = index.picture(done, 0) if done < len(index.products) else len(index.pictures)
    numbers, bundle = range(first, len(index.pictures)), service.wait()
    answers = classify_each(service, (partial(files.read, number) for number in numbers))
    for count in index.products["pictures"][done:]:
        own = list(islice(answers, int(count)))
        if faults := [one for one in own if isinstance(one, AppError) and not isinstance(one, PHOTO_FAULTS)]:
            raise faults[0]
        readable = [answer for answer in own if isinstance(answer, Prediction)]
        yield combine(readable, bundle) if readable else None
