"""Intervals of a difference: formulas against SciPy and brute force, and how many hold the truth."""

import math

import numpy as np
import pytest
import scipy.stats as st

from truing.errors import MetricError
from truing.statistics import corrected_t, rows_and_seeds, score


def rng(seed=0):
    return np.random.default_rng(seed)


def classes(seed, n=90, k=2, refits=3, sides=(1.0, 0.6)):
    """Truth and, for each side, the predictions of its refits, which share the rows' difficulty."""
    draw = rng(seed)
    y = np.concatenate([np.arange(k), draw.integers(0, k, n - k)])
    base = draw.normal(size=(n, k))
    found = []
    for shift in sides:
        side = []
        for _ in range(refits):
            z = base + 0.5 * draw.normal(size=(n, k))
            z[np.arange(n), y] += shift
            side.append(np.exp(z) / np.exp(z).sum(axis=1, keepdims=True))
        found.append(side)
    return y, *found


# -- corrected resampled t


def test_without_a_spread_it_is_the_t_interval():
    d = rng().normal(size=9)
    low, high = st.t.interval(0.9, 8, d.mean(), st.sem(d))
    found = corrected_t(d, 0.0, 0.9)
    assert (found.low, found.high, found.df) == pytest.approx((low, high, 8))


def test_the_correction_is_that_of_nadeau_and_bengio():
    # as the example of scikit-learn on comparing grid-searched models writes the formula
    d, n_train, n_test = rng(1).normal(0.3, 1, size=10), 400, 100
    std = np.sqrt(np.var(d, ddof=1) * (1 / 10 + n_test / n_train))
    found = corrected_t(d, n_test / n_train)
    assert 2 * st.t.sf(abs(d.mean()) / std, 9) > 0.05
    assert (found.low, found.high) == pytest.approx(st.t.interval(0.95, 9, d.mean(), std))


def test_it_covers_the_truth_where_replicates_share_rows():
    # Replicates correlated by ρ = n_valid/(n_train + n_valid), as the correction assumes: 95 % exactly.
    draw, truth, studies, spread = rng(2), 0.5, 2000, 0.25
    rho = spread / (1 + spread)
    shared = draw.normal(size=(studies, 1)) * math.sqrt(rho)
    d = truth + shared + draw.normal(size=(studies, 10)) * math.sqrt(1 - rho)

    def covered(of):
        return np.mean([found.low <= truth <= found.high for found in (corrected_t(row, of) for row in d)])

    assert covered(spread) == pytest.approx(0.95, abs=0.016)  # three standard errors
    assert covered(0.0) < 0.75


def test_an_interval_keeps_within_the_range_asked_for():
    found = corrected_t([0.9, 0.99, 1.0], 0.25, clip=(0, 1))
    assert found.high == 1
    assert corrected_t([0.9, 0.99, 1.0], 0.25).high > 1


def test_what_the_corrected_t_cannot_say():
    assert corrected_t([0.1], 0.25).reason == "one replicate has no spread; at least two are needed"
    assert corrected_t([0.1], 0.25).value == 0.1
    assert corrected_t([], 0.25).reason == "there are no replicates"
    missing = corrected_t([0.1, None, 0.2], 0.25)
    assert (missing.value, missing.reason) == (None, "undefined on replicate 1")
    flat = corrected_t([0.3 - 0.1, 0.2, 0.2], 0.25)
    assert (flat.low, flat.high) == (None, None)
    assert flat.reason == "all 3 replicates gave the same value, which says nothing about new splits"
    seeds = corrected_t([0.2, 0.2, 0.2], 0.0)
    assert seeds.low == seeds.high == seeds.value
    with pytest.raises(MetricError, match="at least 0; got -1"):
        corrected_t([1, 2], -1)


# -- rows and seeds: formulas


