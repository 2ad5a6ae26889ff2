"""The plan line, and the rehearsal against an executor that answers what it is told to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

import truing as tr
from truing.advice.beforehand import plan_line, rehearse
from truing.errors import ObjectiveError
from truing.record.events import Event
from truing.record.interfaces import Decision, RunSpec
from truing.report.progress import duration
from truing.setting import Setting, prepare


@dataclass
class Answers:
    """Ends each run with the next of its outcomes; now and then it has nothing to say."""

    outcomes: list[dict[str, Any]]
    specs: list[RunSpec] = field(default_factory=list)
    silent: bool = True

    def free(self) -> int:
        return 1

    def start(self, runs: Sequence[RunSpec]) -> None:
        self.specs += runs

    def wait(self, timeout: float, decide: Callable[[Event], Decision]) -> Sequence[Event]:
        self.silent = not self.silent
        if not self.silent:
            return []
        return [Event("finished", {"run": -1, "seconds": 2.0, **self.outcomes.pop(0)})]

    def cancel(self, run: int) -> None:
        raise NotImplementedError

    def now(self) -> float:
        return 0.0

    def close(self) -> None:
        pass


def done(report: str = "predictions", predict: bool = True, **more: Any) -> dict[str, Any]:
    return {"state": "completed", "details": {"report": report, "predict": predict, **more}}


def failed(state: str, **reason: str) -> dict[str, Any]:
    return {"state": state, "reason": {"kind": "", "message": "", "where": "", "tail": "", **reason}}


X = np.arange(200.0).reshape(100, 2)


def setting(**more: Any) -> Setting:
    settings: dict[str, Any] = {
        "data": tr.Data(X, [0, 1] * 50),
        "primary": "log_loss",
        "also": (),
        "positive": None,
        "validation": tr.KFold(5),
        "test": 0.2,
        "epochs": None,
        "threads": 1,
        "seed": 0,
    }
    return prepare(**(settings | more))


def rehearsed(outcomes: list[dict[str, Any]], **more: Any) -> tuple[Any, list[RunSpec]]:
    executor = Answers(outcomes)
    return rehearse(executor, setting(**more), {"x": 1}, lambda: None), executor.specs


@pytest.mark.parametrize(
    ("outcome", "locked_as", "runs"),
    [
        (done(predict=True), "predict", 1),
        (done(predict=False), "locked", 2),
        (done("numbers", predict=False), "numbers", 1),
        (done("numbers", predict=True), "predict", 1),
    ],
)
def test_the_rehearsal_goes_the_way_of_the_verdict(outcome: dict[str, Any], locked_as: str, runs: int) -> None:
    found, specs = rehearsed([outcome, done(predict=False)])

    assert found.locked_as == locked_as
    assert len(specs) == runs
    assert specs[-1].locked_as == ("locked" if runs == 2 else "predict")
    assert {(spec.cap, spec.purpose) for spec in specs} == {(1, "rehearsal")}


@pytest.mark.parametrize(
    ("more", "in_fold"),
    [({}, True), ({"test": tr.Data(X[:7] + 500, [0, 1, 0, 1, 0, 1, 0])}, True), ({"validation": None}, False)],
)
def test_development_rows_stand_in_for_the_locked_ones(more: dict[str, Any], in_fold: bool) -> None:
    rests_on = setting(**more)
    _, (spec,) = rehearsed([done()], **more)

    assert spec.locked_in == "development"
    assert set(spec.locked) <= set(rests_on.plan.rows)
    assert spec.locked_in != rests_on.plan.locked_in or set(spec.locked).isdisjoint(rests_on.plan.locked)
    assert 0 < len(spec.locked) <= 64
    assert set(spec.locked) <= set(spec.valid if in_fold else spec.train)


def test_without_a_test_set_nothing_stands_in() -> None:
    _, (spec,) = rehearsed([done(predict=False)], test=None)

    assert spec.locked is None


def test_an_error_on_the_locked_path_stops_too() -> None:
    with pytest.raises(ObjectiveError, match="no labels for you"):
        rehearsed([done(predict=False), failed("failed", tail="Traceback\nLookupError: no labels for you")])


def test_a_python_error_is_raised_with_its_traceback() -> None:
    with pytest.raises(ObjectiveError, match="so the search did not start") as stop:
        rehearsed([failed("failed", tail='Traceback\n  File "mine.py"\nKeyError: 3')])
    assert str(stop.value).endswith('Traceback\n  File "mine.py"\nKeyError: 3')


def test_a_person_who_stops_it_stops_it() -> None:
    with pytest.raises(KeyboardInterrupt):
        rehearsed([failed("cancelled")])


@pytest.mark.parametrize("state", ["diverged", "crashed", "out_of_memory", "timed_out", "lost"])
def test_what_is_no_python_error_is_noted_only(state: str) -> None:
    found, _ = rehearsed([failed(state, message="what there is to say")])

    assert (found.state, found.seconds) == (state, None)
    assert f"ended as {state}: what there is to say." in found.note


@pytest.mark.parametrize(
    ("details", "epochs", "seconds"),
    [
        ({}, None, 2.0),  # the function has no epochs that Truing knows of: a run is a run
        ({"epoch_seconds": 0.5, "asked_epochs": 10}, None, 1.5 + 5.0),
        ({"epoch_seconds": 0.5, "asked_epochs": 4}, 4, 1.5 + 2.0),
        ({"epoch_seconds": 3.0, "asked_epochs": 2}, 2, 6.0),  # the clock of the epoch ran longer than the run's
    ],
)
def test_a_run_is_reckoned_with_all_its_epochs(details: dict[str, Any], epochs: int | None, seconds: float) -> None:
    found, _ = rehearsed([done(**details)], epochs=epochs)

    assert found.seconds == pytest.approx(seconds)


def line(**more: Any) -> str:
    arguments: dict[str, Any] = {"trials": 40, "runs": 5, "seconds": 2.0, "workers": 2, "protocol": "5-fold"}
    return plan_line(says=duration, **(arguments | more))


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, "Plan: 40 trials x 5 runs (5-fold), 2 s each: 3 min 20 s; holdout instead: 40 s."),
        ({"workers": 0}, "Plan: 40 trials x 5 runs (5-fold), 2 s each: 6 min 40 s; holdout instead: 1 min 20 s."),
        (
            {"trials": 1, "runs": 1, "protocol": "holdout 20 %", "workers": 16},
            "Plan: 1 trial x 1 run (holdout 20 %), 2 s each: 2 s.",
        ),
        ({"seconds": None}, "Plan: 40 trials x 5 runs (5-fold); how long a run takes is not known yet."),
        (
            {"runs": 3, "protocol": "3 seeds", "minutes": 1},
            "Plan: 40 trials x 3 runs (3 seeds), 2 s each: 2 min, and this call ends after 1 min.",
        ),
        ({"runs": 3, "protocol": "3 seeds", "minutes": 10}, "Plan: 40 trials x 3 runs (3 seeds), 2 s each: 2 min."),
        (
            {"opening": "Still to do", "trials": 3, "runs": 2, "protocol": "2 seeds"},
            "Still to do: 3 trials x 2 runs (2 seeds), 2 s each: 6 s.",
        ),
    ],
)
def test_the_plan_in_one_line(more: dict[str, Any], expected: str) -> None:
    assert line(**more) == expected


def test_a_plan_without_an_end_says_so() -> None:
    assert "as many trials as there is time for" in line(trials=None, minutes=5.0)
    assert "as many trials as the search takes" in line(trials=None)


def test_the_time_of_the_plan_is_that_of_an_even_schedule() -> None:
    """As many runs at once as there are workers, and never more than there are runs."""
    for workers in range(5):
        for trials in (1, 3, 8):
            said = plan_line(
                trials=trials, runs=2, seconds=10.0, workers=workers, protocol="x", says=lambda s: f"<{s:.6g}>"
            )
            expected = trials * 2 * 10.0 / min(max(workers, 1), trials * 2)
            assert said.endswith(f"<10> each: <{expected:.6g}>.")
