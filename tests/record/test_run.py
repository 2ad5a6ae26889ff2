"""What a training function can do with its run."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, log_loss

from truing.data.data import Data
from truing.data.rows import LockedRows
from truing.errors import PredictionError, UsageError
from truing.record.interfaces import Decision
from truing.record.run import DivergedError, Run
from truing.record.task import Task
from truing.space.configuration import Configuration
from truing.statistics.metric import Metric, metric

Y = np.array([0, 1, 2, 0, 1, 2, 0, 1])
CLASSES = Task((metric("log_loss"), metric("accuracy")), (0, 1, 2))
NUMBER = Task((Metric("reward", goal="max"), metric("accuracy")))
SHARES = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4], [0.2, 0.5, 0.3]])


class Told:
    """What the coordinator hears, and what it answers."""

    def __init__(self, *answers: Decision) -> None:
        self.reports: list[tuple[int, float | None]] = []
        self.answers = list(answers)
        self.kept: dict[str, bytes] = {}

    def send(self, epoch: int, score: float | None) -> Decision:
        self.reports.append((epoch, score))
        return self.answers.pop(0) if self.answers else Decision.GO_ON

    def keep(self, name: str, content: bytes) -> None:
        self.kept[name] = content


def run_of(task: Task = CLASSES, told: Told | None = None, tmp_path: Path = Path("nowhere"), **more: Any) -> Run:
    told = told or Told()
    data = Data(np.zeros((8, 2)), Y)
    settings: dict[str, Any] = {
        "config": Configuration({"rate": 0.1, "width": 3}, {"rate": "training", "width": "architecture"}),
        "seed": 1,
        "folder": tmp_path / "own",
        "task": task,
        "train": data.take(np.arange(4)),
        "valid": data.take(np.arange(4, 8)),
        "epochs": None,
        "cap": None,
        "send": told.send,
        "keep": told.keep,
    }
    return Run(**settings | more)


# -- epochs ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("study", "own", "cap", "seen"),
    [
        (5, None, None, 5),
        (None, 4, None, 4),
        (5, 9, None, 5),
        (9, 5, None, 5),
        (5, None, 1, 1),
        (None, 4, 1, 1),
        (2, None, 7, 2),
    ],
)
def test_how_many_epochs(study, own, cap, seen):
    """The study's, the function's own where the study sets none, the smaller where both do, and never past the cap."""
    run = run_of(epochs=study, cap=cap)
    assert list(run.epochs(own)) == list(range(1, seen + 1))
    assert run.asked_epochs == min(n for n in (study, own) if n is not None)
    assert len(run.epoch_seconds) == seen


def test_epochs_that_nobody_set():
    with pytest.raises(UsageError, match=r"give Study\(epochs=15\) or run\.epochs\(15\)"):
        list(run_of().epochs())


@pytest.mark.parametrize("wrong", [0, -1, 2.0, "3", True])
def test_epochs_that_are_no_number_of_epochs(wrong):
    with pytest.raises(UsageError, match=r"run\.epochs\(\) takes a whole number of at least 1, got"):
        list(run_of().epochs(wrong))


@pytest.mark.parametrize("decision", [Decision.STOP, Decision.PAUSE])
def test_epochs_end_when_the_schedule_says_so(decision):
    told = Told(Decision.GO_ON, decision)
    run = run_of(NUMBER, told)
    for epoch in run.epochs(10):
        assert not run.should_stop
        run.report(reward=float(epoch))
    assert told.reports == [(1, 1.0), (2, 2.0)]
    assert run.should_stop


def test_a_stop_stays_a_stop():
    """A later report does not take it back."""
    run = run_of(NUMBER, Told(Decision.STOP, Decision.GO_ON))
    run.report(reward=1.0)
    run.report(reward=1.0)
    assert run.should_stop


# -- reports ---------------------------------------------------------------------------------------------------------


def test_predictions_are_scored_as_others_score_them():
    told = Told()
    run = run_of(told=told)
    run.report(SHARES)
    assert run.last.scores["log_loss"] == pytest.approx(log_loss(Y[4:], SHARES, labels=[0, 1, 2]))
    assert run.last.scores["accuracy"] == accuracy_score(Y[4:], SHARES.argmax(axis=1))
    assert told.reports == [(1, run.last.scores["log_loss"])]
    np.testing.assert_array_equal(run.last.predictions, SHARES)


def test_logits_are_the_same_before_softmax():
    run = run_of()
    run.report(logits=np.log(SHARES) + 7.0)
    np.testing.assert_allclose(run.last.predictions, SHARES, atol=1e-12)


def test_the_order_of_the_columns_may_be_given():
    run = run_of()
    run.report(SHARES[:, [2, 0, 1]], classes=[2, 0, 1])
    np.testing.assert_array_equal(run.last.predictions, SHARES)


def test_the_last_report_is_the_score_and_all_are_the_curve():
    run = run_of()
    for weight in (0.0, 0.5, 1.0):
        run.report(weight * SHARES + (1 - weight) / 3)
    assert [epoch for epoch, _ in run.last.curve] == [1, 2, 3]
    assert run.last.curve[0][1] == pytest.approx(math.log(3))
    assert run.last.curve[-1][1] == run.last.scores["log_loss"]
    assert (run.last.epoch, run.last.count) == (3, 3)


def test_the_epoch_of_a_report():
    """That of run.epochs(), or one more than the last one's, or the one that is given."""
    run = run_of(NUMBER)
    for _ in run.epochs(2):
        run.report(reward=1.0)
        run.report(reward=1.0)
    assert [epoch for epoch, _ in run.last.curve] == [1, 1, 2, 2]
    run = run_of(NUMBER)
    run.report(reward=1.0)
    run.report(reward=1.0, epoch=10)
    run.report(reward=1.0)
    assert [epoch for epoch, _ in run.last.curve] == [1, 10, 11]
    assert type(run_of(NUMBER).last.epoch) is int


