"""From a trial and a replicate to a run: which rows, which seed, how far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from truing.record.interfaces import RunSpec
from truing.record.seeds import seed_of
from truing.record.trial import Replicate


@dataclass(frozen=True)
class Plan:
    """What all runs of a study take from it.

    Args:
        seed: the study's seed.
        replicates: those of the search, in buying order.
        rows: int64 positions of the development rows in the Data; None without data.
        locked: positions of the locked rows, in `locked_in`; None without a test set.
        locked_in: "development" (rows of the same Data) or "test" (an official test set).
        epochs: the study's; None = the function's own.
        scored: which report a run's score is taken from; see `record/epoch.py`.
        dataset: the name of the dataset all of it is on, where the study has several.
        datasets: of a study over several, the plan of each; `replicates` are then those of all of them.
    """

    seed: int
    replicates: tuple[Replicate, ...]
    rows: np.ndarray | None = None
    locked: np.ndarray | None = None
    locked_in: str = "development"
    epochs: int | None = None
    threads: int = 1
    scored: str = "last"
    dataset: str = ""
    datasets: Mapping[str, Plan] = field(default_factory=dict)

    def spec(
        self,
        run: int,
        trial: int,
        config: Mapping[str, Any],
        purpose: str,
        replicate: Replicate,
        **more: Any,
    ) -> RunSpec:
        """The run of `config` on `replicate`; its seed depends on purpose and replicate only, so trials are paired."""
        if self.datasets:
            return self.datasets[replicate.dataset].spec(run, trial, config, purpose, replicate, **more)
        more.setdefault("epochs", self.epochs)
        more.setdefault("scored", self.scored)
        return RunSpec(
            run=run,
            trial=trial,
            purpose=purpose,
            config=dict(config),
            seed=seed_of(self.seed, purpose, replicate.index),
            train=self._positions(replicate.train),
            valid=self._positions(replicate.valid),
            threads=self.threads,
            replicate=replicate.index,
            dataset=self.dataset,
            **more,
        )

    def _positions(self, positions: np.ndarray | None) -> np.ndarray | None:
        return positions if positions is None or self.rows is None else self.rows[positions]
