"""The figures of the locked test: both sides, their difference, and the delivered network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from truing.errors import DataError
from truing.execution.job import Job, kept
from truing.record.state import State
from truing.record.trial import RunRecord, Trial
from truing.setting import Setting
from truing.statistics.comparison import rows_and_seeds
from truing.statistics.delivered import delivered
from truing.statistics.interval import Interval
from truing.statistics.metric import Metric
from truing.statistics.proportions import wilson
from truing.verdict.figures import KEPT, interval_dict
from truing.verdict.fresh import failure_of, scores_of

FEW_POSITIVES = 30
LOCKED = "-locked"  # of the files with predictions for the locked rows
NO_DELIVERY = "the first refit, whose network is delivered, failed"
Refits = Mapping[int, Sequence[RunRecord | None]]


@dataclass(frozen=True, eq=False)
class Aside:
    """Rows that were set aside, and where the refits' predictions for them lie.

    Args:
        words: what they are called in a sentence.
        truth: codes or values (n,) of the rows that are scored.
        groups: (n,), or None.
        file: what the files of predictions are called after their run.
        scored: bool, which rows of the file are scored; None = all.
    """

    words: str
    truth: np.ndarray
    groups: np.ndarray | None
    file: str = LOCKED
    scored: np.ndarray | None = None

    @classmethod
    def locked(cls, setting: Setting) -> Aside:
        """The locked rows of a study that has some."""
        rows, official = setting.plan.locked, setting.official is not None
        source = setting.official if official else setting.data
        if rows is None or source is None:
            raise DataError("There are no locked rows.")
        groups = source.group_labels[rows] if source.group_labels is not None else None
        labelled = source.labels is not None
        return cls("the locked rows", setting.truth(rows, official=official) if labelled else rows, groups)

    def read(self, job: Job, run: RunRecord | None) -> np.ndarray | None:
        """What a run predicts for them, float64; None where it failed."""
        if run is None or run.state is not State.COMPLETED:
            return None
        found = kept(job, run, self.file).astype(np.float64)
        return found if self.scored is None or len(found) != len(self.scored) else found[self.scored]


@dataclass(frozen=True)
class LockedTest:
    """The refits of each side on all development rows, and how the locked rows reached them.

    Args:
        sides: the selected first; the defaults second where they are another configuration and can be compared.
        comparable: False where the defaults did not complete in the search.
        locked_as: "predict", "locked" or "numbers"; see `RunSpec`.
        rng: for the resamples of the intervals.
        aside: the rows; None = the locked ones.
    """

    setting: Setting
    job: Job
    sides: Sequence[Trial]
    refits: Refits
    comparable: bool
    locked_as: str
    rng: np.random.Generator
    aside: Aside | None = None

    def figures(self) -> dict[str, Any] | None:
        """metric -> selected, defaults, difference and delivered; None without locked rows."""
        if self.setting.plan.locked is None and self.aside is None:
            return None
        return {m.name: self._entry(m) for m in self.setting.task.metrics}

    @property
    def _selected(self) -> Trial:
        return self.sides[0]

    @property
    def _failures(self) -> tuple[str | None, str | None]:
        """Why the selected, and the defaults, have no mean."""
        mine = failure_of(self.refits[self._selected.number], "refit of the selected configuration")
        if len(self.sides) < 2:
            return mine, None if self._selected.number == 0 else "the defaults did not complete in the search"
        return mine, failure_of(self.refits[self.sides[1].number], "refit of the defaults")

    def _entry(self, metric: Metric) -> dict[str, Any]:
        if self.locked_as == "numbers":
            return self._reported(metric)
        if metric.kind == "number":
            why = f"{metric.name} is a number that the function reports, and {self._words} were scored by predictions"
            none = Interval(None, None, None, "", why)
            return _as_dict(None, None, self._no_difference(why), none, why)
        return self._predicted(metric)

    def _predicted(self, metric: Metric) -> dict[str, Any]:
        task, truth, groups = self.setting.task, self._from.truth, self._from.groups
        common: dict[str, Any] = {"positive": task.positive, "groups": groups, "labels": task.classes}
        mine, (bad, other_bad) = self._predictions(self._selected), self._failures
        first = mine[0] if mine else None
        own = (
            delivered(metric, truth, first, rng=self.rng, **common)
            if first is not None
            else Interval(None, None, None, "", NO_DELIVERY)
        )
        if bad is not None:
            return _as_dict(None, None, self._no_difference(bad), own, bad)
        known = [p for p in mine if p is not None]
        scores = [task.score(metric, truth, p) for p in known]
        why = next((s.reason for s in scores if s.value is None), None)
        mean = float(np.mean([s.value for s in scores])) if why is None else None
        if self._selected.number == 0:
            return _as_dict(mean, mean, Interval(0.0, 0.0, 0.0, KEPT), own, why)
        if other_bad is not None:
            return _as_dict(mean, None, Interval(None, None, None, "", other_bad), own, why)
        others = [p for p in self._predictions(self.sides[1]) if p is not None]
        found = rows_and_seeds(metric, truth, known, others, rng=self.rng, **common)
        return _as_dict(found.selected.value, found.defaults.value, found.difference, own, why)

    def _no_difference(self, why: str) -> Interval:
        """One configuration does not differ from itself, whatever its score."""
        return Interval(0.0, 0.0, 0.0, KEPT) if self._selected.number == 0 else Interval(None, None, None, "", why)

    def _reported(self, metric: Metric) -> dict[str, Any]:
        """Figures from numbers that the function computed itself on the locked rows."""
        bad, other_bad = self._failures
        mine = scores_of(self.refits[self._selected.number], metric.name)
        own = _delivered_number(metric, mine[0], len(self._from.truth), grouped=self._from.groups is not None)
        why = bad or (f"{metric.name} was not reported for {self._words}" if None in mine else None)
        mean = float(np.mean([v for v in mine if v is not None])) if why is None else None
        if self._selected.number == 0:
            return _as_dict(mean, mean, Interval(0.0, 0.0, 0.0, KEPT), own, why)
        if why or other_bad:
            return _as_dict(mean, None, Interval(None, None, None, "", why or other_bad), own, why)
        others = scores_of(self.refits[self.sides[1].number], metric.name)
        if None in others:
            missing = f"{metric.name} of the defaults was not reported for {self._words}"
            return _as_dict(mean, None, Interval(None, None, None, "", missing), own, why)
        pairs = [a - b for a, b in zip(mine, others, strict=True) if a is not None and b is not None]
        theirs = float(np.mean([v for v in others if v is not None]))
        alone = "only numbers were reported, so the luck of the rows cannot be in an interval"
        return _as_dict(mean, theirs, Interval(float(np.mean(pairs)), None, None, "as reported", alone), own, why)

    @property
    def _from(self) -> Aside:
        return self.aside if self.aside is not None else Aside.locked(self.setting)

    @property
    def _words(self) -> str:
        return self.aside.words if self.aside is not None else "the locked rows"

    def _predictions(self, trial: Trial) -> list[np.ndarray | None]:
        """The kept predictions of each refit, float64; None where it failed."""
        return [self._from.read(self.job, run) for run in self.refits[trial.number]]


def few_positives(setting: Setting) -> str | None:
    """A sentence where the locked rows hold too few of a class for figures of it; None where they do not."""
    task, rows = setting.task, setting.plan.locked
    if rows is None or task.classes is None or (len(task.classes) != 2 and task.positive is None):
        return None
    source = setting.official if setting.official is not None else setting.data
    if source is None or source.labels is None:
        return None
    truth = setting.truth(rows, official=setting.official is not None)
    positive = int(np.isin(truth, task.positive or (1,)).sum())
    fewer, word = min((positive, "positive"), (len(truth) - positive, "negative"))
    if fewer >= FEW_POSITIVES:
        return None
    many = f"Only {fewer} of the {len(truth)} locked rows are {word}" if fewer != 1 else "Only 1 locked row is " + word
    return f"{many}: figures of that class there say little (under {FEW_POSITIVES})."


def _delivered_number(metric: Metric, value: float | None, rows: int, *, grouped: bool) -> Interval:
    if value is not None and not grouped and metric.name == "accuracy" and 0 <= value <= 1:
        return wilson(round(value * rows), rows)
    if value is None:
        return Interval(None, None, None, "", f"the delivered network's run reported no {metric.name}")
    return Interval(value, None, None, "as reported", "only a number was reported, so rows cannot be resampled")


def _as_dict(
    selected: float | None, defaults: float | None, difference: Interval, own: Interval, reason: str | None
) -> dict[str, Any]:
    return {
        "selected": selected,
        "defaults": defaults,
        "difference": interval_dict(difference),
        "delivered": interval_dict(own),
        "reason": reason,
    }
