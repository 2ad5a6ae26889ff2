"""The drop between two sets of rows: its value, its variance and its coverage where the truth is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from truing.statistics.drop import Known, Scored, drop


def right(rng: np.random.Generator, n: int, share: float) -> tuple[np.ndarray, np.ndarray]:
    """All of class 1, predicted so with a probability of `share`."""
    p = np.where(rng.random(n) < share, 0.9, 0.1)
    return np.ones(n, dtype=int), np.c_[1 - p, p]


def test_it_is_welchs_interval_for_a_mean_of_rows() -> None:
    rng = np.random.default_rng(0)
    y, z = rng.normal(size=150), rng.normal(size=400)
    p, q = y + rng.normal(size=150), z + 2 * rng.normal(size=400)
    found = drop("mae", Scored(y, [p]), Scored(z, [q]), rng=rng)
    welch = stats.ttest_ind(np.abs(q - z), np.abs(p - y), equal_var=False).confidence_interval()
    assert found.value == pytest.approx(np.abs(q - z).mean() - np.abs(p - y).mean())
    assert (found.low, found.high) == pytest.approx((welch.low, welch.high), abs=0.05)


def test_above_zero_is_worse_whatever_the_goal() -> None:
    rng = np.random.default_rng(0)
    near, far = right(rng, 300, 0.95), right(rng, 300, 0.6)
    for name in ("accuracy", "log_loss"):
        found = drop(name, Scored(near[0], [near[1]]), Scored(far[0], [far[1]]), rng=rng)
        assert found.low > 0


def test_it_covers_a_known_drop() -> None:
    """True shares 0.9 and 0.75: at least 92 % of 200 intervals hold 0.15 (90.4 % is three standard errors below)."""
    rng, held = np.random.default_rng(1), 0
    for _ in range(200):
        near, far = right(rng, 120, 0.9), right(rng, 90, 0.75)
        found = drop("accuracy", Scored(near[0], [near[1]]), Scored(far[0], [far[1]]), rng=rng)
        held += found.low <= 0.15 <= found.high
    assert held >= 0.904 * 200


def test_groups_count_as_units() -> None:
    rng = np.random.default_rng(2)
    y, p = right(rng, 40, 0.7)
    y, p, groups = np.repeat(y, 10), np.repeat(p, 10, axis=0), np.arange(400) // 10
    near = Scored(*(lambda a: (a[0], [a[1]]))(right(rng, 400, 0.9)))
    alone = drop("accuracy", near, Scored(y, [p]), rng=rng)
    grouped = drop("accuracy", near, Scored(y, [p], groups), rng=rng)
    assert grouped.high - grouped.low > 2 * (alone.high - alone.low)


def test_seeds_that_disagree_widen_it() -> None:
    rng = np.random.default_rng(3)
    y = np.ones(500, dtype=int)
    near = [right(rng, 500, 0.9)[1] for _ in range(3)]
    steady = [right(rng, 500, 0.8)[1] for _ in range(3)]
    moved = [right(rng, 500, share)[1] for share in (0.6, 0.8, 1.0)]
    a, b = (drop("accuracy", Scored(y, near), Scored(y, far), rng=rng) for far in (steady, moved))
    assert b.high - b.low > 3 * (a.high - a.low)


def test_all_right_inside_still_has_a_width() -> None:
    y, p = np.ones(50, dtype=int), np.tile([0.1, 0.9], (50, 1))
    found = drop("accuracy", Scored(y, [p]), Scored(y, [p]), rng=np.random.default_rng(0))
    assert found.value == 0
    assert found.low < -0.03 < 0.03 < found.high


def test_a_known_internal_figure_brings_its_standard_error() -> None:
    rng = np.random.default_rng(4)
    z = rng.normal(size=400)
    q = z + rng.normal(size=400)
    found = drop("mae", Known(0.5, 0.2, 9.0), Scored(z, [q]), rng=rng)
    variance = np.abs(q - z).var(ddof=1) / 400 + 0.04
    df = variance**2 / ((variance - 0.04) ** 2 / 399 + 0.04**2 / 9)
    assert found.high - found.value == pytest.approx(stats.t.ppf(0.975, df) * math.sqrt(variance), rel=0.02)
    assert drop("mae", Known(0.5, None, 1.0), Scored(z, [q]), rng=rng).low is None


def test_an_undefined_score_has_no_drop() -> None:
    y, p = np.ones(20, dtype=int), np.tile([0.1, 0.9], (20, 1))
    found = drop("roc_auc", Scored(y, [p]), Scored(y, [p]), rng=np.random.default_rng(0))
    assert found.value is None
    assert found.reason
