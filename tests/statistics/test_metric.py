import dataclasses
import math

import pytest

from truing.errors import MetricError
from truing.statistics import ALIASES, METRICS, Metric, metric


def test_a_reported_number_has_no_bounds_unless_given():
    assert metric(Metric("reward", goal="max")) == Metric("reward", "max", "number", -math.inf, math.inf)
    assert Metric("share", goal="min", low=0, high=1).high == 1


def test_aliases_are_the_same_metric():
    assert metric("recall") is metric("sensitivity")
    assert metric("npv") is metric("negative_predictive_value")
    assert metric("auc") is metric("roc_auc")
    assert not set(ALIASES) & set(METRICS)


@pytest.mark.parametrize(
    ("wrong", "near"),
    [("acuracy", "accuracy"), ("logloss", "log_loss"), ("AUC", "auc"), ("senstivity", "sensitivity")],
)
def test_an_unknown_name_gets_the_nearest_one(wrong, near):
    with pytest.raises(MetricError, match=f"{wrong}.*did you mean '{near}'.*Known: accuracy"):
        metric(wrong)


def test_an_unknown_name_says_how_to_report_a_number():
    with pytest.raises(MetricError, match=r"Metric\('reward', goal="):
        metric("reward")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"name": "a", "goal": "maximise"}, 'must be "min" or "max"; got \'maximise\''),
        ({"name": "", "goal": "max"}, "needs a name"),
        ({"name": "a", "goal": "max", "kind": "score"}, "got 'score'"),
        ({"name": "a", "goal": "max", "low": 1, "high": 1}, "must rise; got low 1 and high 1"),
    ],
)
def test_mistakes_are_named(arguments, said):
    with pytest.raises(MetricError, match=said):
        Metric(**arguments)


def test_a_metric_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        metric("accuracy").goal = "min"
