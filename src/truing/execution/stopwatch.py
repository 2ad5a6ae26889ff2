"""The time of a run in this very process, without the time in which the process stood still."""

from __future__ import annotations

import threading
import time
from types import TracebackType

LOOK = 0.2  # seconds between looks at the clocks
STILL = 1.0  # seconds without a look, and without work, that mean that the process was stopped


class Stopwatch:
    """Counts seconds between its start and now; a process that was stopped (Ctrl-Z, SIGSTOP) was not training.

    A thread looks at the clocks. Where it could not look for long, and the process did no work meanwhile either, the
    process was not running.
    """

    def __enter__(self) -> Stopwatch:
        self._began = self._looked = time.monotonic()
        self._worked = time.process_time()
        self._still = 0.0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True, name="stopwatch")
        self._lock = threading.Lock()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()

    def seconds(self) -> float:
        """Seconds since the start in which the process ran."""
        self._look()
        return time.monotonic() - self._began - self._still

    def _watch(self) -> None:
        while not self._done.wait(LOOK):
            self._look()

    def _look(self) -> None:
        with self._lock:
            now, worked = time.monotonic(), time.process_time()
            idle = (now - self._looked) - (worked - self._worked) - LOOK
            if idle > STILL:
                self._still += idle
            self._looked, self._worked = now, worked
