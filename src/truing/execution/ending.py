"""How a run ended whose process did not live to say so."""

from __future__ import annotations

import os
import signal
from typing import Any

from truing.execution.size import in_words
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


def over_memory(held: int, limit: int, written: str) -> Reason:
    """The reason of a run that held more than it may.

    >>> print(over_memory(5_200_000_000, 4_000_000_000, ""))
    MemoryLimit: its processes held 5.2 GB together, more than run_memory=4 GB
    """
    text = f"its processes held {in_words(held)} together, more than run_memory={in_words(limit)}"
    return Reason("MemoryLimit", text, "", written)


def short_of_memory(written: str) -> Reason:
    """The reason of a run that the system killed."""
    text = "the system was out of memory and killed it (SIGKILL, counted by the kernel as such)"
    return Reason("OutOfMemoryKill", text, "", written)


def blames_a_kill(outcome: dict[str, Any]) -> bool:
    """True when a run failed because a process it had started was killed, such as a data loader's worker."""
    reason = outcome.get("reason") or {}
    return outcome["state"] == State.FAILED and "signal: Killed" in reason.get("message", "")


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
