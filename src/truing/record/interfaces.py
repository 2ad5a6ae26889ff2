"""The interfaces between the rooms. A plug-in needs no base class: the Protocol is enough."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

import numpy as np
from numpy.random import Generator

from truing.data.data import Data
from truing.record.events import Event
from truing.record.history import History
from truing.record.trial import Replicate
from truing.space.configuration import Configuration
from truing.space.space import Space


class Decision(StrEnum):
    """What a run that waits in report() is told."""

    GO_ON = "go_on"
    STOP = "stop"
    PAUSE = "pause"


@dataclass(frozen=True)
class New:
    """Start a new trial: `until` which epoch (None = the study's), on how many `replicates` (None = all)."""

    until: int | None = None
    replicates: int | None = None


@dataclass(frozen=True)
class Continue:
    """Go on with a paused run."""

    run: int
    until: int | None = None


@dataclass(frozen=True)
class Estimate:
    """A figure made from the scores of one trial.

    Args:
        value: the figure; None = undefined.
        se: its standard error over the replicates; None with fewer than two.
        reason: why value is None.
    """

    value: float | None
    se: float | None = None
    reason: str | None = None


@dataclass(frozen=True)
class ScoreTable:
    """Scores of one metric: trial -> one score a replicate, None where undefined.

    Args:
        pooled: trial -> the metric on the out-of-fold predictions of all replicates together, where some fold's own
            figure is undefined; its reason where that is undefined too.
    """

    scores: Mapping[int, Sequence[float | None]]
    pooled: Mapping[int, Estimate] = field(default_factory=dict)


class Searcher(Protocol):
    """Proposes configurations: a pure function of the history and of a random stream.

    A searcher with `adaptive = False` promises not to read scores; the loop then need not wait for them.
    `view.seed` is the study's, for what is drawn once and not at every step.

    What a searcher may have besides:

    - `draws = True`: its configurations are draws from the whole space, so those so far tell what further ones may
      gain; without it there is no advice on when to stop.
    - `check(space)` raises UsageError where its settings do not fit the space; called when a study is made.
    - `trials(space, before)`: how many trials there will be when it has nothing more to offer, where `before` are the
      configurations that are trials already; None where the scores decide. With it a study without `trials=` runs to
      the searcher's own end.
    - `sees(view)`: how many trials the next one must see the scores of, at most len(view). The loop waits for these
      although `lookahead` would leave the last ones out. The answer may use the scores of no more trials than the
      answers and the `lookahead` of earlier steps made known, or the trials would depend on the number of workers.
    - `says(view)`: sentences for people on where the search stands or how it ended; printed before its first trial
      and at the end of a run, kept in the journal, and shown by the verdict and the report.
    """

    def suggest(self, view: History, rng: Generator) -> Configuration | None: ...


class Schedule(Protocol):
    """Decides what runs, how far, on how many replicates."""

    def next(self, view: History) -> New | Continue | None: ...
    def keep(self, view: History, run: int) -> Decision: ...


class Validation(Protocol):
    """The replicates of a trial, and the estimate made from its scores.

    `block` is the number of runs of one whole repeat; `spread` is the ratio n_valid / n_train by which the
    corrected resampled t widens (0 where replicates share no rows).
    """

    @property
    def block(self) -> int: ...
    @property
    def spread(self) -> float: ...
    def plan(self, data: Mapping[str, Data], rng: Generator) -> Sequence[Replicate]: ...
    def fresh(self, data: Mapping[str, Data], n: int, rng: Generator) -> Sequence[Replicate]: ...
    def estimate(self, table: ScoreTable) -> Mapping[int, Estimate]: ...


@dataclass(frozen=True)
class RunSpec:
    """All that an executor needs to start one run; plain values and row positions only.

    Args:
        train, valid: row positions in the development data; None without data.
        locked: row positions that stand for the locked rows, and in which store they lie ("development", "test" or the
            key of a set from outside).
        outside: keys of the sets from outside that are predicted too, through the returned predict.
        epochs: how far it goes; None = as far as the function itself asks.
        cap: at most this many epochs whatever the function asks (the rehearsal's 1); None = no cap.
        locked_as: "predict" (scored through the returned predict), "locked" (given as run.valid without labels) or
            "numbers" (given as run.valid with labels, to a function that reports only numbers).
        score_train: also score the training rows.
        keep_model: this run's network is delivered; run.keep() writes.
        gpus: the only GPUs it may see, as CUDA_VISIBLE_DEVICES names them; () = none; None = as the process finds it.
        scored: which report the score is taken from: "last", "best", "mean:5", or "at:9" for the one of epoch 9.
        dataset: the name of the dataset whose rows these are, where the study has several.
        keep: "predictions", or "loss" once the study's limit on kept predictions is reached.
    """

    run: int
    trial: int
    purpose: str
    config: Mapping[str, Any]
    seed: int
    train: np.ndarray | None = None
    valid: np.ndarray | None = None
    locked: np.ndarray | None = None
    locked_in: str = "development"
    locked_as: str = "predict"
    epochs: int | None = None
    cap: int | None = None
    threads: int = 1
    score_train: bool = False
    keep_model: bool = False
    scored: str = "last"
    keep: str = "predictions"
    outside: tuple[str, ...] = ()
    attempt: int = 0
    replicate: int = 0
    gpus: tuple[str, ...] | None = None
    dataset: str = ""


class Executor(Protocol):
    """Where runs happen.

    `wait` blocks at most `timeout` seconds and gives `finished` events. A run that reports waits for
    `decide(reported)`, which an executor calls inside `wait`: so an executor without processes can train in the
    calling thread (docs/adr/0001).
    """

    def free(self) -> int: ...
    def start(self, runs: Sequence[RunSpec]) -> None: ...
    def wait(self, timeout: float, decide: Callable[[Event], Decision]) -> Sequence[Event]: ...
    def cancel(self, run: int) -> None: ...
    def now(self) -> float: ...
    def close(self) -> None: ...


class Objective(Protocol):
    """Trains on `run.train`, reports on `run`; may return a function from rows to predictions."""

    def __call__(self, run: Any) -> Callable[[Any], Any] | None: ...


class Journal(Protocol):
    """The append-only record of events."""

    def append(self, events: Sequence[Event]) -> int: ...
    def read(self, since: int = 0) -> Iterator[Event]: ...
    def close(self) -> None: ...


__all__ = [
    "Continue",
    "Decision",
    "Estimate",
    "Executor",
    "Journal",
    "New",
    "Objective",
    "RunSpec",
    "Schedule",
    "ScoreTable",
    "Searcher",
    "Space",
    "Validation",
]
