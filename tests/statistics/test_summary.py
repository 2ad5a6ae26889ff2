import numpy as np
import pytest
from scipy.stats import sem

from truing.statistics import Summary, summary


def test_mean_and_standard_error_agree_with_scipy():
    values = np.random.default_rng(0).normal(size=7)
    found = summary(values.tolist())
    assert (found.value, found.se) == pytest.approx((np.mean(values), sem(values)))


@pytest.mark.parametrize("missing", [None, float("nan"), float("inf")])
def test_one_missing_score_leaves_the_mean_undefined(missing):
    assert summary([0.5, missing, 0.5]) == Summary(None, None, "undefined on replicate 1")


def test_many_missing_scores_are_counted():
    assert summary([None] * 8).reason == "undefined on replicates 0, 1, 2, 3, 4 and 3 more"


def test_one_score_has_no_standard_error():
    assert summary([0.5]) == Summary(0.5)
    assert summary([]) == Summary(None, None, "there are no scores")
