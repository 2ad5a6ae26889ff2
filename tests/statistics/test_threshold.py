import itertools

import numpy as np
import pytest
from sklearn.metrics import roc_curve

from truing.errors import MetricError
from truing.statistics.threshold import aim, choose


def draw(seed, n=25, digits=1):
    rng = np.random.default_rng(seed)
    positive = rng.random(n) < 0.4
    positive[:2] = [True, False]
    return positive, np.clip(np.round(rng.normal(0.5 + 0.2 * positive, 0.2), digits), 0, 1)


def shares(positive, p, t):
    called = p >= t
    return called[positive].mean(), (~called)[~positive].mean()


@pytest.mark.parametrize("digits", [1, 6])
def test_youden_is_the_best_point_of_the_curve(digits):
    for seed in range(30):
        positive, p = draw(seed, digits=digits)
        false_alarms, hits, _ = roc_curve(positive, p)
        assert sum(shares(positive, p, choose(aim("youden"), positive, p))) - 1 == pytest.approx(
            (hits - false_alarms).max()
        )


@pytest.mark.parametrize("text", ["sensitivity>=0.9", "specificity >= 0.8", "sensitivity>=1"])
def test_an_asked_share_is_met_and_the_other_is_as_large_as_it_can_be(text):
    by = aim(text)
    for seed in range(30):
        positive, p = draw(seed)
        got = shares(positive, p, choose(by, positive, p))
        every = [shares(positive, p, t) for t in np.append(np.unique(p), 2.0)]
        asked = 0 if by.kind == "sensitivity" else 1
        assert got[asked] >= by.value - 1e-12
        assert got[1 - asked] == pytest.approx(max(s[1 - asked] for s in every if s[asked] >= by.value - 1e-12))


def test_costs_are_as_low_as_they_can_be():
    for seed, ratio in itertools.product(range(20), (0.2, 1.0, 8.0)):
        positive, p = draw(seed)

        def cost(t, positive=positive, p=p, ratio=ratio):
            return (p >= t)[~positive].sum() + ratio * (p < t)[positive].sum()

        assert cost(choose(aim((1.0, ratio)), positive, p)) == min(cost(t) for t in np.append(np.unique(p), 2.0))


def test_weights_count_rows_as_often_as_they_say():
    for seed in range(20):
        positive, p = draw(seed)
        w = np.random.default_rng(seed).integers(0, 3, len(p))
        if not w[positive].any() or not w[~positive].any():
            continue
        repeated = choose(aim("youden"), np.repeat(positive, w), np.repeat(p, w))
        found = choose(aim("youden"), positive, p, w)
        again = [sum(shares(np.repeat(positive, w), np.repeat(p, w), t)) for t in (repeated, found)]
        assert again[0] == pytest.approx(again[1])


def test_one_class_has_no_threshold():
    assert np.isnan(choose(aim("youden"), np.array([True, True]), np.array([0.1, 0.9])))
    assert choose(aim(0.2), np.array([True, True]), np.array([0.1, 0.9])) == 0.2


@pytest.mark.parametrize(
    "given", ["best", "sensitivity>=1.2", "sensitivity>=0", (1, 0), (1, -2), 1.0, 0, None, True, 7]
)
def test_an_aim_that_is_none_gets_one_sentence(given):
    with pytest.raises(MetricError, match=r'threshold= is "youden".*got'):
        aim(given)
