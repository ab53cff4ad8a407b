"""The plots of an evaluation, as SVG that follows the reader's light or dark mode.

Their words are `Text`, which the site translates into the visitor's language.
"""

import io
import re
from collections.abc import Callable
from functools import partial
from itertools import groupby, pairwise
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from app.evaluation.figures import Evaluation, Group, Size
from app.texts import Text

WIDTH, HEIGHT = 4.6, 3.6  # inches
INK, QUIET, MAIN, SECOND = "#010101", "#020202", "#030303", "#040404"  # placeholders for the colours below
LIGHT = {INK: "#2b3235", QUIET: "#c9c5bd", MAIN: "#0f766e", SECOND: "#b4532a"}
DARK = {INK: "#d5dbda", QUIET: "#465154", MAIN: "#4dbdb0", SECOND: "#f0a57f"}
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "plots",  # the same figures give the same file
    "font.size": 12,  # points; a phone shows it at three quarters
    "text.color": INK,
    "axes.edgecolor": QUIET,
    "axes.labelcolor": INK,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": QUIET,
    "grid.linewidth": 0.5,
    "xtick.color": QUIET,
    "xtick.labelcolor": INK,
    "ytick.color": QUIET,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
}


def draw_plots(evaluation: Evaluation, curve: list[dict[str, Any]]) -> dict[str, str]:
    """Draw every plot as SVG, by its name; `curve` has the loss and accuracy of each epoch of training."""
    plots = {
        "reliability": svg(partial(_reliability, evaluation)),
        "risk-coverage": svg(partial(_risk_coverage, evaluation)),
        "groups": svg(partial(_groups, (*evaluation.sources, *evaluation.sizes))),
    }
    if len(curve) > 1:
        plots["training"] = svg(partial(_training, curve))
    return plots


def _reliability(evaluation: Evaluation, figure: Figure) -> None:
    above, below = figure.subplots(2, sharex=True, height_ratios=(3, 1))
    bins = evaluation.reliability
    confidences = [one.confidence for one in bins]
    above.plot((0, 1), (0, 1), color=INK, linestyle=":", label=Text("perfectly calibrated"))
    above.plot(
        confidences,
        [one.accuracy for one in bins],
        color=MAIN,
        marker="o",
        label=Text("measured"),
        clip_on=False,
    )
    above.set(ylabel=Text("right"), xlim=(0, 1), ylim=(0, 1))
    above.legend(loc="upper left")
    below.bar([one.low for one in bins], [one.photos for one in bins], width=bins[0].high - bins[0].low,
              align="edge", color=MAIN)  # fmt: skip
    below.set(xlabel=Text("probability of the first answer"), ylabel=Text("photos"))
    _percents(above.yaxis, below.xaxis)


def _risk_coverage(evaluation: Evaluation, figure: Figure) -> None:
    axes = figure.subplots()
    steps = evaluation.risk_coverage
    axes.plot([step.coverage for step in steps], [step.risk for step in steps], color=MAIN)
    sure = evaluation.verdicts[0]
    if sure.right.value is not None and sure.given.value is not None:
        axes.plot(
            sure.given.value,
            1 - sure.right.value,
            color=SECOND,
            marker="o",
            linestyle="",
            label=Text("“sure”"),
        )
        axes.legend(loc="upper left")
    axes.set(
        xlabel=Text("answers taken, the surest first"),
        ylabel=Text("of them wrong"),
        xlim=(0, 1),
        ylim=(0, None),
    )
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=(1, 2, 5, 10)))
    _percents(axes.xaxis, axes.yaxis)


def _groups(groups: tuple[Group | Size, ...], figure: Figure) -> None:
    figure.set_figheight(0.9 + 0.28 * len(groups))
    axes = figure.subplots()
    places = range(len(groups), 0, -1)  # the first group is at the top
    shares = np.array([(group.top1.low, group.top1.value, group.top1.high) for group in groups], float)
    axes.hlines(places, shares[:, 0], shares[:, 2], color=MAIN, linewidth=2, clip_on=False)
    axes.plot(shares[:, 1], places, color=MAIN, marker="o", linestyle="", clip_on=False)
    axes.set_yticks(places, [_name(group) for group in groups])
    axes.set(xlabel=Text("right first answers"), xlim=(None, 1))
    _percents(axes.xaxis)


def _name(group: Group | Size) -> str:
    if isinstance(group, Group):
        return group.name.replace("_", " ")
    if group.most is None:
        return f"> {group.over} px"
    return f"{group.over + 1}\N{EN DASH}{group.most} px" if group.over else f"≤ {group.most} px"


def _training(curve: list[dict[str, Any]], figure: Figure) -> None:
    above, below = figure.subplots(2, sharex=True)
    runs = [list(epochs) for _, epochs in groupby(enumerate(curve, 1), key=lambda epoch: epoch[1]["run"])]
    for run in runs:
        numbers = [number for number, _ in run]
        above.plot(numbers, [epoch["loss"] for _, epoch in run], color=SECOND, marker=".")
        below.plot(numbers, [epoch["accuracy"] for _, epoch in run], color=MAIN, marker=".")
    for number, (before, after) in enumerate(pairwise(curve), 1):
        if (before["run"], before["stage"]) != (after["run"], after["stage"]):
            for axes in (above, below):
                axes.axvline(number + 0.5, color=INK, linestyle=":", linewidth=1)
    above.set(ylabel=Text("loss"))
    below.set(xlabel=Text("epoch"), ylabel=Text("accuracy"))
    below.xaxis.set_major_locator(MaxNLocator(integer=True))
    _percents(below.yaxis)


def _percents(*scales: Axis) -> None:
    for scale in scales:
        scale.set_major_formatter(lambda share, _: f"{100 * share:g} %")


def svg(draw: Callable[[Figure], None]) -> str:
    """Let `draw` fill a figure; return it as SVG whose colours follow the reader's mode."""
    with mpl.rc_context(STYLE):
        figure = Figure((WIDTH, HEIGHT), layout="constrained")
        draw(figure)
        file = io.StringIO()
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = re.sub(r"'DejaVu Sans'[^;\"]*", "system-ui, sans-serif", file.getvalue())
    for colour in LIGHT:
        svg = svg.replace(colour, f"var(--c{colour[-1]})")
    style = f"<style>{_colours(LIGHT)} @media (prefers-color-scheme: dark) {{ {_colours(DARK)} }}</style>"
    svg = svg[svg.index("<svg") :]  # drop the document type, which names a web address
    return svg.replace(">", ">" + style, 1)


def _colours(theme: dict[str, str]) -> str:
    return "svg { " + " ".join(f"--c{name[-1]}: {colour};" for name, colour in theme.items()) + " }"
