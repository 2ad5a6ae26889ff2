"""One look, counted once: stored, looked at again, interrupted, killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import deque
from pathlib import Path
from typing import Any

import pytest

import truing as tr
from truing.errors import StudyFailedError
from truing.report.study import read


def looks(done: Any) -> list[int]:
    return [event.data["number"] for event in done.told.of("look")]


def test_a_stored_verdict_is_returned_without_a_run_or_a_look(judged, logistic) -> None:
    done = judged(logistic(noise=0.1))
    events = len(done.told.events)

    again = done.study.verdict(workers=0)

    assert again.to_dict() == done.verdict.to_dict()
    assert len(done.told.events) == events
    assert looks(done) == [1]


def test_again_is_one_more_look_with_fresh_runs_and_is_labelled(judged, logistic) -> None:
    """Other seeds and splits than the first verdict's; the first look's words are gone."""
    done = judged(logistic(noise=0.1), trials=12)
    first = done.verdict

    second = done.study.verdict(again=True, workers=0)

    assert looks(done) == [1, 2]
    assert (first.to_dict()["looks"], second.to_dict()["looks"]) == (1, 2)
    assert second.to_dict()["verdict_runs"] == first.to_dict()["verdict_runs"]
    for purpose in ("race", "estimate", "refit"):
        one, other = done.told.purpose(purpose), done.told.purpose(f"{purpose}@2")
        assert len(one) == len(other)
        assert not {r["seed"] for r in one} & {r["seed"] for r in other}
    assert "first look" in str(first)
    assert "look 2, descriptive only" in str(second)
    assert "on rows never seen" in first.headline
    assert "on rows never seen" not in str(second)
    assert "on the locked rows (look 2)" in " ".join(str(second).split())
    assert "later_look" in {w["code"] for w in second.warnings}
    assert "later_look" not in {w["code"] for w in first.warnings}
    assert done.study.verdict(workers=0).to_dict() == second.to_dict()
    assert "looked at 2 times" in (done.study.folder / "report.html").read_text()


def test_a_later_network_replaces_the_earlier_one_only_when_it_is_there(judged, logistic, monkeypatch) -> None:
    done = judged(logistic(noise=0.1, refuse=_no_space))
    model = done.study.folder / "model" / "weights.bin"
    first = model.read_bytes()
    monkeypatch.setenv("NO_SPACE", "yes")  # the cause lies outside the function, whose text stays as it is
    with pytest.raises(StudyFailedError, match="no space left"):
        done.study.verdict(again=True, workers=0)
    assert model.read_bytes() == first

    monkeypatch.delenv("NO_SPACE")
    second = done.study.verdict(again=True, workers=0)
    assert second.to_dict()["looks"] == 2
    assert model.read_bytes() != first
    assert sorted(p.name for p in done.study.folder.glob("model*")) == ["model"]


def _no_space(run: Any) -> None:
    if len(run.train) == 128 and os.environ.get("NO_SPACE"):  # all development rows
        raise RuntimeError("no space left")


def test_verdict_is_in_the_folder_for_other_programs(judged, logistic) -> None:
    """read() of another process gives the same figures, and the report is one file that opens offline."""
    done = judged(logistic())
    history, _ = read(done.study.folder)
    assert history.last("verdict")["verdict"] == json.loads(json.dumps(done.verdict.to_dict()))
    html = (done.study.folder / "report.html").read_text()
    assert done.verdict.headline.split("(")[0].strip() in html.replace("&#39;", "'")


def test_ctrl_c_lets_the_run_finish_and_the_next_call_goes_on(judged, logistic) -> None:
    """No finished run is repeated, and the verdict is that of an undisturbed study."""
    pressed: deque[int] = deque()

    class Pressed(logistic):
        def __call__(self, run: Any) -> Any:
            predict = super().__call__(run)
            if len(self.seen) in stops:
                pressed.append(len(self.seen))
                os.kill(os.getpid(), signal.SIGINT)
            return predict

    stops = {1 + 30 + 4, 1 + 30 + 22}  # rehearsal, 6 trials of 5; in the estimate, and in the refits
    undisturbed = judged(logistic(noise=0.1))
    objective = Pressed(noise=0.1)
    with pytest.raises(KeyboardInterrupt):
        judged(objective, folder=undisturbed.study.folder.with_name("disturbed"))
    study = _study(objective, undisturbed.study.folder.with_name("disturbed"))
    with pytest.raises(KeyboardInterrupt):
        study.verdict(workers=0)
    found = study.verdict(workers=0).to_dict()
    assert list(pressed) == sorted(stops)
    assert found | {"seconds": 0} == undisturbed.verdict.to_dict() | {"seconds": 0}
    assert found["looks"] == 1


def _study(objective: Any, folder: Path) -> tr.Study:
    import numpy as np

    rng = np.random.default_rng(0)
    x = rng.normal(size=(160, 4))
    y = (x[:, 0] + 0.6 * x[:, 1] + rng.normal(size=160) > 0.4).astype(int)
    return tr.Study(
        objective, tr.Space(l2=tr.Float(1e-2, 1e4, log=True, default=300.0)), data=tr.Data(x, y), folder=folder
    )


SCRIPT = """
import itertools, json, os, sys
import numpy as np
import truing as tr

CALLS = itertools.count(1)

def train(run):
    if next(CALLS) == int(sys.argv[2]):
        os._exit(9)
    noise = np.random.default_rng([run.seed, int(1e6 * run.config["x"])]).normal()
    p = 1 / (1 + np.exp(-run.config["x"] * run.valid.x[:, 0] - 0.1 * noise))
    run.report(p)
    run.keep("x.txt", str(run.config["x"]).encode())
    return lambda x: 1 / (1 + np.exp(-run.config["x"] * x[:, 0] - 0.1 * noise))

rng = np.random.default_rng(0)
x = rng.normal(size=(100, 2))
study = tr.Study(train, tr.Space(x=tr.Float(0, 3, default=0.2)), data=tr.Data(x, (x[:, 0] > 0).astype(int)),
                 folder=sys.argv[1], validation=tr.KFold(5))
study.run(trials=12, workers=0)
print(json.dumps(study.verdict(workers=0).to_dict()))
"""


@pytest.mark.parametrize("dies_at", [1 + 60 + 7, 1 + 60 + 15 + 9, 1 + 60 + 15 + 20 + 2])
def test_a_killed_verdict_goes_on(tmp_path: Path, dies_at: int) -> None:
    """The coordinator dies in the race, the estimate and the refits; then the same command ends it."""
    script = tmp_path / "study_file.py"
    script.write_text(SCRIPT)

    def call(folder: str, left: int) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(script), str(tmp_path / folder), str(left)],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    undisturbed = json.loads(call("whole", 10_000).stdout)
    assert call("killed", dies_at).returncode == 9
    found = json.loads(call("killed", 10_000).stdout)

    assert found | {"seconds": 0} == undisturbed | {"seconds": 0}
    assert found["looks"] == 1
    history, _ = read(tmp_path / "killed")
    ended = [(r.purpose, r.trial, r.replicate) for r in history.runs.values() if str(r.state) == "completed"]
    assert len(ended) == len(set(ended)) == 60 + found["verdict_runs"]
    assert (tmp_path / "killed" / "model" / "x.txt").read_text() == str(found["selected"]["x"])
