"""The command line as a person meets it: a process of its own, in a folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Called = Callable[..., subprocess.CompletedProcess[str]]

STUDY = """
import numpy as np
import truing as tr

print("the study file is executed")
rng = np.random.default_rng(0)
x = rng.normal(size=(80, 3))
y = np.where(x[:, 0] + 0.3 * rng.normal(size=80) > 0, "sick", "well")


def train(run):
    print("a training prints")
    side = (np.asarray(run.train.y) == run.classes[1]) - 0.5
    weights = run.train.x.T @ side / len(side)

    def predict(rows):
        return 1 / (1 + np.exp(-run.config["scale"] * (rows @ weights)))

    run.report(predict(run.valid.x))
    return predict


study = tr.Study(
    train,
    space=tr.Space(scale=tr.Float(0.1, 30.0, log=True, default=1.0)),
    data=tr.Data(x, y),
    metric="log_loss",
    also=["accuracy"],
    validation=tr.KFold(3),
    folder="the study",
)
"""

NUMBERS = """
import truing as tr


def train(run):
    run.report(loss=run.config["x"] ** 2)


study = tr.Study(train, space=tr.Space(x=tr.Float(-1, 2, default=1.5)), metric=tr.Metric("loss", goal="min"),
                 validation=tr.Seeds(2), folder="numbers")
"""


@pytest.fixture
def call(tmp_path: Path) -> Called:
    """`call("show", "folder")` runs `truing show folder` in `tmp_path`, or where `cwd=` says."""

    def run(*words: str | Path, cwd: Path = tmp_path, **more: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "80", **more}
        return subprocess.run(
            [sys.executable, "-m", "truing", *map(str, words)],
            cwd=cwd,
            env=environment,
            capture_output=True,
            text=True,
            timeout=150,
            stdin=subprocess.DEVNULL,
        )

    return run
