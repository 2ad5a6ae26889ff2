"""The figures that every procedure makes of its parts: a score a part, their mean, and the difference to the defaults.

A part that failed is never averaged away: the mean is then undefined, and says why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from truing.record.procedure import Part, Side, Tuned
from truing.record.task import Task
from truing.statistics.comparison import corrected_t, rows_and_seeds
from truing.statistics.delivered import delivered
from truing.statistics.interval import Interval
from truing.statistics.metric import Metric
from truing.statistics.score import Score
from truing.statistics.sites import mean_of_sites

SAME = "the defaults were kept"
REPORTED = "the function reports only numbers, so there are no predictions to take together"


@dataclass(frozen=True, eq=False)
class Scored:
    """The parts of a procedure and what became of them, to be read metric by metric.

    Args:
        truth: codes or values of all rows planned on.
        groups: the group of each of them, or None.
        unit: what a part is called in words, such as "fold".
    """

    task: Task
    truth: np.ndarray
    parts: Sequence[Part]
    tuned: Sequence[Tuned]
    groups: np.ndarray | None = None
    unit: str = "fold"

    def by_refit(self, place: int, side: Side, metric: Metric) -> list[Score]:
        """One score a refit of one side on the test rows of a part."""
        return _scores(self.task, metric, self.truth[self.parts[place].test], side)

    def mean(self, place: int, side: Side, metric: Metric) -> Score:
        """The mean over the refits."""
        return mean_of(self.by_refit(place, side, metric), side.reason)

    def column(self, metric: Metric, which: str) -> list[Score]:
        """One score a part of "selected" or "defaults"."""
        return [self.mean(place, getattr(tuned, which), metric) for place, tuned in enumerate(self.tuned)]

    def differences(self, metric: Metric) -> list[float | None]:
        """selected - defaults, one a part, paired by refit."""
        pairs = zip(self.column(metric, "selected"), self.column(metric, "defaults"), strict=True)
        return [None if a.value is None or b.value is None else a.value - b.value for a, b in pairs]

    def pooled(self, metric: Metric, which: str) -> Score:
        """The metric on the predictions of all parts of a repeat together; the mean over refits and repeats."""
        found = []
        sides = [getattr(tuned, which) for tuned in self.tuned]
        for side in sides:
            if not side.predictions:
                return Score(None, side.reason or REPORTED)
        if metric.kind == "number":
            return Score(None, REPORTED)
        for repeat in sorted({part.repeat for part in self.parts}):
            places = [place for place, part in enumerate(self.parts) if part.repeat == repeat]
            truth = np.concatenate([self.truth[self.parts[place].test] for place in places])
            for refit in range(min(len(sides[place].predictions) for place in places)):
                together = np.concatenate([sides[place].predictions[refit] for place in places])
                found.append(self.task.score(metric, truth, together))
        return mean_of(found, None)

    @property
    def spread(self) -> float:
        """n_test / n_train over the parts."""
        return sum(len(p.test) for p in self.parts) / max(1, sum(len(p.train) for p in self.parts))

    def entry(self, metric: Metric, rng: Generator) -> dict[str, Any]:
        """All of one metric: both sides' means, the difference, what is pooled."""
        ours, theirs = self.column(metric, "selected"), self.column(metric, "defaults")
        own = self._over_parts([s.value for s in ours], _why(self.parts, ours), metric, clip=True)
        other = self._over_parts([s.value for s in theirs], _why(self.parts, theirs), metric, clip=True)
        if all(tuned.trial == 0 for tuned in self.tuned):
            difference = Interval(0.0, 0.0, 0.0, SAME)
        else:
            why = _why(self.parts, ours) or _why(self.parts, theirs)
            difference = self._over_parts(self.differences(metric), why, metric, clip=False)
        pooled = {which: self.pooled(metric, which) for which in ("selected", "defaults")}
        return both(own, other, difference) | {"pooled": {which: asdict(found) for which, found in pooled.items()}}

    def _over_parts(self, values: Sequence[float | None], why: str | None, metric: Metric, *, clip: bool) -> Interval:
        whole = " of whole groups" if self.groups is not None and self.unit == "fold" else ""
        method = f"corrected resampled t over {self.unit}s{whole}"
        if any(value is None for value in values):
            return Interval(None, None, None, method, why or "undefined")
        found = corrected_t(list(values), self.spread, clip=(metric.low, metric.high) if clip else None)
        if clip and self.unit == "site" and found.low is not None:  # on the scale of the range, which contains it then
            sizes = [len(part.test) for part in self.parts]
            return mean_of_sites(list(values), (metric.low, metric.high), spread=self.spread, rows=sizes)
        reason = found.reason
        for word in ("replicates", "replicate", "new splits"):  # the words of corrected_t for what a part is here
            plural = "s" * word.endswith("s")
            reason = reason and reason.replace(word, f"{'new ' * word.startswith('new')}{self.unit}{plural}")
        return Interval(found.value, found.low, found.high, method, reason, found.df)

    def rows(
        self, rng: Generator, *, intervals: bool = False, within: np.ndarray | None = None
    ) -> list[dict[str, Any]]:
        """One dictionary a part: what was selected in it and how it scored.

        Args:
            intervals: also an interval over the part's rows, of the score and of the difference.
            within: the group of each row, where rows of one group within a part resemble each other.
        """
        return [
            told(part, tuned)
            | {"metrics": {m.name: self._cell(place, m, rng, intervals, within) for m in self.task.metrics}}
            for place, (part, tuned) in enumerate(zip(self.parts, self.tuned, strict=True))
        ]

    def _cell(
        self, place: int, metric: Metric, rng: Generator, intervals: bool, within: np.ndarray | None
    ) -> dict[str, Any]:
        tuned = self.tuned[place]
        own, other = self.mean(place, tuned.selected, metric), self.mean(place, tuned.defaults, metric)
        known = own.value is not None and other.value is not None
        difference = Interval(own.value - other.value if known else None, None, None, "", own.reason or other.reason)  # type: ignore[operator]
        if known and tuned.trial == 0:
            difference = Interval(0.0, 0.0, 0.0, SAME)
        cell: dict[str, Any] = {"selected": own.value, "defaults": other.value, "reason": own.reason}
        if intervals:
            found = self._interval(place, metric, own, rng, within)
            cell |= {"low": found.low, "high": found.high, "method": found.method}
            cell["reason"] = own.reason or found.reason
            if known and tuned.trial != 0 and tuned.selected.predictions and tuned.defaults.predictions:
                difference = rows_and_seeds(
                    metric,
                    self.truth[self.parts[place].test],
                    tuned.selected.predictions,
                    tuned.defaults.predictions,
                    rng=rng,
                    positive=self.task.positive,
                    labels=self.task.classes,
                    groups=None if within is None else within[self.parts[place].test],
                ).difference
        return cell | {"difference": interval_dict(difference)}

    def _interval(self, place: int, metric: Metric, own: Score, rng: Generator, within: np.ndarray | None) -> Interval:
        """The mean of the refits' own intervals: a mean of refits varies at most as much as they do on average."""
        side, test = self.tuned[place].selected, self.parts[place].test
        if own.value is None or not side.predictions or metric.kind == "number":
            return Interval(own.value, None, None, "", own.reason or REPORTED)
        found = [
            delivered(
                metric,
                self.truth[test],
                p,
                rng=rng,
                positive=self.task.positive,
                labels=self.task.classes,
                groups=None if within is None else within[test],
            )
            for p in side.predictions
        ]
        many = f", the mean of {len(found)} refits'" if len(found) > 1 else ""
        bad = next((one for one in found if one.low is None or one.high is None), None)
        if bad is not None:
            return Interval(own.value, None, None, bad.method, bad.reason)
        low, high = (float(np.mean([getattr(one, end) for one in found])) for end in ("low", "high"))
        return Interval(own.value, low, high, found[0].method + many)


