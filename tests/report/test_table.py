from __future__ import annotations

import json
import math
from html.parser import HTMLParser
from typing import Any

import pytest
from rich.cells import cell_len

from truing.record.events import Event
from truing.record.history import fold
from truing.report.table import TrialTable, best_number, ordered, render_trials, trial_rows
from truing.space.parameter import Choice, Float, Int
from truing.space.space import Space

KEYS = ["number", "state", "config", "value", "se", "runs", "seconds", "reason"]


def row(number: int, state: str = "completed", value: float | None = None, **config: Any) -> dict[str, Any]:
    reason = "ValueError: no" if state == "failed" else None
    return dict(zip(KEYS, [number, state, config, value, None if value is None else 0.01, 5, 1.0, reason], strict=True))


def test_rows_say_what_the_events_said(told) -> None:
    """Against the raw events, without the history."""
    rows = trial_rows(told.history)

    judged = {e.data["trial"]: e.data for e in told.events if e.kind == "judged"}
    proposed = {e.data["trial"]: e.data["config"] for e in told.events if e.kind == "proposed"}
    trial_of = {e.data["run"]: e.data["trial"] for e in told.events if e.kind == "started"}
    seconds = dict.fromkeys(proposed, 0.0)
    for event in told.events:
        if event.kind == "finished":
            seconds[trial_of[event.data["run"]]] += event.data["seconds"]
    assert [r["number"] for r in rows] == list(range(40))
    for r in rows:
        said = judged[r["number"]]
        assert list(r) == KEYS
        assert r["state"] == said["state"]
        assert r["config"] == proposed[r["number"]]
        assert r["value"] == said.get("value")
        assert r["reason"] == said.get("reason")
        assert r["runs"] == sum(1 for t in trial_of.values() if t == r["number"])
        assert r["seconds"] == pytest.approx(seconds[r["number"]], abs=5e-4)
        assert round(r["seconds"], 3) == r["seconds"]


def test_rows_are_json_without_nan(told) -> None:
    text = json.dumps(trial_rows(told.history), allow_nan=False)

    assert json.loads(text) == trial_rows(told.history)


def test_value_is_null_unless_completed() -> None:
    space = Space(x=Float(0, 1))
    events = [
        Event("proposed", {"trial": 0, "config": {"x": 0.5}}),
        Event("judged", {"trial": 0, "state": "failed", "value": 0.3, "se": 0.1, "reason": "bad"}),
        Event("proposed", {"trial": 1, "config": {"x": 0.6}}),
        Event("judged", {"trial": 1, "state": "completed", "value": math.nan}),
        Event("proposed", {"trial": 2, "config": {"x": 0.7}}),
    ]

    rows = trial_rows(fold(events, space, "min"))

    assert [(r["value"], r["se"], r["state"]) for r in rows] == [
        (None, None, "failed"),
        (None, None, "completed"),
        (None, None, "running"),
    ]


def test_a_run_that_was_cut_off_and_run_again_counts_once() -> None:
    space = Space(x=Float(0, 1))
    run = {"trial": 0, "purpose": "search", "replicate": 0}
    events = [
        Event("proposed", {"trial": 0, "config": {"x": 0.5}}),
        Event("started", {**run, "run": 1}),
        Event("finished", {"run": 1, "state": "superseded"}),
        Event("started", {**run, "run": 2, "attempt": 1}),
        Event("finished", {"run": 2, "state": "completed", "seconds": 2.0}),
        Event("started", {**run, "run": 3, "purpose": "race"}),
    ]

    assert [r["runs"] for r in trial_rows(fold(events, space, "min"))] == [1]
    assert [r["runs"] for r in trial_rows(fold(events[:3], space, "min"))] == [0]


@pytest.mark.parametrize("goal", ["min", "max"])
def test_failed_trials_never_come_first(goal: str) -> None:
    rows = [row(0, "failed"), row(1, value=0.2), row(2, "running"), row(3, value=0.1), row(4, "failed")]

    numbers = [r["number"] for r in ordered(rows, goal, best_first=True)]

    assert numbers == ([3, 1, 2, 0, 4] if goal == "min" else [1, 3, 2, 0, 4])
    assert best_number(rows, goal) == numbers[0]


