"""Which report of a run counts, against reports told one by one and worked out with NumPy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from truing.errors import UsageError
from truing.record.epoch import Chosen, EpochRule, median_epoch
from truing.record.run import Report


def told(rule: str, losses: list[float | None], goal: str = "min", **more: list[float | None]) -> Report:
    chosen = Chosen(EpochRule.read(rule), "loss", goal)
    for place, loss in enumerate(losses, start=1):
        scores = {"loss": loss} | {name: values[place - 1] for name, values in more.items()}
        undefined = {name: f"why {name} {place}" for name, value in scores.items() if value is None}
        chosen.take(Report(scores, undefined, predictions=np.full(2, place), epoch=place, length=place, count=place))
    found = chosen.report()
    assert found is not None
    return found


def test_the_last_report_counts_by_default() -> None:
    found = told("last", [0.1, 0.5])

    assert (found.scores["loss"], found.epoch, list(found.predictions)) == (0.5, 2, [2, 2])


@pytest.mark.parametrize(("goal", "place"), [("min", 2), ("max", 1)])
def test_best_is_by_the_goal_and_all_of_one_report(goal: str, place: int) -> None:
    """The further metrics and the predictions are of the same epoch; of two equals it is the earlier."""
    found = told("best", [0.9, 0.2, 0.5, 0.2, 0.9], goal, accuracy=[0.1, 0.2, 0.3, 0.4, 0.5])

    assert found.epoch == place
    assert found.scores == {"loss": [0.9, 0.2][place - 1], "accuracy": place / 10}
    assert list(found.predictions) == [place, place]


def test_a_report_without_a_score_is_not_the_best_while_another_has_one() -> None:
    assert told("best", [None, 0.7, None]).epoch == 2
    assert told("best", [None, None]).epoch == 2  # nothing to choose by: the last, with its reason
    assert told("best", [None, None]).undefined == {"loss": "why loss 2"}


@pytest.mark.parametrize("reports", [1, 3, 5, 9])
def test_the_mean_is_of_the_last_five_or_of_those_there_are(reports: int) -> None:
    rng = np.random.default_rng(reports)
    loss, accuracy = rng.normal(size=reports), rng.normal(size=reports)

    found = told("mean:5", loss.tolist(), accuracy=accuracy.tolist())

    assert found.scores["loss"] == pytest.approx(loss[-5:].mean())
    assert found.scores["accuracy"] == pytest.approx(accuracy[-5:].mean())
    assert found.epoch == reports
    assert list(found.predictions) == [reports, reports]  # those of one network, the last


def test_a_mean_does_not_pass_over_what_is_undefined() -> None:
    found = told("mean:3", [0.1, 0.2, 0.3, 0.4], precision=[0.5, 0.5, None, 0.5])

    assert found.scores["precision"] is None
    assert found.undefined == {"precision": "why precision 3, in one of the last 3 reports"}
    assert found.scores["loss"] == pytest.approx(0.3)


def test_a_fixed_epoch_takes_the_report_up_to_it() -> None:
    assert told("at:2", [0.5, 0.4, 0.1]).scores["loss"] == 0.4
    assert told("at:9", [0.5, 0.4]).scores["loss"] == 0.4  # the run ended before
    assert told("at:0", [0.5, 0.4]).scores["loss"] == 0.5  # or began to report after


def test_only_one_set_of_predictions_is_held() -> None:
    chosen = Chosen(EpochRule.read("mean:5"), "loss", "min")
    for place in range(20):
        chosen.take(Report({"loss": 0.1}, predictions=np.zeros(3), epoch=place))

    assert all(report.predictions is None for report in chosen._recent)
    assert len(chosen._recent) == 5


@pytest.mark.parametrize("given", ["last", "best", "mean:5", "mean:12"])
def test_a_rule_is_written_as_it_is_read(given: str) -> None:
    assert str(EpochRule.parse(given)) == given
    assert EpochRule.read(given) == EpochRule.parse(given)


@pytest.mark.parametrize(
    "given",
    [
        "first",
        "mean",
        "mean:0",
        "mean:-1",
        "mean:five",
        "mean:",
        "best:3",
        "last:",
        "Best",
        "at:3",
        5,
        None,
        ["best"],
        "",
    ],
)
def test_what_is_no_rule_is_one_sentence(given: Any) -> None:
    with pytest.raises(UsageError, match=r"^epoch= says which report .*mean:5.*got .*\.$"):
        EpochRule.parse(given)


def test_the_median_of_best_epochs() -> None:
    rng = np.random.default_rng(0)
    for size in range(1, 12):
        epochs = rng.integers(1, 40, size).tolist()
        assert median_epoch(epochs) == math.floor(float(np.median(epochs)) + 0.5)