@pytest.mark.parametrize("name", ["log_loss", "brier"])
def test_one_refit_a_side_is_the_paired_t_interval(name):
    y, (a,), (b,) = classes(0, n=400, refits=1)
    rows = {
        "log_loss": lambda p: -np.log(p[np.arange(400), y]),
        "brier": lambda p: (p[:, 1] - y) ** 2,
    }[name]
    d = rows(a) - rows(b)
    found = rows_and_seeds(name, y, [a], [b], rng=rng()).difference
    assert (found.low, found.high) == pytest.approx(st.t.interval(0.95, 399, d.mean(), st.sem(d)))
    assert found.method == "t over rows, one refit a side"


def test_seeds_add_their_variance_and_satterthwaite_sets_the_degrees_of_freedom():
    y, ours, theirs = classes(1)
    rows = np.array([[-np.log(p[np.arange(90), y]) for p in side] for side in (ours, theirs)])
    d = rows[0] - rows[1]  # (seeds, rows)
    from_rows, from_seeds = d.mean(axis=0).var(ddof=1) / 90, d.mean(axis=1).var(ddof=1) / 3
    df = (from_rows + from_seeds) ** 2 / (from_rows**2 / 89 + from_seeds**2 / 2)
    low, high = st.t.interval(0.95, df, d.mean(), math.sqrt(from_rows + from_seeds))
    comparison = rows_and_seeds("log_loss", y, ours, theirs, rng=rng())
    found = comparison.difference
    assert (found.value, found.low, found.high, found.df) == pytest.approx((d.mean(), low, high, df))
    assert comparison.selected.value == pytest.approx(rows[0].mean())
    assert comparison.defaults.value == pytest.approx(rows[1].mean())
    assert found.method == "t over rows and seeds"


def test_two_rows_of_bonett_and_price_keep_shares_apart():
    # 24 rows, of which only ours has 2 right: the adjusted Wald variance of Bonett & Price 2012
    y = np.repeat([0, 1], 12)
    ours, theirs = np.eye(2)[y], np.eye(2)[np.concatenate([y[:22], 1 - y[22:]])]
    for p, x in ((theirs, 2), (ours, 0)):
        found = rows_and_seeds("accuracy", y, [ours], [p], rng=rng()).difference
        p12, p21 = (x + 1) / 26, 1 / 26
        wald = math.sqrt((p12 + p21 - (p12 - p21) ** 2) / 26)
        plain = np.std([1.0] * x + [0.0] * (24 - x), ddof=1) / math.sqrt(24)
        assert found.high - found.value == pytest.approx(st.t.ppf(0.975, 23) * max(wald, plain))
        assert found.high > found.low


@pytest.mark.parametrize(("name", "of"), [("accuracy", (0, 1)), ("sensitivity", (1,)), ("specificity", (0,))])
def test_shares_compare_the_rows_they_are_of_and_the_two_rows_fade(name, of):
    y, (a,), (b,) = classes(2, n=3000, refits=1)
    d = ((a.argmax(axis=1) == y) * 1.0 - (b.argmax(axis=1) == y))[np.isin(y, of)]
    plain = st.t.ppf(0.975, len(d) - 1) * st.sem(d)
    found = rows_and_seeds(name, y, [a], [b], rng=rng()).difference
    assert found.value == pytest.approx(d.mean())
    assert plain <= found.high - found.value <= 1.003 * plain


@pytest.mark.parametrize(
    ("name", "k"),
    [("precision", 2), ("roc_auc", 2), ("f1", 3), ("mcc", 3), ("sensitivity", 3), ("roc_auc", 3)],
)
def test_other_metrics_get_the_bootstrap_over_rows(name, k):
    y, ours, theirs = classes(3, k=k)

    def difference(r):
        return np.mean(
            [score(name, y[r], a[r]).value - score(name, y[r], b[r]).value for a, b in zip(ours, theirs, strict=True)]
        )

    draw = rng(8)
    brute = np.var([difference(draw.integers(0, 90, 90)) for _ in range(500)])
    each = [score(name, y, a).value - score(name, y, b).value for a, b in zip(ours, theirs, strict=True)]
    seeds = np.var(each, ddof=1) / 3
    df = (brute + seeds) ** 2 / (brute**2 / 89 + seeds**2 / 2)
    found = rows_and_seeds(name, y, ours, theirs, rng=rng()).difference
    assert found.value == pytest.approx(np.mean(each))
    assert found.high - found.value == pytest.approx(st.t.ppf(0.975, df) * math.sqrt(brute + seeds), rel=0.12)


