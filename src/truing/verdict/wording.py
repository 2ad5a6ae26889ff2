"""Figures as a person reads them: how many decimals, with a sign, as percentages."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

_SHARES = {
    "accuracy",
    "balanced_accuracy",
    "sensitivity",
    "specificity",
    "precision",
    "negative_predictive_value",
}
_MOST = 6  # decimals; what would need more is written with an exponent


def is_share(metric: str) -> bool:
    """True for metrics that a sentence gives as a percentage."""
    return metric in _SHARES


def places(*values: float | None) -> int:
    """Decimals that suit figures of one metric side by side: three, fewer for large ones, more for small ones.

    >>> places(0.0741, 0.139), places(54.31, 57.2), places(1234.5), places(0.000121)
    (3, 2, 1, 6)
    """
    size = max((abs(v) for v in values if v is not None and math.isfinite(v)), default=0.0)
    if size >= 10:
        return 2 if size < 100 else 1 if size < 10_000 else 0
    return 3 if size >= 0.01 or size == 0 else 2 - math.floor(math.log10(size))


def places_of_difference(difference: Mapping[str, Any], *scores: float | None) -> int:
    """Decimals of a difference and its interval: as the scores have, more where it is much smaller than they are.

    >>> places_of_difference({"value": -0.0005, "low": -0.0019, "high": 0.0009}, 0.998, 0.9975)
    4
    """
    ends = [difference.get(key) for key in ("value", "low", "high")]
    size = max((abs(v) for v in ends if v is not None), default=0.0)
    wanted = 1 - math.floor(math.log10(size)) if size > 0 else 0
    return max(places(*scores), wanted)


def number(value: float | None, decimals: int | None = None) -> str:
    """A figure with so many decimals; "undefined" for None.

    >>> number(0.0741), number(1234.5), number(54.312), number(0.00012), number(None), number(-0.00001, 3)
    ('0.074', '1234.5', '54.31', '0.000120', 'undefined', '0.000')
    >>> number(1.05e-7)
    '1.05e-07'
    """
    if value is None:
        return "undefined"
    decimals = places(value) if decimals is None else decimals
    if decimals > _MOST:
        return f"{value:.3g}"
    text = f"{value:.{decimals}f}"
    return text.removeprefix("-") if not text.strip("-0.") else text


def signed(value: float | None, decimals: int | None = None) -> str:
    """As `number`, with its sign.

    >>> signed(0.5), signed(-0.5), signed(0.0), signed(None)
    ('+0.500', '-0.500', '0.000', 'undefined')
    """
    text = number(value, decimals)
    return f"+{text}" if value is not None and value > 0 and text.strip("0.") else text


def percent(value: float | None) -> str:
    """A share as a percentage with one decimal.

    >>> percent(0.9783), percent(0.1), percent(None)
    ('97.8 %', '10 %', 'undefined')
    """
    return "undefined" if value is None else f"{100 * value:.1f}".removesuffix(".0") + " %"


def figure(metric: str, value: float | None, decimals: int | None = None) -> str:
    """A score in a sentence: shares as percentages, the rest as numbers."""
    return percent(value) if is_share(metric) else number(value, decimals)


def side_by_side(metric: str, *values: float | None) -> list[str]:
    """Scores of one metric side by side in a sentence, all with as many decimals.

    >>> side_by_side("accuracy", 0.81, 0.739), side_by_side("accuracy", 0.8, 0.5)
    (['81.0 %', '73.9 %'], ['80 %', '50 %'])
    >>> side_by_side("rmse", 54.312, 57.0)
    ['54.31', '57.00']
    """
    if not is_share(metric):
        return [number(value, places(*values)) for value in values]
    known = [f"{100 * value:.1f}" for value in values if value is not None]
    if all(text.endswith(".0") for text in known):
        return [percent(value) for value in values]
    return ["undefined" if value is None else f"{100 * value:.1f} %" for value in values]


def difference_in_words(metric: str, difference: Mapping[str, Any], *scores: float | None) -> str:
    """A difference and its interval in a sentence; of shares in percentage points.

    >>> difference_in_words("accuracy", {"value": 0.02, "low": -0.01, "high": 0.05}, 0.9, 0.88)
    '+2.0 points, 95 % interval -1.0 to +5.0'
    >>> difference_in_words("rmse", {"value": -2.5, "low": None, "high": None, "reason": "one run"}, 54.1, 56.6)
    '-2.50, no interval: one run'
    """
    value, low, high = (difference.get(key) for key in ("value", "low", "high"))
    if is_share(metric):
        value, low, high = (None if v is None else 100 * v for v in (value, low, high))
        decimals, unit = 1, " points"
    else:
        decimals, unit = places_of_difference(difference, *scores), ""
    text = signed(value, decimals) + unit
    if low is None or high is None:
        return f"{text}, no interval: {difference.get('reason') or 'undefined'}"
    return f"{text}, 95 % interval {signed(low, decimals)} to {signed(high, decimals)}"


def capital(text: str) -> str:
    """The text with a capital first letter, the rest as it is."""
    return text[:1].upper() + text[1:]
