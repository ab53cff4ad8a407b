"""Several photos of one product: one answer from all, and whether they agree."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from app.errors import AppError, NoImage, TooManyPhotos
from app.recognition.bundle import Bundle
from app.recognition.limits import MAX_PHOTOS
from app.recognition.prediction import NO_ANSWER, AnswerJson, Prediction, combine
from app.texts import Text, about


class ProductJson(AnswerJson):
    """One answer from all photos of a product."""

    photos: Annotated[int, about(Text("How many of the photos could be read."), ge=1)]
    remark: Annotated[str | None, about(Text("Which photos disagree; null when they agree."))]


@dataclass(frozen=True, eq=False)
class ProductAnswer:
    """The answer from all readable photos of a product, and each photo's own answer, in order."""

    prediction: Prediction
    own: tuple[Prediction | AppError, ...]

    @property
    def remark(self) -> str:
        """Say which photos alone name another category first; empty when they agree."""
        others = tuple(
            Text("photo %(number)d shows %(category)s", number=number, category=answer.guesses[0].category)
            for number, answer in enumerate(self.own, start=1)
            if isinstance(answer, Prediction) and self._disagrees(answer)
        )
        return Text("The photos disagree: alone, %(photos)s.", photos=others) if others else ""

    def to_json(self) -> ProductJson:
        """Return the documented JSON fields of a product's answer."""
        used = sum(isinstance(answer, Prediction) for answer in self.own)
        return {**self.prediction.to_json(), "photos": used, "remark": self.remark or None}

    def own_to_json(self) -> list[dict[str, Any]]:
        """Return each photo's own answer as the history keeps it, and whether it disagrees."""
        return [
            {**NO_ANSWER, "disagrees": False, "error": answer.to_json()}
            if isinstance(answer, AppError)
            else {**answer.to_json(), "disagrees": self._disagrees(answer), "error": None}
            for answer in self.own
        ]

    def _disagrees(self, answer: Prediction) -> bool:
        """Tell whether a photo alone names another category first."""
        return answer.guesses[0].category != self.prediction.guesses[0].category


def answer_product(answers: Sequence[Prediction | AppError], bundle: Bundle) -> ProductAnswer:
    """Combine the answers to 1 to `MAX_PHOTOS` photos of one product.

    Raises NoImage, TooManyPhotos, or the fault of the first photo if none could be read.
    """
    if not answers:
        raise NoImage
    if len(answers) > MAX_PHOTOS:
        raise TooManyPhotos
    read = [answer for answer in answers if isinstance(answer, Prediction)]
    if not read:
        raise next(answer for answer in answers if isinstance(answer, AppError))
    return ProductAnswer(combine(read, bundle), tuple(answers))
