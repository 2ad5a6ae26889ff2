"""The exhaustive tables of real trainings, with their shares by enumeration."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

import truing as tr
from truing.statistics.importance import fences

BENCH = Path(__file__).resolve().parents[2].parent / "shared" / "bench"


@dataclass(frozen=True)
class Enumerated:
    """One table: a trial is a single training, the truth the mean over the repeats of each configuration.

    Scores far outside are moved to the fences first, as the product does: three interquartile ranges beyond the
    quartiles, here of the whole table. Without that the shares of both fcnet tables are those of a few trainings that
    diverged (their kurtosis is above 10,000).
    """

    name: str
    space: tr.Space
    scores: np.ndarray  # (options of each parameter ..., repeats)
    minimise: bool

    @property
    def exact(self) -> np.ndarray:
        return np.clip(self.scores, *fences(self.scores.ravel())).mean(axis=-1)

    @property
    def truth(self) -> tuple[dict[str, float], dict[tuple[str, str], float]]:
        names, values = list(self.space), self.exact - self.exact.mean()
        every = range(values.ndim)
        own = [values.mean(axis=tuple(k for k in every if k != i), keepdims=True) for i in every]
        main = {name: float((own[i] ** 2).mean() / values.var()) for i, name in enumerate(names)}
        pair = {}
        for i, j in combinations(every, 2):
            both = values.mean(axis=tuple(k for k in every if k not in (i, j)), keepdims=True) - own[i] - own[j]
            pair[names[i], names[j]] = float((both**2).mean() / values.var())
        return main, pair

    def exact_at(self, trials: int, rng: np.random.Generator) -> tuple[list[Mapping[str, Any]], np.ndarray]:
        """Random configurations and their scores without noise."""
        places = [rng.integers(size, size=trials) for size in self.scores.shape[:-1]]
        sign = 1.0 if self.minimise else -1.0
        return self._configs(places), sign * self.exact[tuple(places)]

    def drawn(self, trials: int, rng: np.random.Generator) -> tuple[list[Mapping[str, Any]], np.ndarray]:
        shape = self.scores.shape
        places = [rng.integers(size, size=trials) for size in shape[:-1]]
        values = self.scores[(*places, rng.integers(shape[-1], size=trials))]
        return self._configs(places), values if self.minimise else -values

    def _configs(self, places: list[np.ndarray]) -> list[Mapping[str, Any]]:
        named = list(zip(self.space, places, strict=True))
        return [{name: self.space.scale(name).at(int(at[k])) for name, at in named} for k in range(len(places[0]))]


def tables() -> list[Enumerated]:
    """Those there are; none without the folder of tables."""
    if not (BENCH / "tables.py").is_file():
        return []
    sys.path.insert(0, str(BENCH))
    from tables import Table, list_tables  # type: ignore[import-not-found]

    found = []
    for family, dataset in list_tables():
        table = Table(family, dataset)
        space = tr.Space(
            {n: tr.Choice(list(v), ordered=table.types[n] != "categorical") for n, v in table.space.items()}
        )
        scores = table.values(table.main).reshape(*(len(v) for v in table.space.values()), -1).astype(float)
        found.append(Enumerated(f"{family}/{dataset}", space, scores, table.metrics[table.main] == "min"))
    return found