def mean_of(scores: Sequence[Score], reason: str | None) -> Score:
    """The mean of scores, undefined where one of them is."""
    bad = next((s for s in scores if s.value is None), None)
    if bad is not None or not scores:
        return Score(None, reason or (bad.reason if bad is not None else None) or "undefined")
    return Score(float(np.mean([s.value for s in scores if s.value is not None])))


def _scores(task: Task, metric: Metric, truth: np.ndarray, side: Side) -> list[Score]:
    if side.predictions and metric.kind != "number":
        return [task.score(metric, truth, p) for p in side.predictions]
    found = []
    for numbers in side.numbers:
        value = numbers.get(metric.name)
        known = value is not None and bool(np.isfinite(value))
        found.append(Score(value) if known else Score(None, f"{metric.name} was not reported"))
    if not found and side.reason is None:
        return [Score(None, f"{metric.name} is a number that the function reports, and it was scored by predictions")]
    return found


def _why(parts: Sequence[Part], scores: Sequence[Score]) -> str | None:
    bad = next((place for place, s in enumerate(scores) if s.value is None), None)
    return None if bad is None else f"{parts[bad].name}: {scores[bad].reason}"


def agreement(tuned: Sequence[Tuned]) -> dict[str, Any]:
    """The selected configurations side by side: how many differ, and the values of each parameter.

    >>> found = agreement([Tuned({"width": 8}, 1), Tuned({"width": 8}, 4)])
    >>> found["distinct"], found["parameters"]["width"]["same"]
    (1, True)
    """
    configs = [dict(one.config) for one in tuned if one.trial is not None]
    names = list(dict.fromkeys(name for config in configs for name in config))
    listed = {name: [config.get(name) for config in configs] for name in names}
    distinct = [c for place, c in enumerate(configs) if c not in configs[:place]]
    return {
        "tunings": len(configs),
        "distinct": len(distinct),
        "defaults_kept": sum(one.trial == 0 for one in tuned),
        "parameters": {
            name: {"values": values, "same": all(value == values[0] for value in values)}
            for name, values in listed.items()
        },
    }


