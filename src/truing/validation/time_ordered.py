"""Time-ordered validation: train on what was before, validate on what came after, with a gap between."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from numbers import Real
from typing import Any

import numpy as np
from numpy.random import Generator

from truing.data.data import Data
from truing.data.outline import Outline
from truing.data.tags import span
from truing.errors import DataError, UsageError
from truing.record.interfaces import Estimate, ScoreTable
from truing.record.trial import Replicate
from truing.validation.mean import mean_estimates
from truing.validation.rows import knowing, locked_between, only, whole_number

DAY = 86_400_000_000  # microseconds


@dataclass(frozen=True)
class TimeOrdered:
    """A rolling origin: rows from an origin on validate, and earlier ones train; `folds` origins, one after the other.

    The last rows are cut into `folds` parts of as many rows each, as scikit-learn's TimeSeriesSplit does (Tashman 2000,
    International Journal of Forecasting 16:437): each part validates once, after training on what was before it. Every
    row that validates is later than every row of its training by more than `gap`; so rows of one time are never on both
    sides. Where there are groups, the earlier rows of a group that validates are left out of its training.

    The origins are fixed by the times: nothing is drawn. The verdict's fresh runs keep them and differ in their seeds,
    the interval is made of one mean an origin, and a share of `test=` locks the latest rows, after the same gap.

    Args:
        folds: how many origins, at least 2.
        gap: how much later, in the units of `time=`, and for dates in days or a timedelta. Take at least the time it
            takes until a label is known, or over which a feature looks ahead.
        window: how far back training goes, in the same units; None = to the first row.

    Raises:
        UsageError: folds, gap or window out of range.

    >>> replicates = TimeOrdered(2, gap=1).plan({"data": Outline(6, time=np.arange(6))}, None)
    >>> [(replicate.train.tolist(), replicate.valid.tolist()) for replicate in replicates]
    [([0], [2, 3]), ([0, 1, 2], [4, 5])]
    """

    folds: int = 5
    gap: Any = 0
    window: Any = None
    _spread: float | None = field(default=None, init=False, repr=False, compare=False)

    needs = ("time",)
    fixed = True
    rows_like = "later rows"

    def __post_init__(self) -> None:
        whole_number(self.folds, 2, "folds", "use for example TimeOrdered(5)")
        _checked(self.gap, "gap", zero=True)
        if self.window is not None:
            _checked(self.window, "window", zero=False)

    @property
    def block(self) -> int:
        """Runs of one whole repeat: the origins."""
        return self.folds

    @property
    def spread(self) -> float:
        """Rows that validate over rows that train, summed over the origins; before it is bound as without a gap."""
        return 2 / (self.folds + 1) if self._spread is None else self._spread

    def bound(self, data: Mapping[str, Data | Outline]) -> TimeOrdered:
        """The same for this data: `spread` is then that of its rows."""
        splits = self._splits(only(data, "TimeOrdered")[1])
        return knowing(self, _spread=sum(len(v) for _, v in splits) / sum(len(t) for t, _ in splits))

    def set_apart(self, outline: Outline, share: float, rng: Generator) -> tuple[np.ndarray, np.ndarray, str]:
        """How a share of the rows is locked away: the latest, as near to the share as rows of one time allow.

        Rows within the gap before them, and earlier rows of their groups, are on neither side.

        Raises:
            DataError: no time, a single one, or nothing is left to develop on.
        """
        time = _times(outline)
        starts = np.unique(np.sort(time), return_index=True)[1]
        if len(starts) < 2:
            raise DataError("All rows have the same time, so none is later than the others: use tr.KFold(5).")
        first = starts[1:][np.argmin(np.abs(starts[1:] - len(time) * (1 - share)))]
        begins = np.sort(time)[first]
        locked = time >= begins
        near = ~locked & ~replace(self, window=None)._before(time, begins)  # the window is of one training
        kin = ~locked & ~near & _shares_group(outline, locked)
        development = np.flatnonzero(~(locked | near | kin))
        if not len(development):
            raise DataError(
                "Before the latest rows, which test= locks away, no rows are left to develop on: give a smaller gap, "
                "or groups= that do not last from the first time to the last."
            )
        how = f"the latest {100 * locked.mean():.3g} % of the rows, from {span(time[locked])[0]} on"
        out = [f"{near.sum()} within the gap before them"] if near.any() else []
        out += [f"{kin.sum()} earlier of their groups"] if kin.any() else []
        return development, np.flatnonzero(locked), how + (f"; {' and '.join(out)} left out" if out else "")

    def plan(self, data: Mapping[str, Data | Outline], rng: Generator | None) -> Sequence[Replicate]:
        """One replicate an origin, the earliest first; nothing is drawn from `rng`.

        Raises:
            DataError: not one dataset, no time, too few different times, or an origin with nothing to train on.
        """
        return self._replicates(data, 1)

    def fresh(self, data: Mapping[str, Data | Outline], n: int, rng: Generator | None) -> Sequence[Replicate]:
        """At least `n` further replicates in whole repeats, numbered from 0: the same origins, for other seeds."""
        return self._replicates(data, math.ceil(n / self.folds))

    def estimate(self, table: ScoreTable) -> Mapping[int, Estimate]:
        """Mean over the origins; see `mean_estimates`."""
        return mean_estimates(table)

    def notes(self, data: Mapping[str, Data | Outline]) -> list[str]:
        """What a person should know about these origins of this data."""
        outline = only(data, "TimeOrdered")[1]
        splits, found = self._splits(outline), []
        found.append(
            "The origins of TimeOrdered are fixed by the times, so the verdict's fresh runs keep them and differ in "
            "their seeds alone: the luck of these origins stays in the figures."
        )
        if locked_between(outline):
            found.append(
                "Locked test rows lie between the others in time, so training sees rows that come after them: give the "
                "last rows as test=, or a share."
            )
        if self.window is not None:
            found.append(
                f"window={_shown(self.window)} is that of the trainings in validation; the verdict's refits train on "
                "all development rows."
            )
        strata = outline.strata
        lacking = [] if strata is None else [set(strata[v]) - set(strata[t]) for t, v in splits]
        if any(lacking):
            number = sum(map(bool, lacking))
            found.append(
                f"At {number} of the {self.folds} origins a class validates that no earlier row has, so it cannot be "
                "learned there."
            )
        lost = sum(int((self._before(_times(outline), _times(outline)[v].min())).sum()) - len(t) for t, v in splits)
        if outline.group_labels is not None and lost:
            found.append(
                f"Earlier rows of groups that validate are left out of training: {lost} over the {self.folds} origins."
            )
        return found

    def describe(self) -> str:
        """In words.

        >>> TimeOrdered(5).describe(), TimeOrdered(4, gap=7, window=365).describe()
        ('5 origins in time', '4 origins in time, gap 7, window 365')
        """
        gap = f", gap {_shown(self.gap)}" if self.gap else ""
        return f"{self.folds} origins in time{gap}" + (f", window {_shown(self.window)}" if self.window else "")

    def to_dict(self) -> dict[str, Any]:
        """As plain values for the journal."""
        window = None if self.window is None else _shown(self.window)
        return {"name": "time_ordered", "folds": int(self.folds), "gap": _shown(self.gap), "window": window}

    # -- inside ------------------------------------------------------------------------------------------------

    def _splits(self, outline: Outline) -> list[tuple[np.ndarray, np.ndarray]]:
        time = _times(outline)
        ordered = np.sort(time)
        origins = [*_origins(ordered, self.folds), None]
        made = []
        for number, (begins, ends) in enumerate(pairwise(origins)):
            valid = time >= begins if ends is None else (time >= begins) & (time < ends)
            train = self._before(time, begins)
            early = int(train.sum())
            train &= ~_shares_group(outline, valid)
            if not train.any():
                why = "rows of other groups" if early else "rows before the gap"
                instead = "tr.GroupKFold(5), which leaves time aside" if early else "a smaller gap or fewer origins"
                raise DataError(
                    f"Origin {number + 1} of {self.folds} has no {why} to train on (it begins at "
                    f"{span(time[valid])[0]}): use {instead}."
                )
            made.append((np.flatnonzero(train), np.flatnonzero(valid)))
        return made

    def _before(self, time: np.ndarray, begins: Any) -> np.ndarray:
        """Which rows are earlier than `begins` by more than the gap, and not further back than the window."""
        away = begins - time
        gap = _length(self.gap, time, "gap")
        # numbers such as 0.1 + 0.2 are not exact: what is as far away as the gap but for rounding is not farther
        slack = 4 * np.finfo(float).eps * float(np.abs(time).max()) if time.dtype.kind == "f" else _length(0, time, "")
        far = away > gap + slack
        if self.window is None:
            return far
        return far & (away <= gap + _length(self.window, time, "window") + slack)

    def _replicates(self, data: Mapping[str, Data | Outline], repeats: int) -> list[Replicate]:
        name, outline = only(data, "TimeOrdered")
        splits = self._splits(outline)
        return [
            Replicate(repeat * self.folds + fold, train, valid, repeat, fold, name)
            for repeat in range(repeats)
            for fold, (train, valid) in enumerate(splits)
        ]


def _origins(ordered: np.ndarray, count: int) -> list[Any]:
    """The times at which the parts that validate begin: equally many rows each, as nearly as rows of one time allow."""
    starts = np.unique(ordered, return_index=True)[1]
    most = len(starts) - 1
    if most < count:
        fewer = f"use tr.TimeOrdered({most})" if most > 1 else "use tr.KFold(5)"
        raise DataError(
            f"The rows are of {len(starts)} different time{'s' * (len(starts) != 1)}, too few for {count} origins with "
            f"rows before the first: {fewer}."
        )
    size, chosen = len(ordered) // (count + 1), [0]
    for number in range(count):
        wanted = len(ordered) - (count - number) * size
        free = np.arange(chosen[-1] + 1, most - (count - number) + 2)
        chosen.append(int(free[np.argmin(np.abs(starts[free] - wanted))]))
    return [ordered[starts[place]] for place in chosen[1:]]


def _times(outline: Outline) -> np.ndarray:
    """The times as int64, float64 or datetime64 of microseconds, (n,)."""
    found = outline.time
    if found is None:
        raise DataError(
            "TimeOrdered goes by the time of each row, and the data has none: give it as tr.Data(..., time=), numbers "
            "or dates, or use tr.KFold(5)."
        )
    if found.dtype.kind == "M":
        return found.astype("M8[us]")
    fits = found.dtype.kind == "i" or (found.dtype.kind == "u" and int(found.max()) < 2**62)
    return found.astype(np.int64 if fits else np.float64)


def _length(given: Any, time: np.ndarray, name: str) -> Any:
    """A gap or window as a difference of these times."""
    timed = isinstance(given, datetime.timedelta | np.timedelta64)
    if time.dtype.kind != "M":
        if timed:
            raise DataError(f"{name}={given!r} is a length of dates, and time= holds numbers: give it in their units.")
        return given
    if isinstance(given, np.timedelta64) and np.datetime_data(given)[0] in ("Y", "M", "generic"):
        raise DataError(f"{name}={given!r} is no fixed length of time: give days, such as {name}=30.")
    return np.timedelta64(given, "us") if timed else np.timedelta64(round(float(given) * DAY), "us")


def _checked(given: Any, name: str, *, zero: bool) -> None:
    """Raise UsageError unless it is a number or a timedelta, not negative and, for a window, not 0."""
    fits = isinstance(given, Real | datetime.timedelta | np.timedelta64) and not isinstance(given, bool)
    if fits and isinstance(given, Real) and not isinstance(given, np.timedelta64):
        fits = math.isfinite(given)
    least = type(given)(0) if fits and isinstance(given, datetime.timedelta | np.timedelta64) else 0
    if not fits or given < least or (not zero and given == least):
        raise UsageError(
            f"{name} must be a number {'of at least' if zero else 'above'} 0 in the units of time=, days for dates, or "
            f"a timedelta, not {given!r}: use for example TimeOrdered(5, {name}=7)."
        )


def _shares_group(outline: Outline, rows: np.ndarray) -> np.ndarray:
    """Which rows are of a group that has one of `rows`; none without groups."""
    codes = outline.group_codes
    return np.zeros(len(outline), dtype=bool) if codes is None else np.isin(codes, codes[rows])


def _shown(given: Any) -> Any:
    """A gap or window as a number, or in words."""
    if isinstance(given, datetime.timedelta):
        days = given / datetime.timedelta(days=1)
        return f"{days:g} day{'s' * (days != 1)}"
    return str(given) if isinstance(given, np.timedelta64) else getattr(given, "item", lambda: given)()
