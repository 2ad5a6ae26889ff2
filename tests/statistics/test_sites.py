import numpy as np
import pytest
from scipy.stats import t

from truing.errors import MetricError
from truing.statistics.sites import mean_of_sites, new_site


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


@pytest.mark.parametrize("ends", [(0.0, 1.0), (0.0, np.inf), (-np.inf, np.inf), (-np.inf, 1.0)])
def test_the_range_of_a_new_site_contains_the_interval_of_the_mean_and_the_mean(ends) -> None:
    rng, seen = np.random.default_rng(5), 0
    for _ in range(500):
        m = int(rng.integers(3, 40))
        draws = rng.normal(rng.normal(), rng.uniform(0.05, 4), m)
        scores = (
            1 / (1 + np.exp(-draws)) if ends[1] == 1 else np.exp(draws) if ends[0] == 0 else np.minimum(draws, ends[1])
        )
        scores = np.where(rng.random(m) < 0.1, ends[0], scores) if np.isfinite(ends[0]) else scores
        rows, spread = rng.integers(5, 200, m).tolist(), rng.uniform(0, 2)
        mean = mean_of_sites(scores.tolist(), ends, spread=spread, rows=rows)
        wide = new_site(scores.tolist(), ends, spread=spread, rows=rows)
        if mean.low is None:
            continue
        seen += 1
        assert ends[0] <= wide.low <= mean.low <= mean.value <= mean.high <= wide.high <= ends[1]
    assert seen > 450


def test_the_interval_of_the_mean_is_the_corrected_t_on_its_scale() -> None:
    values = np.array([0.62, 0.71, 0.9, 0.8])
    logit = np.log(values / (1 - values))
    away = t.ppf(0.975, 3) * logit.std(ddof=1) * np.sqrt(1 / 4 + 1 / 3)
    found = mean_of_sites(values.tolist(), (0.0, 1.0), spread=1 / 3)
    ends = 1 / (1 + np.exp(-(logit.mean() + np.array([-away, away]))))
    assert (found.low, found.high) == pytest.approx(tuple(ends))
    assert found.value == pytest.approx(values.mean())
    assert "logit" in found.method
    assert mean_of_sites([0.5], (0.0, 1.0)).low is None
