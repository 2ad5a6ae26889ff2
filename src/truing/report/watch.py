"""From where a session stands to a progress line, and to the words at the end of a search."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from truing.loop import Limits, Session
from truing.record.history import History
from truing.record.trial import Trial
from truing.report.columns import many
from truing.report.progress import SEARCH, Progress, Status


class SearchWatch:
    """Shows how far a search is, after every event."""

    def __init__(self, progress: Progress, limits: Limits, trials: int | None) -> None:
        self._progress, self._limits, self._trials = progress, limits, trials
        self._began = time.monotonic()
        self._start: int | None = None

    def __call__(self, session: Session) -> None:
        history = session.history
        done = sum(history.states[state] for state in ("completed", "failed", "stopped"))
        if self._start is None:
            self._start = done
        elapsed = time.monotonic() - self._began
        left = None
        if self._trials is not None and done > self._start:
            left = elapsed / (done - self._start) * max(0, self._trials - done)
        if self._limits.deadline is not None:
            until = max(0.0, self._limits.deadline - time.monotonic())
            left = until if left is None else min(left, until)
        best = history.best()
        self._progress.update(
            Status(
                done=done,
                running=len({spec.trial for spec in session.running.values()}),
                failed=history.states["failed"],
                best=best.value if best is not None else None,
                best_number=best.number if best is not None else None,
                seconds_elapsed=elapsed,
                seconds_left=left,
                runs_done=len(history.runs) - len(session.running),
                phase=SEARCH,
            )
        )


class VerdictWatch:
    """Shows how far one part of the verdict is."""

    def __init__(self, progress: Progress, name: str, total: int, before: int) -> None:
        self._progress, self._name, self._total, self._before = progress, name, total, before
        self._began = time.monotonic()

    def __call__(self, session: Session) -> None:
        done = len(session.history.runs) - len(session.running) - self._before
        elapsed = time.monotonic() - self._began
        left = elapsed / done * (self._total - done) if done > 0 else None
        self._progress.update(
            Status(
                running=len(session.running),
                seconds_elapsed=elapsed,
                seconds_left=left,
                runs_done=max(0, done),
                runs_total=self._total,
                phase=self._name,
            )
        )


def watching(session: Session, progress: Progress, names: Mapping[str, str] = {}) -> Callable[[str, int], None]:
    """What the verdict tells the name and the number of runs of its next part: from then on that part is shown.

    Args:
        names: another name to show, by the part's own.
    """

    def phase(name: str, total: int) -> None:
        session.watch = VerdictWatch(progress, names.get(name, name), total, len(session.history.runs))

    return phase


def ending(
    history: History, metric: str, why: str, *, before: int, asked: int | None, said: Sequence[str] = ()
) -> list[str]:
    """What a person should read when a search ends; pure.

    Args:
        why: as `loop.search` returns it.
        before: how many trials there were when this call began.
        asked: the `trials` of this call; None = as many as there are.
        said: what the searcher says of where it stands.
    """
    best = history.best()
    lines = []
    if best is not None and best.value is not None:
        if why == "target":
            lines.append(f"Target reached: {metric} {best.value:.4g} (trial {best.number}).")
        elif why == "exhausted" and said:
            if len(history) == before:
                lines.append(f"The search has come to its end, with {many(len(history), 'trial')}.")
        elif why == "exhausted" and asked is not None and len(history) < asked:
            lines.append(f"All {len(history)} configurations have been tried.")
        elif len(history) == before and why in ("trials", "exhausted"):
            lines.append(f"The study already has its {many(len(history), 'trial')}; give a larger trials= to go on.")
        lines.append(
            f"Best by the search: trial {best.number}, {metric} {best.value:.4g} ({best.config}). {luck(best)}"
        )
    lines += said
    if why == "interrupted":
        lines.append("Interrupted: nothing that finished is lost; the same command goes on.")
    return lines


def luck(best: Trial) -> str:
    """What is to be known of the best score of a search, in a sentence."""
    if best.number == 0:
        return "These are the defaults: no trial was better."
    return "Its luck is still in this figure: the verdict takes it out."


def interrupting(count: int) -> str:
    """What a person is told at the first and the second Ctrl-C; empty after that."""
    return {1: "Finishing what runs; Ctrl-C again stops it now.", 2: "Stopping now."}.get(count, "")
