"""What procedures and those who carry them out say to each other: parts to tune in, and what became of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.random import Generator

from truing.data.outline import Outline
from truing.record.task import Task


@dataclass(frozen=True, eq=False)
class Part:
    """One whole tuning, and the rows on which what it selects is scored.

    Args:
        name: what it is called: "fold 1", a site's name.
        folder: the folder of its study, within that of the procedure.
        train: int64 positions of the rows that the tuning gets, in the rows that were planned on; a resample names a
            row more than once.
        test: int64 positions of the rows that score it.
        units: the unit of each training row that no inner split may part, (len(train),); None = the rows' own groups.
        repeat: which repeat it belongs to; the parts of one repeat are pooled.
    """

    name: str
    folder: str
    train: np.ndarray
    test: np.ndarray
    units: np.ndarray | None = None
    repeat: int = 0


@dataclass(frozen=True, eq=False)
class Side:
    """One configuration, trained on all rows of a part, once a refit, and what it said of the rows that score it.

    Args:
        predictions: one array a refit, as `Task.read` gives it; () where the function reports only numbers.
        numbers: metric -> what was reported for these rows, one mapping a refit.
        reason: why there is neither.
    """

    predictions: Sequence[np.ndarray] = ()
    numbers: Sequence[Mapping[str, float | None]] = ()
    reason: str | None = None


@dataclass(frozen=True, eq=False)
class Tuned:
    """What a tuning inside a part came to.

    Args:
        config: the configuration it selected; empty where it came to none.
        trial: that trial's number; 0 = the defaults.
        trials, runs, seconds: what it took.
        as_searched: what the search said of the selected.
        selected, defaults: both configurations on the part's test rows; the same object where the defaults were kept.
    """

    config: Mapping[str, Any] = field(default_factory=dict)
    trial: int | None = None
    trials: int = 0
    runs: int = 0
    seconds: float = 0.0
    as_searched: float | None = None
    selected: Side = Side()
    defaults: Side = Side()


class Procedure(Protocol):
    """A design that repeats the whole tuning inside: nested, bootstrap optimism, one site left out.

    It is pure: `plan` says in which parts to tune, whoever carries it out tunes in each, and `estimate` makes the
    figures. `refits` is how often each side is trained on all rows of a part; `title` is what the design is called, and
    `overlaps` says that the rows which score a part may be rows it trains on, as a resample's are.
    """

    @property
    def refits(self) -> int: ...
    @property
    def overlaps(self) -> bool: ...
    def plan(self, rows: Outline, rng: Generator) -> Sequence[Part]: ...
    def estimate(
        self,
        task: Task,
        rows: Outline,
        truth: np.ndarray,
        parts: Sequence[Part],
        tuned: Sequence[Tuned],
        rng: Generator,
    ) -> dict[str, Any]: ...
    def describe(self) -> str: ...
    def to_dict(self) -> dict[str, Any]: ...
