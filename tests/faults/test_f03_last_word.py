"""F3: a run is killed around its last word; heard whole or run again, it counts once."""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path

import pytest

import truing as tr
from truing.execution.channel import Channel
from truing.record.events import Event, encode
from truing.report.study import read
from truing.storage.sqlite import SqliteJournal

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes need fork")


def trains(folder: Path, share: float):
    """A function whose process dies once while it sends its outcome, of which so much gets through."""

    def train(run):
        mark = folder / f"killed-{run.config['x']}"
        run.report(loss=run.config["x"])
        if run.folder.name.startswith("rehearsal") or mark.exists():
            return
        mark.touch()

        def send(self, message):
            line = encode(message).encode() + b"\n"
            self._end.sendall(line[: round(share * len(line))])
            os.kill(os.getpid(), signal.SIGKILL)

        Channel.send = send  # of this process alone

    return train


@pytest.mark.parametrize("share", [0.0, None, 1.0], ids=["nothing", "a part", "all"])
def test_exactly_one_counts(tmp_path, fault_seed, share):
    if share is None:
        share = random.Random(fault_seed).uniform(0.05, 0.95)
    study = tr.Study(
        trains(tmp_path, share),
        tr.Space(x=tr.Choice([0.1, 0.2, 0.3])),
        metric=tr.Metric("loss", goal="min"),
        search="grid",
        folder=tmp_path / "study",
    )
    study.run(workers=2)
    history = read(tmp_path / "study")[0]
    assert [trial.value for trial in history.trials] == [0.1, 0.2, 0.3]
    states = [str(run.state) for run in history.runs.values()]
    assert states.count("completed") == 3
    assert states.count("lost") == (0 if share == 1.0 else 3)


def test_a_word_that_is_written_twice_counts_once(tmp_path):
    journal = SqliteJournal(tmp_path / "journal.db")
    finished = Event("finished", {"run": 0, "state": "completed"}, "finished/0", 1.0)
    journal.append([finished])
    journal.append([finished, Event("ended", {"why": "trials"}, "", 2.0)])
    assert [event.kind for event in journal.read()] == ["finished", "ended"]
    journal.close()
