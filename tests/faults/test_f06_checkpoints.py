"""F6: a damaged checkpoint is known by its checksum; the one before it is used, and without any the run begins anew."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from truing.errors import UsageError
from truing.execution import checkpoints
from truing.execution.inline import InlineExecutor
from truing.record.interfaces import Decision
from truing.record.state import State

Y = np.arange(40) % 3


def attempts(runs: Any, objective: Callable[[Any], Any], number: int = 0, version: str = "", **more: Any) -> Any:
    """One attempt at the same run, as inline as can be; nobody removes its checkpoints."""
    executor = InlineExecutor(runs.job(objective, predicts=True, version=version))
    executor.start([runs.spec(number, predicts=True, **more)])
    (event,) = executor.wait(0, lambda event: Decision.GO_ON)
    executor.close()
    return event.data


def trains(stop_after: int | None = None, seen: list[Any] | None = None, as_folder: bool = False) -> Any:
    """Counts epochs, with noise; ends after some as if it had been killed."""

    def train(run):
        total = np.zeros(3)
        path = run.restore()
        if path is not None:
            total = np.load(path / "deep" / "total.npy" if as_folder else path)
        if seen is not None:
            seen.append(None if path is None else total.copy())
        for epoch in run.epochs():
            total = total + np.random.random(3)  # noqa: NPY002

            def save(path: Path, total: np.ndarray = total) -> None:
                if as_folder:
                    (path / "deep").mkdir(parents=True)
                with (path / "deep" / "total.npy" if as_folder else path).open("wb") as file:
                    np.save(file, total)

            run.report(np.tile(total / total.sum(), (10, 1)))
            run.checkpoint(save)
            if epoch == stop_after:
                raise KeyboardInterrupt

    return train


def place(folder: Path) -> Path:
    (found,) = (folder / "checkpoints").iterdir()
    return found


def kept(folder: Path) -> list[str]:
    return sorted(path.name for path in place(folder).iterdir())


def flip(file: Path, chance: random.Random) -> None:
    content = bytearray(file.read_bytes())
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    file.write_bytes(content)


def truncate(file: Path, chance: random.Random) -> None:
    file.write_bytes(file.read_bytes()[: chance.randrange(file.stat().st_size)])


def remove(file: Path, chance: random.Random) -> None:
    file.unlink()


def link(file: Path, chance: random.Random) -> None:
    there = file.parents[3] / f"elsewhere-{file.parent.name}-{file.name}"
    shutil.copy(file, there)
    file.unlink()
    file.symlink_to(there)


@pytest.fixture
def undisturbed(run, tmp_path) -> Any:
    found = attempts(run, trains())
    shutil.rmtree(tmp_path / "checkpoints")
    return found


def same(found: Any, expected: Any) -> bool:
    return all(found[name] == expected[name] for name in ("state", "scores", "curve", "epochs"))


@pytest.mark.parametrize("damage", [flip, truncate, remove, link], ids=lambda damage: damage.__name__)
@pytest.mark.parametrize("file", ["content", "about.json", "arrays.npz"])
def test_the_one_before_a_damaged_one_is_used(run, tmp_path, undisturbed, capfd, file, damage):
    assert attempts(run, trains(stop_after=3))["state"] == "failed"
    assert kept(tmp_path) == ["000002", "000003"]
    chance = random.Random(run.seed)
    damage(place(tmp_path) / "000003" / file, chance)
    capfd.readouterr()
    again = attempts(run, trains())
    assert same(again, undisturbed)
    assert again["details"]["restored"] == 2
    assert "Checkpoint 3 of this run is damaged" in capfd.readouterr().err

    for number in (kept(tmp_path)[0], kept(tmp_path)[1]):
        damage(place(tmp_path) / number / file, chance)
    anew = attempts(run, trains())
    assert same(anew, undisturbed)
    assert "restored" not in anew["details"]


def test_one_that_was_cut_off_is_not_there(run, tmp_path, undisturbed):
    """Killed while writing: the folder of the part stays behind, the earlier ones are whole."""

    def train(run):
        def half(path: Path) -> None:
            path.write_bytes(b"half of it")
            raise KeyboardInterrupt

        if run.restore() is not None:
            run.checkpoint(half)
        trains(stop_after=2)(run)

    assert attempts(run, trains(stop_after=2))["state"] == "failed"
    assert attempts(run, train)["state"] == "failed"
    assert kept(tmp_path) == [".part", "000001", "000002"]
    assert same(attempts(run, trains()), undisturbed)


def test_a_folder_is_as_good_as_a_file(run, tmp_path, undisturbed):
    attempts(run, trains(stop_after=3, as_folder=True))
    flip(place(tmp_path) / "000003" / "content" / "deep" / "total.npy", random.Random(run.seed))
    again = attempts(run, trains(as_folder=True))
    assert same(again, undisturbed)
    assert again["details"]["restored"] == 2


@pytest.mark.parametrize(
    "other",
    [
        {"version": "of another function"},
        {"config": {"x": 2.0}},
        {"seed": 99},
        {"replicate": 1},
        {"trial": 1},
        {"purpose": "refit"},
        {"epochs": 4},
        {"train": np.arange(29)},
    ],
    ids=lambda other: next(iter(other)),
)
def test_another_run_never_takes_it_up(run, other):
    attempts(run, trains(stop_after=2))
    seen: list[Any] = []
    attempts(run, trains(seen=seen, stop_after=1), **other)
    assert seen == [None]
    attempts(run, trains(seen=seen))
    assert seen[1] is not None


def test_those_that_are_of_no_more_use_are_removed(run, tmp_path):
    attempts(run, trains(stop_after=1), version="old")
    attempts(run, trains(stop_after=1), version="new")
    attempts(run, trains(stop_after=1), version="new", trial=1)
    job = run.job(None, version="new")
    checkpoints.discard_ended(job, lambda purpose, trial, replicate: (purpose, trial) == ("search", 1))
    seen: list[Any] = []
    attempts(run, trains(seen=seen), version="new")
    assert seen[0] is not None
    place(tmp_path)
    checkpoints.discard(job, run.spec(0, predicts=True))
    checkpoints.discard_ended(job, lambda *_: True)
    assert not (tmp_path / "checkpoints").exists()


def test_a_rehearsal_neither_leaves_nor_finds_any(run, tmp_path):
    attempts(run, trains(stop_after=2))
    seen: list[Any] = []
    assert attempts(run, trains(seen=seen), number=-1, purpose="rehearsal")["state"] == State.COMPLETED
    assert seen == [None]
    assert kept(tmp_path) == ["000001", "000002"]


def test_a_checkpoint_counts_once_its_epoch_is_reported(run):
    """Else a run that is killed between the two would lack that epoch's report, or be scored by the one before."""

    def train(run):
        restored = run.restore()
        for epoch in run.epochs():
            run.checkpoint(lambda path, epoch=epoch: path.write_text(str(epoch)))
            if restored is None and epoch == 3:
                raise KeyboardInterrupt
            run.report(np.full((10, 3), 1 / 3))

    assert attempts(run, train)["state"] == "failed"
    again = attempts(run, train)
    assert again["details"]["restored"] == 2
    assert [epoch for epoch, _ in again["curve"]] == [1, 2, 3]


