"""Runs in the calling process, one after the other: for debugging, for machines without fork, for tiny functions."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from truing.execution.ending import finished, stopped
from truing.execution.interrupt import Interrupted
from truing.execution.job import Job, sweep
from truing.execution.stopwatch import Stopwatch
from truing.execution.threads import ThreadLimit
from truing.execution.worker import perform
from truing.record.events import Event
from truing.record.interfaces import Decision, RunSpec
from truing.record.state import State


class InlineExecutor:
    """Trains in the calling thread, so a debugger works; it cannot stop a run that hangs, nor survive a crash.

    `run_minutes` is looked at when a run reports and when it ends: one that is over its time is told to stop, and ends
    as timed out.
    """

    def __init__(self, job: Job, workers: int = 0) -> None:
        self._job = job
        self._queue: deque[RunSpec] = deque()
        self._cancelled: list[int] = []
        self._threads = ThreadLimit(job.threads)
        sweep(job)

    def free(self) -> int:
        """1 when nothing is queued, else 0."""
        return 0 if self._queue else 1

    def start(self, runs: Sequence[RunSpec]) -> None:
        """Queue runs; they train in `wait`."""
        self._queue.extend(runs)

    def wait(self, timeout: float, decide: Callable[[Event], Decision]) -> Sequence[Event]:
        """Train the next queued run to its end; `timeout` does not interrupt it."""
        events = [_cancelled(run) for run in self._cancelled]
        self._cancelled.clear()
        if not self._queue:
            return events
        spec = self._queue[0]

        limit = self._job.run_seconds
        stopwatch = Stopwatch() if limit is not None else None

        def late() -> bool:
            return limit is not None and stopwatch is not None and stopwatch.seconds() >= limit

        def send(epoch: int, score: float | None) -> Decision:
            if late():
                return Decision.STOP
            return decide(Event("reported", {"run": spec.run, "epoch": epoch, "score": score}, time=self.now()))

        self._threads.hold()
        try:
            with kept(), stopwatch or contextlib.nullcontext():
                outcome = perform(self._job, spec, send, self._job.scratch(spec.run), stops=Interrupted)
        except Interrupted:
            outcome = {"run": spec.run, "state": str(State.CANCELLED)}
        if late() and outcome["state"] == State.COMPLETED:
            reason = stopped(State.TIMED_OUT, limit, "")
            outcome = finished(spec.run, State.TIMED_OUT, reason, outcome["seconds"], outcome["curve"])
        self._queue.popleft()
        return [*events, Event("finished", outcome, time=self.now())]

    def cancel(self, run: int) -> None:
        """Take a run out of the queue; the one in training cannot be cancelled."""
        kept = deque(spec for spec in self._queue if spec.run != run)
        if len(kept) < len(self._queue):
            self._queue = kept
            self._cancelled.append(run)

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def close(self) -> None:
        """Forget what is queued, and leave nothing behind."""
        self._queue.clear()
        self._threads.close()
        sweep(self._job)


@contextlib.contextmanager
def kept() -> Iterator[None]:
    """Put back the working directory and the answer to Ctrl-C, if the objective changes them."""
    directory = None
    with contextlib.suppress(OSError):
        directory = os.getcwd()
    main = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGINT) if main else None
    try:
        yield
    finally:
        if directory is not None:
            with contextlib.suppress(OSError):
                os.chdir(directory)
        if handler is not None and signal.getsignal(signal.SIGINT) is not handler:
            signal.signal(signal.SIGINT, handler)


def _cancelled(run: int) -> Event:
    return Event("finished", {"run": run, "state": str(State.CANCELLED)}, time=time.time())
