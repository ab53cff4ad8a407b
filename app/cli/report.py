"""The stand-alone report: one HTML file that needs no network."""

import base64
import io
from pathlib import Path

from flask import current_app, render_template

from app.data.dataset import PhotoSet
from app.evaluation.card import Card, Example, tell_apart, training_curve
from app.evaluation.figures import Evaluation
from app.evaluation.plots import draw_plots
from app.recognition.bundle import Bundle
from app.web.template_filters import STYLES

FILE = "report.html"
PAIRS_WITH_EXAMPLES = 10
EXAMPLE_SIDE = 96


def write_report(folder: Path, bundle: Bundle, evaluation: Evaluation, photos: PhotoSet) -> Path:
    """Write `folder`/report.html, with examples of confused categories from `photos`; return its path.

    Needs the site's application context. Raises DataError for a photo that has changed, and OSError.
    """
    plots = draw_plots(evaluation, training_curve(bundle.manifest))
    names = tell_apart(bundle.taxonomy.categories, "en")
    pairs = evaluation.confusions[:PAIRS_WITH_EXAMPLES]
    card = Card(
        manifest=bundle.manifest,
        evaluation=evaluation.to_json(),
        plots={name: _data_address("image/svg+xml", svg.encode()) for name, svg in plots.items()},
        names=names,
        examples=[_examples(photos, pair.rows, bundle, names) for pair in pairs],
    )
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE
    path.write_text(render_template("report.html", card=card, styles=_styles()), encoding="utf-8")
    return path


def _styles() -> str:
    """Return the site's style sheets as one text."""
    static = Path(str(current_app.static_folder))
    return "".join((static / f"{name}.css").read_text(encoding="utf-8") for name in (*STYLES, "model"))


def _examples(
    photos: PhotoSet, rows: tuple[int, ...], bundle: Bundle, names: dict[str, str]
) -> list[Example]:
    found = []
    for row in rows:
        picture = photos.open(row)  # it was readable when it was classified
        picture.thumbnail((EXAMPLE_SIDE, EXAMPLE_SIDE))
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=75)
        slug = bundle.taxonomy.categories[photos.labels[row]].slug
        found.append(Example(names[slug], _data_address("image/jpeg", file.getvalue())))
    return found


def _data_address(content_type: str, data: bytes) -> str:
    return f"data:{content_type};base64,{base64.b64encode(data).decode()}"
