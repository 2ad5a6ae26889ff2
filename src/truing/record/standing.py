"""Where a run stands, as plain values and arrays: another attempt at it goes on from there."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from truing.record.epoch import Chosen
from truing.record.report import Report


@dataclass(frozen=True)
class Standing:
    """What a checkpoint remembers of its run beside what the function saved.

    Args:
        epoch: the last one that was trained to its end.
        plain: JSON values: the last report, the one that counts, and the curve.
        arrays: their predictions.
    """

    epoch: int
    plain: Mapping[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)

    @classmethod
    def of(cls, epoch: int, last: Report, chosen: Chosen) -> Standing:
        """How a run stands after `epoch`."""
        kept, recent = chosen.standing()
        plain = {
            "last": _plain(last),
            "kept": _plain(kept) if kept is not None else None,
            "recent": [_plain(report) for report in recent],
            "best": list(chosen.best) if chosen.best is not None else None,
            "curve": [list(point) for point in last.curve],
            "train_curve": [list(point) for point in last.train_curve],
        }
        found = {"last": last.predictions, "kept": kept.predictions if kept is not None else None}
        return cls(epoch, plain, {name: array for name, array in found.items() if array is not None})

    def reports(self, chosen: Chosen) -> Report:
        """The last report again; `chosen` gets those it had taken."""
        curves = [[(epoch, score) for epoch, score in self.plain[name]] for name in ("curve", "train_curve")]

        def again(values: Mapping[str, Any], name: str) -> Report:
            return Report(**values, predictions=self.arrays.get(name), curve=curves[0], train_curve=curves[1])

        kept, best = self.plain["kept"], self.plain["best"]
        chosen.best = (best[0], best[1]) if best is not None else None
        chosen.put_back(
            again(kept, "kept") if kept is not None else None,
            deque(again(values, "") for values in self.plain["recent"]),
        )
        return again(self.plain["last"], "last")


class Checkpoints(Protocol):
    """Where a run's checkpoints are."""

    def save(self, save: Callable[[Path], None]) -> None:
        """Let the function write what it wants to find again; it counts from the next `commit` on."""

    def commit(self, standing: Standing) -> None:
        """What was saved last is whole, and this is how the run stands with it."""

    def restore(self) -> tuple[Path, Standing] | None:
        """The last good one."""

    def put_back_random(self) -> None:
        """Random numbers go on where they were when it was saved."""


def _plain(report: Report) -> dict[str, Any]:
    """A report without its predictions and curves."""
    left_out = ("predictions", "curve", "train_curve")
    found = {part.name: getattr(report, part.name) for part in fields(report) if part.name not in left_out}
    if report.order is not None:
        found["order"] = [label.item() if isinstance(label, np.generic) else label for label in report.order]
    return found
