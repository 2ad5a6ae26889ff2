"""Before the first trial: the rehearsal, and the plan in one line, with what it can resolve."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np

from truing.advice.resolution import guessed
from truing.advice.which_search import which_search
from truing.errors import JournalError, ObjectiveError
from truing.execution.devices import NO_GPUS, Devices
from truing.loop import Session
from truing.record.events import Event
from truing.record.history import History
from truing.record.interfaces import Decision, Executor, RunSpec
from truing.record.state import State
from truing.record.trial import REHEARSAL, SEARCH, Replicate
from truing.setting import Setting

SLOW = 0.5  # seconds of a rehearsal that may owe its time to a first use
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
        epochs: that the function asked for; None where it does not go by `run.epochs()`.
    """

    report: str = ""
    predict: bool = False
    seconds: float | None = None
    state: str = "completed"
    note: str = ""
    epochs: int | None = None

    @property
    def locked_as(self) -> str:
        """How the verdict's test runs will give the locked rows to the function."""
        if self.predict:
            return "predict"
        return "numbers" if self.report == "numbers" else "locked"


def before_search(
    session: Session,
    setting: Setting,
    defaults: Any,
    *,
    identity: str | None,
    trials: int | None,
    minutes: float | None,
    workers: int,
    memory: str = "",
    searcher: Any = None,
    notes: Sequence[str],
    say: Callable[[str], None],
    says: Callable[[float | None], str],
) -> None:
    """Rehearse where that has not been done with this function, and say the plan and what else to know.

    Args:
        identity: of the function's source; another one is rehearsed anew.
        trials: how many there will be in all.
        memory: what a run may hold at most, in words; empty = no limit.
        searcher: on which there may be a line.
        notes: further sentences for the first time.
        says: seconds in words.

    Raises:
        ObjectiveError: a Python error in the rehearsal.
    """
    history = session.history
    plan = partial(plan_line, runs=len(setting.plan.replicates), minutes=minutes, workers=workers, says=says)
    plan = partial(plan, on=session.devices.describe(workers), memory=memory)
    seconds = [r.seconds for r in history.runs.values() if r.state is State.COMPLETED and r.purpose == SEARCH]
    ended = sum(history.states[state] for state in ("completed", "stopped", "failed"))
    left = None if trials is None else trials - ended
    if seconds and rehearsed(history, identity):
        if left is None or left > 0:
            mean = sum(seconds) / len(seconds)
            say(plan(trials=left, seconds=mean, protocol=setting.protocol, opening="Still to do"))
            for standing in (history.last("resolution"), history.last("outlook")):
                if standing is not None and standing.get("stop", True):
                    say(standing["text"])
        return

    found = rehearsal(session, setting, defaults, identity=identity, workers=workers, say=say)
    decision = setting.task.describe_decision()
    if setting.threshold is not None:
        decision += f" So are the metrics; the verdict judges at a threshold for {setting.threshold} too."
    findings = [f"Note: {finding.message}" for finding in setting.findings]
    opening = "Still to do" if ended else "Plan"  # after an accepted change, trials that have ended stay as they are
    planned = ""
    if left is None or left > 0:
        planned = plan(trials=left, seconds=found.seconds, protocol=setting.protocol, opening=opening)
    if history.last("resolution") is None:
        session.record(Event("resolution", guessed(setting).to_dict()))
    resolution = (history.last("resolution") or {})["text"] if planned else ""
    advise = getattr(setting.validation, "advice", None)
    advised = advise(found.seconds, left, max(1, workers)) if advise is not None else ""
    each = None if found.seconds is None else found.seconds * len(setting.plan.replicates) / max(1, workers)
    fits = which_search(history.space, searcher, trials, each, says=says) if planned else ""
    for line in (found.note, planned, fits, resolution, *setting.reasons, advised, decision, *findings, *notes):
        if line:
            say(line)


def rehearsed(history: History, identity: str | None) -> bool:
    """Whether the latest rehearsal was of this function."""
    known = history.last("rehearsed")
    return known is not None and known["identity"] == identity


def rehearsal(
    session: Session,
    setting: Setting,
    defaults: Any,
    *,
    identity: str | None,
    workers: int,
    say: Callable[[str], None],
) -> Rehearsal:
    """Rehearse, say so, and write down what it showed.

    Args:
        identity: of the function's source.

    Raises:
        ObjectiveError: a Python error in the rehearsal.
    """

    def watch() -> None:
        if session.asked_to_stop():  # nothing is lost by stopping a rehearsal, so once is enough
            session.executor.cancel(-1)

    each = " on each dataset" if setting.datasets else ""
    say(f"Rehearsal: the defaults, one epoch of one run{each} ...")
    found = rehearse(session.executor, setting, defaults, watch, cold=workers == 0, devices=session.devices)
    session.record(Event("rehearsed", {**asdict(found), "locked_as": found.locked_as, "identity": identity}))
    return found


