"""K-fold cross-validation: every row validates once a repeat."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.random import Generator

from truing.data.data import Data
from truing.data.outline import Outline
from truing.data.split import folds_of_groups, folds_of_rows
from truing.record.interfaces import Estimate, ScoreTable
from truing.record.trial import Replicate
from truing.validation.mean import mean_estimates
from truing.validation.rows import enough_groups, knowing, one_division, only, rare, whatever_time, whole_number


@dataclass(frozen=True)
class KFold:
    """Rows are dealt into `folds` parts; each validates once while the others train; `repeats` times anew.

    Classes are stratified (folds differ by at most one row, of each class and in all) and groups stay
    whole. A class with fewer rows than folds is dealt as far as it goes, which `notes` says.

    Args:
        folds: at least 2.
        repeats: how many independent divisions into folds a trial gets.

    Raises:
        UsageError: folds or repeats out of range.

    >>> replicates = KFold(5).plan({"data": Outline(10)}, np.random.default_rng(0))
    >>> sorted(int(row) for replicate in replicates for row in replicate.valid)
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    """

    folds: int = 5
    repeats: int = 1
    _groups: int | None = field(default=None, init=False, repr=False, compare=False)

    validates_each_row_once = True

    def __post_init__(self) -> None:
        whole_number(self.folds, 2, "folds", "use for example KFold(5)")
        whole_number(self.repeats, 1, "repeats", "use for example KFold(5, repeats=2)")

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
        """True with as many folds as groups: there is one division only, and fresh replicates have it too."""
        return self._groups == self.folds

    def bound(self, data: Mapping[str, Data | Outline]) -> KFold:
        """The same for this data, of which it knows how many groups there are."""
        codes = only(data, "KFold")[1].group_codes
        return self if codes is None else knowing(self, _groups=int(codes.max()) + 1)

    def plan(self, data: Mapping[str, Data | Outline], rng: Generator) -> Sequence[Replicate]:
        """All folds of repeat 0, then those of repeat 1, and so on.

        Raises:
            DataError: not one dataset, or fewer rows or groups than folds.
        """
        return self._replicates(data, self.repeats, rng)

    def fresh(self, data: Mapping[str, Data | Outline], n: int, rng: Generator) -> Sequence[Replicate]:
        """At least `n` further replicates in whole repeats, drawn from `rng`, numbered from 0."""
        return self._replicates(data, math.ceil(n / self.folds), rng)

    def estimate(self, table: ScoreTable) -> Mapping[int, Estimate]:
        """Mean over all folds; see `mean_estimates`."""
        return mean_estimates(table)

    def notes(self, data: Mapping[str, Data | Outline]) -> list[str]:
        """What a person should know about these folds of this data: classes too small for them."""
        outline = only(data, "KFold")[1]
        found = rare(outline, self.folds) + whatever_time(outline, "KFold")
        if self.bound(data).fixed:
            found.append(one_division(f"{self.folds} groups"))
        return found

    def describe(self) -> str:
        """In words.

        >>> KFold(5).describe(), KFold(10, repeats=2).describe()
        ('5-fold', '2 x 10-fold')
        """
        return f"{self.repeats} x {self.folds}-fold" if self.repeats > 1 else f"{self.folds}-fold"

    def to_dict(self) -> dict[str, Any]:
        """As plain values for the journal."""
        return {"name": "kfold", "folds": int(self.folds), "repeats": int(self.repeats)}

    def _replicates(self, data: Mapping[str, Data | Outline], repeats: int, rng: Generator) -> list[Replicate]:
        name, outline = only(data, "KFold")
        groups = outline.group_codes
        if groups is not None:
            enough_groups(outline, int(groups.max()) + 1, self.folds)
        return list(dealt(name, outline, groups, self.folds, repeats, rng))


def dealt(
    name: str, outline: Outline, units: np.ndarray | None, folds: int, repeats: int, rng: Generator
) -> Iterator[Replicate]:
    """Each fold in turn validates and the others train, repeat after repeat.

    Args:
        name: of the dataset.
        units: code of what stays whole, such as the group of each row (n,); None = each row is dealt by itself.
    """
    for repeat in range(repeats):
        if units is None:
            fold_of = folds_of_rows(len(outline), folds, outline.strata, rng)
        else:
            fold_of = folds_of_groups(units, folds, outline.strata, rng)
        for fold in range(folds):
            valid = fold_of == fold
            index = repeat * folds + fold
            yield Replicate(index, np.flatnonzero(~valid), np.flatnonzero(valid), repeat, fold, name)
