"""Net benefit against another package's numbers, brute force and a simulation whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from truing.errors import MetricError
from truing.statistics.net_benefit import THRESHOLDS, better, decision_curve

# dcurves 1.1.7 (by the authors of the method) on the rows below: threshold -> model, treat all
DCURVES = {
    0.05: (0.337719, 0.333333),
    0.10: (0.311111, 0.296296),
    0.20: (0.266667, 0.208333),
    0.35: (0.170513, 0.025641),
    0.50: (0.116667, -0.266667),
    0.70: (0.050000, -1.111111),
    0.90: (0.000000, -5.333333),
}


def rows(n: int = 60, seed: int = 11) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    p = np.round(rng.beta(1.2, 2.5, n), 2)
    return rng.random(n) < p, p


def test_values_are_those_of_the_authors_package() -> None:
    positive, p = rows()
    found = decision_curve(positive, p, list(DCURVES), rng=np.random.default_rng(0))
    for point in found:
        model, treat_all = DCURVES[point.threshold]
        assert point.model.value == pytest.approx(model, abs=1e-6)
        assert point.treat_all == pytest.approx(treat_all, abs=1e-6)
        assert point.gain.value == pytest.approx(model - max(treat_all, 0), abs=1e-6)


def test_rows_have_the_jeffreys_posterior_of_the_four_shares() -> None:
    positive, p = rows(45, 2)
    called = p >= 0.3
    cells = [
        (positive & called).sum(),
        (~positive & called).sum(),
        (positive & ~called).sum(),
        (~positive & ~called).sum(),
    ]
    tp, fp, fn, _ = np.random.default_rng(8).dirichlet(np.array(cells) + 0.5, 200_000).T
    net = tp - fp * 3 / 7
    gain = net - np.maximum(0, tp + fn - (1 - tp - fn) * 3 / 7)
    for groups in (None, np.arange(45)):  # a group of one row is a row
        (found,) = decision_curve(positive, p, [0.3], rng=np.random.default_rng(5), groups=groups)
        for interval, drawn in ((found.model, net), (found.gain, gain)):
            assert [interval.low, interval.high] == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.012)


def test_copies_of_a_row_are_no_further_witnesses() -> None:
    positive, p = rows(45, 2)
    (once,) = decision_curve(positive, p, [0.3], rng=np.random.default_rng(5))
    many = [np.repeat(one, 6) for one in (positive, p, np.arange(45))]
    (grouped,) = decision_curve(*many[:2], [0.3], rng=np.random.default_rng(5), groups=many[2])
    (blind,) = decision_curve(*many[:2], [0.3], rng=np.random.default_rng(5))
    assert [grouped.model.low, grouped.model.high] == pytest.approx([once.model.low, once.model.high], abs=1e-9)
    assert blind.model.high - blind.model.low < 0.6 * (once.model.high - once.model.low)


def test_order_of_thresholds_is_the_callers() -> None:
    positive, p = rows()
    there = decision_curve(positive, p, [0.7, 0.1], rng=np.random.default_rng(0))
    back = decision_curve(positive, p, [0.1, 0.7], rng=np.random.default_rng(0))
    assert there == back[::-1]


def test_coverage_and_false_claims_in_a_simulation() -> None:
    """200 test sets of 150 rows: the truth is that of 400,000 rows. Stated error: 2.2 standard errors of a coverage."""
    at, seeds = [0.1, 0.3, 0.5], 200

    def drawn(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        z = rng.normal(-0.8, 1.3, n)
        return rng.random(n) < 1 / (1 + np.exp(-z)), 1 / (1 + np.exp(-z - rng.normal(0, 0.5, n)))

    y, p = drawn(400_000, np.random.default_rng(1))
    odds = np.array(at) / (1 - np.array(at))
    truth = np.array([(y & (p >= t)).mean() - (~y & (p >= t)).mean() * t / (1 - t) for t in at])
    gain = truth - np.maximum(0, y.mean() - (1 - y.mean()) * odds)
    held, above = np.zeros((2, 3)), 0
    for seed in range(seeds):
        rng = np.random.default_rng([2, seed])
        found = decision_curve(*drawn(150, rng), at, rng=rng)
        held[0] += [q.model.low <= v <= q.model.high for q, v in zip(found, truth, strict=True)]
        held[1] += [q.gain.low <= v <= q.gain.high for q, v in zip(found, gain, strict=True)]
        noise = decision_curve(drawn(150, rng)[0], rng.random(150), [0.3], rng=rng)
        above += len(better(noise))
    assert (held / seeds >= 0.95 - 2.2 * (0.95 * 0.05 / seeds) ** 0.5).all(), held / seeds
    assert above / seeds <= 0.025, above


def test_a_threshold_that_no_row_reaches_has_no_interval() -> None:
    low, high = decision_curve(np.array([True, False] * 20), np.full(40, 0.4), [0.3, 0.5], rng=np.random.default_rng(0))
    assert low.model.low is not None
    assert (high.model.value, high.model.low) == (0.0, None)
    assert "treating none" in str(high.model.reason)
    assert "treating all" in str(low.gain.reason)
    assert low.gain.value == 0.0  # calls all: treats all
    assert better([low, high]) == []


def test_one_group_has_no_interval() -> None:
    positive, p = rows()
    one = decision_curve(positive, p, [0.3], rng=np.random.default_rng(0), groups=np.zeros(60))[0]
    assert one.model.low is None
    assert one.model.reason == "there are fewer than two groups to resample"


def test_what_cannot_be_is_refused() -> None:
    positive, p = rows()
    for bad in (0.0, 1.0, float("nan")):
        with pytest.raises(MetricError, match="between 0 and 1"):
            decision_curve(positive, p, [bad], rng=np.random.default_rng(0))
    with pytest.raises(MetricError, match="one probability a row"):
        decision_curve(positive, p[:-1], rng=np.random.default_rng(0))
    assert decision_curve(positive[:0], p[:0], rng=np.random.default_rng(0)) == []
    assert len(THRESHOLDS) == 99
