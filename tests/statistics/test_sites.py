import numpy as np
import pytest
from scipy.stats import t

from truing.errors import MetricError
from truing.statistics.sites import new_site


def test_without_ends_it_is_the_textbook_prediction_interval():
    values = np.array([1.0, 2.0, 4.0, 3.5, 2.5, 1.5])
    found = new_site(list(values))
    half = t.ppf(0.975, 5) * values.std(ddof=1) * np.sqrt(1 + 1 / 6)
    assert (found.low, found.high) == pytest.approx((values.mean() - half, values.mean() + half))


@pytest.mark.parametrize("sites", [3, 5, 8])
def test_the_score_of_a_new_site_lies_inside(sites):
    """Accuracies of sites of 80 rows whose true accuracies scatter on the logit scale."""
    rng, hits = np.random.default_rng(sites), 0

    def accuracies(number):
        true = 1 / (1 + np.exp(-rng.normal(1.5, 0.6, number)))
        return rng.binomial(80, true) / 80

    for _ in range(1000):
        *seen, new = accuracies(sites + 1)
        found = new_site(seen, (0.0, 1.0), rows=[80] * sites)
        hits += found.low is None or found.low <= new <= found.high
    assert hits >= 920  # 950 expected


def test_losses_keep_above_zero_and_perfect_sites_have_a_place():
    assert new_site([0.1, 0.5, 0.05, 0.9, 0.2], (0.0, np.inf)).low > 0
    found = new_site([1.0, 0.9, 1.0, 0.95, 1.0], (0.0, 1.0), rows=[40] * 5)
    assert 0 < found.low < found.high <= 1


def test_what_cannot_be_known_says_why():
    assert "at least three" in new_site([0.5, 0.6]).reason
    assert "same value" in new_site([0.5, 0.5, 0.5]).reason
    assert new_site([0.5, None, 0.7, 0.6]).reason == "undefined at 1 of 4 sites"
    assert "descriptive" in new_site([0.5, 0.6, 0.7]).method
    assert new_site([]).reason == "there are no sites"
    with pytest.raises(MetricError, match="outside its range"):
        new_site([0.5, 1.5, 0.6], (0.0, 1.0))


def test_scores_near_an_end_are_left_where_they_are() -> None:
    """Half a row is much for a score, such as ROC AUC, that is no share of rows."""
    scores = [0.996, 0.992, 1.0, 0.999, 0.994]
    found = new_site(scores, (0.0, 1.0), rows=[30] * 5)

    assert found.low is not None
    assert found.high is not None
    assert found.low < min(scores) < 0.996 < found.high
