"""What more trials can still be expected to bring: the upper tail of the scores so far, with their noise taken out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from truing.errors import MetricError

FEWEST = 15  # random configurations, below which the better half says nothing of a tail
_SHAPES = np.linspace(-0.1, 2.0, 22).round(2)  # Hosking's k: 0 = exponential, 1 = uniform, 2 = piled up at the end
_SCALES = np.geomspace(0.2, 10.0, 160)  # times the mean excess
_LEVELS = np.geomspace(1.0, 1e-9, 500)  # shares of the tail, over which is integrated


@dataclass(frozen=True)
class FurtherGain:
    """How much better the best of more random configurations is expected to be than the best so far.

    Args:
        value: expected rise of the best true score, at least 0, in the metric's unit; None = not known.
        more: of how many further configurations.
        reliability: share of the better half's variance that is no noise, 0 to 1; None where nothing is known.
        reason: why there is no value.
    """

    value: float | None
    more: int
    reliability: float | None = None
    reason: str | None = None


def residual_variance(table: np.ndarray) -> float:
    """Variance of a run's score about its trial's mean and its replicate's: the noise that pairing leaves.

    The mean square of the residuals of a two-way layout (Scheffé 1959, The Analysis of Variance, 4.2); twice that is
    the variance of the paired differences of two trials.

    Args:
        table: float (trials, replicates), at least two of each.

    Raises:
        MetricError: fewer than two trials or replicates.

    >>> round(residual_variance(np.array([[1.0, 2.0, 3.0], [2.0, 3.0, 4.6]])), 3)
    0.06
    """
    table = np.asarray(table, dtype=float)
    if table.ndim != 2 or min(table.shape) < 2:
        raise MetricError(f"The noise of paired runs needs two trials and two replicates; got {table.shape}.")
    left = table - table.mean(axis=1, keepdims=True) - table.mean(axis=0) + table.mean()
    return float(np.square(left).sum() / ((table.shape[0] - 1) * (table.shape[1] - 1)))


def further_gain(
    scores: Sequence[float],
    noise: float,
    more: int,
    *,
    goal: str = "max",
    other: float | None = None,
    limit: float = math.inf,
) -> FurtherGain:
    """The expected rise of the best true score by `more` further configurations drawn as these were.

    1. The better half of the scores counts, as distances from their median: how bad the bad ones are says nothing of
       the best.
    2. Noise is taken out of them: of their mean square q a share r = max(0, 1 - noise / q) is no noise, and √r times
       the distances have the spread of the true scores (Louis 1984, J Am Stat Assoc 79:393). Where nothing but noise
       is left, no gain is expected.
    3. The tail is a generalised Pareto distribution, P(excess > x) = (1 - k x / s)^(1/k) (Davison & Smith 1990, J R
       Stat Soc B 52:393), averaged over shape and scale by their likelihood under a flat prior of k from -0.1 to 2 and
       of log s: a score has an end, and so few points do not tell how heavy a tail is.
    4. The gain is the integral of 1 - (1 - P(score > x))^more from the best so far upwards.

    On known surfaces of one to six parameters, 20 to 80 configurations and noise of up to half the better half's
    spread √q, its mean lay within 0.3 √q of what went on at random gained: by up to 0.2 too large where the surface is
    smooth about its best, as learning curves mostly are, and by up to 0.3 too small where good configurations are
    rare and much better than the rest (Hartmann's function of six parameters). No method sees a gain that is
    nowhere hinted at.

    Args:
        scores: of configurations drawn at random from the space, at least 15.
        noise: variance of one of these scores about its true value, as far as two of them do not share it.
        more: how many further configurations.
        goal: "max" or "min".
        other: the score of a configuration that was not drawn, such as the defaults, which may be the best so far.
        limit: the best score there can be; infinite where there is none.

    Raises:
        MetricError: an unknown goal, a noise below 0, or scores that are no numbers.

    >>> scores = np.random.default_rng(0).uniform(size=200)
    >>> found = further_gain(scores, noise=0.0, more=200)  # the best of 200 is 0.995, of 400 0.9975, in the mean
    >>> 0.0 < found.value < 0.01
    True
    >>> further_gain(scores, noise=1.0, more=200).value
    0.0
    """
    if goal not in ("min", "max"):
        raise MetricError(f'The goal is "min" or "max"; got {goal!r}.')
    y = np.asarray(scores, dtype=float)
    if not np.isfinite(y).all() or not noise >= 0:
        raise MetricError(f"The scores are numbers and their noise is at least 0; got a noise of {noise!r}.")
    if len(y) < FEWEST:
        return FurtherGain(None, more, reason=f"fewer than {FEWEST} random configurations have completed")
    sign = 1.0 if goal == "max" else -1.0
    away = sign * (y - np.median(y))
    better = np.sort(away[away > 0])
    if not len(better) or better[-1] <= 1e-12 * max(1.0, float(np.abs(y).max())):
        return FurtherGain(0.0, more, 0.0)
    reliability = max(0.0, 1.0 - noise / float(np.square(better).mean()))
    if reliability == 0.0 or more < 1:
        return FurtherGain(0.0, more, reliability)
    shrunk = math.sqrt(reliability)
    best = better[-1] if other is None else max(better[-1], sign * (other - float(np.median(y))))
    room = sign * (limit - float(np.median(y))) if math.isfinite(limit) else math.inf
    value = _beyond(shrunk * better, len(better) / len(y), shrunk * best, max(room, shrunk * best), more)
    return FurtherGain(value, more, reliability)


def _beyond(excess: np.ndarray, share: float, best: float, room: float, more: int) -> float:
    """Mean of (best of `more` draws - `best`)+ over the posterior of the tail; no draw is above `room`."""
    scales = float(excess.mean()) * _SCALES
    likelihood, gains = [], []
    chance = -np.expm1(more * np.log1p(-np.minimum(share * _LEVELS, 1 - 1e-12)))  # that one lies above that level
    for shape in _SHAPES:
        left = 1.0 - shape * excess / scales[:, None]
        inside = left.min(axis=1) > 1e-4
        logs = np.log(np.where(inside[:, None], left, 1.0)).sum(axis=1)
        density = -excess.sum() / scales if shape == 0 else (1.0 / shape - 1.0) * logs
        likelihood.append(np.where(inside, density - len(excess) * np.log(scales), -np.inf))
        x = -np.log(_LEVELS) if shape == 0 else (1.0 - _LEVELS**shape) / shape  # where these levels are, in scales
        up_to = np.concatenate([[0.0], np.cumsum(0.5 * (chance[1:] + chance[:-1]) * np.diff(x))])
        ends = np.interp(min(room, 1e300) / scales, x, up_to) - np.interp(best / scales, x, up_to)
        gains.append(scales * ends)
    weights = np.exp(np.array(likelihood) - np.max(likelihood))
    return float(max(0.0, (weights * np.array(gains)).sum() / weights.sum()))
