"""Metrics of predicted numbers. `error` is prediction - y, float (n,); `weights` float (n,)."""

from __future__ import annotations

import numpy as np


def rmse(error: np.ndarray, weights: np.ndarray) -> float:
    """Root of the mean squared error, in the unit of y.

    Goal: min. Range: 0 to inf.
    Definition: √(mean of (prediction - y)²).
    Undefined: without rows.
    Source: Willmott & Matsuura 2005, Clim Res 30:79.

    >>> rmse(np.array([3.0, -3.0]), np.ones(2))
    3.0
    """
    whole = weights.sum()
    return float(np.sqrt(weights @ np.square(error) / whole)) if whole > 0 else np.nan


def mae(error: np.ndarray, weights: np.ndarray) -> float:
    """Mean absolute error, in the unit of y.

    Goal: min. Range: 0 to inf.
    Definition: mean of |prediction - y|.
    Undefined: without rows.
    Source: Willmott & Matsuura 2005, Clim Res 30:79.

    >>> mae(np.array([3.0, -1.0]), np.ones(2))
    2.0
    """
    whole = weights.sum()
    return float(weights @ np.abs(error) / whole) if whole > 0 else np.nan


def r2(y: np.ndarray, error: np.ndarray, weights: np.ndarray) -> float:
    """Share of the variance of y that is explained; below 0 for predictions worse than their mean.

    Goal: max. Range: -inf to 1.
    Definition: 1 - Σ (prediction - y)² / Σ (y - mean of y)², the mean being that of the rows scored.
    Undefined: when y is the same in all rows scored.
    Source: Kvålseth 1985, Am Stat 39:279, equation 1.

    >>> r2(np.array([0.0, 2.0]), np.array([0.5, 0.5]), np.ones(2))
    0.75
    """
    used = y[weights > 0]
    if not len(used) or used.min() == used.max():  # comparing values: a sum of squares may miss 0 by rounding
        return np.nan
    away = np.square(y - weights @ y / weights.sum())
    return float(1.0 - weights @ np.square(error) / (weights @ away))
