from __future__ import annotations

import json

import numpy as np
import pytest

from truing.record.events import Event
from truing.record.history import History, fold
from truing.report.effects import effects
from truing.report.figures import effect_of, score_over_time
from truing.space.parameter import Choice, Float
from truing.space.space import Space


def traces(drawing) -> dict:
    return {trace.name: trace for trace in drawing.figure.data}


@pytest.mark.parametrize("goal", ["min", "max"])
def test_best_so_far_is_the_running_optimum(told, goal: str) -> None:
    history = fold(told.events, told.history.space, goal)
    values = [t.value for t in history.completed]

    found = traces(score_over_time(history, metric="log_loss"))

    running = (np.minimum if goal == "min" else np.maximum).accumulate(values)
    assert list(found["best so far"].y) == list(running)
    assert found["best so far"].line.shape == "hv"  # a best holds from its trial on, never before it
    assert list(found["trial"].y) == values
    assert list(found["failed"].x) == [t.number for t in history.trials if t.state == "failed"]


@pytest.mark.parametrize("goal", ["min", "max"])
def test_failed_trials_stand_where_bad_ones_would(told, goal: str) -> None:
    drawing = score_over_time(fold(told.events, told.history.space, goal), metric="log_loss")

    found = traces(drawing)
    edge = found["failed"].y[0]
    assert edge > max(found["trial"].y) if goal == "min" else edge < min(found["trial"].y)
    low, high = drawing.figure.layout.yaxis.range
    assert low < edge < high


def test_figures_are_cartesian_and_say_what_they_show(told) -> None:
    drawings = [score_over_time(told.history, metric="log_loss")]
    drawings += [effect_of(e, told.history, metric="log_loss") for e in effects(told.history)]

    for drawing in drawings:
        layout = drawing.figure.layout
        assert {trace.type for trace in drawing.figure.data} == {"scatter"}
        assert layout.title.text == drawing.title
        assert layout.xaxis.title.text
        assert "log_loss" in layout.yaxis.title.text
        assert drawing.text.startswith(drawing.title)
        json.loads(drawing.figure.to_json())


def test_effect_of_a_parameter_shows_its_cells(told) -> None:
    for effect in effects(told.history):
        drawing = effect_of(effect, told.history, metric="log_loss")
        mean = traces(drawing)["mean, 95 % interval"]

        assert list(mean.y) == [c.mean for c in effect.cells]
        tops = np.add(mean.y, mean.error_y.array)
        assert tops == pytest.approx([c.upper for c in effect.cells])
        assert all(cell.label in drawing.text for cell in effect.cells)
        assert (drawing.figure.layout.xaxis.type == "log") == (effect.log)


def test_large_spread_gets_a_logarithmic_axis_on_which_all_is_finite() -> None:
    space = Space(kind=Choice(["a", "b"]))
    events = []
    for number, value in enumerate([0.01, 0.02, 50.0, 0.015]):
        events.append(Event("proposed", {"trial": number, "config": {"kind": "ab"[number % 2]}}))
        events.append(Event("judged", {"trial": number, "state": "completed", "value": value}))
    history = fold(events, space, "min")

    (effect,) = effects(history)
    drawing = effect_of(effect, history, metric="loss")

    mean = traces(drawing)["mean, 95 % interval"]
    assert effect.cells[0].lower < 0
    assert drawing.figure.layout.yaxis.type == "log"
    assert min(np.subtract(mean.y, mean.error_y.arrayminus)) > 0
    assert "logarithmic" in score_over_time(history, metric="loss").text


def test_few_trials_are_not_said_to_be_all_alike() -> None:
    space = Space(varied=Float(0, 30), constant=Float(0, 30))
    events = []
    for number in range(5):
        events.append(Event("proposed", {"trial": number, "config": {"varied": 0.5 + number, "constant": 3.0}}))
        events.append(Event("judged", {"trial": number, "state": "completed", "value": 1.0 / (1 + number)}))
    history = fold(events, space, "min")

    titles = [effect_of(effect, history, metric="loss").title for effect in effects(history)]

    assert titles == ["varied: too few trials to divide (5).", "constant: it did not vary (3)."]


def test_markup_in_names_stays_text() -> None:
    evil = "<a href='javascript:alert(1)'>x</a>"
    space = Space({evil: Choice([evil, "b"])})
    events = [
        Event("proposed", {"trial": 0, "config": {evil: evil}}),
        Event("judged", {"trial": 0, "state": "completed", "value": 1.0}),
    ]
    history = fold(events, space, "min")

    (effect,) = effects(history)
    text = effect_of(effect, history, metric=evil).figure.to_json()

    assert "<a" not in json.loads(text)["layout"]["title"]["text"]
    assert "<a" not in json.dumps(json.loads(text)["layout"])
    assert "<a" not in json.dumps(json.loads(text)["data"])


@pytest.mark.parametrize("goal", ["min", "max"])
def test_nothing_to_draw_is_said(told, goal: str) -> None:
    history = History(Space(x=Float(0, 1)), goal)

    drawing = score_over_time(history, metric="loss")

    assert drawing.title == "No trial has completed yet."
    assert "no completed trial used it" in effect_of(effects(history)[0], history, metric="loss").title