def rehearse(
    executor: Executor,
    setting: Setting,
    defaults: Any,
    watch: Callable[[], None],
    *,
    cold: bool = False,
    devices: Devices = NO_GPUS,
) -> Rehearsal:
    """Run the defaults for one epoch of one replicate, through the verdict's path too; the lockbox stays closed.

    Args:
        cold: this process trains itself and may never have done so: what libraries do at their first use would be
            counted with every epoch, so a slow first time is repeated for its time alone.
        devices: the GPUs; it gets what a run would.

    Raises:
        ObjectiveError: a Python error in the objective; the text is its own traceback.
    """
    if setting.datasets:
        return _on_each(executor, setting, defaults, watch, cold=cold, devices=devices)
    plan, first = setting.plan, setting.plan.replicates[0]
    opens = setting.has_test or bool(setting.outside)
    stand_in = _stand_in(setting, first) if opens else None
    given = "numbers" if setting.task.primary.kind == "number" else "predict"  # as the verdict will
    gpus = devices.place(()) if devices.told else None
    spec = plan.spec(-1, 0, defaults, REHEARSAL, first, cap=1, locked=stand_in, locked_as=given, gpus=gpus)
    outcome = _one(executor, spec, watch)
    state, details = State(outcome["state"]), outcome.get("details", {})
    _raise_python_error(state, outcome)
    if state is not State.COMPLETED:
        reason = outcome.get("reason") or {}
        what = (reason.get("message") or reason.get("kind") or "").rstrip(".")
        return Rehearsal(
            state=str(state), note=f"The rehearsal of the defaults ended as {state}: {what}. {state.advice}"
        )
    timed = _one(executor, spec, watch) if cold and outcome["seconds"] > SLOW else outcome
    if timed["state"] != State.COMPLETED:
        timed = outcome
    found = Rehearsal(
        details["report"], details["predict"], _full_run(timed, plan.epochs), epochs=details.get("asked_epochs")
    )
    if opens and found.locked_as == "locked":
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
            gpus=gpus,
        )
        outcome = _one(executor, again, watch)
        _raise_python_error(State(outcome["state"]), outcome)
    return found


def _on_each(executor: Executor, setting: Setting, defaults: Any, watch: Callable[[], None], **more: Any) -> Rehearsal:
    """One rehearsal on each dataset: what fails on one of them would fail every trial. Its time is their mean."""
    found: list[Rehearsal] = []
    for name, part in setting.datasets.items():
        try:
            found.append(rehearse(executor, part, defaults, watch, **more))
        except ObjectiveError as error:
            raise ObjectiveError(f"On dataset {name}: {error}") from None
    times = [one.seconds for one in found if one.seconds is not None]
    mean = sum(times) / len(times) if len(times) == len(found) else None
    bad = next((one for one in found if one.state != "completed"), None)
    note = "" if bad is None else bad.note
    return Rehearsal(found[0].report, all(one.predict for one in found), mean, (bad or found[0]).state, note)


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
    if state is State.SUPERSEDED:
        raise JournalError(
            f"The disk is full, so the rehearsal could not be carried out: {outcome['reason']['message']}"
        )


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
    minutes: float | None = None,
    opening: str = "Plan",
    on: str = "",
    memory: str = "",
) -> str:
    """The plan in one line: trials x runs, time a run, wall time in all, and what a holdout would cost instead.

    With `minutes`, a plan that takes longer says so. `on` is what it runs on, where that is worth a word; `memory`
    what a run may hold at most.

    >>> plan_line(trials=40, runs=5, seconds=2.0, workers=2, protocol="5-fold", says=lambda s: f"{s:.0f} s")
    'Plan: 40 trials x 5 runs (5-fold), 2 s each: 200 s; holdout instead: 40 s.'
    """
    run = "run" if runs == 1 else "runs"
    where = f" on {on}" if on else ""
    held = f" and at most {memory}" if memory else ""
    if trials is None:
        what = f"{runs} {run} each ({protocol}), {says(seconds)} a run{held}{where}"
        many = "as there is time for" if minutes is not None else "as the search takes"
        return f"{opening}: as many trials {many}, {what}."
    trial = "trial" if trials == 1 else "trials"
    text = f"{opening}: {trials} {trial} x {runs} {run} ({protocol})"
    if seconds is None:
        return text + f"{held} each" * bool(held) + "; how long a run takes is not known yet."
    total = trials * runs * seconds / max(1, min(workers, trials * runs))
    text += f", {says(seconds)}{held} each{where}: {says(total)}"
    if minutes is not None and total > 60 * minutes:
        text += f", and this call ends after {says(60 * minutes)}"
    if runs > 1 and "fold" in protocol:
        text += f"; holdout instead: {says(trials * seconds / max(1, min(workers, trials)))}"
    return text + "."
