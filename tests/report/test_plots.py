"""What every figure of `study.plot` keeps to, whatever the study looks like."""

from __future__ import annotations

import inspect
import itertools
import json
import math
from typing import Any

import numpy as np
import pytest

import truing as tr
from truing.errors import UsageError
from truing.record.events import Event
from truing.record.history import fold
from truing.report.plots import FIGURES, Plots, drawing, shown
from truing.report.seen import Seen

EVIL = "<b>\"a\" & 'b'</b> " + "long" * 20
NEEDS_VERDICT = ("overtuning", "calibration", "roc", "confusion", "decision_curve")


def space() -> tr.Space:
    return tr.Space(
        {
            EVIL: tr.Choice([EVIL, "b", None]),
            "rate": tr.Float(1e-4, 1e-1, log=True),
            "width": tr.Int(1, 8),
            "momentum": tr.Float(0.0, 0.99, when={EVIL: [EVIL]}),
            "depth": tr.Choice([1, 2, 3], ordered=True),
        }
    )


def told(
    trials: int, *, goal: str = "min", failing: float = 0.0, sign: float = 1.0, plain: bool = False
) -> list[Event]:
    """A study: scores, seconds, numbers of parameters and curves; some runs fail, some numbers are not there."""
    rng, made = np.random.default_rng(trials), space()
    events = []
    for number in range(trials):
        config = dict(made.defaults() if number == 0 else made.sample(rng))
        events.append(Event("proposed", {"trial": number, "config": config, "seen": 0}))
        base = {"run": number, "trial": number, "purpose": "search", "replicate": 0, "seed": 1}
        events.append(Event("started", base))
        if rng.random() < failing:
            reason = {"kind": "FloatingPointError", "message": "loss is NaN", "where": "a.py:1", "tail": ""}
            events.append(Event("finished", {"run": number, "state": "diverged", "seconds": 0.1, "reason": reason}))
            events.append(Event("judged", {"trial": number, "state": "failed", "reason": "loss is NaN"}))
            continue
        value = sign * (1 + (math.log10(config["rate"]) + 2) ** 2 + config["width"] / 8 + 0.1 * rng.normal())
        scores: dict[str, Any] = {"loss": value}
        details: dict[str, Any] = {}
        curve = [[epoch, value * (1 + 1 / epoch)] for epoch in (1, 2, 3)]
        if not plain:
            scores["parameters"] = None if number % 7 == 3 else 100 * config["width"] ** 2
            details["train_curve"] = [[epoch, v - 0.1 * config["width"]] for epoch, v in curve]
        done = {"run": number, "state": "completed", "seconds": 0.1 * config["width"], "curve": curve}
        events.append(Event("finished", {**done, "scores": scores, "details": details}))
        se = None if number % 5 == 4 else 0.05
        events.append(Event("judged", {"trial": number, "state": "completed", "value": value, "se": se}))
    return events


CASES: dict[str, tuple[list[Event], str]] = {
    "none": ([], "min"),
    "one": (told(1), "min"),
    "two": (told(2), "max"),
    "all failed": (told(6, failing=1.1), "min"),
    "few failed": (told(45, failing=0.3), "min"),
    "to be high, negative": (told(40, goal="max", sign=-1.0), "max"),
    "scores alone": (told(30, plain=True), "max"),
    "very many": (told(1100), "min"),
}


@pytest.fixture(scope="module", params=CASES)
def seen(request: pytest.FixtureRequest) -> Seen:
    events, goal = CASES[request.param]
    study = {"metric": "loss", "goal": goal, "search": {"name": "random"}}
    found = Seen(fold(events, space(), goal), study)
    if request.param == "very many":  # what mattered takes its time, and is drawn alike from fewer
        few, _ = CASES["few failed"]
        vars(found)["importance"] = Seen(fold(few, space(), goal), study).importance
    return found


def arguments(name: str, seen: Seen) -> list[dict[str, str]]:
    takes = FIGURES[name].takes
    names = list(seen.history.space)
    if len(takes) == 1:
        return [{}, *({takes[0]: one} for one in names)]
    return [dict(zip(takes, (a, b), strict=True)) for a, b in itertools.pairwise(names[1:4])] + [{}] if takes else [{}]


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_of_every_study(seen: Seen, name: str) -> None:
    for given in arguments(name, seen):
        made = drawing(name, seen, **given)
        figure = shown(made)
        layout, text = figure.layout, figure.to_json()

        assert made.title.endswith((".", "!"))
        assert made.title[:1]
        assert "\n" not in made.title
        assert len(made.title) <= 300
        assert made.text.startswith(made.title)
        assert layout.meta["text"] == made.text
        assert all(len(line) <= 300 for line in layout.title.text.split("<br>"))
        assert {trace.type for trace in figure.data} <= {"scatter", "bar", "heatmap", "contour"}  # none needs WebGL
        assert "<b>" not in text
        assert "nan" not in made.text.lower().replace("loss is nan", "")
        for line in layout.title.text.split("<br>"):
            assert "<" not in line
        json.loads(text, parse_constant=lambda found: pytest.fail(f"{name} holds {found}"))
        if figure.data:
            drawn = [axis for axis in ("xaxis", "yaxis") if layout[axis].visible is not False]
            assert all(layout[axis].title.text or layout[axis].ticktext or name == "importance" for axis in drawn)
        else:
            assert made.title  # which says why


@pytest.mark.parametrize("name", NEEDS_VERDICT)
def test_before_a_verdict_its_figures_say_so(name: str) -> None:
    found = Seen(fold(told(5), space(), "min"), {"metric": "loss"})

    made = drawing(name, found)

    assert "no verdict yet" in made.title
    assert not made.figure.data


@pytest.mark.parametrize("name", NEEDS_VERDICT)
def test_a_verdict_without_a_block_says_so(name: str) -> None:
    found = Seen(fold(told(5), space(), "min"), {"metric": "loss"}, {"headline": "No gain shown."})

    assert "The verdict has no" in drawing(name, found).title


def test_the_methods_and_the_table_are_the_same() -> None:
    methods = {name: kind for name, kind in inspect.getmembers(Plots, inspect.isfunction) if not name.startswith("_")}

    assert set(methods) == set(FIGURES)
    for name, method in methods.items():
        assert tuple(inspect.signature(method).parameters)[1:] == FIGURES[name].takes
        assert method.__doc__


def test_figures_of_a_folder(tmp_path) -> None:
    def train(run):
        for epoch in run.epochs(3):
            run.report(loss=run.config["x"] + 1 / epoch)

    made = tr.Study(
        train, tr.Space(x=tr.Float(0, 1)), metric=tr.Metric("loss", goal="min"), folder=tmp_path / "s", test=None
    )
    with pytest.raises(UsageError, match="holds no study"):
        made.plot.over_time()
    made.run(trials=3, workers=0)

    assert made.plot.over_time().layout.meta == tr.load(tmp_path / "s").plot.over_time().layout.meta
    assert made.plot.learning_curves().data
    assert made.plot.effect("x").data
    assert made.plot.effect().data
    with pytest.raises(UsageError, match="no parameter 'xx'; did you mean 'x'"):
        made.plot.effect("xx")
    assert "over_time" in repr(made.plot)
