"""What every schedule must do, for authors of schedules: run `check_schedule` in a test of your own.

from truing.testing.schedules import check_schedule

def test_my_schedule():
    check_schedule(lambda: MySchedule(rungs=3))
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from truing.record.events import Event
from truing.record.history import History
from truing.record.interfaces import Continue, Decision, New
from truing.space.parameter import Float
from truing.space.space import Space

Make = Callable[[], Any]
Check = Callable[[Make], None]


def check_schedule(make: Make) -> None:
    """Run every check.

    Raises:
        AssertionError: the schedule breaks a rule; the message says which.
    """
    for check in CHECKS:
        check(make)


def a_study_gets_under_way(make: Make) -> None:
    """With nothing running a schedule starts something: waiting then would be for ever."""
    for history in (_history(), _history(finished=3)):
        found = make().next(history)
        if not isinstance(found, New | Continue):
            raise AssertionError(f"with nothing running, next() must start or continue a run, and gave {found!r}")


def answers_are_of_the_interface(make: Make) -> None:
    """next() gives New, Continue or None with whole numbers from 1; keep() gives a Decision."""
    history = _history(finished=3, running=1)
    found = make().next(history)
    if found is not None and not isinstance(found, New | Continue):
        raise AssertionError(f"next() must give New, Continue or None, and gave {found!r}")
    for limit in (getattr(found, "until", None), getattr(found, "replicates", None)):
        if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 1):
            raise AssertionError(f"until and replicates must be None or at least 1, not {limit!r}")
    decision = make().keep(history, 3)
    if not isinstance(decision, Decision):
        raise AssertionError(f"keep() must give a Decision, and gave {decision!r}")


def the_history_decides(make: Make) -> None:
    """Asked again about the same history, a schedule says the same: it keeps nothing of its own."""
    schedule = make()
    history = _history(finished=3, running=1)
    first = schedule.next(history), schedule.keep(history, 3)
    for asked in (schedule, make()):
        again = asked.next(history), asked.keep(history, 3)
        if again != first:
            raise AssertionError(f"the same history must give the same answers: first {first}, then {again}")


def the_history_is_left_alone(make: Make) -> None:
    """Asking changes nothing that is recorded."""
    history, untouched = _history(finished=3, running=1), _history(finished=3, running=1)
    make().next(history)
    make().keep(history, 3)
    if (history.trials, history.runs) != (untouched.trials, untouched.runs):
        raise AssertionError("asking a schedule must not change the history")


CHECKS: tuple[Check, ...] = (
    a_study_gets_under_way,
    answers_are_of_the_interface,
    the_history_decides,
    the_history_is_left_alone,
)


def _history(finished: int = 0, running: int = 0) -> History:
    """Trials of one run each, the finished ones with a score, the running ones with a first report."""
    history = History(Space(x=Float(0.0, 1.0)), "min")
    for trial in range(finished + running):
        score = trial / 10
        run = {"run": trial, "trial": trial, "purpose": "search", "replicate": 0}
        events = [Event("proposed", {"trial": trial, "config": {"x": score}}), Event("started", run)]
        events.append(Event("reported", {"run": trial, "epoch": 1, "score": score}))
        if trial < finished:
            ended = {"run": trial, "state": "completed", "scores": {"loss": score}, "epochs": 1}
            events.append(Event("finished", ended))
            events.append(Event("judged", {"trial": trial, "state": "completed", "value": score}))
        history.extend(events)
    return history
