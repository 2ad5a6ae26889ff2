import numpy as np
import pytest

from truing.errors import MetricError
from truing.statistics.rows_and_folds import rows_and_folds


def test_it_covers_where_rows_and_folds_are_two_sources_of_chance():
    """Row differences with mean 0.05, and folds that scatter around the rows' own mean."""
    rng, hits = np.random.default_rng(0), 0
    for _ in range(1000):
        rows = rng.normal(0.05, 0.4, 200)
        folds = rows.mean() + rng.normal(0, 0.03, 10)
        found = rows_and_folds(rows, list(folds))
        hits += found.low <= 0.05 <= found.high
    assert hits >= 935


def test_its_variance_is_the_sum_of_the_two():
    rows, folds = np.random.default_rng(1).normal(size=50), [0.1, 0.3, -0.1, 0.2]
    a, b = rows.var(ddof=1) / 50, np.var(folds, ddof=1) / 4
    found = rows_and_folds(rows, folds)
    from scipy.stats import t

    df = (a + b) ** 2 / (a**2 / 49 + b**2 / 3)
    assert found.value == pytest.approx(np.mean(folds))
    assert found.high - found.value == pytest.approx(t.ppf(0.975, df) * np.sqrt(a + b))


def test_groups_that_repeat_rows_add_nothing():
    rows, folds = np.random.default_rng(1).normal(size=50), [0.1, 0.3, -0.1, 0.2]
    again = rows_and_folds(np.repeat(rows, 4), folds, groups=np.repeat(np.arange(50), 4))
    assert again.high == pytest.approx(rows_and_folds(rows, folds).high)


def test_what_cannot_be_known_says_why():
    assert rows_and_folds(np.zeros(5), [0.0, 0.0]).reason.startswith("nothing varies")
    assert "fewer than two folds" in rows_and_folds(np.arange(5), [0.1]).reason
    assert rows_and_folds(np.arange(5), [0.1, None]).reason == "undefined on replicate 1"
    with pytest.raises(MetricError, match="5 and 3"):
        rows_and_folds(np.arange(5), [0.1, 0.2], groups=np.arange(3))