def told(part: Part, tuned: Tuned) -> dict[str, Any]:
    """What a part is, and what was selected in it, as plain values."""
    return {
        "name": part.name,
        "folder": part.folder,
        "rows": len(part.test),
        "rows_trained": len(part.train),
        "trial": tuned.trial,
        "config": dict(tuned.config),
        "as_searched": tuned.as_searched,
        "trials": tuned.trials,
        "runs": tuned.runs,
        "seconds": round(tuned.seconds, 3),
        "reason": tuned.selected.reason,
    }


def both(own: Interval, other: Interval, difference: Interval) -> dict[str, Any]:
    """The figures of one metric that every procedure has: of the selected, of the defaults, and their difference."""
    return {
        "selected": own.value,
        "low": own.low,
        "high": own.high,
        "method": own.method,
        "reason": own.reason,
        "defaults": other.value,
        "defaults_reason": other.reason,
        "difference": interval_dict(difference),
    }


def interval_dict(found: Interval) -> dict[str, Any]:
    """As plain values."""
    return {
        "value": found.value,
        "low": found.low,
        "high": found.high,
        "method": found.method,
        "reason": found.reason,
    }


def head(task: Task, metrics: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The primary metric's figures, under the names that every procedure has."""
    primary = metrics[task.primary.name]
    names = ("low", "high", "method", "reason", "defaults", "difference")
    return {"metric": task.primary.name, "goal": task.goal, "value": primary["selected"]} | {
        n: primary[n] for n in names
    }


def each(task: Task, make: Callable[[Metric], dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """metric -> its figures."""
    return {metric.name: make(metric) for metric in task.metrics}