@pytest.mark.parametrize("wrong", ["one", 1.5, -1, True])
def test_an_epoch_that_is_none(wrong):
    run = run_of(NUMBER)
    with pytest.raises(PredictionError, match=r"report\(epoch=\.\.\.\) takes a whole number from 0 on, got"):
        run.report(reward=1.0, epoch=wrong)


def test_numbers_beside_predictions():
    """They are kept, but what is computed is not overruled, and a metric of numbers that is missing is undefined."""
    run = run_of(Task((metric("log_loss"), Metric("speed", goal="max"), Metric("size", goal="min")), (0, 1, 2)))
    run.report(SHARES, log_loss=0.0, speed=3, extra=np.float32(2.5))
    assert run.last.scores["log_loss"] == pytest.approx(log_loss(Y[4:], SHARES, labels=[0, 1, 2]))
    assert (run.last.scores["speed"], run.last.scores["extra"]) == (3.0, 2.5)
    assert (run.last.scores["size"], run.last.undefined["size"]) == (None, "not reported")


def test_a_number_as_the_metric_beside_predictions():
    task = Task((Metric("reward", goal="max"), metric("accuracy")), (0, 1, 2))
    run = run_of(task)
    run.report(SHARES, reward=5)
    assert run.last.scores["reward"] == 5.0
    assert run.last.scores["accuracy"] == accuracy_score(Y[4:], SHARES.argmax(axis=1))
    with pytest.raises(PredictionError, match=r"report reward=\.\.\. beside the predictions"):
        run.report(SHARES)
    with pytest.raises(DivergedError, match="reward=nan"):
        run.report(SHARES, reward=float("nan"))


@pytest.mark.parametrize("number", [1, 1.0, True, np.float32(1), np.int64(1), np.array(1.0)])
def test_any_kind_of_number_becomes_a_float(number):
    run = run_of(NUMBER)
    run.report(reward=number)
    assert run.last.scores["reward"] == 1.0
    assert type(run.last.scores["reward"]) is float


def test_a_tensor_without_dimensions_is_a_number():
    torch = pytest.importorskip("torch")
    run = run_of(NUMBER)
    run.report(reward=torch.tensor(1.0, requires_grad=True))
    assert run.last.scores["reward"] == 1.0


def test_another_number_that_is_not_finite_is_undefined_with_a_reason():
    run = run_of(NUMBER)
    run.report(reward=1.0, accuracy=math.inf)
    assert run.last.scores["accuracy"] is None
    assert run.last.undefined["accuracy"] == "inf was reported"


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_the_metric_that_is_not_finite_diverges(number):
    told = Told()
    with pytest.raises(DivergedError, match="report\\(\\) got reward="):
        run_of(NUMBER, told).report(reward=number)
    assert told.reports == []


