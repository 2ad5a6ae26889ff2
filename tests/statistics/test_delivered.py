import numpy as np
import pytest
from scipy.stats import binomtest

from truing.errors import MetricError
from truing.statistics import delivered, score, wilson
from truing.statistics.delong import auc


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_gives_the_published_intervals(successes, n, low, high):
    found = wilson(successes, n)  # Newcombe 1998, table I, method 3
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


@pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
def test_wilson_agrees_with_scipy(level):
    for n in (1, 2, 7, 50):
        for x in range(n + 1):
            other = binomtest(x, n).proportion_ci(level, method="wilson")
            found = wilson(x, n, level)
            assert (found.value, found.low, found.high) == pytest.approx((x / n, other.low, other.high), abs=1e-12)


def test_wilson_refuses_what_is_no_proportion():
    with pytest.raises(MetricError, match="got 5 of 4"):
        wilson(5, 4)
    with pytest.raises(MetricError, match=r"between 0 and 1.*got 95"):
        wilson(1, 4, 95)
    assert wilson(0, 0).reason == "there are no rows"


def draw(seed, n=80, k=2, shift=1.0):
    rng = np.random.default_rng(seed)
    y = np.concatenate([np.arange(k), rng.integers(0, k, n - k)])
    z = rng.normal(size=(n, k))
    z[np.arange(n), y] += shift
    return y, np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)


@pytest.mark.parametrize(
    ("name", "whole"),
    [
        ("accuracy", lambda y, d: np.ones(len(y), bool)),
        ("sensitivity", lambda y, d: y == 1),
        ("specificity", lambda y, d: y == 0),
        ("precision", lambda y, d: d == 1),
        ("npv", lambda y, d: d == 0),
    ],
)
def test_proportions_get_wilson(name, whole):
    y, p = draw(0)
    d = (p[:, 1] >= 0.5) * 1
    rows = whole(y, d)
    other = binomtest(int((y == d)[rows].sum()), int(rows.sum())).proportion_ci(method="wilson")
    found = delivered(name, y, p, rng=np.random.default_rng(0))
    assert (found.low, found.high) == pytest.approx((other.low, other.high))
    assert (found.value, found.method) == (score(name, y, p).value, "Wilson")


def test_the_positive_classes_of_many_make_a_proportion():
    y, p = draw(0, k=4)
    inside, decided = np.isin(y, [1, 2]), np.isin(p.argmax(axis=1), [1, 2])
    found = delivered("sensitivity", y, p, positive=[1, 2], rng=np.random.default_rng(0))
    assert found == wilson(int((inside & decided).sum()), int(inside.sum()))
    assert "bootstrap" in delivered("sensitivity", y, p, rng=np.random.default_rng(0)).method
    assert delivered("accuracy", y, p, rng=np.random.default_rng(0)).method == "Wilson"


@pytest.mark.parametrize("name", ["log_loss", "average_precision", "mcc", "f1"])
def test_the_rest_get_the_percentile_bootstrap(name):
    y, p = draw(1)
    found = delivered(name, y, p, rng=np.random.default_rng(0))
    rng = np.random.default_rng(99)  # brute force: rows drawn, scored anew
    rows = [rng.integers(0, len(y), len(y)) for _ in range(1000)]
    low, high = np.quantile([score(name, y[r], p[r]).value for r in rows], [0.025, 0.975])
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.15 * (high - low))
    assert found.method == "percentile bootstrap over rows"


def test_the_area_under_the_curve_gets_delong_and_by_groups_the_bootstrap():
    y, p = draw(1)
    assert delivered("roc_auc", y, p, rng=np.random.default_rng(0)) == auc(y == 1, p[:, 1])
    two = delivered("roc_auc", *draw(1, k=4), positive=[1, 2], rng=np.random.default_rng(0))
    y4, p4 = draw(1, k=4)
    assert two == auc(np.isin(y4, [1, 2]), p4[:, 1] + p4[:, 2])
    groups = np.arange(len(y)) // 2
    assert "bootstrap" in delivered("roc_auc", y, p, groups=groups, rng=np.random.default_rng(0)).method
    assert "bootstrap" in delivered("roc_auc", y4, p4, rng=np.random.default_rng(0)).method  # averaged over classes


def test_few_rows_are_said():
    y, p = draw(2, n=29)
    assert "only 29 rows" in delivered("log_loss", y, p, rng=np.random.default_rng(0)).method


def test_groups_are_drawn_whole_and_widen_the_interval():
    y, p = draw(3, n=60)
    rows = np.repeat(np.arange(60), 10)
    plain = delivered("accuracy", y[rows], p[rows], rng=np.random.default_rng(0))
    grouped = delivered("accuracy", y[rows], p[rows], groups=rows, rng=np.random.default_rng(0))
    once = delivered("accuracy", y, p, rng=np.random.default_rng(0))
    assert grouped.high - grouped.low == pytest.approx(once.high - once.low, rel=0.15)
    assert grouped.high - grouped.low > 2.5 * (plain.high - plain.low)
    assert grouped.method == "percentile bootstrap over groups"


def test_no_interval_has_no_width():
    y = np.repeat([0, 1], 20)
    p = np.eye(2)[y]
    groups = np.arange(40) // 4
    all_right = delivered("accuracy", y, p, groups=groups, rng=np.random.default_rng(0))
    assert (all_right.low, all_right.high) == (wilson(10, 10).low, 1.0)
    assert all_right.method == "Wilson, each group as one row"
    perfect = delivered("average_precision", y, p, rng=np.random.default_rng(0))
    assert (perfect.value, perfect.low, perfect.high) == (1.0, None, None)
    assert perfect.reason == "every resample gave the same value, which says nothing about new rows"


def test_undefined_scores_have_no_interval():
    y, p = np.array([0, 0, 1]), np.array([[0.9, 0.1]] * 3)
    found = delivered("precision", y, p, rng=np.random.default_rng(0))
    assert (found.value, found.low, found.high) == (None, None, None)
    assert found.reason == "no row was predicted positive"
    y, p = draw(4, n=12)
    y[:] = 0
    y[0] = 1  # a third of the resamples lack it
    found = delivered("average_precision", y, p, rng=np.random.default_rng(0))
    assert found.value is not None
    assert found.low is None
    assert "of the resamples" in found.reason


def test_regression_keeps_to_the_bootstrap():
    rng = np.random.default_rng(0)
    y = rng.normal(size=50)
    found = delivered("rmse", y, y + rng.normal(size=50), rng=rng)
    assert found.low < found.value < found.high
