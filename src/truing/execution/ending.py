"""How a run ended whose process did not live to say so."""

from __future__ import annotations

import os
import signal
from typing import Any

from truing.record.state import State
from truing.record.trial import Reason

FROM_OUTSIDE = {signal.SIGKILL, signal.SIGTERM, signal.SIGHUP}


def ended_by(status: int, written: str) -> tuple[State, Reason]:
    """State and reason from a wait status and the last lines the run wrote.

    >>> state, reason = ended_by(9, "epoch 3")
    >>> str(state), reason.message, reason.tail
    ('lost', 'killed from outside by SIGKILL', 'epoch 3')
    >>> str(ended_by(11, "")[0])
    'crashed'
    """
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        try:
            name = signal.Signals(number).name
        except ValueError:  # a real-time signal
            name = f"signal {number}"
        if number in FROM_OUTSIDE:
            return State.LOST, Reason(name, f"killed from outside by {name}", "", written)
        return State.CRASHED, Reason(name, f"the process died of {name}", "", written)
    code = os.waitstatus_to_exitcode(status)
    text = f"the process ended by itself with exit code {code}, without a result"
    return State.CRASHED, Reason(f"exit {code}", text, "", written)


def stopped(state: State, limit: float | None, written: str) -> Reason:
    """The reason of a run that was stopped by the coordinator.

    >>> print(stopped(State.TIMED_OUT, 90.0, ""))
    TimeLimit: still running after run_minutes=1.5
    """
    if state is State.TIMED_OUT:
        return Reason("TimeLimit", f"still running after run_minutes={(limit or 0) / 60:g}", "", written)
    return Reason("Cancelled", "stopped on request", "", written)


def finished(run: int, state: State, reason: Reason, seconds: float, curve: list[list[Any]]) -> dict[str, Any]:
    """The data of the run's `finished` event, with what it reported while it lived."""
    return {
        "run": run,
        "state": str(state),
        "reason": reason.to_dict(),
        "seconds": seconds,
        "curve": curve,
        "epochs": curve[-1][0] if curve else 0,
    }
