"""What is predicted and how it is scored, against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sk

from truing.errors import MetricError, PredictionError
from truing.record.task import Task, finite, named_positive
from truing.record.trial import Reason, Replicate, Trial
from truing.space.configuration import Configuration
from truing.statistics.metric import Metric, metric

BINARY = Task(
    tuple(metric(name) for name in ("log_loss", "accuracy", "sensitivity", "specificity", "precision")),
    ("benign", "malignant"),
    (0,),
)


def test_scores_of_a_named_positive_class() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 80)
    p = rng.uniform(size=80)
    both = np.stack([1 - p, p], 1)

    values, undefined = BINARY.scores(truth, both)

    guessed = np.where(both[:, 0] >= 0.5, 0, 1)
    assert undefined == {}
    assert values == pytest.approx(
        {
            "log_loss": sk.log_loss(truth, both),
            "accuracy": sk.accuracy_score(truth, guessed),
            "sensitivity": sk.recall_score(truth, guessed, pos_label=0),
            "specificity": sk.recall_score(truth, guessed, pos_label=1),
            "precision": sk.precision_score(truth, guessed, pos_label=0),
        }
    )


def test_undefined_scores_are_null_with_a_reason() -> None:
    values, undefined = BINARY.scores(np.array([0, 1, 1]), np.array([[0.1, 0.9]] * 3))

    assert values["precision"] is None
    assert undefined == {"precision": "no row was predicted positive"}
    assert values["sensitivity"] == 0.0


def test_truth_is_codes_of_labels_in_the_order_of_the_classes() -> None:
    assert BINARY.truth(np.array(["malignant", "benign", "malignant"])).tolist() == [1, 0, 1]
    assert Task((metric("rmse"),)).truth(np.array([3, 4])).tolist() == [3.0, 4.0]
    with pytest.raises(PredictionError, match="no labels to score predictions against"):
        BINARY.truth(None)


def test_reported_columns_in_another_order_are_put_right() -> None:
    """report(classes=[...]) names the columns; names that are not the classes are one sentence."""
    found = BINARY.read([[0.9, 0.1], [0.2, 0.8]], 2, order=["malignant", "benign"])
    assert found.tolist() == [[0.1, 0.9], [0.8, 0.2]]
    with pytest.raises(PredictionError, match=r"must name each of the classes \['benign', 'malignant'\] once"):
        BINARY.read([[0.9, 0.1]], 1, order=["malignant", "malignant"])


def test_loss_per_row_averages_to_the_metric() -> None:
    rng = np.random.default_rng(1)
    truth, p = rng.integers(0, 2, 50), rng.uniform(size=50)
    both = np.stack([1 - p, p], 1)
    assert BINARY.row_loss(truth, both).mean() == pytest.approx(sk.log_loss(truth, both), rel=1e-5)
    values = Task((metric("rmse"),))
    y, guess = rng.normal(size=50), rng.normal(size=50)
    assert values.row_loss(y, guess).mean() == pytest.approx(sk.mean_squared_error(y, guess), rel=1e-5)
    assert values.row_loss(y, guess).dtype == np.float32


def test_a_certain_and_wrong_prediction_has_a_finite_loss() -> None:
    assert np.isfinite(BINARY.row_loss(np.array([0]), np.array([[0.0, 1.0]]))).all()


@pytest.mark.parametrize(
    ("task", "words"),
    [
        (BINARY, "Positive is 'benign'; predicted positive by probability of at least 0.5."),
        (Task((metric("f1"),), (0, 1)), "Positive is 1 (positive= names another); predicted positive from 0.5 on."),
        (
            Task((metric("f1"),), ("a", "b", "c"), (0, 2)),
            "Positive is 'a' or 'c'; predicted positive by the most probable class being one of them.",
        ),
        (Task((metric("f1"),), ("a", "b", "c")), "The most probable class is predicted; binary metrics are per class"),
        (Task((metric("accuracy"),), ("a", "b", "c")), "The most probable class is predicted."),
        (Task((metric("rmse"),)), ""),
    ],
)
def test_decision_rule_is_said(task: Task, words: str) -> None:
    assert task.describe_decision().startswith(words)
    assert bool(task.describe_decision()) == bool(words)


@pytest.mark.parametrize("given", ["ill", ["ill"], ("ill",), ["ill", "ill"]])
def test_positive_is_one_class_or_several(given: object) -> None:
    assert named_positive(given, ("ill", "well", "dead")) == (0,)
    assert named_positive(["dead", "ill"], ("dead", "ill", "well")) == (0, 1)
    assert named_positive(1, (0, 1)) == (1,)
    assert named_positive(np.int64(1), (0, 1)) == (1,)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("sick", "positive='sick' is not a class; the classes are ['ill', 'well']"),
        ([], "must name some of the classes"),
        (["ill", "well"], "must name some of the classes ['ill', 'well'], not none or all"),
    ],
)
def test_positive_that_is_none_is_one_sentence(given: object, sentence: str) -> None:
    with pytest.raises(MetricError) as error:
        named_positive(given, ("ill", "well"))
    assert sentence in str(error.value)


def test_numbers_are_plain_floats_whatever_they_came_as() -> None:
    torch = pytest.importorskip("torch")
    found = finite({"a": np.float32(0.5), "b": torch.tensor(2.0), "c": 3, "d": np.array(4.0)})
    assert found == {"a": 0.5, "b": 2.0, "c": 3.0, "d": 4.0}
    assert all(type(value) is float for value in found.values())


@pytest.mark.parametrize("value", ["0.5", None, [0.5], np.array([0.5]), {"x": 1}])
def test_what_is_no_number_is_named(value: object) -> None:
    with pytest.raises(PredictionError, match=r"report\(loss=...\) must be a real number"):
        finite({"loss": value})


def test_primary_metric_and_its_goal() -> None:
    task = Task((Metric("reward", goal="max"), metric("log_loss")))
    assert (task.primary.name, task.goal, task.metric("log_loss").goal) == ("reward", "max", "min")
    assert not task.classification


def test_a_reason_reads_as_a_sentence_and_a_fingerprint() -> None:
    reason = Reason("ValueError", "too wide", "train.py:7", "tail")
    assert str(reason) == "ValueError: too wide (train.py:7)"
    assert str(Reason("SIGSEGV")) == "SIGSEGV"
    assert reason.fingerprint == Reason("ValueError", "too narrow", "train.py:7").fingerprint
    assert reason.fingerprint != Reason("ValueError", "too wide", "train.py:8").fingerprint
    assert Reason(**reason.to_dict()) == reason


def test_a_blinded_trial_shows_no_score() -> None:
    trial = Trial(3, Configuration({"a": 1}), "completed", 0.5, 0.1, {"m": 0.5}, None, 2.0, (7, 8), 2)
    assert trial.blinded() == Trial(3, Configuration({"a": 1}), runs=(7, 8), seen=2)
    assert Replicate(0).train is None
