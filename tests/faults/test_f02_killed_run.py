"""F2: a run that is killed from outside is repeated, at most twice, from its last good checkpoint."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import truing as tr
from truing.record.history import History
from truing.report.study import read

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes need fork")

EPOCHS = 6
MOMENTS = ("at the start", "while it saves", "between checkpoint and report", "at the end")
X = np.random.default_rng(0).normal(size=(60, 3))
Y = (X[:, 0] + 0.3 * X[:, 1] > 0).astype(int)


class Net:
    """A network of three weights, with momentum that must survive, and noise from the global random numbers."""

    def __init__(self, rate: float) -> None:
        self.rate, self.weights, self.speed = rate, np.zeros(3), np.zeros(3)

    def epoch(self, x: np.ndarray, y: np.ndarray) -> None:
        error = self.probability(x) - y + np.random.normal(size=len(y)) / 10 + random.random() / 10  # noqa: NPY002
        self.speed = 0.9 * self.speed + x.T @ error / len(y)
        self.weights = self.weights - self.rate * self.speed

    def probability(self, x: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-x @ self.weights))

    def save(self, path: Path) -> None:
        path.write_text(json.dumps([self.weights.tolist(), self.speed.tolist()]))

    def load(self, path: Path) -> None:
        self.weights, self.speed = (np.array(part) for part in json.loads(path.read_text()))


def trains(plan: Path) -> Any:
    """A training function that is killed at the moments that `plan` holds for its attempts, each once."""

    def train(run):
        net = Net(run.config["rate"])
        attempt = _attempt(plan, f"{run.config['rate']}-{run.seed}", rehearsal=run.folder.name.startswith("rehearsal"))
        if (path := run.restore()) is not None:
            net.load(path)
        for epoch in run.epochs():
            kill = attempt == [epoch, MOMENTS[0]]
            _die(kill)
            net.epoch(run.train.x, run.train.y)

            def save(path: Path, epoch: int = epoch) -> None:
                net.save(path)
                _die(attempt == [epoch, MOMENTS[1]])

            first = epoch % 2  # both orders are right
            if first:
                run.checkpoint(save)
                _die(attempt == [epoch, MOMENTS[2]])
            run.report(net.probability(run.valid.x))
            if not first:
                run.checkpoint(save)
            _die(attempt == [epoch, MOMENTS[3]])
        return net.probability

    return train


def _attempt(plan: Path, name: str, *, rehearsal: bool) -> Any:
    """When this attempt is to be killed; None = not at all."""
    if rehearsal or not plan.exists():
        return None
    planned = json.loads(plan.read_text())
    for number, moment in enumerate(planned.get(name) or planned["all"]):
        mark = plan.parent / f"{name}-{number}"
        if not mark.exists():
            mark.touch()
            return moment
    return None


def _die(now: bool) -> None:
    if now:
        os.kill(os.getpid(), signal.SIGKILL)


def moment(chance: random.Random) -> list[Any]:
    """An epoch and a moment in it at which a run can be killed."""
    what = chance.choice(MOMENTS)
    return [chance.choice((1, 3, 5)) if what == MOMENTS[2] else chance.randint(1, EPOCHS), what]


def study(folder: Path, plan: Path, **more: Any) -> tr.Study:
    return tr.Study(
        trains(plan),
        tr.Space(rate=tr.Choice([0.05, 0.5, 2.0])),
        data=tr.Data(X, Y),
        metric="log_loss",
        validation=tr.KFold(2),
        search="grid",
        epochs=EPOCHS,
        folder=folder,
        **more,
    )


def outcomes(history: History) -> dict[Any, Any]:
    """What was learned in each run that completed."""
    done = [run for run in history.runs.values() if run.state == "completed"]
    found = {(run.purpose, run.trial, run.replicate): (run.scores, run.curve, run.epochs) for run in done}
    assert len(found) == len(done), "no finished run counts twice"
    return found


@pytest.mark.parametrize("scored", ["last", "best", "mean:3"])
def test_every_run_goes_on_from_its_checkpoint_as_if_nothing_had_happened(tmp_path, fault_seed, scored):
    chance = random.Random(f"{fault_seed}{scored}")
    plan = tmp_path / "plan" / "plan"
    undisturbed = study(tmp_path / "undisturbed", plan, epoch=scored)
    undisturbed.run(workers=2)
    plan.parent.mkdir()
    kills = sorted(moment(chance) for _ in range(2))
    plan.write_text(json.dumps({"all": kills}))
    disturbed = study(tmp_path / "disturbed", plan, epoch=scored)
    disturbed.run(workers=2)

    history, expected = read(tmp_path / "disturbed")[0], read(tmp_path / "undisturbed")[0]
    assert outcomes(history) == outcomes(expected)
    assert [trial.value for trial in history.trials] == [trial.value for trial in expected.trials]
    states = Counter(str(run.state) for run in history.runs.values())
    lost = states["lost"]
    assert states == {"completed": 6, "lost": lost}
    assert 6 <= lost <= 12
    assert {run.attempt for run in history.runs.values()} <= {0, 1, 2}
    went_on = [run.details["restored"] for run in history.runs.values() if "restored" in run.details]
    if kills[0][0] > 2:
        assert len(went_on) == 6
        assert min(went_on) >= kills[0][0] - 2
    for run in history.runs.values():
        if run.state == "completed":
            assert [epoch for epoch, _ in run.curve] == list(range(1, EPOCHS + 1))
            predictions = [tmp_path / name / "predictions" for name in ("disturbed", "undisturbed")]
            (same,) = [r for r in expected.runs.values() if (r.trial, r.replicate) == (run.trial, run.replicate)]
            mine, theirs = (
                np.load(f / f"run-{n:06d}.npy") for f, n in zip(predictions, (run.id, same.id), strict=True)
            )
            np.testing.assert_array_equal(mine, theirs)
    for name in ("checkpoints", "runs"):
        assert not (tmp_path / "disturbed" / name).exists()


def test_refits_of_the_verdict_go_on_too(tmp_path, fault_seed):
    plan = tmp_path / "plan" / "plan"
    plan.parent.mkdir()
    found = []
    for name in ("undisturbed", "disturbed"):
        made = study(tmp_path / name, plan)
        made.run(workers=2)
        if name == "disturbed":
            plan.write_text(json.dumps({"all": [moment(random.Random(fault_seed))]}))
        verdict = made.verdict(workers=2).to_dict()
        verdict.pop("seconds")
        found.append(verdict)
    assert found[0] == found[1]
    history = read(tmp_path / "disturbed")[0]
    lost = [run for run in history.runs.values() if run.state == "lost"]
    assert {run.purpose for run in lost} >= {"estimate", "refit"}
    assert not (tmp_path / "disturbed" / "checkpoints").exists()


def test_a_killed_run_makes_room_at_once_and_the_third_time_is_the_last(tmp_path, fault_seed):
    """Killed at each attempt: its trial fails, the other trials complete, and no run is left as running."""
    plan = tmp_path / "plan" / "plan"
    plan.parent.mkdir()
    seeds = random.Random(fault_seed)
    moments = sorted([seeds.randint(1, 3), MOMENTS[0]] for _ in range(3))
    made = study(tmp_path / "study", plan, seed=fault_seed)
    rates = [0.05, 0.5, 2.0]
    doomed = seeds.choice(rates)
    from truing.record.seeds import seed_of

    names = {f"{rate}-{seed_of(fault_seed, 'search', j)}": [] for rate in rates for j in range(2)}
    names = {name: moments if name.startswith(f"{doomed}-") else [[99, ""]] for name in names}
    plan.write_text(json.dumps(names | {"all": []}))
    made.run(workers=2)
    history = read(tmp_path / "study")[0]
    states = {trial.config["rate"]: trial.state for trial in history.trials}
    assert states == {rate: "failed" if rate == doomed else "completed" for rate in rates}
    assert all(run.state.ended for run in history.runs.values())
    attempts = Counter((run.trial, run.replicate) for run in history.runs.values())
    assert max(attempts.values()) == 3
    assert not (tmp_path / "study" / "checkpoints").exists()


def test_a_run_that_is_stopped_from_outside_waits_and_goes_on(run):
    """SIGSTOP, some time, SIGCONT: without a limit on its time that is nobody's fault."""

    def pause(pid: int) -> None:
        os.kill(pid, signal.SIGSTOP)
        time.sleep(0.3)
        os.kill(pid, signal.SIGCONT)

    def train(run):
        for _ in run.epochs():
            time.sleep(0.1)
            run.report(loss=1.0)

    found = run(train, while_running=pause)
    assert (found["state"], found["epochs"]) == ("completed", 3)
