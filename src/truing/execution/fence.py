"""Around an executor: rows that no run may train or validate on, whatever asked for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from truing.errors import TruingError
from truing.record.events import Event
from truing.record.interfaces import Decision, Executor, RunSpec


@dataclass(frozen=True, eq=False)
class Fence:
    """An executor that refuses a run which is given held-out rows; the rows themselves are compared, for every run.

    Args:
        inner: the executor that carries out what is let through.
        held: int64 positions that score a part, and those locked for the verdict: none of them is for training or
            validation.
        scored: positions that the runs named `purpose`, and no others, may be given to predict.
        purpose: what the runs are called that score a part.
    """

    inner: Executor
    held: np.ndarray
    scored: np.ndarray
    purpose: str

    def start(self, runs: Sequence[RunSpec]) -> None:
        """Hand them on, or none of them.

        Raises:
            TruingError: a run has a row that is held out; it is a fault of Truing, and nothing was trained.
        """
        for spec in runs:
            seen = [rows for rows in (spec.train, spec.valid) if rows is not None]
            told = [] if spec.locked is None else [spec.locked]
            bad = np.concatenate([rows[np.isin(rows, self.held)] for rows in seen]) if seen else np.empty(0, int)
            may = spec.purpose == self.purpose and spec.locked_in == "development"
            if told and not (may and np.isin(told[0], self.scored).all()):
                bad = np.concatenate([bad, told[0]])
            if bad.size:
                raise TruingError(
                    f"Run {spec.run} ({spec.purpose}) was to get {bad.size} held-out rows, such as row {int(bad[0])}; "
                    "it was not started. This is a fault of Truing or of a plug-in: please report it."
                )
        self.inner.start(runs)

    def free(self) -> int:
        return self.inner.free()

    def wait(self, timeout: float, decide: Callable[[Event], Decision]) -> Sequence[Event]:
        return self.inner.wait(timeout, decide)

    def cancel(self, run: int) -> None:
        self.inner.cancel(run)

    def now(self) -> float:
        return self.inner.now()

    def close(self) -> None:
        self.inner.close()
