"""A figure with the ends of its interval."""

from __future__ import annotations

from dataclasses import dataclass

from truing.errors import MetricError


@dataclass(frozen=True)
class Interval:
    """A figure and the ends of its interval.

    Args:
        value: the figure; None = undefined.
        low, high: the ends; None = no interval can be given.
        method: how it was made, in words.
        reason: why `value`, or the ends, are None.
        df: degrees of freedom, where the method has them.
    """

    value: float | None
    low: float | None
    high: float | None
    method: str = ""
    reason: str | None = None
    df: float | None = None


def checked_level(level: float) -> float:
    """`level` itself.

    Raises:
        MetricError: not between 0 and 1.

    >>> checked_level(0.95)
    0.95
    """
    if not 0 < level < 1:
        raise MetricError(f"The level of an interval lies between 0 and 1, such as 0.95; got {level!r}.")
    return level
