"""Which configuration a study delivers, and how many runs it takes to know what it is worth. Pure.

The sizes are those of a simulation study of selection rules: racing the best eight by the search on one fresh fold set
each loses half as much as taking the best observed; with fewer search runs fewer candidates can have been mistaken.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from truing.record.history import History
from truing.record.state import State
from truing.record.trial import Trial

RACED, RACED_FEW = 8, 3
RUNS_FOR_EIGHT, RUNS_FOR_ANY = 200, 60
FRESH_RUNS = 10  # at least, a side, in whole repeats
REFITS = 3


def search_runs(history: History) -> int:
    """Runs behind the scores of the search: those of its completed trials, whatever the number of workers.

    How many folds of a failed trial still ran depends on what ran beside it, and the race must not.
    """
    return sum(
        history.runs[number].state is State.COMPLETED
        for trial in history.trials
        if trial.state == "completed"
        for number in trial.runs
    )


def candidates(history: History) -> list[Trial]:
    """The trials that race: the best eight by the search; three below 200 search runs; one below 60."""
    ranked, runs = history.ranked(), search_runs(history)
    if runs < RUNS_FOR_ANY:
        return ranked[:1]
    return ranked[: RACED if runs >= RUNS_FOR_EIGHT else RACED_FEW]


def winner(
    raced: Sequence[Trial],
    searched: Mapping[int, int],
    fresh: Mapping[int, tuple[float | None, int]],
    goal: str,
) -> Trial:
    """The best mean of search and fresh runs; one whose fresh runs failed is out, unless all are.

    Args:
        raced: best first by the search.
        searched: trial -> how many search runs its value is the mean of.
        fresh: trial -> (mean of its fresh runs, their number); None = undefined or failed.
    """
    sign = 1.0 if goal == "min" else -1.0

    def score(trial: Trial) -> float:
        value, count = fresh.get(trial.number, (None, 0))
        if value is None or trial.value is None:
            return math.inf
        before = searched[trial.number]
        return sign * (trial.value * before + value * count) / (before + count)

    return min(raced, key=lambda trial: (score(trial), raced.index(trial)))


def fresh_runs(block: int) -> int:
    """Runs a side of the estimate: whole repeats of `block` runs, at least ten runs.

    >>> fresh_runs(5), fresh_runs(3), fresh_runs(1)
    (10, 12, 10)
    """
    return block * math.ceil(FRESH_RUNS / block)


def cost(raced: int, block: int, *, same: bool, test: bool, fresh: bool) -> int:
    """Runs the verdict takes.

    Args:
        raced: candidates; one does not race.
        same: the defaults are the only candidate, so one side is enough.
        test: there are locked rows.
        fresh: the protocol can make fresh replicates.

    >>> cost(8, 5, same=False, test=True, fresh=True)
    66
    """
    sides = 1 if same else 2
    race = raced * block if raced > 1 and fresh else 0
    return race + (sides * fresh_runs(block) if fresh else 0) + (sides * REFITS if test else 1)
