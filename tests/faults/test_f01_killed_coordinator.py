"""F1 and F4: kill -9 of the coordinator, alone or with all it started; the same command goes on, nothing is lost."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from truing.errors import TruingError
from truing.record.history import History
from truing.report.study import read

pytestmark = pytest.mark.skipif(not Path("/proc/self").exists(), reason="processes are looked up in /proc")

TRIALS = 24
STUDY = """
import time
import numpy as np
import truing as tr

rng = np.random.default_rng(0)
x = rng.normal(size=(60, 2))
y = (x[:, 0] + 0.5 * rng.normal(size=60) > 0).astype(int)


def train(run):
    time.sleep(0.02)
    weights = run.train.x.T @ (run.train.y - 0.5) / len(run.train.y)

    def predict(rows):
        return 1 / (1 + np.exp(-run.config["scale"] * (rows @ weights) + np.random.normal() / 100))

    run.report(predict(run.valid.x))
    return predict


study = tr.Study(
    train,
    space=tr.Space(scale=tr.Float(0.01, 30.0, log=True, default=0.1)),
    data=tr.Data(x, y),
    metric="log_loss",
    validation=tr.Holdout(0.3, repeats=2),
    folder="study",
)
"""
Command = tuple[str, ...]
RUN: Command = ("run", "study.py", "--trials", str(TRIALS), "--workers", "2")
VERDICT: Command = ("verdict", "study", "--workers", "2", "--json")


class Place:
    """A folder with the study file, and the coordinators started in it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        (folder / "study.py").write_text(STUDY)
        self.folder, self.mark = folder, f"TRUING_TEST_MARK={folder}"

    def start(self, command: Command) -> subprocess.Popen[str]:
        name, _, value = self.mark.partition("=")
        return subprocess.Popen(
            [sys.executable, "-m", "truing", *command],
            cwd=self.folder,
            env=os.environ | {name: value},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def finish(self, command: Command) -> str:
        process = self.start(command)
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        return out

    def kill_when(self, command: Command, moment: Callable[[History], bool], pause: float = 0.0) -> bool:
        """Start, kill -9 as soon as the journal says `moment`; False when it came to its end before."""
        process = self.start(command)
        until = time.monotonic() + 120
        while process.poll() is None and time.monotonic() < until:
            history = self.history()
            if history is not None and moment(history):
                break
            time.sleep(0.002)
        time.sleep(pause)
        was_alive = process.poll() is None
        process.kill()
        process.communicate(timeout=60)
        return was_alive

    def history(self) -> History | None:
        try:
            return read(self.folder / "study")[0]
        except TruingError:
            return None

    def left_behind(self) -> list[int]:
        """Processes that this place's coordinators started and that still live."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    if self.mark.encode() in (entry / "environ").read_bytes().split(b"\0"):
                        found.append(int(entry.name))
                except OSError:
                    continue
        return found

    def wait_until_nothing_is_left(self) -> None:
        until = time.monotonic() + 60
        while (left := self.left_behind()) and time.monotonic() < until:
            time.sleep(0.05)
        assert left == []

    def trials(self) -> list[dict[str, Any]]:
        rows = json.loads(self.finish(("trials", "study", "--json")))
        return [{key: value for key, value in row.items() if key != "seconds"} for row in rows]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Place:
    place = Place(tmp_path_factory.mktemp("undisturbed") / "place")
    place.finish(RUN)
    place.finish(VERDICT)
    return place


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path / "place")
    yield made
    for pid in made.left_behind():
        os.kill(pid, signal.SIGKILL)


def completed(history: History) -> dict[int, tuple[int, int, Any]]:
    return {
        run.id: (run.trial, run.replicate, dict(run.scores))
        for run in history.runs.values()
        if run.purpose == "search" and run.state == "completed"
    }


def test_a_dozen_kills_change_nothing(place: Place, undisturbed: Place, fault_seed: int) -> None:
    chance = random.Random(1 + fault_seed)
    kills, known = 0, {}
    for _ in range(40):
        if kills == 12:
            break
        more = chance.randrange(6)
        enough = len(known) + more
        pause = chance.random() * 0.04
        if not place.kill_when(RUN, lambda h, enough=enough: len(completed(h)) >= enough, pause):
            break
        kills += 1
        history = place.history()
        now = completed(history) if history is not None else {}
        assert known.items() <= now.items()  # no finished run is lost or changed
        known = now
    place.finish(RUN)
    place.wait_until_nothing_is_left()

    assert kills >= 8
    history = place.history()
    assert known.items() <= completed(history).items()
    counted = Counter((trial, replicate) for trial, replicate, _ in completed(history).values())
    assert counted == Counter({(trial, j): 1 for trial in range(TRIALS) for j in range(2)})
    assert place.trials() == undisturbed.trials()
    assert place.finish(RUN).endswith("truing verdict study\n")  # all is done; nothing happens
    assert completed(place.history()) == completed(history)


def test_a_run_cut_off_is_run_again_with_its_seed_uncounted(place: Place) -> None:
    assert place.kill_when(RUN, lambda h: any(run.state == "running" for run in h.runs.values()))
    place.finish(RUN)

    history = place.history()
    cut_off = [run for run in history.runs.values() if run.state == "superseded"]
    assert cut_off
    for run in cut_off:
        same = [r for r in history.runs.values() if (r.trial, r.replicate) == (run.trial, run.replicate)]
        assert len({r.seed for r in same}) == 1
        assert [r.state for r in same].count("completed") == 1
    assert {row["runs"] for row in place.trials()} == {2}
    shown = json.loads(place.finish(("show", "study", "--json")))
    assert shown["runs"] == 2 * TRIALS


def test_kills_during_the_verdict_cost_no_look_and_no_run(place: Place, undisturbed: Place) -> None:
    place.finish(RUN)
    verdict_runs = lambda h: [r for r in h.runs.values() if r.purpose != "search" and r.state == "completed"]  # noqa: E731
    moments = [
        lambda h: any(r.purpose == "estimate" for r in h.runs.values()),
        lambda h: len(verdict_runs(h)) >= 7,
        lambda h: "look" in h.notes,
        lambda h: any(r.purpose == "refit" and r.state == "completed" for r in h.runs.values()),
    ]
    kills = 0
    for moment in moments:
        before = place.history()
        kills += place.kill_when(VERDICT, moment)
        after = place.history()
        assert {r.id for r in verdict_runs(before)} <= {r.id for r in verdict_runs(after)}
    assert kills == 4

    found = json.loads(place.finish(VERDICT))
    expected = json.loads(undisturbed.finish(VERDICT))
    for verdict in (found, expected):
        del verdict["seconds"]
    assert found == expected
    assert found["looks"] == 1
    history = place.history()
    assert len(history.notes["look"]) == 1
    counted = Counter((r.purpose, r.trial, r.replicate) for r in verdict_runs(history))
    assert set(counted.values()) == {1}
    place.wait_until_nothing_is_left()


def test_a_second_coordinator_is_refused_at_once_while_others_read(place: Place) -> None:
    slow = STUDY.replace("time.sleep(0.02)", "time.sleep(0.5)")
    (place.folder / "study.py").write_text(slow)
    first = place.start(RUN)
    try:
        until = time.monotonic() + 100
        while time.monotonic() < until:
            history = place.history()
            if history is not None and any(run.state == "completed" for run in history.runs.values()):
                break
            time.sleep(0.05)
        for command in (RUN, (*RUN, "--fresh"), VERDICT):
            second = place.start(command)
            _, said = second.communicate(timeout=60)
            assert second.returncode == 3
            assert f"in use by process {first.pid} of " in said
        assert first.poll() is None
        rows = json.loads(place.finish(("trials", "study", "--json")))
        assert rows[0]["number"] == 0
        assert {row["state"] for row in rows} <= {"running", "completed"}
        assert "running" in place.finish(("show", "study"))
    finally:
        first.kill()
        first.communicate(timeout=60)
    place.wait_until_nothing_is_left()
