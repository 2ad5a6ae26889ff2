"""Leave one group out: each group, or each site, validates once while all others train."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.random import Generator

from truing.data.data import Data
from truing.data.outline import Outline
from truing.errors import DataError
from truing.record.interfaces import Estimate, ScoreTable
from truing.record.trial import Replicate
from truing.validation import whole
from truing.validation.mean import mean_estimates
from truing.validation.rows import knowing, only

MOST = 100  # runs of a trial
NOMINAL = 10  # groups, before there is data


@dataclass(frozen=True)
class LeaveOneGroupOut:
    """Each group validates once while all others train, in the sorted order of their names.

    There is no randomness in it: the verdict's fresh runs keep the splits and differ in their seeds, and the interval
    is made of one mean a group. A trial's score is the mean over the groups, each counted once whatever its rows.

    Args:
        by: "groups" or "site". By site a share of `test=` is locked away in whole sites, too.

    Raises:
        UsageError: by is neither.

    >>> replicates = LeaveOneGroupOut().plan({"data": Outline(3, None, np.array(["b", "a", "b"]))}, None)
    >>> [replicate.valid.tolist() for replicate in replicates]
    [[1], [0, 2]]
    """

    by: str = "groups"
    _known: tuple[int, float] = field(default=(NOMINAL, 1 / (NOMINAL - 1)), init=False, repr=False, compare=False)

    validates_each_row_once = True
    fixed = True

    def __post_init__(self) -> None:
        whole.checked_by(self.by)

    @property
    def needs(self) -> tuple[str, ...]:
        """What the data must have."""
        return (self.by,)

    @property
    def block(self) -> int:
        """Runs of one whole repeat: as many as there are groups; ten before it is bound to data."""
        return self._known[0]

    @property
    def spread(self) -> float:
        """n_valid / n_train, 1 / (groups - 1), for the corrected resampled t."""
        return self._known[1]

    @property
    def rows_like(self) -> str:
        """On which rows its scores are."""
        return f"rows of further {'sites' if self.by == 'site' else 'groups'} like these"

    def bound(self, data: Mapping[str, Data | Outline]) -> LeaveOneGroupOut:
        """The same for this data: `block` and `spread` are then those of its groups."""
        count = len(self._splits(only(data, "LeaveOneGroupOut")[1]))
        return knowing(self, _known=(count, 1 / (count - 1)))

    def set_apart(self, outline: Outline, share: float, rng: Generator) -> tuple[np.ndarray, np.ndarray, str] | None:
        """How a share of the rows is locked away: in whole sites where it goes by them."""
        return whole.set_apart(outline, share, self.by, "LeaveOneGroupOut", rng)

    def plan(self, data: Mapping[str, Data | Outline], rng: Generator) -> Sequence[Replicate]:
        """One replicate a group.

        Raises:
            DataError: not one dataset, one without groups, a single one, or more than a hundred.
        """
        return self._replicates(data, 1)

    def fresh(self, data: Mapping[str, Data | Outline], n: int, rng: Generator) -> Sequence[Replicate]:
        """At least `n` further replicates in whole repeats, numbered from 0: the same splits, for other seeds."""
        return self._replicates(data, math.ceil(n / len(self._splits(only(data, "LeaveOneGroupOut")[1]))))

    def estimate(self, table: ScoreTable) -> Mapping[int, Estimate]:
        """Mean over the groups; see `mean_estimates`."""
        return mean_estimates(table)

    def notes(self, data: Mapping[str, Data | Outline]) -> list[str]:
        """What a person should know about these splits of this data."""
        outline = only(data, "LeaveOneGroupOut")[1]
        splits, strata = self._splits(outline), outline.strata
        what = whole.wholes(self.by, len(splits))
        found = [
            f"The {what} are left out one at a time, which cannot be drawn anew: the verdict's fresh runs keep these "
            "splits and differ in their seeds alone, and the luck of which they are stays in the figures."
        ]
        if strata is not None:
            lacking = sum(len(np.unique(strata[valid])) < len(np.unique(strata)) for _, valid in splits)
            if lacking:
                found.append(
                    f"{lacking} of the {what} lack{'s' * (lacking == 1)} a class, so figures there may be undefined."
                )
        return found + (whole.of_locked_sites(outline) if self.by == "site" else [])

    def describe(self) -> str:
        """In words.

        >>> LeaveOneGroupOut().describe(), LeaveOneGroupOut(by="site").describe()
        ('leave one group out', 'leave one site out')
        """
        return f"leave one {'site' if self.by == 'site' else 'group'} out"

    def to_dict(self) -> dict[str, Any]:
        """As plain values for the journal."""
        return {"name": "leave_one_group_out", "by": self.by}

    def _splits(self, outline: Outline) -> list[tuple[np.ndarray, np.ndarray]]:
        codes = whole.codes(outline, self.by, "LeaveOneGroupOut")
        count = int(codes.max()) + 1
        if count < 2:
            raise DataError(
                f"{whole.wholes(self.by, 1)} is all there is, and none is left to train on: give finer ones."
            )
        if count > MOST:
            raise DataError(
                f"{whole.wholes(self.by, count)} left out one at a time would be {count} runs of each trial (at most "
                f'{MOST}): use tr.GroupKFold(10, by="{self.by}").'
            )
        return [(np.flatnonzero(codes != code), np.flatnonzero(codes == code)) for code in range(count)]

    def _replicates(self, data: Mapping[str, Data | Outline], repeats: int) -> list[Replicate]:
        name, outline = only(data, "LeaveOneGroupOut")
        splits = self._splits(outline)
        return [
            Replicate(repeat * len(splits) + fold, train, valid, repeat, fold, name)
            for repeat in range(repeats)
            for fold, (train, valid) in enumerate(splits)
        ]
