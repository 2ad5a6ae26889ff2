"""Which runs of a verdict are still to do, and which have come to an end that counts. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from truing.judge import RETRIES
from truing.record.history import History
from truing.record.state import State
from truing.record.trial import RunRecord

Place = tuple[int, int]  # trial, replicate


@dataclass
class _Tale:
    """What became of one place: the run that counts, how often it failed, and the next attempt's number."""

    counts: RunRecord | None = None
    failures: int = 0
    attempt: int = 0


@dataclass(frozen=True)
class Ends:
    """The ends of a verdict's runs of one purpose.

    A run that ended by its own fault is final: run again until it completes, it would be averaged away. Only one that
    was killed from outside, cancelled or cut off is run again.

    Args:
        refusing: the places without any of which there is no verdict; once all of them have failed, the person was
            told to mend the cause, and every failure up to then may be made good.
    """

    tales: dict[Place, _Tale] = field(default_factory=dict)
    refusing: Sequence[Place] = ()

    @classmethod
    def of(cls, history: History, purpose: str, refusing: Sequence[Place] = ()) -> Ends:
        """As the history has them; runs of a function that has changed since are none."""
        ends = cls(refusing=tuple(refusing))
        for run in own_runs(history, (purpose,)):
            if run.state.ended:
                ends._take(run)
        return ends

    def _take(self, run: RunRecord) -> None:
        tale = self.tales.setdefault((run.trial, run.replicate), _Tale())
        if run.state is State.LOST and run.attempt < RETRIES:
            tale.attempt = run.attempt + 1
        elif run.state in (State.CANCELLED, State.SUPERSEDED):
            tale.attempt = run.attempt
        else:
            tale.counts, tale.attempt = run, 0
            tale.failures += run.state is not State.COMPLETED

    @property
    def _forgiven(self) -> int:
        """How often all the refusing places failed together."""
        return min((self._tale(place).failures for place in self.refusing), default=0)

    def _tale(self, place: Place) -> _Tale:
        return self.tales.get(place, _Tale())

    def run(self, place: Place) -> RunRecord | None:
        """The run that counts; None where none came to an end of its own."""
        return self._tale(place).counts

    def to_do(self, place: Place) -> int | None:
        """The attempt with which to run it; None where it is final."""
        tale = self._tale(place)
        completed = tale.counts is not None and tale.counts.state is State.COMPLETED
        return None if completed or tale.failures > self._forgiven else tale.attempt


def own_runs(history: History, purposes: Iterable[str]) -> list[RunRecord]:
    """The runs of these purposes that are of the present function and space."""
    wanted = set(purposes)
    return [run for run in history.runs.values() if run.purpose in wanted and run.id >= history.verdict_since]
