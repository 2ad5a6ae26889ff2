import numpy as np
import pytest

from truing.errors import MetricError
from truing.statistics.prevalence import predictive_values


def test_they_are_shares_of_a_counted_population():
    """Of 100,000 people 2 % are ill; 90 % of these and 10 % of the others are called ill."""
    ppv, npv = predictive_values((90, 100), (180, 200), 0.02, rng=np.random.default_rng(0))
    assert ppv.value == pytest.approx(1800 / (1800 + 9800))
    assert npv.value == pytest.approx(88200 / (88200 + 200))


def test_at_the_prevalence_of_the_rows_they_are_the_plain_shares():
    ppv, npv = predictive_values((30, 40), (50, 60), 0.4, rng=np.random.default_rng(0))
    assert (ppv.value, npv.value) == pytest.approx((30 / 40, 50 / 60))


def test_intervals_cover_the_truth():
    rng, hits = np.random.default_rng(0), 0
    se, sp, pi = 0.85, 0.9, 0.1
    truth = se * pi / (se * pi + (1 - sp) * (1 - pi))
    for _ in range(300):
        ppv, _ = predictive_values((rng.binomial(40, se), 40), (rng.binomial(80, sp), 80), pi, rng=rng)
        hits += ppv.low <= truth <= ppv.high
    assert hits >= 275  # 285 expected


def test_what_cannot_be_known_says_why():
    rng = np.random.default_rng(0)
    assert predictive_values((0, 0), (5, 5), 0.1, rng=rng)[0].reason == "it needs rows of both classes"
    ppv, npv = predictive_values((0, 5), (5, 5), 0.1, rng=rng)
    assert ppv.reason == "no row was predicted positive"
    assert npv.value == pytest.approx(0.9)
    with pytest.raises(MetricError, match=r"between 0 and 1.*got 2"):
        predictive_values((1, 2), (1, 2), 2, rng=rng)
    with pytest.raises(MetricError, match="got 3 of 2"):
        predictive_values((3, 2), (1, 2), 0.2, rng=rng)