def test_one_that_had_come_to_its_last_epoch_has_its_score(run, undisturbed):
    assert attempts(run, trains(stop_after=3))["state"] == "failed"
    again = attempts(run, trains())
    assert same(again, undisturbed)
    assert again["predictions"] is True
    assert again["details"]["restored"] == 3


def test_torch_s_random_numbers_go_on(run):
    torch = pytest.importorskip("torch")
    drawn: list[list[float]] = []

    def train(run, stop_after=None):
        run.restore()
        drawn.append([])
        for epoch in run.epochs():
            drawn[-1].append(float(torch.rand(())))
            run.report(np.full((10, 3), 1 / 3))
            run.checkpoint(lambda path: path.touch())
            if epoch == stop_after:
                raise KeyboardInterrupt

    whole = attempts(run, train, trial=1)
    assert whole["state"] == "completed", whole
    attempts(run, lambda run: train(run, stop_after=2))
    attempts(run, train)
    assert drawn[1] + drawn[2] == drawn[0]


@pytest.mark.parametrize(
    ("use", "words"),
    [
        (lambda run: run.checkpoint("state.pt"), "takes a function that writes to the path it is given, got str"),
        (lambda run: run.checkpoint(lambda path: None), "wrote nothing at the path it got"),
        (lambda run: (run.report(np.full((10, 3), 1 / 3)), run.restore()), "call it before run.epochs()"),
        (lambda run: [run.restore() for _ in run.epochs()], "call it before run.epochs()"),
    ],
)
def test_wrong_use_is_said_in_a_sentence(run, use, words):
    found = attempts(run, use)
    assert found["state"] == "failed"
    assert found["reason"]["kind"] == UsageError.__name__
    assert words in found["reason"]["message"]


def test_an_error_of_the_saving_function_is_the_run_s_own(run, tmp_path):
    found = attempts(run, lambda run: run.checkpoint(lambda path: os.stat(path / "nowhere")))
    assert (found["state"], found["reason"]["kind"]) == ("failed", "FileNotFoundError")


def test_one_saved_outside_of_epochs_is_kept_at_once(run, tmp_path):
    """A function with a loop of its own says where it stands in what it saves."""

    def train(run):
        path = run.restore()
        for epoch in range(int(path.read_text()) + 1 if path is not None else 1, 4):
            run.report(np.full((10, 3), 1 / 3), epoch=epoch)
            run.checkpoint(lambda path, epoch=epoch: path.write_text(str(epoch)))
            if path is None and epoch == 2:
                raise KeyboardInterrupt

    attempts(run, train)
    again = attempts(run, train)
    assert [epoch for epoch, _ in again["curve"]] == [1, 2, 3]
