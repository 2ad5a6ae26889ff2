"""Every registered objective keeps every promise, and every check catches one that breaks it."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from truing.registry import OBJECTIVES
from truing.testing import objectives
from truing.testing.objectives import CHECKS, Trial, check_objective

torch = pytest.importorskip("torch")


def build(config):
    return torch.nn.Sequential(
        torch.nn.Linear(8, 16), torch.nn.BatchNorm1d(16), torch.nn.ReLU(), torch.nn.Dropout(0.1), torch.nn.Linear(16, 3)
    )


CONFIG = {"learning_rate": 0.01, "batch_size": 16}
MADE = {"trainer": lambda: OBJECTIVES.get("trainer")(build)}  # one line for each that needs arguments


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", list(OBJECTIVES))
def test_a_registered_objective_keeps_its_promises(name, check, tmp_path):
    check(Trial(MADE.get(name) or OBJECTIVES.get(name), tmp_path, CONFIG))


class Good:
    """Softmax regression by gradient descent in NumPy: what the broken ones are broken copies of."""

    own = 7
    rate = 0.5

    def __call__(self, run):
        self.labels = np.asarray([row[1] for row in self.items(run.train)])
        x = self.inputs(run.train.x)
        self.weights = self.start(run)
        for _ in self.epochs(run):
            share = self.softmax(x @ self.weights)
            share[np.arange(len(x)), self.labels] -= 1
            self.weights -= self.rate * x.T @ share / len(x)
            self.report(run)
        run.keep("weights", self.weights.tobytes())
        return self.returned()

    def items(self, rows):
        data = rows.dataset()
        return [data[i] for i in range(len(data))]

    def inputs(self, x):
        if not hasattr(x, "shape"):
            found = [x[i] for i in range(len(x))]
            x = np.stack([item[0] if isinstance(item, tuple) else item for item in found])
        return np.asarray(x)

    def start(self, run):
        return np.random.default_rng(run.seed).normal(size=(8, 3)) * 0.01

    def epochs(self, run):
        return run.epochs(self.own) if run.max_epochs is None else run.epochs()

    def softmax(self, scores):
        shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
        return shifted / shifted.sum(axis=1, keepdims=True)

    def predict(self, x):
        return self.softmax(self.inputs(x) @ self.weights)

    def report(self, run):
        run.report(self.predict(run.valid.x))

    def returned(self):
        weights = self.weights.copy()
        return lambda x: self.softmax(self.inputs(x) @ weights)


class ReportsOnce(Good):
    def report(self, run):
        if run.last.count == 0:
            super().report(run)


class IgnoresTheStudy(Good):
    def epochs(self, run):
        run.asked_epochs = 3
        return range(3)


class IgnoresTheStop(Good):
    def epochs(self, run):
        for epoch in run.epochs():
            yield epoch
            run.should_stop = False


class IgnoresTheSeed(Good):
    count = 0

    def start(self, run):
        IgnoresTheSeed.count += 1
        return np.random.default_rng(IgnoresTheSeed.count).normal(size=(8, 3))


class AlwaysTheSame(Good):
    def start(self, run):
        return np.zeros((8, 3))


class GoesOnFromTheLastRun(Good):
    weights = None

    def start(self, run):
        return super().start(run) if self.weights is None else self.weights


class LearnsNothing(Good):
    rate = 0.0


class ReturnsNothing(Good):
    def returned(self):
        return None


class ReturnsAnotherNetwork(Good):
    def returned(self):
        self.weights = self.weights * 0.5
        return super().returned()


class LooksAtTheOtherRows(Good):
    def returned(self):
        weights = self.weights.copy()

        def predict(x):
            x = self.inputs(x)
            return self.softmax((x - x.mean(axis=0)) @ weights)

        return predict


class DrawsWhilePredicting(Good):
    def returned(self):
        return lambda x: self.predict(x) + np.random.normal(size=(len(x), 1)) * 1e-7  # noqa: NPY002


class ReadsTheLabels(Good):
    def report(self, run):
        self.weights += run.valid.y.mean() * 1e-3
        super().report(run)


class LearnsFromTheLabels(Good):
    """Peeks where it can, and goes without where it cannot."""

    def start(self, run):
        try:
            return super().start(run) + run.valid.y.mean() * np.array([1.0, 0.0, 0.0])
        except ValueError:
            return super().start(run)


class ScalesInPlace(Good):
    def returned(self):
        weights = self.weights.copy()

        def predict(x):
            x *= 1.0 + 1e-6
            return self.softmax(x @ weights)

        return predict


class WantsArrays(Good):
    def inputs(self, x):
        return x + 0.0


class ReadsADatasetWhole(Good):
    def items(self, rows):
        return list(rows._data.x) if rows.kind == "dataset" else super().items(rows)


class KeepsNothing(Good):
    def __call__(self, run):
        run.keep = lambda name, content: None
        return super().__call__(run)


class KeepsAlways(Good):
    def __call__(self, run):
        found = super().__call__(run)
        folder = run.folder.parent / "model"
        folder.mkdir(exist_ok=True)
        (folder / "mine").write_bytes(b"x")
        return found


class HoldsALock(Good):
    def __init__(self):
        self.lock = threading.Lock()


class WithoutSource(Good):
    def __init__(self):
        names = {}
        exec("def softmax(scores):\n    return scores", names)
        self.other = names["softmax"]


BROKEN = [
    (ReportsOnce, "reports_after_each_epoch", "the epochs of the reports"),
    (IgnoresTheStudy, "goes_as_far_as_the_study_says", "the study says 5 epochs"),
    (IgnoresTheStop, "stops_when_it_is_told", "answered with STOP"),
    (IgnoresTheSeed, "the_seed_makes_the_numbers", "run twice"),
    (AlwaysTheSame, "the_seed_makes_the_numbers", "another seed must give another"),
    (GoesOnFromTheLastRun, "the_seed_makes_the_numbers", "run twice"),
    (LearnsNothing, "learns_an_easy_task", "accuracy must be at least 0.8"),
    (ReturnsNothing, "returns_what_it_reported", "must return a function"),
    (ReturnsAnotherNetwork, "returns_what_it_reported", "what was last reported"),
    (LooksAtTheOtherRows, "predicts_each_row_by_itself", "a row alone"),
    (DrawsWhilePredicting, "predicts_each_row_by_itself", "asked twice"),
    (ReadsTheLabels, "works_without_the_labels_it_predicts", "are not given to training"),
    (LearnsFromTheLabels, "works_without_the_labels_it_predicts", "labels must make no difference"),
    (ScalesInPlace, "leaves_the_rows_alone", "must not write"),
    (WantsArrays, "takes_a_dataset", "TypeError"),
    (ReadsADatasetWhole, "takes_a_dataset", "larger than memory"),
    (KeepsNothing, "delivers_its_network", "must leave its network"),
    (KeepsAlways, "delivers_its_network", "only the delivered run"),
    (HoldsALock, "can_be_copied_to_workers", "pickle"),
    (WithoutSource, "can_be_copied_to_workers", "readable"),
]


@pytest.mark.parametrize(("broken", "check", "words"), BROKEN, ids=lambda item: getattr(item, "__name__", None))
def test_a_broken_objective_is_caught(broken, check, words, tmp_path):
    with pytest.raises((AssertionError, TypeError), match=words):
        getattr(objectives, check)(Trial(broken, tmp_path, {}))


def test_every_check_is_proved_on_a_broken_objective():
    assert {check for _, check, _ in BROKEN} == {check.__name__ for check in CHECKS}


def test_the_whole_suite_passes_a_good_one_from_outside_and_stops_at_a_broken_one(tmp_path):
    check_objective(Good, tmp_path / "good", {})
    with pytest.raises(AssertionError):
        check_objective(LearnsNothing, tmp_path / "broken", {})