def test_a_report_that_is_refused_changes_nothing_but_is_remembered():
    """Whoever swallows the error must not end with a score that was never reported."""
    run = run_of()
    run.report(SHARES)
    before = run.last
    for bad in (SHARES[:2], SHARES * 5, np.full((4, 3), np.nan)):
        with pytest.raises((PredictionError, DivergedError)):
            run.report(bad)
        assert run.last is before
        assert run.refused is not None
    run.report(SHARES)
    assert run.refused is None
    assert run.last.count == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "report() got nothing; report predictions for run.valid or log_loss=... as a number"),
        ({"accuracy": 0.5}, "report() got accuracy"),
        ({"predictions": SHARES, "logits": SHARES}, "not both"),
        ({"predictions": SHARES, "classes": [0, 1]}, "must name each of the classes"),
        ({"predictions": SHARES, "train": SHARES[:2]}, ""),
    ],
)
def test_a_report_that_cannot_be_read(arguments, words):
    with pytest.raises(PredictionError) as error:
        run_of().report(**arguments)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_predictions_without_rows_to_predict():
    with pytest.raises(PredictionError, match=r"report numbers by name instead, such as reward=0\.5"):
        run_of(NUMBER, valid=None, train=None).report(0.93)


def test_a_number_without_a_name_is_told_to_have_one():
    with pytest.raises(PredictionError, match=r"single number 0\.9; name it, such as report\(log_loss=\.\.\.\)"):
        run_of().report(0.9)


def test_a_metric_may_be_reported_by_its_other_name():
    run = run_of(Task((metric("sensitivity"),), (0, 1)))
    run.report(recall=0.5)
    assert run.last.scores == {"sensitivity": 0.5}


def test_the_training_score():
    """A number, or predictions for the training rows."""
    run = run_of()
    run.report(SHARES, train=0.25)
    assert run.last.train == 0.25
    run.report(SHARES, train=SHARES)
    assert run.last.train == pytest.approx(log_loss(Y[:4], SHARES, labels=[0, 1, 2]))
    run.report(SHARES)
    assert run.last.train is None, "a figure of an earlier epoch would stand beside the last one's"
    with pytest.raises(PredictionError, match="no training rows"):
        run_of(train=None).report(SHARES, train=SHARES)


def test_locked_rows_are_predicted_and_not_scored():
    told = Told()
    run = run_of(told=told, valid=LockedRows(Data(np.zeros((8, 2)), Y), np.arange(4)))
    run.report(SHARES, accuracy=1.0)
    assert run.last.scores == {}
    assert told.reports == [(1, None)]
    np.testing.assert_array_equal(run.last.predictions, SHARES)


def test_undefined_figures_keep_their_reason():
    """Sensitivity with no positive row is not 0, and no number of the function's own takes its place."""
    task = Task((metric("log_loss"), metric("sensitivity")), (0, 1), (1,))
    data = Data(np.zeros((4, 1)), [0, 0, 0, 1])
    run = run_of(task, valid=data.take([0, 1]), train=data.take([2, 3]))
    run.report(np.array([0.1, 0.2]), sensitivity=1.0)
    assert run.last.scores["sensitivity"] is None
    assert run.last.undefined["sensitivity"]


# -- the rest --------------------------------------------------------------------------------------------------------


def test_what_a_run_has(tmp_path):
    run = run_of(tmp_path=tmp_path)
    assert run.config["rate"] == 0.1
    assert run.config.group("architecture") == {"width": 3}
    assert run.classes == [0, 1, 2]
    assert run.folder.is_dir()
    assert run.folder == tmp_path / "own"
    assert run.device in ("cpu", "cuda")
    assert run_of(Task((metric("rmse"),))).classes is None


def test_keep_hands_over_bytes():
    told = Told()
    run = run_of(told=told)
    for content in (b"a", bytearray(b"a"), memoryview(b"a")):
        run.keep("network.pt", content)
        assert told.kept == {"network.pt": b"a"}


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../up", "/root", "a\0b", Path("a"), 3])
def test_a_name_that_is_no_plain_file_name(name):
    told = Told()
    with pytest.raises(UsageError, match="takes a plain file name, got"):
        run_of(told=told).keep(name, b"")
    assert told.kept == {}


def test_keep_takes_bytes_only():
    with pytest.raises(UsageError, match="takes bytes, got str"):
        run_of().keep("a", "text")
