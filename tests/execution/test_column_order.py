"""An order of columns given in report() holds for the returned predict, too."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import log_loss

import truing as tr

RNG = np.random.default_rng(0)
X = RNG.normal(size=(240, 2))
Y = np.digitize(X[:, 0], [-0.5, 0.5])


def shares(x, w):
    logits = np.stack([-x[:, 0], 0 * x[:, 0], x[:, 0]], 1) * w
    return np.exp(logits) / np.exp(logits).sum(1, keepdims=True)


def backwards(run):
    w = run.config["w"]
    run.report(shares(run.valid.x, w)[:, ::-1], classes=[2, 1, 0])
    return lambda x: shares(x, w)[:, ::-1]


def test_the_locked_rows_are_scored_in_the_order_given(tmp_path):
    """Against scikit-learn on the columns in their own order."""
    test = np.arange(40)
    study = tr.Study(
        backwards, tr.Space(w=tr.Float(0.5, 8, default=2)), data=tr.Data(X, Y), test=test, folder=tmp_path / "s"
    )
    study.run(trials=2, workers=0)
    verdict = study.verdict(workers=0)
    expected = log_loss(Y[test], shares(X[test], verdict.selected["w"]))
    assert verdict.to_dict()["test"]["log_loss"]["selected"] == pytest.approx(expected, rel=1e-5)
