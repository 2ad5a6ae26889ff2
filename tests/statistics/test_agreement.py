from itertools import combinations

import numpy as np
import pytest

from truing.errors import MetricError
from truing.statistics.agreement import agreement


def test_it_is_the_share_of_pairs_that_agree():
    given = np.random.default_rng(0).integers(0, 4, (5, 30))
    found = agreement(given)
    pairs = np.mean([a == b for a, b in combinations(given, 2)], axis=0)
    assert found.rows == pytest.approx(pairs)
    assert found.mean == pytest.approx(pairs.mean())
    assert found.unanimous == np.mean([len(set(column)) == 1 for column in given.T])


def test_networks_that_guess_agree_as_often_as_chance():
    found = agreement(np.random.default_rng(0).integers(0, 4, (6, 4000)))
    assert found.mean == pytest.approx(0.25, abs=0.01)


def test_one_training_has_nothing_to_agree_with():
    assert "at least two" in agreement(np.zeros((1, 3), int)).reason
    assert agreement(np.zeros((2, 0), int)).reason == "there are no rows"
    with pytest.raises(MetricError, match=r"\(S, n\)"):
        agreement(np.zeros(3, int))


def test_a_row_that_some_did_not_predict_counts_those_that_did():
    found = agreement(np.array([[0, 1, 2], [0, -1, 1], [-1, 1, 2]]))
    assert found.rows == pytest.approx([1.0, 1.0, 1 / 3])
    with pytest.raises(MetricError, match="row 1 has 1"):
        agreement(np.array([[0, 1], [0, -1]]))
