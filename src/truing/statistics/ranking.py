"""Metrics of the order in which rows are put: sorted once, then evaluated under any weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Ranking:
    """Positive and negative rows by rising score, and where the positives stand among the negatives.

    Args:
        positive, negative: row positions by rising score.
        below: for each positive, how many negatives have a lower score.
        upto: for each positive, how many negatives have a lower or the same score.
        first: for each positive, the place of the first positive with the same score.
    """

    positive: np.ndarray
    negative: np.ndarray
    below: np.ndarray
    upto: np.ndarray
    first: np.ndarray


def rank(positive: np.ndarray, p: np.ndarray) -> Ranking:
    """The ranking of rows by score `p`, float (n,); `positive` is bool (n,).

    >>> rank(np.array([True, False, False]), np.array([0.5, 0.5, 0.1])).upto.tolist()
    [2]
    """
    own, other = np.flatnonzero(positive), np.flatnonzero(~positive)
    own, other = own[np.argsort(p[own], kind="stable")], other[np.argsort(p[other], kind="stable")]
    scores, rest = p[own], p[other]
    return Ranking(
        own,
        other,
        np.searchsorted(rest, scores, "left"),
        np.searchsorted(rest, scores, "right"),
        np.searchsorted(scores, scores, "left"),
    )


def roc_auc(ranking: Ranking, weights: np.ndarray) -> float:
    """Area under the receiver operating characteristic; `weights` float (n,).

    Goal: max. Range: 0 to 1.
    Definition: share of pairs (positive, negative) in which the positive has the higher probability; a tie
        counts one half.
    Undefined: when the class has no row, or every row is of it.
    Source: Hanley & McNeil 1982, Radiology 143:29; one class against the rest: Fawcett 2006, Pattern
        Recognit Lett 27:861.

    >>> roc_auc(rank(np.array([False, True, True]), np.array([0.2, 0.2, 0.9])), np.ones(3))
    0.75
    """
    own = weights[ranking.positive]
    below = np.concatenate(([0.0], np.cumsum(weights[ranking.negative])))
    pairs = own.sum() * below[-1]
    if pairs <= 0:
        return np.nan
    return float(own @ (below[ranking.below] + below[ranking.upto]) / (2 * pairs))


def average_precision(ranking: Ranking, weights: np.ndarray) -> float:
    """Precision averaged over the positives, each taken as the threshold; `weights` float (n,).

    Goal: max. Range: 0 to 1.
    Definition: Σ (Rᵢ - Rᵢ₋₁) Pᵢ over the distinct thresholds, precision P and sensitivity R; not
        interpolated.
    Undefined: when the class has no row.
    Source: Manning, Raghavan & Schütze 2008, Introduction to Information Retrieval, section 8.4.

    >>> ranking = rank(np.array([True, False, True]), np.array([0.2, 0.5, 0.9]))
    >>> round(average_precision(ranking, np.ones(3)), 3)
    0.833
    """
    own = weights[ranking.positive]
    total = own.sum()
    if total <= 0:
        return np.nan
    # at or above each positive = all - what lies before it; a positive of weight 0 may have nothing there
    true = total - np.concatenate(([0.0], np.cumsum(own)))[ranking.first]
    below = np.concatenate(([0.0], np.cumsum(weights[ranking.negative])))
    found = true + below[-1] - below[ranking.below]
    return float(own @ np.divide(true, found, out=np.zeros_like(true), where=found > 0) / total)
