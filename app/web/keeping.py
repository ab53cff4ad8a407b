"""From an answer to the row of the history that keeps it."""

from collections.abc import Sequence
from dataclasses import replace

from app.errors import AppError
from app.history.entry import Entry
from app.recognition.bundle import Bundle
from app.recognition.origin import Origin
from app.recognition.photos import fingerprint, perceptual_hash
from app.recognition.products import answer_product
from app.web.classifying import Answered


def make_entry(answered: Answered, origin: Origin) -> Entry:
    """Make the row of an answer to one photo."""
    prediction = answered.prediction
    answer = prediction.to_json()
    del answer["in_words"]  # pages say it in the language of whoever looks
    del answer["needs_review"]  # of a row it follows from the verdict, and from what the visitor says of it
    return Entry(
        **answer,
        model=prediction.model,
        taxonomy_version=prediction.taxonomy_version,
        origin=origin,
        milliseconds=answered.milliseconds,
        fingerprint=fingerprint(answered.picture),
        dhash=perceptual_hash(answered.picture),
    )


def make_product_entry(answers: Sequence[Answered | AppError], bundle: Bundle) -> tuple[Entry, Answered]:
    """Make the row of a product of several uploaded photos, and say which stands for it: the first readable.

    Raises as `answer_product` does.
    """
    own = [answer.prediction if isinstance(answer, Answered) else answer for answer in answers]
    product = answer_product(own, bundle)
    read = [answer for answer in answers if isinstance(answer, Answered)]
    milliseconds = sum(answer.milliseconds for answer in read)
    entry = make_entry(Answered(read[0].picture, product.prediction, milliseconds), Origin())
    return replace(entry, photos=product.own_to_json()), read[0]
