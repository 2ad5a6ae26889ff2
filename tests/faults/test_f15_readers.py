"""F15: whoever reads while a study runs neither stops it nor lets its log grow without bound."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import truing as tr
from truing.report.study import JOURNAL
from truing.storage.sqlite import SqliteJournal

TRIALS = 2000
POLLER = """
import sys, time
from pathlib import Path
from truing.storage.sqlite import SqliteJournal
journal = SqliteJournal(Path(sys.argv[1]), readonly=True)
unfinished = journal.read()
next(unfinished)
position = polls = largest = 0
log = Path(sys.argv[1] + "-wal")
print("reads", flush=True)
while not Path(sys.argv[2]).exists():
    for event in journal.read(position):
        position = event.seq
    polls += 1
    largest = max(largest, log.stat().st_size if log.exists() else 0)
    time.sleep(0.05)
for event in journal.read(position):
    position = event.seq
print(polls, position, largest, flush=True)
"""


def train(run: Any) -> None:
    run.report(loss=run.config["x"])


def study_in(folder: Path) -> tr.Study:
    return tr.Study(
        train, space=tr.Space(x=tr.Float(0, 1, default=0.5)), metric=tr.Metric("loss", goal="min"), folder=folder
    )


def test_a_poller_with_an_open_read_sees_all_and_disturbs_nothing(tmp_path: Path) -> None:
    folder, done = tmp_path / "study", tmp_path / "done"
    study_in(folder).run(trials=1, workers=0)
    command = [sys.executable, "-c", POLLER, str(folder / JOURNAL), str(done)]
    poller = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert poller.stdout is not None
        assert poller.stdout.readline() == "reads\n"
        study_in(folder).run(trials=TRIALS, workers=0)
        done.touch()
        polls, position, largest = map(int, poller.communicate(timeout=60)[0].split())
    finally:
        poller.kill()
        poller.communicate()

    assert poller.returncode == 0
    assert polls > 3
    assert largest < 16 * 2**20
    journal = SqliteJournal(folder / JOURNAL, readonly=True)
    events = list(journal.read())
    journal.close()
    assert position == events[-1].seq
    assert sum(event.kind == "judged" for event in events) == TRIALS


def test_a_stranger_s_open_transaction_only_delays_the_checkpoint(tmp_path: Path) -> None:
    """Any SQLite program may hold one for as long as it likes; when it lets go, the log is short again."""
    folder = tmp_path / "study"
    study_in(folder).run(trials=1, workers=0)
    stranger = sqlite3.connect(f"file:{folder / JOURNAL}?mode=ro", uri=True, isolation_level=None)
    stranger.execute("BEGIN")
    seen = stranger.execute("SELECT max(seq) FROM event").fetchone()

    study_in(folder).run(trials=TRIALS // 4, workers=0)

    assert stranger.execute("SELECT max(seq) FROM event").fetchone() == seen
    stranger.execute("COMMIT")
    stranger.close()
    study_in(folder).run(trials=TRIALS // 4 + 1, workers=0)
    log = folder / f"{JOURNAL}-wal"
    assert not log.exists() or log.stat().st_size < 16 * 2**20
    assert len(study_in(folder).trials(as_dicts=True)) == TRIALS // 4 + 1


def test_a_stranger_that_locks_the_file_is_waited_for_and_then_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from truing.errors import JournalError
    from truing.storage import sqlite

    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.2)
    folder = tmp_path / "study"
    study_in(folder).run(trials=1, workers=0)
    stranger = sqlite3.connect(folder / JOURNAL, isolation_level=None)
    stranger.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(JournalError, match=r"stayed locked .*: close the other program that writes to it"):
            study_in(folder).run(trials=2, workers=0)
    finally:
        stranger.execute("ROLLBACK")
        stranger.close()
    study_in(folder).run(trials=2, workers=0)
