"""Where the network looked: class activation maps, over the photo and in words.

Zhou et al. 2016, "Learning Deep Features for Discriminative Localization", CVPR, arXiv 1512.04150. With
global average pooling and one dense layer behind the last feature map, the map is exact: its mean over the
square that the network sees equals the category's logit minus the mean of all logits, biases aside. The
paper compares with 0 instead of that mean. But training leaves a shift of all logits free: it changes no
probability, yet would light up the plain background that all categories share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.recognition.bundle import Bundle
from app.recognition.engines import Look
from app.recognition.prediction import BEST, AnswerJson, HeatmapJson, Prediction, calibrate
from app.texts import Text

SIDE = 96  # px of a heatmap's longest side; the maps behind it have 4 to 7 cells
PARTS = (Text("the upper left"), Text("the top"), Text("the upper right"),
         Text("the left"), Text("the centre"), Text("the right"),
         Text("the lower left"), Text("the bottom"), Text("the lower right"))  # fmt: skip
NAMED_SHARE = 0.5  # of the heat: the named parts hold at least this much
MAX_NAMED = 3  # if it takes more parts, the heat is all over the photo
# ColorBrewer's YlOrRd: darker with every step, so that colour-blind people can read it too.
COLOURS = ("#ffffb2", "#fed976", "#feb24c", "#fd8d3c", "#fc4e2a", "#e31a1c", "#b10026")
OPACITY = 0.8  # of the colour where the heat is greatest
GREY = 0.85  # the share of its own colour that the photo below loses


@dataclass(frozen=True, eq=False)
class Heatmap:
    """What speaks for a category, and where: `heat` float32 [rows, columns] over the photo.

    0 means nothing, or something against it; 1 is the maximum in this photo. The longest side has `SIDE` px.
    """

    heat: NDArray[np.float32]

    @cached_property
    def shares(self) -> NDArray[np.float64]:
        """The share of the heat in each ninth of the photo: float64 [3, 3], in sum 1, or 0 without heat."""
        ninths = _in_thirds(_in_thirds(self.heat).T).T
        return np.asarray(ninths / (ninths.sum() or 1))

    @property
    def words(self) -> Text:
        """Name the parts of the photo where most of the heat lies."""
        order = np.argsort(-self.shares, axis=None, kind="stable")
        sums = self.shares.flat[order].cumsum()
        if sums[-1] == 0:
            return Text("nowhere: nothing in this photo speaks for it")
        parts = [
            Text("%(part)s (%(share).0f %%)", part=PARTS[index], share=self.shares.flat[index] * 100)
            for index in order
        ]
        count = int((sums < NAMED_SHARE).sum()) + 1
        if count > MAX_NAMED:
            return Text("all over the photo, most in %(part)s", part=parts[0])
        if count == 1:
            return Text("mostly %(part)s", part=parts[0])
        return Text("mostly %(parts)s and %(last)s", parts=tuple(parts[: count - 1]), last=parts[count - 1])

    def to_json(self) -> HeatmapJson:
        """Return the documented JSON object of one heatmap."""
        return {"grid": self.shares.round(3).tolist(), "words": self.words}


@dataclass(frozen=True, eq=False)
class Explanation:
    """An answer, and what the network saw: `size` is the width and height of the photo in px."""

    prediction: Prediction
    look: Look
    size: tuple[int, int]
    bundle: Bundle

    def heatmap(self, category_id: int | str) -> Heatmap:
        """Compute the heatmap of a category. Raises KeyError for an unknown one.

        For a category of several classes it is the mean of theirs, weighted by probability like the gradient
        of its logit.
        """
        members = self.bundle.catalogue.members(category_id)
        weights = calibrate(self.look.logits[members], self.bundle.temperature) @ self.look.weights[members]
        return Heatmap(over_photo(self.look.features @ weights.astype(np.float32), self.size))

    @cached_property
    def heatmaps(self) -> list[Heatmap]:
        """The heatmaps of the answer's categories, in their order."""
        return [self.heatmap(guess.category.category_id) for guess in self.prediction.guesses]

    def to_json(self) -> AnswerJson:
        """Return the documented JSON fields of an answer, each category with its heatmap."""
        answer = self.prediction.to_json()
        for category, heatmap in zip(answer["predictions"], self.heatmaps, strict=True):
            category["heatmap"] = heatmap.to_json()
        return answer


def draw(photo: Image.Image, heatmap: Heatmap) -> Image.Image:
    """Draw a heatmap over its RGB photo, of any size; the photo loses most of its own colour."""
    grey = photo.convert("L").convert("RGB")
    heat = Image.fromarray(heatmap.heat).resize(photo.size, Image.Resampling.BILINEAR)
    levels = heat.point(lambda value: value * 255).convert("L")
    steps = np.linspace(0, 255, len(COLOURS))
    channels = np.array([[int(colour[at : at + 2], 16) for colour in COLOURS] for at in (1, 3, 5)])
    table = [np.interp(np.arange(256), steps, channel).round().astype(int).tolist() for channel in channels]
    colours = Image.merge("RGB", [levels.point(column) for column in table])
    opacity = levels.point([round(level * OPACITY) for level in range(256)])
    return Image.composite(colours, Image.blend(photo, grey, GREY), opacity)


def draw_sheet(photo: Image.Image, heatmaps: Sequence[Heatmap]) -> Image.Image:
    """Draw up to `BEST` heatmaps, each in a white square of the photo's longest side, one below the other."""
    side = max(photo.size)
    sheet = Image.new("RGB", (side, side * BEST), "white")
    left, top = (side - photo.width) // 2, (side - photo.height) // 2
    for rank, heatmap in enumerate(heatmaps):
        sheet.paste(draw(photo, heatmap), (left, top + rank * side))
    return sheet


def over_photo(activation: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """Enlarge a class activation map of the network's square and crop it to the photo in its middle."""
    square = Image.fromarray(activation).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    width, height = (max(1, round(length * SIDE / max(size))) for length in size)
    left, top = (SIDE - width) // 2, (SIDE - height) // 2
    heat = np.asarray(square.crop((left, top, left + width, top + height))).clip(min=0)
    return np.asarray(heat / (heat.max() or 1), np.float32)


def _in_thirds(rows: NDArray[Any]) -> NDArray[np.float64]:
    """Sum up the rows [n, m] of each third: [3, m]; a row that lies in two thirds is split between them."""
    ends = np.linspace(0, len(rows), 4)
    sums = np.vstack([np.zeros(rows.shape[1]), np.cumsum(rows, axis=0, dtype=np.float64)])
    whole = np.minimum(ends.astype(int), len(rows) - 1)
    below = sums[whole] + (ends - whole)[:, None] * rows[whole]
    return np.diff(below, axis=0)
