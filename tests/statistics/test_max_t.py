import numpy as np
import pytest

from truing.errors import MetricError
from truing.statistics.max_t import simultaneous_low


@pytest.mark.parametrize("shared", [0.0, 0.7])
def test_one_of_many_equal_ones_leaves_zero_in_at_most_one_of_twenty_families(shared):
    """Replicates as independent ones, so the spread is 0; `shared` is the correlation by the common side."""
    rng, wrong, alone = np.random.default_rng(0), 0, 0
    for _ in range(160):
        common = rng.normal(size=(10, 1)) * np.sqrt(shared)
        d = common + rng.normal(size=(10, 8)) * np.sqrt(1 - shared)
        wrong += (simultaneous_low(d, 0.0, rng=rng) > 0).any()
        alone += (d.mean(0) - 1.833 * d.std(0, ddof=1) / np.sqrt(10) > 0).any()
    assert wrong <= 0.05 * 160 + 3 * np.sqrt(160 * 0.05 * 0.95)
    assert alone > wrong + 10


def test_a_real_difference_is_seen_and_one_alone_is_the_t_interval():
    rng = np.random.default_rng(1)
    d = rng.normal(size=(10, 1))
    expected = d.mean() - 1.8331 * d.std(ddof=1) * np.sqrt(0.1 + 0.25)  # one-sided t of 9
    assert simultaneous_low(d, 0.25, rng=rng)[0] == pytest.approx(expected, abs=0.05)
    d = rng.normal([0.0, 0.0, 4.0], 1.0, (10, 3))
    assert (simultaneous_low(d, 0.25, rng=rng) > 0).tolist() == [False, False, True]


def test_what_does_not_vary_has_no_bound_and_shapes_are_checked():
    d = np.column_stack([np.ones(5), np.arange(5.0)])
    assert simultaneous_low(d, 0.25, rng=np.random.default_rng(0))[0] == -np.inf
    assert len(simultaneous_low(np.empty((5, 0)), 0.25, rng=np.random.default_rng(0))) == 0
    with pytest.raises(MetricError, match="two replicates"):
        simultaneous_low(np.ones((1, 3)), 0.25, rng=np.random.default_rng(0))
