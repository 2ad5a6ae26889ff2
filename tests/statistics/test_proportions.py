import numpy as np
import pytest

from truing.errors import MetricError
from truing.statistics.proportions import paired_proportions


def rows(both, first, second, neither):
    a = [True] * (both + first) + [False] * (second + neither)
    b = [True] * both + [False] * first + [True] * second + [False] * neither
    return np.array(a), np.array(b)


def test_it_is_the_interval_of_two_more_rows():
    """1, 1, 7 and 12 of 21 children (airway hyper-responsiveness, Bentur et al. 2009), worked by hand: each of the two
    cells in which the answers differ gets one more child, which makes 2/23 and 8/23."""
    found = paired_proportions(*rows(1, 1, 7, 12))
    assert found.value == pytest.approx(-6 / 21)
    half = 1.959964 * np.sqrt((10 / 23 - (6 / 23) ** 2) / 23)
    assert (found.low, found.high) == pytest.approx((-6 / 23 - half, -6 / 23 + half), abs=1e-6)
    assert (round(found.low, 3), round(found.high, 3)) == (-0.508, -0.013)


@pytest.mark.parametrize(("only_first", "only_second"), [(0.1, 0.1), (0.25, 0.05), (0.02, 0.0)])
def test_it_covers_where_the_truth_is_known(only_first, only_second):
    rng, hits, n = np.random.default_rng(0), 0, 40
    for _ in range(2000):
        u = rng.random(n)
        a, b = u < only_first, (u >= only_first) & (u < only_first + only_second)
        found = paired_proportions(a, b)
        hits += found.low <= only_first - only_second <= found.high
    assert hits >= 0.94 * 2000


def test_it_has_a_width_where_no_row_differs():
    found = paired_proportions(np.ones(20, bool), np.ones(20, bool))
    assert found.value == 0
    assert found.low < 0 < found.high
    assert paired_proportions(np.array([]), np.array([])).reason == "there are no rows"
    with pytest.raises(MetricError, match="same rows twice"):
        paired_proportions(np.ones(2, bool), np.ones(3, bool))
