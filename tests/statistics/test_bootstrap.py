import re

import numpy as np
import pytest
from scipy.stats import bootstrap as scipy_bootstrap

from truing.statistics.bootstrap import bootstrap, resamples, units, weights


def test_a_resample_of_rows_has_as_many_rows():
    drawn = np.array(list(weights(units(20, None), 20, np.random.default_rng(0))))
    assert drawn.shape == (resamples(20), 20)
    assert (drawn.sum(axis=1) == 20).all()
    assert drawn.mean(axis=0) == pytest.approx(np.ones(20), abs=0.15)
    assert drawn.var() == pytest.approx(0.95, abs=0.03)  # multinomial: 1 - 1/n


def test_groups_come_and_go_whole():
    names = np.array(["b", "a", "b", "c", "a", "c"])
    for w in weights(units(6, names), 6, np.random.default_rng(0)):
        assert all(len(set(w[names == name])) == 1 for name in "abc")
        assert sum(w[names == name][0] for name in "abc") == 3


def test_its_spread_agrees_with_scipy():
    x = np.random.default_rng(0).exponential(size=40)
    reference = scipy_bootstrap((x,), np.median, n_resamples=4000, rng=np.random.default_rng(1)).standard_error
    drawn, trouble = bootstrap(
        lambda w: float(np.median(np.repeat(x, w.astype(int)))), units(40, None), 40, np.random.default_rng(2)
    )
    assert trouble is None
    assert drawn.std(ddof=1) == pytest.approx(reference, rel=0.1)


def test_the_same_stream_gives_the_same_resamples():
    x = np.arange(9.0)
    first, second = (bootstrap(lambda w: float(w @ x), units(9, None), 9, np.random.default_rng(5))[0] for _ in "ab")
    assert (first == second).all()


@pytest.mark.parametrize(
    ("figure", "groups", "said"),
    [
        (lambda w: np.nan if w[0] == 0 else w[1], None, "undefined in 3[0-9]% of the resamples"),
        (lambda w: 1.0, None, "every resample gave the same value"),
        (lambda w: w[0], np.zeros(10), "fewer than two groups"),
    ],
)
def test_resamples_that_cannot_be_used_say_why(figure, groups, said):
    _, trouble = bootstrap(figure, units(10, groups), 10, np.random.default_rng(0))
    assert re.search(said, trouble)


def test_rare_undefined_resamples_are_left_out():
    drawn, trouble = bootstrap(
        lambda w: np.nan if w[:3].sum() == 0 else w[0], units(10, None), 10, np.random.default_rng(0)
    )
    assert trouble is None
    assert len(drawn) < 1000
