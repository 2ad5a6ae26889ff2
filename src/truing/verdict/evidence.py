"""What the selected configuration predicted: for the locked rows by each refit, out of fold by each fresh run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from truing.errors import DataError
from truing.execution.job import Job, kept
from truing.record.state import State
from truing.record.trial import RunRecord, Trial
from truing.setting import Setting
from truing.verdict.fresh import Fresh

LOCKED = "-locked"  # of the files with predictions for the locked rows


@dataclass(frozen=True)
class Predicted:
    """Predictions with their truth.

    Args:
        truth: codes or values, (n,).
        p: one array a training: probabilities (n, classes), or values (n,).
        units: what may be taken as independent, (n,): the group of each row; None = the rows.
        rows: which rows these are, (n,).
    """

    truth: np.ndarray
    p: Sequence[np.ndarray]
    units: np.ndarray | None
    rows: np.ndarray


@dataclass(frozen=True)
class Evidence:
    """Args:
    refits: of the selected, in order; the first is delivered.
    locked_as: how the locked rows reached the function; see `RunSpec`.
    """

    setting: Setting
    job: Job
    selected: Trial
    fresh: Fresh
    refits: Sequence[RunRecord | None]
    locked_as: str

    @cached_property
    def locked(self) -> Predicted | str:
        """By the refits that completed, the delivered network's first; or why there is nothing."""
        rows = self.setting.plan.locked
        if rows is None:
            return "there is no locked test"
        if self.locked_as == "numbers":
            return "the function reports numbers, and this needs predictions"
        if not self.refits or self.refits[0] is None or self.refits[0].state is not State.COMPLETED:
            return "the first refit, whose network is delivered, failed"
        done = [run for run in self.refits if run is not None and run.state is State.COMPLETED]
        official = self.setting.official is not None
        source = self.setting.official if official else self.setting.data
        groups = source.group_labels[rows] if source is not None and source.group_labels is not None else None
        try:
            p = [kept(self.job, run, LOCKED).astype(np.float64) for run in done]
            return Predicted(self.setting.truth(rows, official=official), p, groups, rows)
        except DataError as error:
            return str(error).rstrip(".")

    @cached_property
    def out_of_fold(self) -> Sequence[Predicted] | str:
        """By each fresh run, for the rows it did not train on, in order; or why there is nothing."""
        rows = self.setting.plan.rows
        if self.setting.validation is None:
            return "validation=None makes no fresh runs"
        if rows is None:
            return "there is no data to predict"
        found = []
        groups = self.setting.data.group_labels if self.setting.data is not None else None
        for replicate, run in zip(self.fresh.replicates, self.fresh.runs.get(self.selected.number, ()), strict=False):
            if run is None or run.state is not State.COMPLETED:
                return "a fresh run of the selected configuration failed"
            if replicate.valid is None or run.details.get("report") == "numbers":
                return "the function reports numbers, and this needs predictions"
            if not run.predictions:
                return "the predictions of the fresh runs were not kept, for there would have been too many"
            here = rows[replicate.valid]
            try:
                p = kept(self.job, run).astype(np.float64)
                found.append(Predicted(self.setting.truth(here), [p], None if groups is None else groups[here], here))
            except DataError as error:
                return str(error).rstrip(".")
        return found or "there are no fresh runs"

    @cached_property
    def pooled(self) -> Predicted | str:
        """All out-of-fold predictions one after the other; a row that several runs predicted is one unit."""
        parts = self.out_of_fold
        if isinstance(parts, str):
            return parts
        rows = np.concatenate([part.rows for part in parts])
        own = [part.units for part in parts if part.units is not None]
        return Predicted(
            np.concatenate([part.truth for part in parts]),
            [np.concatenate([part.p[0] for part in parts])],
            np.concatenate(own) if own else rows,
            rows,
        )

    @property
    def grouped(self) -> bool:
        """True where intervals are by groups."""
        return self.setting.data is not None and self.setting.data.group_labels is not None

    @property
    def binary(self) -> bool:
        """Two classes, or some of many named as positive: then a row is positive with some probability."""
        task = self.setting.task
        return task.classes is not None and (len(task.classes) == 2 or task.positive is not None)

    @property
    def positive(self) -> str:
        """The positive class or classes in words."""
        task = self.setting.task
        classes = task.classes or ()
        return " or ".join(repr(classes[code]) for code in task.positive or (1,))
