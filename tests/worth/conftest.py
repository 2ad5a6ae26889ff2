"""A network of one layer by gradient steps, in NumPy: it costs next to nothing and has all that can go wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import truing as tr


@dataclass
class Softmax:
    """Multinomial regression on random features, trained epoch by epoch.

    `frozen` never learns, `own` is how many epochs it asks for by itself (0 = goes by the study's), `predicts` and
    `numbers` say what it reports, `seeded` whether its seed matters.
    """

    frozen: bool = False
    own: int = 0
    loops: int = 0
    numbers: str = ""
    seeded: bool = True
    features: int = 64
    batch: int = 16

    def __call__(self, run: Any) -> None:
        rng = np.random.default_rng(run.seed if self.seeded else 0)
        fixed = np.random.default_rng(7)
        turn = fixed.normal(size=(run.train.x.shape[1], self.features))
        shift = fixed.uniform(0, 6, self.features)
        x, valid = (np.c_[rows.x, np.cos(rows.x @ turn + shift)] for rows in (run.train, run.valid))
        y = np.array([list(run.classes).index(label) for label in run.train.labels])
        weights = 0.01 * rng.normal(size=(x.shape[1], len(run.classes)))
        epochs = range(1, self.loops + 1) if self.loops else run.epochs(self.own or None)
        for _ in epochs:
            for rows in np.array_split(rng.permutation(len(y)), max(1, len(y) // self.batch)):
                p = softmax(x[rows] @ weights)
                p[np.arange(len(rows)), y[rows]] -= 1
                if not self.frozen:
                    weights -= run.config["rate"] * x[rows].T @ p / len(rows)
            p = softmax(valid @ weights)
            if self.numbers:
                truth = np.array([list(run.classes).index(label) for label in run.valid.labels])
                run.report(**{self.numbers: float(np.mean(p.argmax(axis=1) == truth))})
            else:
                run.report(p)


def softmax(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def blobs(n: int = 240, *, apart: float = 2.0, classes: int = 3, permuted: bool = False, seed: int = 0) -> tr.Data:
    """Normal clouds in a plane, so far apart; permuted labels belong to nobody."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % classes
    x = rng.normal(size=(n, 2)) + apart * np.c_[np.cos(2 * y), np.sin(2 * y)]
    return tr.Data(x, rng.permutation(y) if permuted else y)


SPACE = tr.Space(rate=tr.Float(1e-4, 10.0, log=True, default=0.5))


@pytest.fixture
def softmax_objective():
    return Softmax


@pytest.fixture(name="blobs")
def blobs_fixture():
    return blobs


@pytest.fixture
def study(tmp_path):
    """Makes a study in a folder of its own."""

    def made(objective: Any = None, data: Any = "blobs", space: tr.Space = SPACE, **given: Any) -> tr.Study:
        given = {"metric": "accuracy", "epochs": 6, "folder": tmp_path / "study"} | given
        data = blobs() if isinstance(data, str) else data
        return tr.Study(objective or Softmax(), space, data=data, **given)

    return made
