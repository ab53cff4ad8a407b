"""Everything that can go wrong, as exceptions with a stable code, an HTTP status and a sentence."""

import errno
from typing import Annotated, TypedDict

from app.recognition.limits import (
    MAX_AT_ONCE,
    MAX_BYTES,
    MAX_PHOTOS,
    MAX_PIXELS,
    MEGABYTE,
    MOST_CATEGORIES,
    MOST_TAUGHT,
)
from app.texts import Text, about

FULL = {errno.EMFILE, errno.ENFILE, errno.ENOSPC, errno.EDQUOT, errno.ENOMEM, errno.EAGAIN}


class ErrorJson(TypedDict):
    """What went wrong."""

    code: Annotated[str, about(Text("The stable word for it."))]
    message: Annotated[str, about(Text("The same as a sentence, in the language of the client."))]


class ErrorBody(TypedDict):
    """The one shape of errors."""

    error: ErrorJson


class AppError(Exception):
    """A fault with a plain sentence for the person who meets it.

    `code` is the stable word of the JSON API, `status` the HTTP status, `str(error)` the sentence in
    English, `args[0]` the same as a `Text` if it can be translated.
    """

    code = "error"
    status = 500
    sentence: str = Text("Something went wrong.")

    def __init_subclass__(cls, code: str | None = None, status: int | None = None) -> None:
        cls.code, cls.status = code or cls.code, status or cls.status

    def __init__(self, sentence: str | None = None) -> None:
        super().__init__(sentence or self.sentence)

    def to_json(self) -> ErrorJson:
        """Return the content of the one JSON error shape."""
        return {"code": self.code, "message": self.args[0]}


class NoImage(AppError, code="no_image", status=400):
    sentence = Text("No photo arrived. Choose a photo and try again.")


class BadRequest(AppError, code="bad_request", status=400):
    sentence = Text("The request is not as documented.")


class NoKey(AppError, code="no_key", status=401):
    sentence = Text("This call needs an API key. Send it in a header: Authorization: Bearer KEY.")


class UnknownKey(AppError, code="unknown_key", status=401):
    sentence = Text("This site does not know this API key. Check it, or ask the operator for one.")


class UnknownDigest(AppError, code="unknown_digest", status=400):
    sentence = Text("This digest does not come from an answer of this site. Send it as the API gave it.")


class AnotherPhoto(AppError, code="another_photo", status=400):
    sentence = Text("This is not the photo of that answer. Send the same file, or none.")


class TooLarge(AppError, code="too_large", status=413):
    sentence = Text(
        "That is more than %(megabytes)d MB. Choose a smaller photo.", megabytes=MAX_BYTES // MEGABYTE
    )


class TooSlow(AppError, code="too_slow", status=408):
    sentence = Text("Your request took too long to arrive. Try again, or choose a smaller photo.")


class FormTooLarge(AppError, code="form_too_large", status=413):
    sentence = Text("That form has too many parts, or a text that is too long.")


class TooManyPhotos(AppError, code="too_many_photos", status=413):
    sentence = Text("A product has 1 to %(most)d photos. Send fewer of them.", most=MAX_PHOTOS)


class TooManyAtOnce(AppError, code="too_many_photos", status=413):
    sentence = Text(
        "At most %(most)d photos can be classified at a time. Choose fewer of them.", most=MAX_AT_ONCE
    )


class TooManyPixels(AppError, code="too_many_pixels", status=413):
    sentence = Text(
        "This picture has more than %(most)d megapixels. Choose a smaller one.", most=MAX_PIXELS // 1_000_000
    )


class UnsupportedFormat(AppError, code="unsupported_format", status=415):
    sentence = Text("This is not a photo we can read. Accepted are JPEG, PNG, WebP, GIF, AVIF and HEIC.")


class UnreadablePhoto(AppError, code="unreadable_image", status=422):
    sentence = Text(
        "This picture is damaged or incomplete, so it was not classified. Try another copy of it."
    )


class BundleError(AppError, code="model_not_ready", status=503):
    sentence = Text("The weights of the network could not be loaded.")


class ModelNotReady(AppError, code="model_not_ready", status=503):
    sentence = Text("The network is still being loaded. Try again in a few seconds.")


