import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression

from truing.errors import MetricError
from truing.statistics.calibration import calibration, reliability


def drawn(seed, n=400, slope=1.0, intercept=0.0):
    """Probabilities whose true recalibration has this slope and intercept."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=n) * 1.5
    positive = rng.random(n) < 1 / (1 + np.exp(-(intercept + slope * z)))
    return positive, 1 / (1 + np.exp(-z))


def test_the_slope_is_that_of_a_logistic_regression():
    positive, p = drawn(0, slope=0.6)
    z = np.log(p / (1 - p))[:, None]
    other = LogisticRegression(C=np.inf, tol=1e-10).fit(z, positive).coef_[0, 0]
    assert calibration(positive, p, rng=np.random.default_rng(1)).slope.value == pytest.approx(other, abs=1e-5)


def test_the_intercept_makes_the_mean_probability_right():
    positive, p = drawn(0, intercept=-0.7)
    found = calibration(positive, p, rng=np.random.default_rng(1)).intercept
    z = np.log(p / (1 - p)) + found.value
    assert (1 / (1 + np.exp(-z))).mean() == pytest.approx(positive.mean(), abs=1e-9)
    assert found.high < 0  # too high on average, and seen to be


def test_intervals_cover_the_truth():
    hits = np.zeros(2)
    for seed in range(30):
        found = calibration(*drawn(seed, n=200, slope=0.7, intercept=0.0), rng=np.random.default_rng(seed))
        hits += [found.slope.low <= 0.7 <= found.slope.high, abs(found.intercept.value) < 0.6]
    assert (hits >= [25, 27]).all()  # 28.5 of 30 expected


def test_rows_that_can_be_separated_or_are_of_one_class_say_so():
    positive = np.array([False] * 10 + [True] * 10)
    apart = calibration(positive, np.linspace(0.1, 0.9, 20), rng=np.random.default_rng(0))
    assert apart.slope.value is None
    assert "separated" in apart.slope.reason
    assert apart.intercept.value == pytest.approx(0, abs=1e-9)
    one = calibration(np.ones(5, bool), np.full(5, 0.5), rng=np.random.default_rng(0))
    assert one.slope.reason == "all rows are of one class"
    with pytest.raises(MetricError, match="one probability a row"):
        calibration(np.ones(5, bool), np.ones((5, 2)), rng=np.random.default_rng(0))


def test_groups_that_repeat_each_row_do_not_narrow_the_interval():
    positive, p = drawn(3, n=100)
    alone = calibration(positive, p, rng=np.random.default_rng(0)).slope
    again = calibration(
        np.tile(positive, 8), np.tile(p, 8), rng=np.random.default_rng(0), groups=np.tile(np.arange(100), 8)
    ).slope
    assert again.high - again.low == pytest.approx(alone.high - alone.low, rel=0.15)


def test_bins_are_those_of_scikit_learn():
    positive, p = drawn(1)
    share, mean = calibration_curve(positive, p, n_bins=10, strategy="quantile")
    found = reliability(positive, p)
    assert [b.mean for b in found] == pytest.approx(list(mean))
    assert [b.share.value for b in found] == pytest.approx(list(share))
    assert sum(b.rows for b in found) == len(p)
    assert len(reliability(positive, np.full(len(p), 0.3))) == 1  # ties stay together
    assert reliability(np.array([], bool), np.array([])) == []


def test_bins_of_groups_have_intervals_by_groups():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(30), 20)
    p = rng.uniform(0.2, 0.8, 600)
    positive = rng.random(30)[groups] < p  # rows of a group share their luck
    alone = reliability(positive, p, bins=3)
    together = reliability(positive, p, bins=3, groups=groups, rng=rng)
    for one, other in zip(alone, together, strict=True):
        assert (one.mean, one.rows, one.share.value) == (other.mean, other.rows, other.share.value)
        assert other.share.high - other.share.low > 1.5 * (one.share.high - one.share.low)
