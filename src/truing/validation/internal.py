"""Internal validation by the bootstrap: apparent performance less its optimism."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from truing.data.outline import Outline
from truing.errors import DataError
from truing.record.procedure import Part, Side, Tuned
from truing.record.task import Task
from truing.statistics.bootstrap import units
from truing.statistics.interval import Interval
from truing.statistics.metric import Metric
from truing.statistics.score import Score
from truing.validation.parts import SAME, agreement, both, each, head, mean_of, told
from truing.validation.rows import inner_trials, mixed_in_time, whole_number

ENOUGH = 100  # resamples, from which on percentiles are read off instead of a normal curve
USUAL = 200  # resamples that the literature asks for
DRAWS = 100  # attempts at a resample with two classes


@dataclass(frozen=True)
class Internal:
    """`study.evaluate(tr.Internal(20))`: bootstrap optimism with the whole tuning repeated in each resample.

    Apparent performance is that of the tuned network on the very rows it was tuned and trained on. In each resample of
    the rows (of whole groups, where there are groups) everything is done again, and optimism is what the network of
    that resample scores on the resample less what it scores on the original rows. Corrected = apparent - mean optimism
    (Harrell, Lee & Mark 1996, Stat Med 15:361; Efron & Tibshirani 1993, An Introduction to the Bootstrap, ch. 17;
    Steyerberg 2019, Clinical Prediction Models, 5.3). Copies of a row stay on one side of the inner splits.

    The interval is the location-shifted bootstrap: that of the apparent performance over the resamples, moved by the
    optimism (Noma et al. 2021, Stat Med 40:5691); below 100 resamples by the normal curve of their spread.

    Args:
        resamples: how many, at least 2. The literature takes 200, which is dear where a network is tuned in each; with
            few, the estimate is as it was but shakes more, and its standard error stands beside it.
        trials: of each inner study; None = as many as the study has.

    Raises:
        UsageError: resamples or trials out of range.

    >>> parts = Internal(2).plan(Outline(5), np.random.default_rng(0))
    >>> [part.name for part in parts], len(parts[1].train), parts[1].test.tolist()
    (['original rows', 'resample 1', 'resample 2'], 5, [0, 1, 2, 3, 4])
    """

    resamples: int = 20
    trials: int | None = None

    name = "internal"
    refits = 1
    overlaps = True

    def __post_init__(self) -> None:
        whole_number(self.resamples, 2, "resamples", "use for example Internal(20)")
        inner_trials(self.trials, "Internal(20, trials=20)")

    def plan(self, rows: Outline, rng: Generator) -> Sequence[Part]:
        """The original rows, then one part a resample. More resamples have the same first ones.

        Raises:
            DataError: fewer than two rows or groups.
        """
        return list(self._parts(rows, rng))

    def notes(self, rows: Outline) -> list[str]:
        """What a person should know of these resamples before it starts."""
        return mixed_in_time(rows, "Internal")

    def _parts(self, rows: Outline, rng: Generator) -> Iterator[Part]:
        n = len(rows)
        of = units(n, rows.group_labels)
        if of.number < 2:
            raise DataError(f"There are fewer than two {of.word} to resample: Internal needs more.")
        every = np.arange(n, dtype=np.int64)
        yield Part("original rows", "original", every, every)
        code = every if of.code is None else of.code
        members = np.split(np.argsort(code, kind="stable"), np.cumsum(np.bincount(code))[:-1])
        for number in range(1, self.resamples + 1):
            for _ in range(DRAWS):
                train = np.concatenate([members[unit] for unit in rng.integers(0, of.number, of.number)])
                several = rows.strata is None or len(np.unique(rows.strata[train])) > 1
                if several and len(np.unique(code[train])) > 1:
                    break
            yield Part(f"resample {number}", f"resample-{number}", train, every, units=code[train])

    def estimate(
        self,
        task: Task,
        rows: Outline,
        truth: np.ndarray,
        parts: Sequence[Part],
        tuned: Sequence[Tuned],
        rng: Generator,
    ) -> dict[str, Any]:
        """Apparent, optimism and corrected, of the selected, of the defaults and of their difference."""
        whole = " of whole groups" if rows.group_labels is not None else ""
        metrics = each(task, lambda metric: _entry(task, metric, truth, parts, tuned, whole))
        primary = metrics[task.primary.name]
        few = self.resamples < USUAL
        return {
            **head(task, metrics),
            "estimand": (
                f"the {task.primary.name}, on further rows like these, of what this whole tuning delivers when it is "
                f"given {len(rows)} rows"
            ),
            "apparent": primary["apparent"],
            "optimism": primary["optimism"],
            "metrics": metrics,
            "parts": _rows(task, truth, parts, tuned),
            "agreement": agreement(tuned),
            "notes": [
                f"{self.resamples} resamples, where 200 are usual: the standard error of the optimism stands beside it."
            ]
            * few,
        }

    def describe(self) -> str:
        """In words.

        >>> Internal(20).describe()
        'bootstrap optimism, 20 resamples'
        """
        return f"bootstrap optimism, {self.resamples} resamples"

    def to_dict(self) -> dict[str, Any]:
        """As plain values for the journal."""
        return {"name": self.name, "resamples": int(self.resamples)}


def _score(task: Task, metric: Metric, truth: np.ndarray, side: Side, rows: np.ndarray) -> Score:
    """One side on some of the original rows, each as often as it is named."""
    if not side.predictions or metric.kind == "number":
        return Score(None, side.reason or "the function reports only numbers, so a resample cannot be scored")
    return mean_of([task.score(metric, truth[rows], p[rows]) for p in side.predictions], side.reason)


def _entry(
    task: Task, metric: Metric, truth: np.ndarray, parts: Sequence[Part], tuned: Sequence[Tuned], whole: str
) -> dict[str, Any]:
    """All of one metric."""

    def scores(which: str) -> tuple[list[Score], list[Score]]:
        sides = [getattr(one, which) for one in tuned]
        on_train = [_score(task, metric, truth, s, p.train) for s, p in zip(sides, parts, strict=True)]
        on_all = [_score(task, metric, truth, s, p.test) for s, p in zip(sides, parts, strict=True)]
        return on_train, on_all

    ours, theirs = scores("selected"), scores("defaults")
    own = corrected(ours[0], ours[1], parts, whole, (metric.low, metric.high))
    other = corrected(theirs[0], theirs[1], parts, whole, (metric.low, metric.high))
    apart = [_minus(a, b) for a, b in zip(ours, theirs, strict=True)]
    if all(one.trial == 0 for one in tuned):
        difference = Interval(0.0, 0.0, 0.0, SAME)
    else:
        difference = corrected(apart[0], apart[1], parts, whole)["interval"]
    return both(own["interval"], other["interval"], difference) | {
        "apparent": own["apparent"],
        "optimism": own["optimism"],
        "optimism_se": own["se"],
    }


def _minus(ours: Sequence[Score], theirs: Sequence[Score]) -> list[Score]:
    return [
        Score(a.value - b.value) if a.value is not None and b.value is not None else Score(None, a.reason or b.reason)
        for a, b in zip(ours, theirs, strict=True)
    ]


def corrected(
    on_train: Sequence[Score],
    on_all: Sequence[Score],
    parts: Sequence[Part],
    whole: str = "",
    ends: tuple[float, float] = (-math.inf, math.inf),
    level: float = 0.95,
) -> dict[str, Any]:
    """Apparent, mean optimism with its standard error, and the corrected figure with its interval.

    Args:
        on_train: of each part, the original rows first: the score on the rows it was trained on.
        on_all: the score on the original rows.
        ends: of the metric's range, within which the figures are kept.
    """
    method = f"location-shifted bootstrap{whole}"
    bad = next((i for i, (a, b) in enumerate(zip(on_train, on_all, strict=True)) if None in (a.value, b.value)), None)
    if bad is not None:
        why = f"{parts[bad].name}: {on_train[bad].reason or on_all[bad].reason}"
        return {
            "apparent": on_all[0].value,
            "optimism": None,
            "se": None,
            "interval": Interval(None, None, None, method, why),
        }
    boot = np.array([s.value for s in on_train[1:]], dtype=float)
    original = np.array([s.value for s in on_all[1:]], dtype=float)
    apparent, number = float(on_all[0].value or 0.0), len(boot)
    optimism = float((boot - original).mean())
    se = float((boot - original).std(ddof=1) / math.sqrt(number))
    value = min(max(apparent - optimism, ends[0]), ends[1])
    found = {"apparent": apparent, "optimism": optimism, "se": se}
    spread = float(boot.std(ddof=1))
    if spread <= 1e-12 * max(1.0, abs(apparent)):
        why = "the apparent score is the same in every resample, which says nothing about new rows"
        return {**found, "interval": Interval(value, None, None, method, why)}
    if number >= ENOUGH:
        low, high = np.quantile(boot, [(1 - level) / 2, (1 + level) / 2]) - optimism
        method += f", percentiles of {number}"
    else:
        from scipy.special import stdtrit  # importing Truing must stay quick

        away = float(stdtrit(number - 1, 0.5 + level / 2)) * spread
        low, high = value - away, value + away
        method += f", by the spread of {number}"
    low, high = max(float(low), ends[0]), min(float(high), ends[1])
    return {**found, "interval": Interval(value, low, high, method)}


def _rows(task: Task, truth: np.ndarray, parts: Sequence[Part], tuned: Sequence[Tuned]) -> list[dict[str, Any]]:
    return [
        told(part, one)
        | {
            "rows_distinct": len(np.unique(part.train)),
            "metrics": {
                m.name: {
                    "selected": _score(task, m, truth, one.selected, part.test).value,
                    "defaults": _score(task, m, truth, one.defaults, part.test).value,
                    "trained_on": _score(task, m, truth, one.selected, part.train).value,
                    "reason": _score(task, m, truth, one.selected, part.test).reason,
                }
                for m in task.metrics
            },
        }
        for part, one in zip(parts, tuned, strict=True)
    ]
