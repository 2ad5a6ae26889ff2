"""Grouped k-fold cross-validation: whole groups, or whole sites, validate in turn."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.random import Generator

from truing.data.data import Data
from truing.data.outline import Outline
from truing.errors import DataError
from truing.record.interfaces import Estimate, ScoreTable
from truing.record.trial import Replicate
from truing.validation import whole
from truing.validation.kfold import dealt
from truing.validation.mean import mean_estimates
from truing.validation.rows import enough_groups, knowing, one_division, only, rare, whole_number


@dataclass(frozen=True)
class GroupKFold:
    """Whole groups are dealt into `folds` parts; each validates once while the others train; `repeats` times anew.

    It divides as `KFold` does where there are groups, refuses data without them, and can go by the sites instead. Folds
    are as even in rows, and in each class, as whole groups allow. With as many folds as groups there is one division
    only: it cannot be drawn anew, and fresh runs differ in their seeds alone.

    Args:
        folds: at least 2.
        repeats: how many independent divisions into folds a trial gets.
        by: "groups" or "site". By site a share of `test=` is locked away in whole sites, too.

    Raises:
        UsageError: folds, repeats or by out of range.

    >>> replicates = GroupKFold(2).plan({"data": Outline(4, None, np.array([1, 2, 1, 2]))}, np.random.default_rng(0))
    >>> sorted(replicate.valid.tolist() for replicate in replicates)
    [[0, 2], [1, 3]]
    """

    folds: int = 5
    repeats: int = 1
    by: str = "groups"
    _wholes: int | None = field(default=None, init=False, repr=False, compare=False)

    validates_each_row_once = True

    def __post_init__(self) -> None:
        whole_number(self.folds, 2, "folds", "use for example GroupKFold(5)")
        whole_number(self.repeats, 1, "repeats", "use for example GroupKFold(5, repeats=2)")
        whole.checked_by(self.by)

    @property
    def needs(self) -> tuple[str, ...]:
        """What the data must have."""
        return (self.by,)

    @property
    def block(self) -> int:
        """Runs of one whole repeat: the folds."""
        return self.folds

    @property
    def spread(self) -> float:
        """n_valid / n_train, 1 / (folds - 1), for the corrected resampled t."""
        return 1 / (self.folds - 1)

    @property
    def fixed(self) -> bool:
        """True with as many folds as groups, so that fresh replicates have the splits of the search."""
        return self._wholes == self.folds

    @property
    def rows_like(self) -> str:
        """On which rows its scores are."""
        return f"rows of further {'sites' if self.by == 'site' else 'groups'} like these"

    def bound(self, data: Mapping[str, Data | Outline]) -> GroupKFold:
        """The same for this data, of which it knows how many groups there are."""
        return knowing(self, _wholes=int(whole.codes(only(data, "GroupKFold")[1], self.by, "GroupKFold").max()) + 1)

    def set_apart(self, outline: Outline, share: float, rng: Generator) -> tuple[np.ndarray, np.ndarray, str] | None:
        """How a share of the rows is locked away: in whole sites where it goes by them."""
        return whole.set_apart(outline, share, self.by, "GroupKFold", rng)

    def plan(self, data: Mapping[str, Data | Outline], rng: Generator) -> Sequence[Replicate]:
        """All folds of repeat 0, then those of repeat 1, and so on.

        Raises:
            DataError: not one dataset, one without groups, or fewer of them than folds.
        """
        name, outline = only(data, "GroupKFold")
        codes = whole.codes(outline, self.by, "GroupKFold")
        count = int(codes.max()) + 1
        if self.by == "groups":
            enough_groups(outline, count, self.folds)
        elif count < self.folds:
            more = f'use tr.GroupKFold({count}, by="site")' if count > 1 else "give the sites of more than one"
            raise DataError(f"{whole.wholes('site', count)} cannot fill {self.folds} folds: {more}.")
        return list(dealt(name, outline, codes, self.folds, self.repeats, rng))

    def fresh(self, data: Mapping[str, Data | Outline], n: int, rng: Generator) -> Sequence[Replicate]:
        """At least `n` further replicates in whole repeats, drawn from `rng`, numbered from 0."""
        return replace(self, repeats=math.ceil(n / self.folds)).plan(data, rng)

    def estimate(self, table: ScoreTable) -> Mapping[int, Estimate]:
        """Mean over all folds; see `mean_estimates`."""
        return mean_estimates(table)

    def notes(self, data: Mapping[str, Data | Outline]) -> list[str]:
        """What a person should know about these folds of this data."""
        outline = only(data, "GroupKFold")[1]
        found = rare(outline, self.folds) if self.by == "groups" else whole.of_locked_sites(outline)
        if self.bound(data).fixed:
            found.append(one_division(whole.wholes(self.by, self.folds)))
        return found

    def describe(self) -> str:
        """In words.

        >>> GroupKFold(5).describe(), GroupKFold(4, repeats=2, by="site").describe()
        ('5-fold by groups', '2 x 4-fold by site')
        """
        times = f"{self.repeats} x " if self.repeats > 1 else ""
        return f"{times}{self.folds}-fold by {self.by}"

    def to_dict(self) -> dict[str, Any]:
        """As plain values for the journal."""
        return {"name": "grouped", "folds": int(self.folds), "repeats": int(self.repeats), "by": self.by}
