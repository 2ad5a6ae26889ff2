"""Whatever can be called gets into the worker processes: by name, by the study, or as a copy."""

from __future__ import annotations

import functools
import importlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import truing as tr
from truing.errors import UsageError
from truing.report.study import read

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes need fork")

OFFSET = 0.25
TABLE = np.array([OFFSET, 1.0])


def train(run):
    run.report(loss=(run.config["x"] - OFFSET) ** 2)


def helper(x):
    return (x - TABLE[0]) ** 2


def train_with_a_helper(run):
    run.report(loss=helper(run.config["x"]))


def train_with_arguments(offset, run, *, power):
    run.report(loss=(run.config["x"] - offset) ** power)


def made(offset):
    def inner(run):
        run.report(loss=(run.config["x"] - offset) ** 2)

    return inner


class Base:
    power = 2


class Trainer(Base):
    def __init__(self, offset):
        self.offset = offset

    def __call__(self, run):
        self.score(run)

    def score(self, run):
        run.report(loss=(run.config["x"] - self.offset) ** self.power)

    @staticmethod
    def static(run):
        train(run)

    @classmethod
    def of_class(cls, run):
        cls(OFFSET)(run)


@dataclass(frozen=True)
class Composed:
    inner: Any
    times: int = 1

    def __call__(self, run):
        self.inner(run)


@functools.wraps(train)
def wrapped(*arguments):
    return train(*arguments)


OBJECTIVES = {
    "a function": train,
    "one that calls another and reads an array": train_with_a_helper,
    "a lambda": lambda run: run.report(loss=(run.config["x"] - OFFSET) ** 2),
    "a closure": made(0.25),
    "a partial": functools.partial(train_with_arguments, 0.25, power=2),
    "a partial of a partial": functools.partial(functools.partial(train_with_arguments, power=2), 0.25),
    "an object": Trainer(0.25),
    "a bound method": Trainer(0.25).score,
    "a static method": Trainer.static,
    "a class method": Trainer.of_class,
    "a dataclass around a function": Composed(train),
    "a dataclass around a closure": Composed(made(0.25)),
    "a decorated function": wrapped,
    "a cached function": functools.cache(train),
}


def study(objective, folder, **more):
    made = tr.Study(
        objective,
        tr.Space(x=tr.Float(-1.0, 1.0, default=0.5)),
        metric=tr.Metric("loss", goal="min"),
        folder=folder,
        **more,
    )
    made.run(trials=3, workers=2)
    return [(trial.config["x"], trial.value) for trial in read(folder)[0].trials]


@pytest.mark.parametrize("name", list(OBJECTIVES))
def test_it_runs_in_processes(name, tmp_path):
    found = study(OBJECTIVES[name], tmp_path)
    assert len(found) == 3
    for x, value in found:
        assert value == pytest.approx((x - 0.25) ** 2)


def test_a_module_that_is_edited_and_loaded_again_is_not_confused_with_what_the_server_imported(tmp_path, monkeypatch):
    """As in a notebook: the server's own import is of yesterday, though its file already says what is new."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    file = tmp_path / "edited_module.py"
    for number, offset in enumerate((0.25, 0.5)):
        file.write_text(f"def train(run):\n    run.report(loss=(run.config['x'] - {offset}) ** 2)\n")
        importlib.invalidate_caches()
        module = importlib.reload(sys.modules["edited_module"]) if number else importlib.import_module("edited_module")
        for x, value in study(module.train, tmp_path / f"study {number}"):
            assert value == pytest.approx((x - offset) ** 2)
    monkeypatch.delitem(sys.modules, "edited_module")


class Indexed:
    """A Dataset that only this process can have: it holds on to a file."""

    def __init__(self) -> None:
        self.file = Path(__file__).open("rb")  # noqa: SIM115

    def __len__(self) -> int:
        return 20

    def __getitem__(self, place: int) -> Any:
        if place >= 20:
            raise IndexError
        return float(place)


def test_what_can_neither_be_found_nor_copied_is_said_in_one_sentence(tmp_path):
    data = tr.Data(Indexed(), y=[0, 1] * 10)
    with pytest.raises(
        UsageError, match=r"The dataset of this study cannot be copied to the worker processes .*workers=0"
    ):
        study(train, tmp_path, data=data, validation=tr.Holdout(0.5), test=None)
    data.x.file.close()


class Copied:
    def __init__(self, n):
        self.n = n

    def __len__(self):
        return self.n

    def __getitem__(self, place):
        return float(place) if place < self.n else [][0]


def reads_rows(run):
    run.report(loss=float(sum(run.train.x[i] == run.train.rows[i] for i in range(len(run.train)))))


def test_a_dataset_without_a_name_is_copied(tmp_path):
    data = tr.Data(Copied(20), y=[0, 1] * 10)
    found = study(reads_rows, tmp_path, data=data, validation=tr.Holdout(0.5), test=None)
    assert [value for _, value in found] == [10.0] * 3


def test_an_official_test_set_that_is_a_dataset_comes_along(tmp_path):
    def train(run):
        run.report(np.full((len(run.valid), 2), 0.5))
        return lambda x: np.tile([x[0] / 100, 1 - x[0] / 100], (len(x), 1))

    data, test = tr.Data(Copied(20), [0, 1] * 10), tr.Data(Copied(10), [0, 1] * 5)
    made = tr.Study(
        train, tr.Space(x=tr.Float(0, 1)), data=data, test=test, validation=tr.Holdout(0.5), folder=tmp_path
    )
    made.run(trials=2, workers=2)
    assert [trial.state for trial in read(tmp_path)[0].trials] == ["completed"] * 2