class ModelFault(AppError, code="model_error", status=503):
    sentence = Text("The network gave no usable answer for this photo. Try again, or try another photo.")


class UnknownModel(AppError, code="unknown_model", status=400):
    sentence = Text("There is no such network on this site.")


class Overloaded(AppError, code="overloaded", status=503):
    sentence = Text("Too many photos are being classified right now. Try again in a few seconds.")


class MachineFull(AppError, code="machine_full", status=503):
    sentence = Text("This site's machine has no memory, disk space or file handle left. Try again later.")


class TooManyRequests(AppError, code="too_many_requests", status=429):
    """More than one visitor may ask for in a time; in `retry_after` seconds there is room again."""

    def __init__(self, retry_after: int, sentence: str | None = None) -> None:
        super().__init__(
            sentence
            or Text(
                "You have sent too many requests in a short time. Wait %(seconds)s seconds, then continue.",
                seconds=retry_after,
            )
        )
        self.retry_after = retry_after


class SourceUnavailable(AppError, code="source_unavailable", status=503):
    sentence = Text(
        "No random photo could be fetched from the web right now. You can still upload one of your own."
    )


class UrlNotAllowed(AppError, code="url_not_allowed", status=400):
    sentence = Text("Only photos on the public web can be fetched, by an address that starts with https://.")


class UrlUnavailable(AppError, code="url_unavailable", status=422):
    """A photo or document on the web that could not be fetched.

    `retry_after` is the number of seconds that the other side asked to wait, 0 if it did not.
    """

    sentence = Text("No photo could be fetched from this address. Check it, or upload the photo instead.")

    def __init__(self, sentence: str | None = None, retry_after: float = 0.0) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after


class AddressesOff(AppError, code="addresses_off", status=403):
    sentence = Text("This site does not fetch photos by their address. Upload the photo instead.")


class NothingSelected(AppError, code="nothing_selected", status=400):
    sentence = Text("No row is selected. Select some, or all that match the filters, and try again.")


class TooLateToUndo(AppError, code="too_late_to_undo", status=410):
    sentence = Text(
        "There is nothing to restore: it has been restored already, or it was deleted too long ago."
    )


class NotFound(AppError, code="not_found", status=404):
    sentence = Text("There is nothing at this address.")


class DataError(AppError, code="bad_data", status=400):
    """Training or evaluation data without the documented shape."""

    sentence = Text("The data folder does not have the documented shape.")


class TrainingError(AppError, code="bad_training", status=400):
    """Training that cannot start or continue for a reason other than its data."""

    sentence = Text("Training cannot go on.")


class SettingsError(AppError, code="bad_setting"):
    """A bad setting, which stops the start."""

    sentence = Text("A setting has a value that cannot be used.")


class HistoryUnavailable(AppError, code="history_unavailable", status=503):
    sentence = Text("The history cannot be reached right now.")


class CorrectionsUnavailable(AppError, code="corrections_unavailable", status=503):
    sentence = Text("Corrections cannot be saved or read right now. Try again later.")


class ClassifiersUnavailable(AppError, code="classifiers_unavailable", status=503):
    sentence = Text("Taught categories cannot be read or kept right now. Try again later.")


class ClassifierFull(AppError, code="classifier_full", status=413):
    sentence = Text(
        "That is more than can be taught: at most %(categories)d categories with %(photos)d photos in all."
        " Remove some first.",
        categories=MOST_CATEGORIES,
        photos=MOST_TAUGHT,
    )


class NotTaught(AppError, code="not_taught", status=409):
    sentence = Text("Nothing has been taught yet. Press Teach, then try again.")


class TooFewTaught(AppError, code="too_few_taught", status=400):
    sentence = Text("Teaching takes at least one photo in each of two categories.")


class UnknownCategory(AppError, code="unknown_category", status=400):
    sentence = Text("Choose one of the categories that this site knows.")


def tells_of_full_machine(error: BaseException | None) -> bool:
    """Tell whether memory, disk space or file handles have run out, by an exception or what led to it."""
    while error is not None:
        if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno in FULL):
            return True
        error = error.__cause__ or error.__context__
    return False
