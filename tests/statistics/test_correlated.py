import numpy as np
import pytest
from scipy.stats import t

from truing.errors import MetricError
from truing.statistics.correlated import correlated_t, resolvable


def test_the_probabilities_are_those_of_the_posterior():
    d = np.random.default_rng(0).normal(0.01, 0.02, 10)
    found = correlated_t(list(d), 1 / 9, rope=0.01)
    # rho = n_valid / n as the paper writes it: 0.1 for 10-fold; rho / (1 - rho) = 1/9
    posterior = t(9, d.mean(), np.sqrt((1 / 10 + 0.1 / 0.9) * d.var(ddof=1)))
    assert found.worse == pytest.approx(posterior.cdf(-0.01))
    assert found.better == pytest.approx(posterior.sf(0.01))
    assert found.worse + found.same + found.better == pytest.approx(1)


def test_without_a_rope_it_is_the_one_sided_p_value_of_the_corrected_t():
    """The two methods are numerically equal then (Benavoli et al. 2017, section 4.1)."""
    from truing.statistics import corrected_t

    d = [0.01, 0.03, -0.01, 0.02, 0.04]
    found, interval = correlated_t(d, 0.25, rope=0.0), corrected_t(d, 0.25)
    half = interval.high - interval.value
    p = t.sf(interval.value / half * t.ppf(0.975, 4), 4)
    assert found.worse == pytest.approx(p)


def test_the_goal_turns_better_and_worse_round():
    d = [0.3, 0.1, 0.2, 0.25]
    up, down = correlated_t(d, 0.25, 0.05, "max"), correlated_t(d, 0.25, 0.05, "min")
    assert (up.better, up.worse) == pytest.approx((down.worse, down.better))


def test_replicates_that_all_agree_are_a_point():
    assert correlated_t([0.5, 0.5, 0.5], 0.25, 0.1).better == 1.0
    assert correlated_t([0.0, 0.0], 0.25, 0.0).same == 1.0


def test_what_cannot_be_known_says_why():
    assert correlated_t([0.1, None], 0.25, 0.1).reason == "undefined on replicate 1"
    assert "at least two" in correlated_t([0.1], 0.25, 0.1).reason
    with pytest.raises(MetricError, match="at least 0"):
        correlated_t([0.1, 0.2], 0.25, -1)
    with pytest.raises(MetricError, match="goal"):
        correlated_t([0.1, 0.2], 0.25, 0.1, "up")
    with pytest.raises(MetricError, match="two replicates"):
        resolvable(0.1, 1, 0.25)


def test_a_resolvable_difference_is_claimed_about_four_times_in_five():
    """Independent replicates, where the formula's power is exact but for the t's own noise."""
    rng, s, number = np.random.default_rng(0), 0.02, 10
    true = resolvable(s, number, 0.0)
    claims = 0
    for _ in range(4000):
        d = rng.normal(true, s, number)
        claims += d.mean() - t.ppf(0.975, number - 1) * d.std(ddof=1) / np.sqrt(number) > 0
    assert 0.77 < claims / 4000 < 0.87
