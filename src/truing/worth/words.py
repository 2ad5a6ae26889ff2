"""Gains and scores as a sentence has them."""

from __future__ import annotations

from typing import Any

from truing.statistics.interval import Interval
from truing.statistics.names import spoken
from truing.verdict.wording import figure, is_share, number, places, places_of_difference

__all__ = ["by", "gap", "interval_dict", "moved", "scored", "spoken", "values"]


def by(metric: str, gain: Interval, *scores: float | None) -> str:
    """A gain with its interval, the metric unnamed.

    >>> by("accuracy", Interval(0.031, 0.01, 0.052), 0.9)
    '3.1 points (95 % interval 1.0 to 5.2)'
    """
    if gain.value is None:
        return f"undefined: {gain.reason}"
    value, low, high, unit = gain.value, gain.low, gain.high, ""
    if is_share(metric):
        value, low, high = (None if v is None else 100 * v for v in (value, low, high))  # type: ignore[assignment]
        decimals, unit = 1, " points"
    else:
        decimals = places_of_difference({"value": value, "low": low, "high": high}, *scores)
    text = f"{number(value, decimals)}{unit}"
    if low is None or high is None:
        return text
    return f"{text} (95 % interval {number(low, decimals)} to {number(high, decimals)})"


def moved(metric: str, gain: Interval, *scores: float | None) -> str:
    """ "better by" a gain, or "worse by" the loss, with its interval.

    >>> moved("log_loss", Interval(-0.2, -0.5, 0.1), 0.9)
    'worse by 0.200 (95 % interval -0.100 to 0.500)'
    """
    if gain.value is None or gain.value >= 0:
        return f"better by {by(metric, gain, *scores)}"
    low, high = (None, None) if gain.low is None or gain.high is None else (-gain.high, -gain.low)
    return f"worse by {by(metric, Interval(-gain.value, low, high), *scores)}"


def gap(metric: str, value: float | None) -> str:
    """A difference without a sign, such as a standard deviation.

    >>> gap("accuracy", 0.0123), gap("log_loss", 0.0123)
    ('1.2 points', '0.012')
    """
    if value is None:
        return "undefined"
    return f"{100 * value:.2g} points" if is_share(metric) else f"{value:.2g}"


def scored(metric: str, value: float | None) -> str:
    """A score with the metric's name.

    >>> scored("accuracy", 0.9123), scored("log_loss", 0.31)
    ('accuracy 91.2 %', 'log loss 0.310')
    """
    return f"{spoken(metric)} {figure(metric, value, None if value is None else places(value))}"


def values(metric: str, found: list[tuple[str, float | None]]) -> str:
    """Several scores, each with what it is of.

    >>> values("log_loss", [("3 epochs", 0.31), ("6", 0.2)])
    'log loss 0.310 at 3 epochs, 0.200 at 6'
    """
    decimals = places(*(value for _, value in found))
    listed = ", ".join(f"{figure(metric, value, decimals)} at {what}" for what, value in found)
    return f"{spoken(metric)} {listed}"


def interval_dict(found: Interval) -> dict[str, Any]:
    """As plain values."""
    return {key: getattr(found, key) for key in ("value", "low", "high", "method", "reason")}