def test_the_bootstrap_agrees_with_the_formula_where_both_apply():
    # balanced accuracy of two classes = mean of sensitivity and specificity, whose variances are known
    y, (a,), (b,) = classes(4, n=400, refits=1)
    found = rows_and_seeds("balanced_accuracy", y, [a], [b], rng=rng()).difference
    d = (a.argmax(axis=1) == y) * 1.0 - (b.argmax(axis=1) == y)
    se = math.sqrt(sum(st.sem(d[y == c]) ** 2 for c in (0, 1))) / 2
    assert found.high - found.value == pytest.approx(st.t.ppf(0.975, 399) * se, rel=0.08)


def test_copies_of_a_row_are_no_new_rows_when_they_are_one_group():
    y, ours, theirs = classes(5, n=50)
    rows = np.repeat(np.arange(50), 8)
    copies = [[p[rows] for p in side] for side in (ours, theirs)]
    for name in ("log_loss", "accuracy"):
        once = rows_and_seeds(name, y, ours, theirs, rng=rng()).difference
        grouped = rows_and_seeds(name, y[rows], *copies, groups=rows, rng=rng()).difference
        assert (grouped.low, grouped.high, grouped.df) == pytest.approx((once.low, once.high, once.df))
        assert grouped.method == "t over groups and seeds"
    once = rows_and_seeds("mcc", y, ours, theirs, rng=rng()).difference
    grouped = rows_and_seeds("mcc", y[rows], *copies, groups=rows.astype(str), rng=rng()).difference
    assert grouped.high - grouped.low == pytest.approx(once.high - once.low, rel=0.1)


def test_groups_of_unlike_size_agree_with_the_jackknife():
    # the variance of a ratio of sums, against leaving out one group at a time
    draw = rng(6)
    groups = draw.integers(0, 60, 600)
    groups[:60] = np.arange(60)
    effect = draw.normal(size=60)[groups]
    a, b = 5 + effect + draw.normal(size=600), np.full(600, 5.0)
    left_out = np.array([(a - b)[groups != g].mean() for g in range(60)])
    jackknife = math.sqrt(59 / 60 * np.square(left_out - left_out.mean()).sum())
    found = rows_and_seeds("mae", np.zeros(600), [np.abs(a)], [b], groups=groups, rng=rng()).difference
    assert found.high - found.value == pytest.approx(st.t.ppf(0.975, 59) * jackknife, rel=0.03)


# -- rows and seeds: what cannot be said


def test_an_undefined_side_leaves_the_difference_undefined():
    y, ours, _ = classes(0)
    never = np.tile([0.9, 0.1], (90, 1))
    found = rows_and_seeds("precision", y, ours, [never] * 3, rng=rng())
    assert found.selected.value is not None
    assert found.defaults.reason == found.difference.reason == "no row was predicted positive"
    assert found.difference.value is None


def test_too_many_undefined_resamples_leave_no_interval():
    y, ours, theirs = classes(0, n=12, refits=1)
    y[:] = 0
    y[:2] = 1
    found = rows_and_seeds("roc_auc", y, ours, theirs, rng=rng()).difference
    assert found.value is not None
    assert (found.low, found.high) == (None, None)
    assert "of the resamples" in found.reason


@pytest.mark.parametrize("name", ["log_loss", "mcc"])
def test_the_same_predictions_twice_leave_no_interval(name):
    y, ours, _ = classes(0)
    found = rows_and_seeds(name, y, ours, ours, rng=rng()).difference
    assert (found.value, found.low, found.high) == (0.0, None, None)
    assert "the same" in found.reason


