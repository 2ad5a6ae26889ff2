"""What sites tell: their mean, and what to expect at a site that took no part."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from truing.errors import MetricError
from truing.statistics.interval import Interval, checked_level

FEW = 5  # below this many sites a range describes those seen, and promises little
EDGE = 0.5  # of a unit: a score at the end of its range has no logit


def new_site(
    scores: Sequence[float | None],
    ends: tuple[float, float] = (-math.inf, math.inf),
    *,
    rows: Sequence[int] | None = None,
    spread: float = 0.0,
    level: float = 0.95,
) -> Interval:
    """The mean over m sites, and the range in which the score of one more site lies.

    mean ± t(m - 1) · s · √(1 + 1/m), the prediction interval of one more value, on the logit scale of a score that has
    two ends, on the log scale of one that starts at an end, else as it is. It covers 94 to 95 % at 3 to 10 simulated
    sites, where DerSimonian and Laird's range covers 87 to 100 %. (Prediction interval: Hahn & Meeker 1991, Statistical
    Intervals, 4.7; ranges for new settings: Higgins, Thompson & Spiegelhalter 2009, J R Stat Soc A 172:137.)

    Args:
        scores: one a site; one that is None makes the range undefined.
        ends: the ends of the metric's range; infinite where it has none.
        rows: how many rows each site has; scores at an end are then taken half a row inside.
        spread: n_test / n_train of the sites; one above 1 widens the range, which is then mean ± t(m - 1) · s ·
            √(spread + 1/m), so that it contains what `mean_of_sites` gives.

    Returns:
        value is the plain mean over the sites; low and high are the range, which contains it. Below five sites its
        method says that it is descriptive. None with a reason with fewer than three sites, or where all agree.

    Raises:
        MetricError: a score outside the ends.

    >>> found = new_site([0.80, 0.86, 0.78, 0.83, 0.88], (0.0, 1.0))
    >>> round(found.low, 3), round(found.value, 3), round(found.high, 3)
    (0.668, 0.83, 0.925)
    """
    few = f"; only {len(scores)} sites, so it is descriptive" if len(scores) < FEW else ""
    method = "prediction interval of a new site" + _named(ends) + few
    if 0 < len(scores) < 3 and all(value is not None and math.isfinite(value) for value in scores):
        mean = math.fsum(value for value in scores if value is not None) / len(scores)
        return Interval(mean, None, None, method, f"a range needs at least three sites, there are {len(scores)}")
    return _around(scores, ends, rows, method, max(1.0, spread), level, "says nothing about new ones")


def mean_of_sites(
    scores: Sequence[float | None],
    ends: tuple[float, float] = (-math.inf, math.inf),
    *,
    spread: float = 0.0,
    rows: Sequence[int] | None = None,
    level: float = 0.95,
) -> Interval:
    """The mean over m sites with its interval, on the scale of `new_site`, whose range contains it.

    mean ± t(m - 1) · s · √(1/m + spread) (Nadeau & Bengio 2003, Mach Learn 52:239), on the logit or log scale where the
    score has ends, and back; without ends it is the corrected resampled t itself. The plain mean is not the middle on
    these scales; where it lies beyond an end of the interval, that end is the mean.

    Args:
        scores: one a site; one that is None makes the mean undefined.
        spread: n_test / n_train of the sites.
        ends, rows: as for `new_site`.

    Raises:
        MetricError: a score outside the ends.

    >>> found = mean_of_sites([0.80, 0.86, 0.78, 0.83, 0.88], (0.0, 1.0), spread=0.25)
    >>> round(found.low, 3), round(found.value, 3), round(found.high, 3)
    (0.741, 0.83, 0.897)
    """
    method = "corrected resampled t over sites" + _named(ends)
    if len(scores) == 1 and scores[0] is not None and math.isfinite(scores[0]):
        return Interval(float(scores[0]), None, None, method, "an interval needs at least two sites, there is 1")
    return _around(scores, ends, rows, method, spread, level, "says nothing about how they scatter")


def _named(ends: tuple[float, float]) -> str:
    if not math.isfinite(ends[0]):
        return ""
    return ", logit scale" if math.isfinite(ends[1]) else ", log scale"


def _around(
    scores: Sequence[float | None],
    ends: tuple[float, float],
    rows: Sequence[int] | None,
    method: str,
    beside: float,
    level: float,
    alike: str,
) -> Interval:
    """mean ± t(m - 1) · s · √(1/m + beside) on the scale of the score."""
    checked_level(level)
    low, high = ends
    missing = [number for number, value in enumerate(scores) if value is None or not math.isfinite(value)]
    if missing:
        return Interval(None, None, None, method, f"undefined at {len(missing)} of {len(scores)} sites")
    if not len(scores):
        return Interval(None, None, None, method, "there are no sites")
    values = np.asarray(scores, dtype=float)
    if (values < low).any() or (values > high).any():
        raise MetricError(f"A score lies outside its range of {low:g} to {high:g}: {values.tolist()}.")
    mean, m = float(values.mean()), len(values)
    there, back = _scale(low, high)
    moved = there(_inside(values, low, high, rows))
    s = float(moved.std(ddof=1))
    if s <= 1e-12 * max(1.0, float(np.abs(moved).max())):
        return Interval(mean, None, None, method, f"all sites gave the same value, which {alike}")
    from scipy.special import stdtrit  # importing Truing must stay quick

    away = float(stdtrit(m - 1, 0.5 + level / 2)) * s * math.sqrt(1 / m + beside)
    centre = float(moved.mean())
    # of scores that scatter over powers of ten the plain mean can be far from the middle of their logarithms
    least, most = min(mean, float(back(centre - away))), min(high, max(mean, float(back(centre + away))))
    return Interval(mean, least, most, method, None, m - 1)


def _inside(values: np.ndarray, low: float, high: float, rows: Sequence[int] | None) -> np.ndarray:
    """Scores at an end moved half a row inside, where a logarithm has no value; never past one that is not at it."""
    if not math.isfinite(low):
        return values
    n = np.asarray(rows if rows is not None else [100] * len(values), dtype=float)
    size = high - low if math.isfinite(high) else max(float(values.max()) - low, 1e-12)
    gap = EDGE * size / np.maximum(n, 1.0)
    moved = np.where(values <= low, low + _nearer(gap, values - low), values)
    return np.where(values >= high, high - _nearer(gap, high - values), moved) if math.isfinite(high) else moved


def _nearer(gap: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """The gap, and at most half the distance of the nearest score that is not at the end itself."""
    inner = distance[distance > 0]
    return np.minimum(gap, inner.min() / 2) if inner.size else gap


def _scale(low: float, high: float):  # type: ignore[no-untyped-def]
    if math.isfinite(low) and math.isfinite(high):
        width = high - low
        return (
            lambda v: np.log((v - low) / (high - v)),
            lambda z: low + width * 0.5 * (1 + math.tanh(0.5 * z)),
        )
    if math.isfinite(low):
        return lambda v: np.log(v - low), lambda z: low + math.exp(z)
    return lambda v: v, lambda z: z
