"""Seeds: the same training again, with another seed each time."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.random import Generator

from truing.data.data import Data
from truing.data.outline import Outline
from truing.record.interfaces import Estimate, ScoreTable
from truing.record.trial import Replicate
from truing.validation.holdout import split
from truing.validation.mean import mean_estimates
from truing.validation.rows import only, rare, whole_number

SHARE = 0.2  # of the rows that validate, where there is data


@dataclass(frozen=True)
class Seeds:
    """A trial is `n` runs that differ in their seed alone; meant for objectives that bring their own data.

    With data there is one split for all of them, a random fifth validates; the estimate then speaks of that
    split. Fresh replicates have one fresh split for all of them.

    Args:
        n: how many seeds a trial gets.

    Raises:
        UsageError: n is below 1 or no whole number.

    >>> import numpy as np
    >>> [replicate.repeat for replicate in Seeds(3).plan({}, np.random.default_rng(0))]
    [0, 1, 2]
    """

    n: int = 5

    def __post_init__(self) -> None:
        whole_number(self.n, 1, "n", "use for example Seeds(5)")

    @property
    def block(self) -> int:
        """Runs of one whole repeat: n."""
        return self.n

    @property
    def spread(self) -> float:
        """0: the seeds are independent, so nothing widens the t interval."""
        return 0.0

    def plan(self, data: Mapping[str, Data | Outline], rng: Generator) -> Sequence[Replicate]:
        """`n` replicates, without rows or with the same ones.

        Raises:
            DataError: more than one dataset, or one that cannot be split.
        """
        return self._replicates(data, self.n, rng)

    def fresh(self, data: Mapping[str, Data | Outline], n: int, rng: Generator) -> Sequence[Replicate]:
        """At least `n` further replicates in whole repeats, numbered from 0."""
        return self._replicates(data, math.ceil(n / self.n) * self.n, rng)

    def estimate(self, table: ScoreTable) -> Mapping[int, Estimate]:
        """Mean over the seeds; see `mean_estimates`."""
        return mean_estimates(table)

    def notes(self, data: Mapping[str, Data | Outline]) -> list[str]:
        """What a person should know about the split of this data."""
        return rare(only(data, "Seeds")[1], 2) if data else []

    def describe(self) -> str:
        """In words.

        >>> Seeds(5).describe(), Seeds(1).describe()
        ('5 seeds', '1 seed')
        """
        return f"{self.n} seed{'s' * (self.n != 1)}"

    def to_dict(self) -> dict[str, Any]:
        """As plain values for the journal."""
        return {"name": "seeds", "n": int(self.n)}

    def _replicates(self, data: Mapping[str, Data | Outline], n: int, rng: Generator) -> Sequence[Replicate]:
        if not data:
            return [Replicate(i, repeat=i) for i in range(n)]
        name, outline = only(data, "Seeds")
        train, valid = split(outline, SHARE, rng)
        return [Replicate(i, train, valid, repeat=i, dataset=name) for i in range(n)]
