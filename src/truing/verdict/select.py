"""Which configuration a study delivers, and how many runs it takes to know what it is worth. Pure.

The sizes are those of a simulation study of selection rules: racing the best eight by the search on one fresh fold set
each loses half as much as taking the best observed; with fewer search runs fewer candidates can have been mistaken.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from truing.record.history import History
from truing.record.state import State
from truing.record.trial import Trial
from truing.setting import fresh_runs

RACED, RACED_FEW = 8, 3
RUNS_FOR_EIGHT, RUNS_FOR_ANY = 200, 60
REFITS = 3
SURROGATE_WEIGHT = 0.3  # of its standardised mean beside that of the scores
SURROGATE_R2 = 0.3  # cross-validated, from which on it is believed


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


@dataclass(frozen=True)
class Candidate:
    """One of the trials that may be delivered.

    Args:
        scores: of all its search runs, then of its fresh runs of the race; None = failed or undefined.
        searched: the trial's value by the search, and how many of `scores` are behind it.
        raced: mean of its race runs, and their number; None = undefined or failed.
        surface: what the surrogate says of it; None = there is none that is believed.
        seconds: mean time of one of its runs.
        distance: from the defaults, in the unit cube.
    """

    trial: Trial
    scores: Sequence[float | None]
    searched: int
    raced: tuple[float | None, int] | None = None
    surface: float | None = None
    seconds: float = 0.0
    distance: float = 0.0

    @property
    def mean(self) -> float | None:
        """Of search and race runs together; None where either is undefined."""
        if self.trial.value is None or (self.raced is not None and self.raced[0] is None):
            return None
        value, count = self.raced or (None, 0)
        if value is None:
            return self.trial.value
        return (self.trial.value * self.searched + value * count) / (self.searched + count)

    @property
    def error(self) -> float:
        """Standard error of that mean, as independent runs would have it; 0 where it is not known."""
        known = np.array([score for score in self.scores if score is not None])
        return float(known.std(ddof=1) / math.sqrt(len(known))) if len(known) > 1 else 0.0


def choose(candidates: Sequence[Candidate], goal: str, *, rule: str = "best", rope: float = 0.0) -> int:
    """The place of the candidate that a study delivers; one whose race runs failed is out, unless all are.

    - "best": the best mean of search and race runs. Where the surrogate is believed, both means are standardised among
      the candidates and 0.3 of the surrogate's is added: in simulated studies this lost least of what could be gained.
    - "one_se": the cheapest of those within one standard error of the best (Breiman et al. 1984, Classification and
      Regression Trees, section 3.4.3).
    - "cheapest", "nearest": of those within `rope` of the best, the one whose runs took the least time, or that lies
      nearest to the defaults.

    Args:
        candidates: best first by the search, at least one; equals are decided in this order.
        goal: "min" or "max".
        rope: half the width of the region of practical equivalence.
    """
    losses = standing(candidates, goal)
    best = int(np.argmin(losses))
    if rule == "best" or not math.isfinite(losses[best]):
        return best
    chosen, own = candidates[best], [c.mean for c in candidates]
    within = chosen.error if rule == "one_se" else rope
    sign = 1.0 if goal == "min" else -1.0
    plateau = [
        place
        for place, mean in enumerate(own)
        if mean is not None and chosen.mean is not None and sign * (mean - chosen.mean) <= within
    ]
    cost = {"nearest": lambda c: c.distance}.get(rule, lambda c: c.seconds)
    return min(plateau, key=lambda place: (cost(candidates[place]), losses[place], place))


def standing(candidates: Sequence[Candidate], goal: str) -> list[float]:
    """What the candidates are ranked by, lower is better; infinite for one that is out."""
    sign = 1.0 if goal == "min" else -1.0
    own = np.array([math.inf if c.mean is None else sign * c.mean for c in candidates])
    good = np.isfinite(own)
    surfaces = [c.surface for c in candidates]
    if any(s is None for s in surfaces) or good.sum() < 2:
        return [float(v) for v in own]
    surface = sign * np.array(surfaces, dtype=float)
    own[good] = _standardised(own[good]) + SURROGATE_WEIGHT * _standardised(surface[good])
    return [float(v) for v in own]


def _standardised(values: np.ndarray) -> np.ndarray:
    spread = float(values.std(ddof=1))
    return (values - values.mean()) / spread if spread > 0 else np.zeros(len(values))


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
