"""The runs that were made, and the paired differences between their parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from truing.execution.job import Job
from truing.record.trial import Replicate, RunRecord
from truing.setting import Setting
from truing.statistics.comparison import corrected_t
from truing.statistics.interval import Interval
from truing.verdict.fresh import Fresh, failure_of, scores_of
from truing.verdict.paired import by_rows
from truing.worth.layout import BASE, Layout

YES, NO, WORSE, UNCLEAR = "yes", "no", "worse", "unclear"
NOT_ASKED = "not asked"
_SAME = 1e-12


@dataclass(frozen=True)
class Ran:
    """All runs by what they are for, in the order of the layout; None = it did not come to an end.

    Args:
        defaults: the configuration of all of them.
    """

    setting: Setting
    job: Job
    layout: Layout
    runs: Mapping[str, Sequence[RunRecord | None]]
    defaults: Mapping[str, Any]

    @property
    def metric(self) -> str:
        return self.setting.task.primary.name

    @property
    def sign(self) -> float:
        """1 where more is better."""
        return 1.0 if self.setting.task.goal == "max" else -1.0

    def scores(self, part: str) -> list[float | None]:
        """One a run; None where it failed or its score is undefined."""
        return scores_of(self.runs.get(part, ()), self.metric)

    def mean(self, part: str, number: int | None = None) -> float | None:
        """Over the first runs of a part; None where one of them has no score."""
        found = self.scores(part)[:number]
        known = [score for score in found if score is not None]
        return float(np.mean(known)) if known and len(known) == len(found) else None

    def failure(self, *parts: str) -> str | None:
        """Why a part says nothing: its first run that failed, or whose score is undefined."""
        for part in parts:
            failed = failure_of(self.runs.get(part, ()), "run")
            if failed is not None:
                return failed
            if any(score is None for score in self.scores(part)):
                return f"{self.metric} is undefined in a run"
        return None

    def spread(self, replicates: Sequence[Replicate]) -> float:
        """n_valid / n_train of these; 0 where all of them are on one split."""
        if self.layout.splits < 2 or self.setting.validation is None:
            return 0.0
        return Fresh(replicates, {}).spread(self.setting.validation.spread)

    def gain(self, better: str, worse: str) -> Interval:
        """How much better one part is than another, run by run on the same rows and seeds; above 0 = better.

        By rows and folds where the metric is a mean over rows and the predictions were kept, else by the corrected
        resampled t. The validation rows of both are those of the base.
        """
        number = min(len(self.runs.get(better, ())), len(self.runs.get(worse, ())))
        failed = self.failure(better, worse)
        if failed is not None or not number:
            return Interval(None, None, None, "", failed or "there are no such runs")
        replicates = self.layout.replicates(BASE)[:number]
        pairs = [self.runs[part][:number] for part in (better, worse)]
        first, second = ([run for run in runs if run is not None] for runs in pairs)
        found = by_rows(self.setting, self.job, replicates, first, second)
        if found.low is None:
            ours, theirs = (self.scores(part)[:number] for part in (better, worse))
            gaps = [a - b for a, b in zip(ours, theirs, strict=True) if a is not None and b is not None]
            found = corrected_t(gaps, self.spread(replicates))
        return turned(found, self.sign)

    def answer(self, gain: Interval) -> str:
        """YES where better is shown, NO where what could be gained does not matter, WORSE, or UNCLEAR."""
        return answer_of(gain, self.setting.rope.width)


def turned(found: Interval, sign: float) -> Interval:
    """With its ends the right way round after a change of sign.

    >>> turned(Interval(-2.0, -3.0, -1.0), -1.0)
    Interval(value=2.0, low=1.0, high=3.0, method='', reason=None, df=None)
    """
    if sign > 0 or found.value is None:
        return found
    low, high = (None, None) if found.low is None or found.high is None else (-found.high, -found.low)
    return Interval(-found.value, low, high, found.method, found.reason, found.df)


def answer_of(gain: Interval, rope: float) -> str:
    """What a gain and its interval say, against the difference that does not matter.

    Where nothing varies there is no interval; the figure itself is then all there is to go by.

    >>> [answer_of(Interval(v, low, high), 0.01) for v, low, high in ((0.1, 0.05, 0.2), (0.0, -0.1, 0.1))]
    ['yes', 'unclear']
    >>> answer_of(Interval(0.002, -0.003, 0.007), 0.01), answer_of(Interval(0.0, None, None, "", "all alike"), 0.01)
    ('no', 'no')
    """
    if gain.value is None:
        return UNCLEAR
    if gain.low is None or gain.high is None:
        if gain.df is not None and gain.df < 1:  # one run says nothing
            return UNCLEAR
        if abs(gain.value) <= max(rope, _SAME):
            return NO
        return YES if gain.value > 0 else WORSE
    if gain.high < 0:
        return WORSE
    if gain.low > 0 and gain.high > rope:
        return YES
    return NO if gain.high <= max(rope, _SAME) else UNCLEAR
