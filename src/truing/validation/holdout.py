"""Holdout: a share of the rows validates, the rest trains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from numpy.random import Generator

from truing.data.data import Data
from truing.data.outline import Outline
from truing.data.split import share_of_groups, share_of_rows
from truing.errors import UsageError
from truing.record.interfaces import Estimate, ScoreTable
from truing.record.trial import Replicate
from truing.validation.mean import mean_estimates
from truing.validation.rows import only, rare, whatever_time, whole_number


def split(outline: Outline, share: float, rng: Generator) -> tuple[np.ndarray, np.ndarray]:
    """Sorted positions to train on and to validate on: stratified by class, whole groups."""
    groups = outline.group_codes
    if groups is None:
        valid = share_of_rows(len(outline), share, outline.strata, rng)
    else:
        valid = share_of_groups(groups, share, outline.strata, rng)
    return np.setdiff1d(np.arange(len(outline), dtype=np.int64), valid), valid


@dataclass(frozen=True)
class Holdout:
    """A random share of the rows validates, the rest trains; `repeats` times anew.

    Classes are stratified (each within one row of its share) and groups stay whole: then the share is met
    as nearly as whole groups allow.

    Args:
        share: of the rows, between 0 and 1.
        repeats: how many independent splits a trial gets.

    Raises:
        UsageError: share or repeats out of range.

    >>> replicates = Holdout(0.25).plan({"data": Outline(8)}, np.random.default_rng(0))
    >>> len(replicates), replicates[0].train.size, replicates[0].valid.size
    (1, 6, 2)
    """

    share: float = 0.2
    repeats: int = 1

    def __post_init__(self) -> None:
        if isinstance(self.share, bool) or not isinstance(self.share, Real) or not 0 < self.share < 1:
            raise UsageError(f"share must lie between 0 and 1, not {self.share!r}: use for example Holdout(0.2).")
        whole_number(self.repeats, 1, "repeats", "use for example Holdout(0.2, repeats=3)")

    @property
    def block(self) -> int:
        """Runs of one whole repeat: 1."""
        return 1

    @property
    def spread(self) -> float:
        """n_valid / n_train, for the corrected resampled t."""
        return self.share / (1 - self.share)

    def plan(self, data: Mapping[str, Data | Outline], rng: Generator) -> Sequence[Replicate]:
        """One replicate a repeat, in buying order.

        Raises:
            DataError: not one dataset, fewer than two rows, or a single group.
        """
        return self.fresh(data, self.repeats, rng)

    def fresh(self, data: Mapping[str, Data | Outline], n: int, rng: Generator) -> Sequence[Replicate]:
        """`n` further splits, drawn from `rng`, numbered from 0."""
        name, outline = only(data, "Holdout")
        splits = [split(outline, self.share, rng) for _ in range(n)]
        return [Replicate(i, *rows, repeat=i, dataset=name) for i, rows in enumerate(splits)]

    def estimate(self, table: ScoreTable) -> Mapping[int, Estimate]:
        """Mean over the repeats; see `mean_estimates`."""
        return mean_estimates(table)

    def notes(self, data: Mapping[str, Data | Outline]) -> list[str]:
        """What a person should know about these splits of this data."""
        outline = only(data, "Holdout")[1]
        return rare(outline, 2) + whatever_time(outline, "Holdout")

    def describe(self) -> str:
        """In words.

        >>> Holdout(0.2).describe(), Holdout(1 / 3, repeats=2).describe()
        ('holdout 20 %', '2 x holdout 33 %')
        """
        times = f"{self.repeats} x " if self.repeats > 1 else ""
        return f"{times}holdout {100 * self.share:.2g} %"

    def to_dict(self) -> dict[str, Any]:
        """As plain values for the journal."""
        return {"name": "holdout", "share": float(self.share), "repeats": int(self.repeats)}
