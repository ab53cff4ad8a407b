import re
from xml.etree import ElementTree

import pytest

from app.evaluation.card import Card, training_curve
from app.evaluation.figures import Evaluation
from app.evaluation.plots import draw_plots

CURVE = [
    {"run": 0, "stage": 0, "loss": 2.0, "accuracy": 0.4},
    {"run": 0, "stage": 1, "loss": 1.0, "accuracy": 0.8},
]


@pytest.fixture(scope="module")
def plots(evaluation: Evaluation) -> dict[str, str]:
    return draw_plots(evaluation, CURVE)


def test_every_plot_is_well_formed_and_follows_the_dark_mode(plots: dict[str, str]) -> None:
    assert set(plots) == {"reliability", "risk-coverage", "groups", "training"}
    for svg in plots.values():
        assert ElementTree.fromstring(svg).tag == "{http://www.w3.org/2000/svg}svg"
        assert "prefers-color-scheme: dark" in svg
        assert "#0" not in svg.replace("#0f766e", ""), "a colour that no mode changes"


def test_the_words_in_a_plot_stay_words(plots: dict[str, str]) -> None:
    assert "of them wrong" in plots["risk-coverage"]
    assert "DejaVu" not in plots["risk-coverage"]


def test_the_same_figures_give_the_same_file(plots: dict[str, str], evaluation: Evaluation) -> None:
    assert draw_plots(evaluation, CURVE) == plots


def test_a_network_without_a_training_curve_has_no_plot_of_it(evaluation: Evaluation) -> None:
    assert "training" not in draw_plots(evaluation, [])


def test_the_runs_of_a_mean_of_means_have_their_shares_of_the_weights() -> None:
    manifest = {"training": {"members": [{"members": [{"seed": 1}, {"seed": 2}]}, {"seed": 3}]}}
    runs = Card(manifest, None, {}).runs
    assert [(run["seed"], run["share"]) for run in runs] == [(1, 0.25), (2, 0.25), (3, 0.5)]


def test_a_run_that_counts_twice_is_one_run() -> None:
    manifest = {"training": {"members": [{"seed": 1}, {"seed": 2}, {"seed": 2}, {"seed": 1}]}}
    runs = Card(manifest, None, {}).runs
    assert [(run["seed"], run["share"]) for run in runs] == [(1, 0.5), (2, 0.5)]


def test_the_curve_of_a_mean_of_means_has_every_run() -> None:
    runs = [{"curve": [{"stage": 0, "loss": loss, "accuracy": 0.5}]} for loss in (3.0, 2.0, 1.0)]
    manifest = {"training": {"members": [{"members": runs[:2]}, runs[2]]}}
    curve = [(epoch["run"], epoch["stage"], epoch["loss"]) for epoch in training_curve(manifest)]
    assert curve == [(0, 0, 3.0), (1, 0, 2.0), (2, 0, 1.0)]


def test_each_run_has_a_line_of_its_own_in_the_training_plot(evaluation: Evaluation) -> None:
    two_runs = [*CURVE, *({**epoch, "run": 1} for epoch in CURVE)]
    lines = [
        len(re.findall(f'd="M [^"]*" clip-path="[^"]*" style="fill: none; stroke: var\\(--c{colour}', svg))
        for svg in (draw_plots(evaluation, curve)["training"] for curve in (CURVE, two_runs))
        for colour in (3, 4)
    ]
    assert lines == [1, 1, 2, 2]
