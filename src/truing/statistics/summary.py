"""The mean of the scores of a trial over its replicates; nothing is left out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Summary:
    """A mean over replicates and its standard error, or the reason why there is none.

    Args:
        value: the mean; None = undefined.
        se: s/√J over the J replicates, which speaks of splits and seeds only; None with fewer than two.
        reason: why `value` is None.
    """

    value: float | None
    se: float | None = None
    reason: str | None = None


def summary(scores: Sequence[float | None]) -> Summary:
    """The mean and the standard error of scores, one a replicate; None anywhere makes the mean undefined.

    So do NaN and infinity.

    >>> summary([1.0, 2.0, 3.0]).value
    2.0
    >>> summary([1.0, None]).reason
    'undefined on replicate 1'
    """
    missing = absent(scores)
    if missing:
        return Summary(None, reason=missing)
    if not len(scores):
        return Summary(None, reason="there are no scores")
    values = np.asarray(scores, dtype=float)
    se = float(values.std(ddof=1) / math.sqrt(len(values))) if len(values) > 1 else None
    return Summary(float(values.mean()), se)


def absent(scores: Sequence[float | None]) -> str | None:
    """Which of the scores are missing, in words, or None when all are there.

    >>> absent([None, 0.5, None])
    'undefined on replicates 0, 2'
    """
    gone = [str(j) for j, value in enumerate(scores) if value is None or not math.isfinite(value)]
    if not gone:
        return None
    more = f" and {len(gone) - 5} more" if len(gone) > 5 else ""
    return f"undefined on replicate{'s' if len(gone) > 1 else ''} {', '.join(gone[:5])}{more}"
