"""Photos that a visitor can try with one click. docs/use.md says where they come from."""

from dataclasses import dataclass

from app.settings import ROOT
from app.texts import Text

FOLDER = ROOT / "static" / "examples"


@dataclass(frozen=True)
class Example:
    """One or several photos of a product, as files in `FOLDER`, and what they show."""

    files: tuple[str, ...]
    shows: Text

    def read(self) -> list[bytes]:
        return [(FOLDER / file).read_bytes() for file in self.files]


EXAMPLES = {
    "coffee": Example(("coffee.jpg",), Text("A cup of coffee")),
    "teapot": Example(("teapot.jpg",), Text("A teapot")),
    "lamp": Example(("lamp.jpg",), Text("A table lamp")),
    "chair": Example(("chair.jpg",), Text("A chair")),
    "balls": Example(("balls.jpg",), Text("Billiard balls")),
    "mug": Example(("mug.jpg", "mug-2.jpg"), Text("A mug, in two photos")),
    "cat": Example(("cat.jpg",), Text("A cat, which is no product")),
}
