"""Scores against scikit-learn, brute force and worked examples; undefined scores with their reasons."""

import itertools
import math

import numpy as np
import pytest
import sklearn.metrics as sk

from truing.errors import MetricError
from truing.statistics import METRICS, Metric, per_class, predicted, score
from truing.statistics.score import parts

CLASSES = [m.name for m in METRICS.values() if m.classification]
NUMBERS = [m.name for m in METRICS.values() if m.kind == "regression"]


def draw(seed, n=60, k=2, decimals=None):
    rng = np.random.default_rng(seed)
    y = np.concatenate([np.arange(k), np.arange(k), rng.integers(0, k, n - 2 * k)])
    z = rng.normal(size=(n, k))
    z[np.arange(n), y] += 1.0
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    if decimals is not None:  # ties
        p = np.round(p, decimals) + 0.01
        p /= p.sum(axis=1, keepdims=True)
    return y, p


def sklearn_binary(name, truth, decided, probability):
    return {
        "sensitivity": lambda: sk.recall_score(truth, decided),
        "specificity": lambda: sk.recall_score(1 - truth, 1 - decided),
        "precision": lambda: sk.precision_score(truth, decided),
        "negative_predictive_value": lambda: sk.precision_score(1 - truth, 1 - decided),
        "f1": lambda: sk.f1_score(truth, decided),
        "roc_auc": lambda: sk.roc_auc_score(truth, probability),
        "average_precision": lambda: sk.average_precision_score(truth, probability),
    }[name]()


def sklearn_overall(name, y, decided, p):
    k = p.shape[1]
    return {
        "accuracy": lambda: sk.accuracy_score(y, decided),
        "balanced_accuracy": lambda: sk.balanced_accuracy_score(y, decided),
        "mcc": lambda: sk.matthews_corrcoef(y, decided),
        "log_loss": lambda: sk.log_loss(y, p, labels=range(k)),
        "brier": lambda: (
            sk.brier_score_loss(y, p[:, 1]) if k == 2 else float(np.square(p - np.eye(k)[y]).sum(axis=1).mean())
        ),
    }[name]()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", CLASSES)
def test_binary_scores_agree_with_scikit_learn(name, seed):
    y, p = draw(seed, decimals=1 if seed == 2 else None)
    decided = (p[:, 1] >= 0.5).astype(int)
    if METRICS[name].versus_rest:
        expected = sklearn_binary(name, y, decided, p[:, 1])
    else:
        expected = sklearn_overall(name, y, decided, p)
    assert score(name, y, p).value == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", CLASSES)
def test_scores_of_many_classes_agree_with_scikit_learn(name, seed):
    y, p = draw(seed, k=5, decimals=1 if seed == 2 else None)
    decided = p.argmax(axis=1)
    if METRICS[name].versus_rest:
        each = [sklearn_binary(name, (y == c) * 1, (decided == c) * 1, p[:, c]) for c in range(5)]
        assert [s.value for s in per_class(name, y, p)] == pytest.approx(each, abs=1e-12)
        expected = np.mean(each)
    else:
        expected = sklearn_overall(name, y, decided, p)
    assert score(name, y, p).value == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("name", [n for n in CLASSES if METRICS[n].versus_rest])
@pytest.mark.parametrize(("k", "positive"), [(2, [0]), (4, [2]), (4, [1, 3])])
def test_positive_classes_stand_against_the_rest(name, k, positive):
    y, p = draw(7, k=k)
    truth, probability = np.isin(y, positive) * 1, p[:, positive].sum(axis=1)
    decided = (probability >= 0.5 if k == 2 else np.isin(p.argmax(axis=1), positive)) * 1
    expected = sklearn_binary(name, truth, decided, probability)
    assert score(name, y, p, positive=positive).value == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("name", [n for n in CLASSES if not METRICS[n].versus_rest])
def test_the_others_stay_over_all_classes_whatever_is_positive(name):
    y, p = draw(7, k=4)
    assert score(name, y, p, positive=[1, 3]) == score(name, y, p)


@pytest.mark.parametrize("seed", range(3))
def test_regression_agrees_with_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    y = rng.normal(size=40) + 100
    p = y + rng.normal(size=40)
    assert score("rmse", y, p).value == pytest.approx(sk.root_mean_squared_error(y, p), rel=1e-12)
    assert score("mae", y, p).value == pytest.approx(sk.mean_absolute_error(y, p), rel=1e-12)
    assert score("r2", y, p).value == pytest.approx(sk.r2_score(y, p), rel=1e-12)


