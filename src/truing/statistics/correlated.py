"""The Bayesian correlated t-test: how probable is it that one configuration is better, the same, or worse."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from truing.errors import MetricError
from truing.statistics.summary import absent


@dataclass(frozen=True)
class Probabilities:
    """Three probabilities that sum to one, or why there are none.

    Args:
        worse, same, better: that the true mean difference lies below, within, and above the region of practical
            equivalence, by the metric's goal.
        rope: half the width of that region, in the metric's unit.
    """

    worse: float | None
    same: float | None
    better: float | None
    rope: float
    reason: str | None = None


def correlated_t(differences: Sequence[float | None], spread: float, rope: float, goal: str = "max") -> Probabilities:
    """Posterior probabilities of worse, practically equal and better, from the differences of J replicates.

    The mean difference has the posterior t with J - 1 degrees of freedom, location mean(d) and scale² (1/J + ρ/(1 - ρ))
    s², where ρ/(1 - ρ) = n_valid / n_train, under the prior that is flat in the mean and in log s (Corani & Benavoli
    2015, Mach Learn 100:285; Benavoli et al. 2017, JMLR 18:77, section 4).

    Args:
        differences: one a replicate, first - second; one that is None or NaN leaves the probabilities undefined.
        spread: n_valid / n_train; 0 for seeds.
        rope: half the width of the region of practical equivalence, at least 0; fixed before looking.
        goal: "max" where a larger difference is better, "min" where a smaller one is.

    Raises:
        MetricError: a negative rope or spread, or an unknown goal.

    >>> found = correlated_t([0.02, 0.03, 0.01, 0.02, 0.02], 0.25, rope=0.01)
    >>> round(found.worse, 3), round(found.same, 3), round(found.better, 3)
    (0.002, 0.05, 0.949)
    """
    if not (rope >= 0 and math.isfinite(rope)) or not spread >= 0:
        raise MetricError(
            f"The region of practical equivalence and the spread are at least 0; got {rope!r}, {spread!r}."
        )
    if goal not in ("min", "max"):
        raise MetricError(f'The goal is "min" or "max"; got {goal!r}.')
    missing = absent(list(differences))
    if missing or len(differences) < 2:
        return Probabilities(None, None, None, rope, missing or "at least two replicates are needed")
    values = np.asarray(differences, dtype=float) * (1.0 if goal == "max" else -1.0)
    mean, s, number = float(values.mean()), float(values.std(ddof=1)), len(values)
    scale = s * math.sqrt(1 / number + spread)
    if scale <= 1e-12 * max(1.0, abs(mean)):
        # s = 0 says that these replicates agree, and the posterior is a point where they are
        return Probabilities(float(mean < -rope), float(abs(mean) <= rope), float(mean > rope), rope)
    from scipy.special import stdtr  # importing Truing must stay quick

    worse = float(stdtr(number - 1, (-rope - mean) / scale))
    better = float(stdtr(number - 1, (mean - rope) / scale))
    return Probabilities(worse, max(0.0, 1.0 - worse - better), better, rope)


def resolvable(s: float, replicates: int, spread: float, power: float = 0.8, level: float = 0.95) -> float:
    """The smallest true difference that `replicates` paired fresh runs a side would show, at this power.

    (t(1 - α/2) + t(power)) · s · √(1/J + spread), both quantiles of t with J - 1 degrees of freedom: the textbook's
    (z + z) · SE = 2.8 · SE for 80 % at 5 %, widened for few runs (Chow, Shao & Wang 2008, Sample Size Calculations in
    Clinical Research, 3.1) with the variance of Nadeau and Bengio.

    Args:
        s: standard deviation of the paired differences.
        replicates: J, at least 2.

    Raises:
        MetricError: fewer than two replicates, or a negative s.

    >>> round(resolvable(0.02, 10, 0.25), 4)
    0.0372
    """
    if replicates < 2 or not s >= 0:
        raise MetricError(f"A plan's resolution needs two replicates or more and s >= 0; got {replicates}, {s!r}.")
    from scipy.special import stdtrit

    quantiles = float(stdtrit(replicates - 1, 0.5 + level / 2)) + float(stdtrit(replicates - 1, power))
    return quantiles * s * math.sqrt(1 / replicates + spread)
