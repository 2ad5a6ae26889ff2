"""Every registered schedule passes the suite, and each check of the suite catches a broken one."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from truing.record.events import Event
from truing.record.history import History
from truing.record.interfaces import Decision, New
from truing.registry import SCHEDULES
from truing.schedule.full import Full
from truing.testing import schedules as suite


@pytest.mark.parametrize("name", SCHEDULES.names())
def test_registered_schedule_conforms(name: str) -> None:
    suite.check_schedule(SCHEDULES.get(name))


class Waits(Full):
    def next(self, view: History) -> None:
        return None


class ForZeroEpochs(Full):
    def next(self, view: History) -> New:
        return New(until=0)


class SaysYes(Full):
    def keep(self, view: History, run: int) -> Any:
        return True


class Counts:
    """Keeps a number of its own."""

    def __init__(self) -> None:
        self.asked = count(1)

    def next(self, view: History) -> New:
        return New(until=next(self.asked))

    def keep(self, view: History, run: int) -> Decision:
        return Decision.GO_ON


class Writes(Full):
    def keep(self, view: History, run: int) -> Decision:
        view.extend([Event("finished", {"run": run, "state": "stopped"})])
        return Decision.STOP


@pytest.mark.parametrize(
    ("check", "broken"),
    [
        (suite.a_study_gets_under_way, Waits),
        (suite.answers_are_of_the_interface, ForZeroEpochs),
        (suite.answers_are_of_the_interface, SaysYes),
        (suite.the_history_decides, Counts),
        (suite.the_history_is_left_alone, Writes),
    ],
    ids=lambda value: value.__name__,
)
def test_check_catches_a_broken_schedule(check: suite.Check, broken: suite.Make) -> None:
    with pytest.raises(AssertionError):
        check(broken)


def test_every_check_is_proved() -> None:
    marks = test_check_catches_a_broken_schedule.pytestmark  # type: ignore[attr-defined]
    proved = {row[0] for row in marks[0].args[1]}

    assert proved == set(suite.CHECKS)