def test_worked_example_of_sensitivity_and_predictive_values():
    # Altman & Bland 1994, BMJ 308:1552 and 309:102: liver scans, 231 of 258 abnormal and 54 of 86 normal
    y = np.repeat([1, 1, 0, 0], [231, 27, 32, 54])
    p = np.repeat([1.0, 0.0, 1.0, 0.0], [231, 27, 32, 54])
    p = np.stack([1 - p, p], axis=1)
    found = {name: round(score(name, y, p).value, 2) for name in ("sensitivity", "specificity", "precision", "npv")}
    assert found == {"sensitivity": 0.90, "specificity": 0.63, "precision": 0.88, "npv": 0.67}


def test_auc_is_the_share_of_pairs_in_order():
    y, p = draw(3, n=30, decimals=1)
    pairs = list(itertools.product(p[y == 1, 1], p[y == 0, 1]))
    assert len({a - b for a, b in pairs}) < len(pairs)  # there are ties
    expected = np.mean([1.0 if a > b else 0.5 if a == b else 0.0 for a, b in pairs])
    assert score("roc_auc", y, p).value == pytest.approx(expected)


@pytest.mark.parametrize("name", [*CLASSES, *NUMBERS])
@pytest.mark.parametrize("k", [2, 4])
def test_weights_are_repeated_rows(name, k):
    y, p = draw(11, k=k, decimals=1)
    if name in NUMBERS:
        y, p = p[:, 0], p[:, 1]
    w = np.random.default_rng(0).integers(0, 3, len(y))
    w[:k] = 1
    rows = np.repeat(np.arange(len(y)), w)
    weighted = parts(METRICS[name], y, p)(w.astype(float)).mean()
    assert weighted == pytest.approx(score(name, y[rows], p[rows]).value, rel=1e-12)


@pytest.mark.parametrize("name", CLASSES)
def test_values_keep_within_the_stated_range_and_goal(name):
    by = METRICS[name]
    for k in (2, 4):
        y, _ = draw(1, k=k)
        right, wrong = np.eye(k)[y], np.eye(k)[(y + 1) % k]
        good, bad = score(by, y, right).value, score(by, y, wrong).value
        assert (good < bad) == (by.goal == "min")
        assert by.low <= min(good, bad) <= max(good, bad) <= by.high
        assert good == (by.low if by.goal == "min" else by.high)


def test_log_loss_is_bounded_where_scikit_learn_bounds_it():
    y, p = np.array([0, 1]), np.array([[0.0, 1.0], [0.0, 1.0]])
    assert score("log_loss", y, p).value == pytest.approx(sk.log_loss(y, p))
    stored = score("log_loss", y, p.astype(np.float32)).value
    assert stored == score("log_loss", y, p).value


def test_ties_of_two_classes_go_to_the_positive_one():
    p = np.array([[0.5, 0.5]])
    assert predicted(p).tolist() == [1]
    assert predicted(p, [0]).tolist() == [0]
    assert predicted(np.array([[0.4, 0.4, 0.2]])).tolist() == [0]
    assert score("accuracy", np.array([0]), p, positive=[0]).value == 1.0


# -- undefined scores

ALL_NEGATIVE = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3]])
ALL_POSITIVE = ALL_NEGATIVE[:, ::-1]


@pytest.mark.parametrize(
    ("name", "y", "p", "reason"),
    [
        ("precision", [0, 1, 1], ALL_NEGATIVE, "no row was predicted positive"),
        ("npv", [0, 1, 1], ALL_POSITIVE, "no row was predicted negative"),
        ("sensitivity", [0, 0, 0], ALL_NEGATIVE, "no row here is positive"),
        ("f1", [0, 0, 0], ALL_POSITIVE, "no row here is positive"),
        ("specificity", [1, 1, 1], ALL_NEGATIVE, "no row here is negative"),
        ("roc_auc", [0, 0, 0], ALL_NEGATIVE, "no row here is positive"),
        ("roc_auc", [1, 1, 1], ALL_NEGATIVE, "no row here is negative"),
        ("average_precision", [0, 0, 0], ALL_NEGATIVE, "no row here is positive"),
        ("mcc", [0, 1, 1], ALL_NEGATIVE, "all rows were predicted to be of one class"),
        ("mcc", [1, 1, 1], ALL_NEGATIVE, "all rows are of one class"),
        ("balanced_accuracy", [1, 1, 1], ALL_NEGATIVE, "class 0 has no row here"),
    ],
)
def test_undefined_binary_scores_have_a_reason(name, y, p, reason):
    found = score(name, np.array(y), p)
    assert found.value is None
    assert found.reason == reason


