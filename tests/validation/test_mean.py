"""The plain estimate against scipy, and what it does with replicates that have no score."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from truing.record.interfaces import Estimate, ScoreTable
from truing.validation.mean import mean_estimates


def estimate(scores: list[float | None], pooled: Estimate | None = None) -> Estimate:
    return mean_estimates(ScoreTable({0: scores}, {} if pooled is None else {0: pooled}))[0]


@pytest.mark.parametrize("n", [2, 5, 50])
def test_mean_and_standard_error_are_scipys(n: int) -> None:
    scores = np.random.default_rng(n).normal(size=n).tolist()

    found = estimate(scores)

    assert found.value == pytest.approx(np.mean(scores), rel=1e-12)
    assert found.se == pytest.approx(stats.sem(scores), rel=1e-12)


def test_one_replicate_has_no_standard_error() -> None:
    assert estimate([0.3]) == Estimate(0.3, None, None)


def test_equal_scores_are_met_exactly() -> None:
    assert estimate([0.1] * 10) == Estimate(0.1, 0.0, None)


@pytest.mark.parametrize("missing", [None, math.nan, math.inf])
def test_a_score_that_is_none_is_never_left_out(missing: float | None) -> None:
    scores = [0.5, missing, 0.7]

    assert estimate(scores) == Estimate(None, None, "undefined on 1 of 3 replicates")
    pooled = estimate(scores, Estimate(0.55))
    assert (pooled.value, pooled.se) == (0.55, None)
    assert "pooled out-of-fold" in str(pooled.reason)
    assert estimate(scores, Estimate(None, reason="no positives")) == Estimate(None, None, "no positives")


def test_a_pooled_figure_is_not_taken_where_every_replicate_has_its_own() -> None:
    assert estimate([1.0, 3.0], Estimate(9.0)).value == 2.0


def test_no_replicates_are_no_estimate() -> None:
    assert estimate([]) == Estimate(None, None, "no replicate has ended")
