"""Before the first trial: the rehearsal, and the plan in one line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from truing.errors import ObjectiveError
from truing.record.interfaces import Decision, Executor, RunSpec
from truing.record.state import State
from truing.record.trial import REHEARSAL, Replicate
from truing.setting import Setting

STAND_IN = 64  # development rows that play the locked ones in the rehearsal


@dataclass(frozen=True)
class Rehearsal:
    """What one short run of the defaults showed.

    Args:
        report: "predictions" or "numbers".
        predict: the function returned one.
        seconds: estimate of one full run; None where it cannot be told.
        state: how it ended; other than completed only for what is no Python error.
        note: what to tell a person about it; may be empty.
    """

    report: str = ""
    predict: bool = False
    seconds: float | None = None
    state: str = "completed"
    note: str = ""

    @property
    def locked_as(self) -> str:
        """How the verdict's test runs will give the locked rows to the function."""
        if self.predict:
            return "predict"
        return "numbers" if self.report == "numbers" else "locked"


def rehearse(executor: Executor, setting: Setting, defaults: Any, watch: Callable[[], None]) -> Rehearsal:
    """Run the defaults for one epoch of one replicate, through the verdict's path too; the lockbox stays closed.

    Raises:
        ObjectiveError: a Python error in the objective; the text is its own traceback.
    """
    plan, first = setting.plan, setting.plan.replicates[0]
    stand_in = _stand_in(setting, first) if setting.has_test else None
    spec = plan.spec(-1, 0, defaults, REHEARSAL, first, cap=1, locked=stand_in, locked_in="development")
    outcome = _one(executor, spec, watch)
    state, details = State(outcome["state"]), outcome.get("details", {})
    _raise_python_error(state, outcome)
    if state is not State.COMPLETED:
        reason = outcome.get("reason") or {}
        what = reason.get("message") or reason.get("kind") or ""
        return Rehearsal(
            state=str(state), note=f"The rehearsal of the defaults ended as {state}: {what}. {state.advice}"
        )
    found = Rehearsal(details["report"], details["predict"], _full_run(outcome, plan.epochs))
    if setting.has_test and found.locked_as == "locked":
        again = plan.spec(
            -1,
            0,
            defaults,
            REHEARSAL,
            first,
            cap=1,
            locked=stand_in,
            locked_in="development",
            locked_as="locked",
        )
        outcome = _one(executor, again, watch)
        _raise_python_error(State(outcome["state"]), outcome)
    return found


def _one(executor: Executor, spec: RunSpec, watch: Callable[[], None]) -> dict[str, Any]:
    executor.start([spec])
    while True:
        for event in executor.wait(0.25, lambda event: Decision.GO_ON):
            return event.data
        watch()


def _raise_python_error(state: State, outcome: dict[str, Any]) -> None:
    if state is State.FAILED:
        reason = outcome["reason"]
        raise ObjectiveError(
            "The rehearsal failed (the defaults, one epoch of one run), so the search did not start.\n"
            + (reason["tail"] or reason["message"])
        )
    if state is State.CANCELLED:
        raise KeyboardInterrupt


def _stand_in(setting: Setting, replicate: Replicate) -> np.ndarray | None:
    positions = replicate.valid if replicate.valid is not None else replicate.train
    rows = setting.plan.rows
    return None if positions is None or rows is None else rows[positions[:STAND_IN]]


def _full_run(outcome: dict[str, Any], epochs: int | None) -> float | None:
    """Seconds of a run of all epochs: what is beside the epoch, plus the epoch as often as it will run."""
    details = outcome.get("details", {})
    epoch, asked = details.get("epoch_seconds"), details.get("asked_epochs") or epochs
    if epoch is None or asked is None:
        return outcome["seconds"]
    return max(0.0, outcome["seconds"] - epoch) + epoch * asked


def plan_line(
    *,
    trials: int | None,
    runs: int,
    seconds: float | None,
    workers: int,
    protocol: str,
    says: Callable[[float | None], str],
) -> str:
    """The plan in one line: trials x runs, time a run, wall time in all, and what a holdout would cost instead.

    >>> plan_line(trials=40, runs=5, seconds=2.0, workers=2, protocol="5-fold", says=lambda s: f"{s:.0f} s")
    'Plan: 40 trials x 5 runs (5-fold), 2 s each: 200 s; holdout instead: 40 s.'
    """
    if trials is None:
        many = f"as many trials as there is time for, {runs} runs each ({protocol})"
        return f"Plan: {many}, {says(seconds)} each."
    run = "run" if runs == 1 else "runs"
    trial = "trial" if trials == 1 else "trials"
    text = f"Plan: {trials} {trial} x {runs} {run} ({protocol})"
    if seconds is None:
        return text + "; how long a run takes is not known yet."
    parallel = max(1, workers)
    total = trials * runs * seconds / parallel
    text += f", {says(seconds)} each: {says(total)}"
    if runs > 1 and "fold" in protocol:
        text += f"; holdout instead: {says(trials * seconds / parallel)}"
    return text + "."
