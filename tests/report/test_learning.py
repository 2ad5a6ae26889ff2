"""Learning curves, against means worked out with NumPy from what was reported."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from truing.record.events import Event
from truing.record.history import History, fold
from truing.report.html import report_html
from truing.report.learning import OTHERS, learning_curves, mean_curve
from truing.space.parameter import Float
from truing.space.space import Space

SPACE = Space(x=Float(0.0, 1.0, default=0.5))
Curve = list[tuple[int, float | None]]


def history_of(*trials: list[Curve], train: list[list[Curve]] | None = None, goal: str = "min") -> History:
    """Trials of runs of curves; a trial's value is the mean of the last scores, None = it failed."""
    told = [Event("study", {"space": SPACE.to_dict(), "goal": goal, "metric": "loss"})]
    number = 0
    for trial, runs in enumerate(trials):
        told.append(Event("proposed", {"trial": trial, "config": {"x": trial / 1000}}))
        for replicate, curve in enumerate(runs):
            told.append(Event("started", {"run": number, "trial": trial, "purpose": "search", "replicate": replicate}))
            details = {"train_curve": train[trial][replicate]} if train and train[trial] else {}
            data = {"run": number, "state": "completed", "scores": {"loss": curve[-1][1]}, "curve": curve}
            told.append(Event("finished", {**data, "details": details}))
            number += 1
        value = float(np.mean([curve[-1][1] for curve in runs]))
        told.append(Event("judged", {"trial": trial, "state": "completed", "value": value}))
    return fold(told, SPACE, goal)


def falling(rate: float, epochs: int = 6, seed: int = 0) -> Curve:
    rng = np.random.default_rng(seed)
    return [(e, float(np.exp(-rate * e) + 0.01 * rng.random())) for e in range(1, epochs + 1)]


def test_a_curve_is_the_mean_over_the_runs() -> None:
    runs = [falling(0.3, seed=seed) for seed in range(5)]
    found = mean_curve(history_of(runs), history_of(runs).trial(0))

    assert [epoch for epoch, _ in found] == [1, 2, 3, 4, 5, 6]
    assert [value for _, value in found] == pytest.approx(np.mean([[v for _, v in run] for run in runs], axis=0))


def test_a_run_that_ended_early_does_not_move_the_mean_of_the_others() -> None:
    """The line ends where the first of them ended; an epoch undefined in one of them is left out."""
    runs: list[Curve] = [[(1, 1.0), (2, 2.0), (3, 3.0), (4, 4.0)], [(1, 3.0), (2, None), (3, 5.0)]]
    history = history_of(runs)

    assert mean_curve(history, history.trial(0)) == [(1, 2.0), (3, 4.0)]


def test_of_several_reports_in_one_epoch_the_last_counts() -> None:
    history = history_of([[(1, 9.0), (1, 1.0), (2, 0.5)]])

    assert mean_curve(history, history.trial(0)) == [(1, 1.0), (2, 0.5)]


def traces(drawing: Any) -> dict[str, Any]:
    return {trace.name: trace for trace in drawing.figure.data if trace.name}


def test_selected_defaults_next_best_and_others_are_told_apart() -> None:
    trials = [[falling(rate, seed=place)] for place, rate in enumerate(np.linspace(0.1, 1.0, 10))]
    history = history_of(*trials, train=[[falling(2.0)] for _ in trials])
    found = learning_curves(history, metric="loss", selected=8)

    assert found is not None
    lines = traces(found)
    assert list(lines) == ["other trials", "next best", "defaults", "selected, training rows", "selected"]
    assert set(lines["selected"].customdata) == {8}
    assert set(lines["defaults"].customdata) - {None} == {0}
    assert set(lines["next best"].customdata) - {None} == {9, 7, 6, 5}
    assert set(lines["other trials"].customdata) - {None} == {1, 2, 3, 4}
    assert list(lines["selected"].y) == pytest.approx([value for _, value in trials[8][0]])
    assert list(lines["selected, training rows"].y) == pytest.approx([value for _, value in falling(2.0)])
    assert None in lines["next best"].y  # a gap between one trial and the next
    assert len({(line.line.color, line.line.dash) for line in lines.values()}) == 5


def test_before_a_verdict_the_best_is_named_so() -> None:
    found = learning_curves(history_of([falling(0.1)], [falling(0.9)]), metric="loss")

    assert found is not None
    assert list(traces(found)) == ["defaults", "best by the search"]
    assert found.title.startswith("The best by the search (trial 1)")


@pytest.mark.parametrize(
    ("goal", "curve", "said"),
    [
        ("min", [0.9, 0.4, 0.6], "was best (0.4) at epoch 2 of 3, and 0.6 at the last."),
        ("max", [0.9, 0.4, 0.6], "was best (0.9) at epoch 1 of 3, and 0.6 at the last."),
        ("min", [0.9, 0.4, 0.2], "was best (0.2) at its last epoch, 3: more might help."),
    ],
)
def test_the_title_says_what_is_seen(goal: str, curve: list[float], said: str) -> None:
    found = learning_curves(history_of([list(enumerate(curve, 1))], goal=goal), metric="loss")

    assert found is not None
    assert found.title == f"The best by the search (trial 0): mean loss {said}"
    assert found.title in found.text


@pytest.mark.parametrize(("curve", "kind"), [([100.0, 1.0, 0.1], "log"), ([0.9, 0.5], None), ([90.0, -1.0], None)])
def test_the_axis_is_logarithmic_where_scores_span_decades_and_can_be(curve: list[float], kind: str | None) -> None:
    found = learning_curves(history_of([list(enumerate(curve, 1))]), metric="loss")

    assert found is not None
    assert found.figure.layout.yaxis.type == kind
    assert ("logarithmic" in found.text) == (kind == "log")
    low, high = found.figure.layout.yaxis.range
    ends = np.log10([min(curve), max(curve)]) if kind else [min(curve), max(curve)]
    assert low <= ends[0] <= ends[1] <= high


def test_many_trials_are_thinned_and_it_is_said() -> None:
    history = history_of(*[[falling(0.1 + place / 500, epochs=3, seed=place)] for place in range(300)])
    found = learning_curves(history, metric="loss")

    assert found is not None
    drawn = set(traces(found)["other trials"].customdata) - {None}
    assert len(drawn) == OTHERS
    ranks = [t.number for t in history.ranked()]
    assert {ranks[5], ranks[-2]} <= drawn or {ranks[5], ranks[-1]} <= drawn  # from the best of them to the worst
    assert f"{OTHERS} of the 294 other trials, evenly by rank," in found.text


def test_one_report_a_run_is_no_curve() -> None:
    assert learning_curves(history_of([[(1, 0.5)]], [[(1, 0.4)]]), metric="loss") is None
    assert learning_curves(history_of(), metric="loss") is None


def test_the_page_has_the_section_only_where_there_are_curves() -> None:
    for history, there in ((history_of([falling(0.3)], [falling(0.5)]), True), (history_of([[(1, 0.5)]]), False)):
        page = report_html(
            history=history, study={"metric": "loss"}, verdict=None, verdict_text="", folder_name="studies/s"
        )
        assert ('id="learning"' in page) == there
        assert ("Each line is the mean over a trial&#39;s runs" in page) == there


def test_a_metric_called_like_markup_is_text() -> None:
    found = learning_curves(history_of([falling(0.3)]), metric="<b>x</b>")

    assert found is not None
    assert "<b>" not in found.figure.layout.title.text
    assert "<b>" not in found.figure.layout.yaxis.title.text
