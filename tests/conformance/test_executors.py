"""Every registered executor keeps every promise, and every check catches one that breaks it."""

from __future__ import annotations

import os
import random
import threading
from dataclasses import replace

import numpy as np
import pytest

from truing.execution.inline import InlineExecutor
from truing.record.interfaces import Decision
from truing.registry import EXECUTORS
from truing.testing import executors
from truing.testing.executors import CHECKS, check_executor


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", list(EXECUTORS))
def test_a_registered_executor_keeps_its_promises(name, check, tmp_path):
    if name == "process" and not hasattr(os, "fork"):
        pytest.skip("needs fork")
    check(EXECUTORS.get(name), tmp_path)


class Good:
    """What the broken ones are broken copies of."""

    def __init__(self, job, workers):
        self.job = job
        self.inner = InlineExecutor(job, workers)

    def free(self):
        return self.inner.free()

    def start(self, runs):
        self.inner.start(runs)

    def wait(self, timeout, decide):
        return self.inner.wait(timeout, decide)

    def cancel(self, run):
        self.inner.cancel(run)

    def now(self):
        return self.inner.now()

    def close(self):
        self.inner.close()


class Changed(Good):
    """Its finished events are changed."""

    def change(self, event):
        raise NotImplementedError

    def wait(self, timeout, decide):
        return [self.change(event) for event in super().wait(timeout, decide)]


class EndsTwice(Good):
    def wait(self, timeout, decide):
        return [event for event in super().wait(timeout, decide) for _ in range(2)]


class LosesTheCurve(Changed):
    def change(self, event):
        return replace(event, data=event.data | {"curve": event.data["curve"][-1:]})


class AlwaysFree(Good):
    def free(self):
        return 1


class NeverFree(Good):
    def free(self):
        return 0


class DecidesNothing(Good):
    def wait(self, timeout, decide):
        return super().wait(timeout, lambda event: Decision.GO_ON)


class AnswersLate(Good):
    """Gives the run the decision on the report before."""

    def wait(self, timeout, decide):
        held = [Decision.GO_ON]

        def later(event):
            held.append(decide(event))
            return held[-2]

        return super().wait(timeout, later)


class ForgetsTheSeed(Good):
    count = 0

    def start(self, runs):
        ForgetsTheSeed.count += 1
        super().start([replace(spec, seed=ForgetsTheSeed.count) for spec in runs])


class OneSeedForAll(Good):
    def start(self, runs):
        super().start([replace(spec, seed=0) for spec in runs])


class CallsFailuresCompleted(Changed):
    def change(self, event):
        return replace(event, data=event.data | {"state": "completed"})


class ForgetsTheReason(Changed):
    def change(self, event):
        return replace(event, data={k: v for k, v in event.data.items() if k != "reason"})


class DropsTheCancelled(Good):
    def __init__(self, job, workers):
        super().__init__(job, workers)
        self.dropped = []

    def cancel(self, run):
        self.dropped.append(run)

    def wait(self, timeout, decide):
        found = super().wait(timeout, decide)
        if self.dropped and found:
            raise AssertionError("a cancelled run never ends")
        return found


class TellsAgain(Good):
    """Repeats the last end when there is nothing to wait for."""

    last = ()

    def wait(self, timeout, decide):
        self.last = super().wait(timeout, decide) or self.last
        return self.last


class MakesUpAnEvent(Good):
    def wait(self, timeout, decide):
        from truing.record.events import Event

        return super().wait(timeout, decide) or [Event("finished", {"run": 0, "state": "completed"})]


class LosesPredictions(Changed):
    def change(self, event):
        self.job.predictions(event.data["run"], "-locked").unlink(missing_ok=True)
        return event


class SwapsRows(Good):
    def start(self, runs):
        super().start([replace(spec, valid=np.sort(spec.valid)) if spec.valid is not None else spec for spec in runs])


class LeavesAFolder(Good):
    def close(self):
        super().close()
        (self.job.folder / "left behind").mkdir(exist_ok=True)


class GivesArrays(Changed):
    def change(self, event):
        return replace(event, data=event.data | {"curve": np.array(event.data["curve"])})


class GivesTuples(Changed):
    def change(self, event):
        return replace(event, data=event.data | {"curve": tuple(event.data["curve"])})


class LivesInThePast(Changed):
    def change(self, event):
        return replace(event, time=event.time - 3600)


class DrawsRandomNumbers(Good):
    def start(self, runs):
        random.random()
        super().start(runs)


class DrawsNumPysRandomNumbers(Good):
    def start(self, runs):
        np.random.random()  # noqa: NPY002
        super().start(runs)


class LeavesAThread(Good):
    go = threading.Event()

    def close(self):
        super().close()
        self.go.clear()
        thread = threading.Thread(target=self.go.wait, daemon=True)
        thread.start()


class ClosesOnce(Good):
    closed = False

    def close(self):
        if self.closed:
            raise RuntimeError("closed already")
        self.closed = True
        super().close()


BROKEN = [
    (EndsTwice, "every_run_ends_once", "the runs that ended"),
    (LosesTheCurve, "every_run_ends_once", "the epochs of the curve"),
    (AlwaysFree, "free_counts_what_may_start", "free()"),
    (NeverFree, "free_counts_what_may_start", "room for a run"),
    (DecidesNothing, "reports_are_decided", "what decide"),
    (AnswersLate, "a_stop_reaches_the_run", "told stop at the third"),
    (ForgetsTheSeed, "the_seed_makes_the_numbers", "alone and among others"),
    (OneSeedForAll, "the_seed_makes_the_numbers", "different scores of 4 seeds"),
    (CallsFailuresCompleted, "faults_are_states", "the state of a run with"),
    (ForgetsTheReason, "faults_are_states", "must name"),
    (DropsTheCancelled, "cancelled_runs_end", "never ends"),
    (TellsAgain, "cancelled_runs_end", "after the end of a run"),
    (MakesUpAnEvent, "waiting_for_nothing_returns", "the events of no run"),
    (LosesPredictions, "data_comes_and_predictions_stay", "there must be a file run-000002-locked.npy"),
    (SwapsRows, "data_comes_and_predictions_stay", "must hold the predictions"),
    (LeavesAFolder, "folders_are_the_runs_own", "left behind"),
    (GivesArrays, "events_are_plain", "JSON values"),
    (GivesTuples, "events_are_plain", "plain JSON values"),
    (LivesInThePast, "time_goes_forward", "must lie in"),
    (DrawsRandomNumbers, "the_callers_world_is_left_alone", "Python's random state"),
    (DrawsNumPysRandomNumbers, "the_callers_world_is_left_alone", "NumPy's random state"),
    (LeavesAThread, "the_callers_world_is_left_alone", "the number of threads"),
    (ClosesOnce, "close_ends_everything", "closed already"),
]


@pytest.mark.parametrize(("broken", "check", "words"), BROKEN, ids=lambda item: getattr(item, "__name__", None))
def test_a_broken_executor_is_caught(broken, check, words, tmp_path):
    try:
        with pytest.raises((AssertionError, RuntimeError), match=words):
            getattr(executors, check)(broken, tmp_path)
    finally:
        LeavesAThread.go.set()


def test_every_check_is_proved_on_a_broken_executor():
    assert {check for _, check, _ in BROKEN} == {check.__name__ for check in CHECKS}


def test_the_whole_suite_passes_a_good_one_from_outside_and_stops_at_a_broken_one(tmp_path):
    check_executor(Good, tmp_path / "good")
    with pytest.raises(AssertionError):
        check_executor(EndsTwice, tmp_path / "broken")
