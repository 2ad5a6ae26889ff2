"""F16: whatever a training function reports or returns, its run ends in the documented state."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes need fork")


def reports(**numbers: Any) -> Callable[[Any], None]:
    return lambda run: run.report(**numbers)


def swallows(**numbers: Any) -> Callable[[Any], None]:
    def train(run: Any) -> None:
        run.report(loss=1.0)
        with contextlib.suppress(Exception):
            run.report(**numbers)

    return train


def predicts(make: Callable[[int], Any], **more: Any) -> Callable[[Any], None]:
    return lambda run: run.report(make(len(run.valid)), **more)


def forgets(run: Any) -> None:
    for _ in run.epochs():
        pass


FAILURES = [
    ("NaN", reports(loss=float("nan")), "diverged", "DivergedError", "loss=nan"),
    ("infinity", reports(loss=float("-inf")), "diverged", "DivergedError", "loss=-inf"),
    ("text for a number", reports(loss="3.5"), "failed", "PredictionError", "must be a real number, got '3.5'"),
    ("None for a number", reports(loss=None), "failed", "PredictionError", "must be a real number, got None"),
    ("a complex number", reports(loss=1j), "failed", "PredictionError", "must be a real number"),
    ("an array for a number", reports(loss=np.zeros(2)), "failed", "PredictionError", "must be a real number"),
    ("another metric", reports(accuracy=0.5), "failed", "PredictionError", "The study's metric is loss"),
    ("forgetting to report", forgets, "failed", "PredictionError", "without a single run.report"),
    ("returning no function", lambda run: run.report(loss=1.0) or 7, "failed", "PredictionError", "returned int"),
    ("epochs of its own sort", lambda run: run.report(loss=1.0, epoch="one"), "failed", "PredictionError", "'one'"),
    ("a refused report, swallowed", swallows(loss="text"), "failed", "PredictionError", "must be a real number"),
    ("NaN, swallowed", swallows(loss=float("nan")), "diverged", "DivergedError", "loss=nan"),
    ("NaN in training", reports(loss=1.0, train=float("nan")), "diverged", "DivergedError", "train=nan"),
]
PREDICTION_FAILURES = [
    ("wrong length", predicts(lambda n: np.full((n - 1, 3), 1 / 3)), "failed", "10"),
    ("wrong columns", predicts(lambda n: np.full((n, 2), 0.5)), "failed", "3"),
    ("logits", predicts(lambda n: np.full((n, 3), 2.0)), "failed", "logits"),
    ("negative", predicts(lambda n: np.tile([-0.5, 0.5, 1.0], (n, 1))), "failed", ""),
    ("NaN", predicts(lambda n: np.full((n, 3), np.nan)), "diverged", ""),
    ("infinity", predicts(lambda n: np.full((n, 3), np.inf)), "diverged", ""),
    ("NaN logits", lambda run: run.report(logits=np.full((10, 3), np.nan)), "diverged", ""),
    ("text", predicts(lambda n: ["cat"] * n), "failed", ""),
    ("classes of another task", predicts(lambda n: np.full((n, 3), 1 / 3), classes=["a", "b", "c"]), "failed", "each"),
]


@pytest.mark.parametrize(
    ("objective", "state", "kind", "words"), [f[1:] for f in FAILURES], ids=[f[0] for f in FAILURES]
)
def test_a_python_error_ends_the_run_in_its_state(run, objective, state, kind, words):
    run.fails(objective, state, kind, words)


@pytest.mark.parametrize(
    ("objective", "state", "words"), [f[1:] for f in PREDICTION_FAILURES], ids=[f[0] for f in PREDICTION_FAILURES]
)
def test_predictions_that_cannot_be_scored(run, objective, state, words):
    found = run(objective, predicts=True)
    assert found["state"] == state
    assert words in found["reason"]["message"]
    assert "scores" not in found


def test_inline_it_ends_in_the_same_state(run):
    run.fail_inline(FAILURES)
