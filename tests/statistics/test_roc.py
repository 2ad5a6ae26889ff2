"""The ROC curve against scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from truing.errors import MetricError
from truing.statistics.delong import auc
from truing.statistics.roc import evenly, roc_curve


@pytest.mark.parametrize("digits", [1, 2, 9])
@pytest.mark.parametrize("n", [2, 3, 4, 30, 300])
def test_it_is_scikit_learns_with_ties_and_without(n: int, digits: int) -> None:
    for seed in range(20):
        rng = np.random.default_rng([n, seed])
        y = rng.random(n) < 0.3
        y[:2] = [True, False]
        p = np.round(rng.random(n), digits)
        for mine, theirs in zip(roc_curve(y, p), metrics.roc_curve(y, p), strict=True):
            np.testing.assert_allclose(mine, theirs)
        far, found, _ = roc_curve(y, p)
        assert np.trapezoid(found, far) == pytest.approx(auc(y, p).value)


def test_one_kind_of_rows_has_no_curve() -> None:
    for y in (np.ones(3, bool), np.zeros(3, bool), np.zeros(0, bool)):
        with pytest.raises(MetricError, match="got one kind only"):
            roc_curve(y, np.linspace(0, 1, len(y)))
    with pytest.raises(MetricError, match=r"shapes \(3,\) and \(2,\)"):
        roc_curve(np.array([True, False, True]), np.zeros(2))


@pytest.mark.parametrize(("n", "most"), [(1, 5), (5, 5), (6, 5), (1000, 7), (102, 101)])
def test_both_ends_are_among_the_places(n: int, most: int) -> None:
    places = evenly(n, most)
    assert (places[0], places[-1]) == (0, n - 1)
    assert len(places) == len(set(places.tolist())) == min(n, most)
    assert np.ptp(np.diff(places)) <= 1 if len(places) > 1 else n == 1