def test_f1_is_zero_not_undefined_when_every_positive_was_missed():
    y = np.array([0, 1, 1])
    assert score("f1", y, ALL_NEGATIVE).value == 0.0 == sk.f1_score(y, [0, 0, 0])


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("sensitivity", "class c has no row here"),
        ("balanced_accuracy", "class c has no row here"),
        ("f1", "class c has no row here"),
        ("roc_auc", "class c has no row here"),
        ("average_precision", "class c has no row here"),
        ("precision", "no row was predicted as class d"),
    ],
)
def test_an_undefined_class_leaves_the_macro_average_undefined_and_is_named(name, reason):
    y = np.array([0, 1, 3, 0, 1, 3])
    p = np.eye(4)[[0, 1, 2, 0, 2, 1]]
    assert score(name, y, p, labels=["a", "b", "c", "d"]).reason == reason
    assert score(name, y, p).reason == reason.replace("class c", "class 2").replace("class d", "class 3")
    each = per_class(name, y, p) if METRICS[name].versus_rest else None
    assert each is None or sum(s.value is None for s in each) == 1


def test_several_undefined_classes_are_named_together():
    y, p = np.array([0, 0]), np.full((2, 9), 1 / 9)
    assert score("sensitivity", y, p).reason == "classes 1, 2, 3, 4, 5 and 3 more have no row here"
    assert score("roc_auc", y, p).reason == "all rows here are of class 0"


@pytest.mark.parametrize("name", [*CLASSES, *NUMBERS])
def test_no_rows_no_score(name):
    y, p = (np.zeros(0), np.zeros(0)) if name in NUMBERS else (np.zeros(0, int), np.zeros((0, 3)))
    assert score(name, y, p).reason == "there are no rows"


def test_r2_of_a_constant_is_undefined_although_its_mean_is_rounded():
    y = np.full(3, 0.1)
    assert y.mean() != 0.1
    assert score("r2", y, y).reason == "y is the same in every row here"
    assert score("r2", y[:1], y[:1]).reason == "there is only one row"
    assert score("rmse", y, y).value == 0.0


# -- misuse


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda y, p: score(Metric("reward", goal="max"), y, p), "'reward' is reported"),
        (lambda y, p: score("accuracy", y[:3], p), "got 3 rows and 60 predictions"),
        (lambda y, p: score("accuracy", y, p[:, 1]), "two classes or more"),
        (lambda y, p: score("accuracy", y + 5, p), "integers from 0 to 1"),
        (lambda y, p: score("accuracy", y.astype(float), p), "integers from 0 to 1"),
        (lambda y, p: score("rmse", y, p), "needs numbers of shape"),
        (lambda y, p: score("recall", y, p, positive=[0, 1]), r"some, not all.*0 to 1; got \[0, 1\]"),
        (lambda y, p: score("recall", y, p, positive=[]), "some, not all"),
        (lambda y, p: score("recall", y, p, positive=[2]), r"got \[2\]"),
        (lambda y, p: per_class("accuracy", y, p), "no value per class"),
    ],
)
def test_misuse_is_refused(call, said):
    with pytest.raises(MetricError, match=said):
        call(*draw(0))


def test_a_worked_example_of_the_brier_score():
    # Brier 1950, table 1: ten forecasts of rain; it rained on the second to the fourth day; P = 0.19 over
    # both classes, and half of it by the usual definition for two.
    rain = np.array([0.7, 0.9, 0.8, 0.4, 0.2, 0, 0, 0, 0, 0.1])
    happened = np.array([0, 1, 1, 1, 0, 0, 0, 0, 0, 0])
    both = float(np.mean((rain - happened) ** 2 + ((1 - rain) - (1 - happened)) ** 2))
    found = score("brier", happened, np.stack([1 - rain, rain], axis=1)).value
    assert found == pytest.approx(both / 2)
    assert math.isclose(both, 0.19)
