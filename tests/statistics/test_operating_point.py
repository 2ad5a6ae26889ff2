import numpy as np
import pytest

from truing.errors import MetricError
from truing.statistics.operating_point import AT_PREVALENCE, SHARES, Sample, operating_point
from truing.statistics.proportions import wilson
from truing.statistics.threshold import aim, choose


def draw(rng, n, cases=0.3, apart=1.5):
    positive = rng.random(n) < cases
    score = rng.normal(apart * positive, 1.0)
    return Sample(positive, 1 / (1 + np.exp(-score)))


def at(sample, t):
    called = sample.p >= t
    return {
        "sensitivity": called[sample.positive].mean(),
        "specificity": (~called)[~sample.positive].mean(),
        "precision": sample.positive[called].mean(),
        "negative_predictive_value": (~sample.positive)[~called].mean(),
        "accuracy": (called == sample.positive).mean(),
    }


@pytest.mark.parametrize("given", ["youden", "sensitivity>=0.9", (1, 5), 0.4])
def test_values_are_those_of_counting(given):
    rng = np.random.default_rng(0)
    first, second = draw(rng, 200), draw(rng, 150)
    found = operating_point(aim(given), first, second, rng=rng, prevalence=0.1)
    t = choose(aim(given), first.positive, first.p)
    assert found.threshold.value == t
    own = at(second, t)
    assert {name: found.shares[name].value for name in SHARES} == pytest.approx(own)
    se, sp = own["sensitivity"], own["specificity"]
    assert found.at_prevalence["ppv"].value == pytest.approx(se * 0.1 / (se * 0.1 + (1 - sp) * 0.9))
    assert found.at_prevalence["npv"].value == pytest.approx(sp * 0.9 / (sp * 0.9 + (1 - se) * 0.1))


def test_a_given_threshold_has_wilsons_intervals_and_those_of_bayes_rule():
    rng = np.random.default_rng(0)
    rows = draw(rng, 150)
    found = operating_point(aim(0.5), rows, rows, rng=rng, prevalence=0.1)
    called, p = rows.p >= 0.5, rows.positive
    expected = wilson(int(called[p].sum()), int(p.sum()))
    assert (found.shares["sensitivity"].low, found.shares["sensitivity"].high) == (expected.low, expected.high)
    assert found.threshold.low is None
    assert "given" in found.threshold.reason
    # sensitivity and specificity from their Jeffreys posteriors (Brown, Cai & DasGupta 2001), then Bayes' rule
    se = rng.beta(called[p].sum() + 0.5, (~called)[p].sum() + 0.5, 100_000)
    sp = rng.beta((~called)[~p].sum() + 0.5, called[~p].sum() + 0.5, 100_000)
    drawn = {"ppv": se * 0.1 / (se * 0.1 + (1 - sp) * 0.9), "npv": sp * 0.9 / (sp * 0.9 + (1 - se) * 0.1)}
    for name in AT_PREVALENCE:
        ends = np.quantile(drawn[name], [0.025, 0.975])
        assert [found.at_prevalence[name].low, found.at_prevalence[name].high] == pytest.approx(ends, abs=0.02)


def test_choosing_anew_widens_the_interval_and_it_covers_the_truth():
    rng, covered, wider, count = np.random.default_rng(3), 0, [], 60
    truth = draw(rng, 200_000)
    for _ in range(count):
        first, second = draw(rng, 120), draw(rng, 80)
        found = operating_point(aim("sensitivity>=0.9"), first, second, rng=rng)
        real = truth.p[truth.positive] >= found.threshold.value
        figure = found.shares["sensitivity"]
        covered += figure.low <= real.mean() <= figure.high
        fixed = operating_point(aim(found.threshold.value), first, second, rng=rng).shares["specificity"]
        mine = found.shares["specificity"]
        wider.append((mine.high - mine.low) / (fixed.high - fixed.low))
    assert covered >= 0.92 * count
    assert np.mean(wider) > 1.2


def test_the_thresholds_own_interval_covers_the_best_one():
    rng, covered = np.random.default_rng(4), 0
    # Youden's best threshold where both densities are equal: the middle of the two means
    best = 1 / (1 + np.exp(-0.75))
    for _ in range(50):
        found = operating_point(aim("youden"), draw(rng, 300, cases=0.5), None, rng=rng)
        covered += found.threshold.low <= best <= found.threshold.high
        assert found.shares == {}
    assert covered >= 44


def test_groups_are_drawn_whole_and_so_are_rows_that_were_predicted_twice():
    rng = np.random.default_rng(5)
    one = draw(rng, 400)
    twice = Sample(np.tile(one.positive, 2), np.tile(one.p, 2), np.tile(np.arange(400), 2))
    naive = Sample(twice.positive, twice.p)
    width = []
    for sample in (one, twice, naive):
        found = operating_point(aim("specificity>=0.8"), sample, None, rng=rng).threshold
        width.append(found.high - found.low)
    assert width[1] == pytest.approx(width[0], rel=0.15)
    assert width[2] < 0.85 * width[0]
    grouped = operating_point(aim("youden"), one, twice, rng=rng).shares["specificity"]
    alone = operating_point(aim("youden"), one, naive, rng=rng).shares["specificity"]
    assert grouped.high - grouped.low > alone.high - alone.low
    assert "400 groups" in grouped.method


def test_groups_that_agree_in_all_resamples_count_as_one_row_each():
    positive, p = np.repeat([True, False], 20), np.repeat([0.9, 0.1], 20)
    groups = np.repeat(np.arange(8), 5)  # four groups of each class
    found = operating_point(aim(0.5), Sample(positive, p), Sample(positive, p, groups), rng=np.random.default_rng(0))
    figure = found.shares["sensitivity"]
    assert (figure.value, figure.low) == (1.0, wilson(4, 4).low)


def test_what_is_undefined_says_why():
    rng = np.random.default_rng(0)
    rows = draw(rng, 60)
    none = operating_point(aim("youden"), Sample(np.ones(5, bool), np.linspace(0, 1, 5)), rows, rng=rng, prevalence=0.1)
    assert none.threshold.value is None
    assert "one class" in none.threshold.reason
    assert none.at_prevalence["ppv"].value is None
    negative = Sample(np.zeros(9, bool), np.linspace(0, 0.3, 9))
    found = operating_point(aim(0.5), rows, negative, rng=rng, prevalence=0.1)
    assert found.shares["sensitivity"].reason == "no row here is positive"
    assert found.shares["precision"].reason == "no row was predicted positive"
    assert found.at_prevalence["npv"].value is None
    with pytest.raises(MetricError, match="prevalence"):
        operating_point(aim(0.5), rows, rows, rng=rng, prevalence=1.0)
