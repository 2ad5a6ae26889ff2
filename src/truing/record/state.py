"""The states of a run and of a trial; each state carries its own advice."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where a run stands. `advice` says what a person can do about it."""

    WAITING = "waiting"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    STOPPED = "stopped"
    FAILED = "failed"
    DIVERGED = "diverged"
    CRASHED = "crashed"
    OUT_OF_MEMORY = "out_of_memory"
    TIMED_OUT = "timed_out"
    LOST = "lost"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"

    @property
    def advice(self) -> str:
        """What to do about a run in this state; empty where nothing needs doing."""
        return _ADVICE.get(self, "")

    @property
    def ended(self) -> bool:
        """True when the run will not go on."""
        return self not in (State.WAITING, State.RUNNING, State.PAUSED)

    @property
    def trial_state(self) -> str:
        """The word for a trial whose worst run is in this state: running, completed, stopped, failed, cancelled."""
        if not self.ended:
            return "running"
        if self in (State.COMPLETED, State.STOPPED, State.CANCELLED):
            return str(self)
        return "cancelled" if self is State.SUPERSEDED else "failed"


_ADVICE = {
    State.FAILED: "Read the last lines of its output; the error is in the training function.",
    State.DIVERGED: "NaN or infinity was reported; a lower learning rate or gradient clipping usually helps.",
    State.CRASHED: "The process died; the signal and its last output say where.",
    State.OUT_OF_MEMORY: "Use a smaller batch or model, fewer loader workers or runs at a time, or raise run_memory.",
    State.TIMED_OUT: "It ran past run_minutes; raise the limit or look for a hang in its last output.",
    State.LOST: "It was killed from outside three times; look for what kills it, such as a limit on memory.",
}
