import numpy as np
import pytest

from truing.errors import MetricError
from truing.statistics.tries import rows_for


@pytest.mark.parametrize("tries", [10, 40, 200])
def test_the_best_of_equal_tries_is_lucky_by_no_more_than_ten_points_there(tries):
    rng = np.random.default_rng(0)
    n = rows_for(tries)
    lucky = (rng.binomial(n, 0.5, (2000, tries)) / n).max(axis=1).mean() - 0.5
    assert 0.06 < lucky <= 0.1
    few = (rng.binomial(n // 4, 0.5, (2000, tries)) / (n // 4)).max(axis=1).mean() - 0.5
    assert few > 0.1


def test_it_takes_a_try():
    assert rows_for(1) == 0
    with pytest.raises(MetricError, match="at least one try"):
        rows_for(0)