def test_misuse_is_refused():
    y, ours, theirs = classes(0)
    with pytest.raises(MetricError, match="got 3 of the selected and 2 of the defaults"):
        rows_and_seeds("accuracy", y, ours, theirs[:2], rng=rng())
    with pytest.raises(MetricError, match="at least one; got 0"):
        rows_and_seeds("accuracy", y, [], [], rng=rng())
    one = rows_and_seeds("accuracy", y, ours, theirs, groups=np.zeros(90), rng=rng()).difference
    assert one.reason == "there are fewer than two groups"


def test_the_same_stream_gives_the_same_interval():
    y, ours, theirs = classes(0)
    assert rows_and_seeds("mcc", y, ours, theirs, rng=rng(3)) == rows_and_seeds("mcc", y, ours, theirs, rng=rng(3))


# -- rows and seeds: the share of intervals that hold the truth


def losses(draw, n, refits, size=1):
    """Two sides' absolute errors: rows hard for one side, lucky seeds, and noise. Truth: 0.2."""
    m = n // size
    rows = np.repeat(draw.normal(size=(2, 1, m)), size, axis=2)
    return (
        20 + rows + 0.15 * draw.normal(size=(2, refits, 1)) + draw.normal(size=(2, refits, n))
        + np.array([0.2, 0.0]).reshape(2, 1, 1)
    )  # fmt: skip


@pytest.mark.parametrize(("size", "grouped"), [(1, False), (5, True)])
def test_it_covers_the_true_difference_over_new_rows_and_seeds(size, grouped):
    draw, n, studies = rng(20), 150, 1000
    hits = rows_alone = 0
    for _ in range(studies):
        ours, theirs = losses(draw, n, 3, size)
        groups = np.arange(n) // size if grouped else None
        found = rows_and_seeds("mae", np.zeros(n), ours, theirs, groups=groups, rng=draw).difference
        hits += found.low <= 0.2 <= found.high
        single = rows_and_seeds("mae", np.zeros(n), ours[:1], theirs[:1], groups=groups, rng=draw).difference
        rows_alone += single.low <= 0.2 <= single.high
    # Satterthwaite errs on the wide side with two degrees of freedom for seeds; 0.02 is three standard errors
    assert 0.93 <= hits / studies <= 0.99
    assert rows_alone < hits


def test_it_covers_the_true_difference_of_accuracies_on_few_rows():
    draw, n, studies = rng(21), 24, 1500
    hits = flat = 0
    y = np.zeros(n, int)
    for _ in range(studies):
        hard = draw.random(n)
        sides = [[np.eye(2)[(draw.random(n) * 0.3 + hard * 0.7 > limit) * 1] for _ in range(3)] for limit in (0.9, 0.8)]
        found = rows_and_seeds("accuracy", y, *sides, rng=draw).difference
        flat += found.low == found.high
        truth = tail(0.8) - tail(0.9)
        hits += found.low <= truth <= found.high
    assert flat == 0
    assert 0.95 <= hits / studies <= 1.0


def tail(limit):
    """P(0.3 U + 0.7 V > limit) for independent uniform U and V and a limit of at least 0.7."""
    return (1 - limit) ** 2 / (2 * 0.3 * 0.7)


def test_it_covers_the_true_difference_of_errors_by_the_bootstrap():
    draw, n, studies, scales = rng(22), 60, 120, (1.0, 1.3)
    hits = 0
    for _ in range(studies):
        shared = draw.normal(size=n)
        sides = [[s * (0.8 * shared + 0.6 * draw.normal(size=n)) for _ in range(2)] for s in scales]
        found = rows_and_seeds("rmse", np.zeros(n), *sides, rng=draw).difference
        hits += found.low <= scales[0] - scales[1] <= found.high
    assert 0.90 <= hits / studies <= 1.0
