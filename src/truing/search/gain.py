"""Whether a trial is better than an earlier one by more than the noise of both."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import stdev

from truing.record.history import History
from truing.record.state import State
from truing.record.trial import Trial


@dataclass(frozen=True)
class Gain:
    """By how much a later trial is better than an earlier one.

    Args:
        size: the difference of their values, positive where the later is better; infinite where there was none before.
        noise: one standard error of it; None where nothing tells, and any gain then counts.
        how: what the noise is.
        runs: of each of the two; 0 where the noise is None.
    """

    size: float
    noise: float | None = None
    how: str = ""
    runs: int = 0

    @property
    def beyond_noise(self) -> bool:
        """True when it is better by more than one standard error."""
        return self.size > (self.noise or 0.0)

    def beyond_luck(self, tries: int) -> bool:
        """True when it is better by more than the best of so many tries would be by luck, in 95 of 100 cases.

        The bound is t(1 - 0.05 / tries; runs - 1) standard errors (Bonferroni); without noise any gain counts.
        """
        if self.noise is None or self.runs < 2:
            return self.size > 0
        from scipy.special import stdtrit  # loads a part of scipy only

        return self.size > float(stdtrit(self.runs - 1, 1 - 0.05 / max(1, tries))) * self.noise


def gain(view: History, old: Trial | None, new: Trial | None) -> Gain:
    """The gain from `old` to `new`; of a trial over itself, or where nothing completed, 0.

    The noise is the standard error of the paired difference: all trials have the same replicates, so it is
    s / sqrt(J) of the J differences. Where these are not known for both, the two trials' own standard errors as if
    they were independent; where a trial has none (one run a trial), None.
    """
    if new is None or new.value is None:
        return Gain(0.0)
    if old is None or old.value is None:
        return Gain(math.inf)
    if old.number == new.number:
        return Gain(0.0)
    sign = 1.0 if view.goal == "min" else -1.0
    size = sign * (old.value - new.value)
    theirs, ours = _scores(view, old), _scores(view, new)
    if len(ours) > 1 and ours.keys() == theirs.keys() and None not in (*ours.values(), *theirs.values()):
        differences = [(ours[replicate] or 0.0) - (theirs[replicate] or 0.0) for replicate in ours]
        noise = stdev(differences) / math.sqrt(len(differences))
        return Gain(size, noise, "the standard error of the paired difference", len(ours))
    if old.se is not None and new.se is not None:
        noise = math.hypot(old.se, new.se)
        return Gain(size, noise, "the standard error of the two estimates together", max(2, len(new.runs)))
    return Gain(size)


def _scores(view: History, trial: Trial) -> dict[int, float | None]:
    """Replicate -> the trial's score, empty where they are not known."""
    metric = (view.last("study") or {}).get("metric")
    if metric is None:
        return {}
    done = (run for number in trial.runs if (run := view.runs[number]).state is State.COMPLETED)
    return {run.replicate: run.scores.get(metric) for run in done}
