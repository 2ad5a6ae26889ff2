"""What the record says of one trial, of one run, and of one replicate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from truing.record.curve import Curve, Point
from truing.record.state import State
from truing.space.configuration import Configuration

SEARCH, RACE, ESTIMATE, REFIT, REHEARSAL = "search", "race", "estimate", "refit", "rehearsal"
TRIED = "tried"  # of chosen configurations, beside a search; "tried:<configuration>"
ADVICE = "advice"  # of the defaults, before or beside a search; they are no results of the study


@dataclass(frozen=True)
class Replicate:
    """Dataset x split x seed. Replicate j is the same for every trial, so trials are paired.

    Args:
        index: its place in buying order, from 0.
        train, valid: int64 row positions in the Data it was planned on; None without data.
        repeat, fold: which repeat and which fold of it this is.
        dataset: the name of the dataset.
    """

    index: int
    train: np.ndarray | None = None
    valid: np.ndarray | None = None
    repeat: int = 0
    fold: int = 0
    dataset: str = "data"


@dataclass(frozen=True)
class Reason:
    """Why a run did not complete.

    Args:
        kind: the exception's class, or the signal's name.
        message: one sentence.
        where: "file:line" of the innermost line of the user's own code, or empty.
        tail: the last lines of the run's output, its traceback included.
    """

    kind: str = ""
    message: str = ""
    where: str = ""
    tail: str = ""

    @property
    def fingerprint(self) -> tuple[str, str]:
        """Equal for failures of the same exception at the same line."""
        return (self.kind, self.where)

    def __str__(self) -> str:
        place = f" ({self.where})" if self.where else ""
        return f"{self.kind}: {self.message}{place}" if self.message else f"{self.kind}{place}"

    def to_dict(self) -> dict[str, str]:
        return {"kind": self.kind, "message": self.message, "where": self.where, "tail": self.tail}


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One training: a configuration on one replicate.

    Args:
        scores: metric -> value of the report that counts (`Study(epoch=)`); None where undefined.
        undefined: metric -> why it is undefined.
        curve: (epoch, primary score) of every report.
        predictions: True when the predictions of that report are kept in the folder.
        gpus: those it was given, by their names in CUDA_VISIBLE_DEVICES; () = kept from all; None = not told.
    """

    id: int
    trial: int
    purpose: str
    replicate: int
    attempt: int = 0
    seed: int = 0
    state: State = State.RUNNING
    scores: Mapping[str, float | None] = field(default_factory=dict)
    undefined: Mapping[str, str] = field(default_factory=dict)
    curve: Sequence[Point] = Curve()
    seconds: float = 0.0
    epochs: int = 0
    reason: Reason | None = None
    predictions: bool = False
    details: Mapping[str, Any] = field(default_factory=dict)
    gpus: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """One configuration under judgement: all its search runs together.

    Args:
        state: running, completed, stopped, failed or cancelled.
        value, se: the estimate of the primary metric and its standard error over the replicates; None = not known.
        scores: every metric's estimate.
        seconds: training time, summed over its search runs.
        runs: ids of its search runs, in the order they started.
        seen: how many trials the searcher could see the scores of when it proposed this one.
    """

    number: int
    config: Configuration
    state: str = "running"
    value: float | None = None
    se: float | None = None
    scores: Mapping[str, float | None] = field(default_factory=dict)
    reason: str | None = None
    seconds: float = 0.0
    runs: tuple[int, ...] = ()
    seen: int = 0

    def blinded(self) -> Trial:
        """The same trial as a configuration without scores."""
        return Trial(self.number, self.config, runs=self.runs, seen=self.seen)
