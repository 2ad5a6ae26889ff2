"""Nested cross-validation: the whole study inside each outer fold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from truing.data.outline import Outline
from truing.errors import DataError
from truing.record.procedure import Part, Tuned
from truing.record.task import Task
from truing.validation.kfold import KFold
from truing.validation.parts import Scored, agreement, each, head
from truing.validation.rows import inner_trials, mixed_in_time, rare, whole_number


@dataclass(frozen=True)
class Nested:
    """`study.evaluate(tr.Nested(5))`: search, race and selection anew in each outer fold, scored on its rows.

    Outer folds are stratified by class, and groups stay whole, as `KFold`'s. What each inner study selects is trained
    three times on all rows of the outer training part, beside the defaults, and their mean is scored on the outer fold.
    The interval of the mean over folds, and of the paired difference, is the corrected resampled t (Nadeau & Bengio
    2003). It estimates the score of this whole procedure, on new rows, when it is given (folds - 1) / folds of the
    development rows; it is not the score of the one network that is delivered. (Stone 1974, J R Stat Soc B 36:111;
    Varma & Simon 2006, BMC Bioinformatics 7:91; Cawley & Talbot 2010, JMLR 11:2079.)

    Args:
        folds: outer folds, at least 2.
        repeats: how many independent divisions into outer folds.
        trials: of each inner study; None = as many as the study has.

    Raises:
        UsageError: folds, repeats or trials out of range.

    >>> parts = Nested(5).plan(Outline(10), np.random.default_rng(0))
    >>> len(parts), parts[0].name, parts[0].folder
    (5, 'fold 1', 'fold-1-of-5')
    """

    folds: int = 5
    repeats: int = 1
    trials: int | None = None

    name = "nested"
    refits = 3
    overlaps = False

    def __post_init__(self) -> None:
        whole_number(self.folds, 2, "folds", "use for example Nested(5)")
        whole_number(self.repeats, 1, "repeats", "use for example Nested(5, repeats=2)")
        inner_trials(self.trials, "Nested(5, trials=20)")

    def plan(self, rows: Outline, rng: Generator) -> Sequence[Part]:
        """One part an outer fold; those of the first repeat first.

        Raises:
            DataError: fewer rows or groups than folds.
        """
        return list(self._parts(rows, rng))

    def notes(self, rows: Outline) -> list[str]:
        """What a person should know of these outer folds before it starts."""
        return [*rare(rows, self.folds), *mixed_in_time(rows, "Nested")]

    def _parts(self, rows: Outline, rng: Generator) -> Iterator[Part]:
        groups = None if rows.group_codes is None else int(rows.group_codes.max()) + 1
        if groups is not None and groups < self.folds:
            advice = f"use tr.Nested({groups})" if groups > 1 else "give finer groups"
            raise DataError(
                f"There {'is 1 group' if groups == 1 else f'are {groups} groups'}, "
                f"too few for {self.folds} outer folds: {advice}."
            )
        for one in KFold(self.folds, self.repeats).plan({"data": rows}, rng):
            if one.train is None or one.valid is None:
                continue
            name, folder = f"fold {one.fold + 1}", f"fold-{one.fold + 1}-of-{self.folds}"
            if one.repeat:
                name, folder = f"{name} of repeat {one.repeat + 1}", f"repeat-{one.repeat + 1}-{folder}"
            yield Part(name, folder, one.train, one.valid, repeat=one.repeat)

    def estimate(
        self,
        task: Task,
        rows: Outline,
        truth: np.ndarray,
        parts: Sequence[Part],
        tuned: Sequence[Tuned],
        rng: Generator,
    ) -> dict[str, Any]:
        """Mean over the outer folds with interval, difference to the defaults, all predictions pooled."""
        scored = Scored(task, truth, parts, tuned, rows.group_labels, "fold")
        metrics = each(task, lambda metric: scored.entry(metric, rng))
        trained = round(sum(len(p.train) for p in parts) / len(parts))
        return {
            **head(task, metrics),
            "estimand": (
                f"the mean {task.primary.name}, on further rows like these, of what this whole tuning delivers when it "
                f"is given {trained} rows; not of the one network that this study delivers"
            ),
            "metrics": metrics,
            "parts": scored.rows(rng),
            "agreement": agreement(tuned),
        }

    def describe(self) -> str:
        """In words.

        >>> Nested(5).describe(), Nested(3, repeats=2).describe()
        ('nested 5-fold', 'nested 2 x 3-fold')
        """
        return f"nested {KFold(self.folds, self.repeats).describe()}"

    def to_dict(self) -> dict[str, Any]:
        """As plain values for the journal; the trials stand beside it."""
        return {"name": self.name, "folds": int(self.folds), "repeats": int(self.repeats)}
