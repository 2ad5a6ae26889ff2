"""Bounds that hold for all of several paired differences at once."""

from __future__ import annotations

import math

import numpy as np
from numpy.random import Generator

from truing.errors import MetricError

DRAWS = 10_000
KEPT = 0.5  # of the correlations seen; with ten replicates half of them is luck


def simultaneous_low(differences: np.ndarray, spread: float, *, rng: Generator, level: float = 0.95) -> np.ndarray:
    """Lower bounds of K mean differences over J shared replicates, all of them right with probability `level`.

    mean - q · s · √(1/J + spread), each with its own s, where q is the `level` quantile of the largest of the K
    t statistics when no mean differs from 0: drawn from J normal replicates with the correlations seen, halved, since
    few replicates overstate them and smaller ones are the careful side. (Max-t: Hothorn, Bretz & Westfall 2008, Biom J
    50:346; the variance: Nadeau & Bengio 2003, Mach Learn 52:239; smaller correlations make the largest larger: Slepian
    1962, Bell Syst Tech J 41:463.)

    Args:
        differences: float (J, K), J >= 2.
        spread: n_valid / n_train of a replicate; 0 for seeds.

    Returns:
        float (K,); -inf for a difference that is the same in all replicates.

    Raises:
        MetricError: fewer than two replicates, or another shape.

    >>> d = np.random.default_rng(0).normal([0.0, 3.0], 1.0, (10, 2))
    >>> (simultaneous_low(d, 0.25, rng=np.random.default_rng(0)) > 0).tolist()
    [False, True]
    """
    d = np.asarray(differences, dtype=float)
    if d.ndim != 2 or len(d) < 2:
        raise MetricError(f"Simultaneous bounds need (replicates, differences), two replicates or more; got {d.shape}.")
    if not d.shape[1]:
        return np.empty(0)
    replicates, many = d.shape
    mean, s = d.mean(axis=0), d.std(axis=0, ddof=1)
    flat = s <= 1e-12 * np.maximum(np.abs(d).max(axis=0), 1e-300)
    centred = (d - mean) / np.where(flat, 1.0, s)
    together = KEPT * (centred.T @ centred) / (replicates - 1)
    np.fill_diagonal(together, 1.0)
    root = np.linalg.cholesky(together + 1e-9 * np.eye(many))
    largest = np.empty(DRAWS)
    for start in range(0, DRAWS, 500):
        z = rng.normal(size=(500, replicates, many)) @ root.T
        t = z.mean(axis=1) / (z.std(axis=1, ddof=1) / math.sqrt(replicates))
        largest[start : start + 500] = t.max(axis=1)
    q = float(np.quantile(largest, level))
    found: np.ndarray = np.where(flat, -math.inf, mean - q * s * math.sqrt(1 / replicates + spread))
    return found