def test_equal_values_go_to_the_earlier_trial() -> None:
    assert best_number([row(5, value=0.1), row(2, value=0.1)], "min") == 2
    assert best_number([row(5, value=0.1), row(2, value=0.1)], "max") == 2


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
@pytest.mark.parametrize("best_first", [False, True])
def test_no_line_wraps(told, width: int, best_first: bool) -> None:
    text = render_trials(trial_rows(told.history), width=width, metric="log_loss", goal="min", best_first=best_first)

    assert max(cell_len(line) for line in text.splitlines()) <= width


def test_hostile_names_and_values_stay_on_their_line() -> None:
    rows = [row(0, value=0.1, **{"日本語の名前" * 5: "x\n\x1b[2J" * 20, "p" * 300: "q" * 300, "none": None})]

    text = render_trials(rows, width=80, metric="metric\nwith a line break " * 5, goal="min")

    assert "\x1b" not in text
    assert max(cell_len(line) for line in text.splitlines()) <= 80
    assert sum(line.startswith("*     0") for line in text.splitlines()) == 1


def test_every_parameter_of_the_demo_fits_into_80_columns(told) -> None:
    text = render_trials(trial_rows(told.history), width=80, metric="log_loss", goal="min")

    assert "not shown" not in text
    assert len(text.splitlines()[0].split()) == len(["trial", "state", "log_loss", "±", "se"]) + 5


def test_what_does_not_fit_is_named() -> None:
    config = {f"parameter_number_{i}": 0.123456 * i for i in range(30)}

    text = render_trials([row(0, value=0.1, **config)], width=80, metric="loss", goal="min")

    shown = text.splitlines()[0]
    note = text.splitlines()[-1]
    assert "paramet" in shown
    assert "not shown: parameter_number_" in note


def test_limit_says_how_many_more_there_are(told) -> None:
    text = render_trials(trial_rows(told.history), width=80, metric="log_loss", goal="min", best_first=True, limit=3)

    best = min((t for t in told.history.trials if t.value is not None), key=lambda t: t.value)
    assert text.splitlines()[1].startswith(f"*{best.number:>6}  completed")
    assert "37 more trials" in text


def test_missing_things_are_dashes_and_none_is_a_choice() -> None:
    space = Space(kind=Choice([None, "a"]), depth=Int(1, 3, when={"kind": ["a"]}))
    events = [
        Event("proposed", {"trial": 0, "config": {"kind": None}}),
        Event("proposed", {"trial": 1, "config": {"kind": "a", "depth": 2}}),
    ]

    text = render_trials(trial_rows(fold(events, space, "min")), width=80, metric="loss", goal="min")

    assert [line.split() for line in text.splitlines()[1:]] == [
        ["0", "running", "-", "None", "-"],
        ["1", "running", "-", "a", "2"],
    ]


def test_table_is_a_sequence_equal_to_its_rows(told) -> None:
    rows = trial_rows(told.history)

    table = TrialTable(rows, metric="log_loss", goal="min")

    assert table == rows
    assert list(table) == rows
    assert table[3] == rows[3]
    assert table[-1] == rows[-1]
    assert list(table[2:5]) == rows[2:5]
    assert len(table) == 40
    assert "4 more" not in str(table)


def test_table_prints_within_the_terminal(told, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")

    text = str(TrialTable(trial_rows(told.history), metric="log_loss", goal="min"))

    assert max(cell_len(line) for line in text.splitlines()) <= 80


def test_notebook_table_escapes_everything() -> None:
    evil = "<img src=x onerror=alert(1)>"
    table = TrialTable([row(0, value=0.1, **{evil: evil})], metric=evil, goal="min")
    tags: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: Any) -> None:
            tags.append(tag)

    Reader().feed(table._repr_html_())

    assert set(tags) == {"table", "thead", "tbody", "tr", "th", "td", "strong"}
