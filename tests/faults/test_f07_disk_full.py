"""F7: a full disk pauses a study; nothing acknowledged is lost, and it goes on when there is room again."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import truing as tr
from truing.errors import JournalError
from truing.execution import room, worker
from truing.execution.job import Job
from truing.execution.worker import perform
from truing.loop import Session, carry_out
from truing.record.events import Event
from truing.record.history import History
from truing.record.interfaces import Decision, RunSpec
from truing.report.study import read
from truing.schedule.full import Full
from truing.storage.memory import MemoryJournal
from truing.storage.patience import LONGEST, Patience, has_room

# -- when to try again -------------------------------------------------------------------------------------------------


def full_disk() -> JournalError:
    error = JournalError("The disk is full.")
    error.errno = errno.ENOSPC
    return error


def test_tries_are_doubled_up_to_half_a_minute_and_said_once() -> None:
    now, said, pauses = [0.0], [], []
    patience = Patience(say=said.append, clock=lambda: now[0])
    for _ in range(10):
        with patience.trying():
            raise full_disk()
        began = now[0]
        while not patience.due():
            now[0] += 0.25
        pauses.append(now[0] - began)
    with patience.trying():
        pass

    assert pauses == [0.5, 1, 2, 4, 8, 16, *[LONGEST] * 4]
    assert len(said) == 2
    assert said[0].startswith("The disk is full: no new run starts")
    assert "room on the disk again" in said[1]
    assert not patience.full


def test_any_other_error_passes() -> None:
    patience = Patience()
    with pytest.raises(JournalError, match="damaged"), patience.trying():
        raise JournalError("damaged")
    assert not patience.full


def test_room_is_more_than_what_was_lacking(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    assert has_room(tmp_path)
    assert not has_room(tmp_path, 2 * free)
    assert list(tmp_path.iterdir()) == []


# -- the loop ----------------------------------------------------------------------------------------------------------


class Filling(MemoryJournal):
    """Refuses `times` appends in a row, after `after` good ones."""

    def __init__(self, after: int, times: int) -> None:
        super().__init__()
        self.after, self.times, self.tries = after, times, 0

    def append(self, events: Sequence[Event]) -> int:
        self.tries += 1
        if self.after < self.tries <= self.after + self.times:
            raise full_disk()
        return super().append(events)


class Ending:
    """Ends a run at each wait."""

    def __init__(self, outcome: Callable[[RunSpec], dict[str, Any]]) -> None:
        self.running: list[RunSpec] = []
        self.started: list[RunSpec] = []
        self.outcome = outcome

    def free(self) -> int:
        return 2 - len(self.running)

    def start(self, runs: Sequence[RunSpec]) -> None:
        self.running += runs
        self.started += runs

    def wait(self, timeout: float, decide: Any) -> Sequence[Event]:
        spec = self.running.pop(0)
        return [Event("finished", {"run": spec.run, **self.outcome(spec)})]


def completed(spec: RunSpec) -> dict[str, Any]:
    return {"state": "completed", "scores": {"loss": float(spec.replicate)}}


SPACE = tr.Space(x=tr.Float(0, 1, default=0.5))


def session_on(journal: Any, executor: Any, **more: Any) -> Session:
    """With a patience whose time does not pass by itself, so that each look is a try."""
    history = History(SPACE, "min")
    session = Session(journal, history, executor, Full(), patience=Patience(clock=lambda: 0.0), **more)
    session.patience.due = lambda: True  # type: ignore[method-assign]
    return session


def specs(count: int) -> list[RunSpec]:
    return [RunSpec(run=0, trial=0, purpose="estimate", config={"x": 0.5}, seed=1, replicate=j) for j in range(count)]


@pytest.mark.parametrize("after", [1, 2, 5])
@pytest.mark.parametrize("times", [1, 3])
def test_results_wait_in_memory_and_reach_the_journal_once(after: int, times: int) -> None:
    journal, executor = Filling(after, times), Ending(completed)
    session = session_on(journal, executor)
    session.record(Event("proposed", {"trial": 0, "config": {"x": 0.5}}))

    assert carry_out(session, specs(6))
    session.flush()

    events = list(journal.read())
    ends = [event.data["run"] for event in events if event.kind == "finished"]
    assert sorted(ends) == list(range(6))
    assert [event.data["replicate"] for event in events if event.kind == "started"] == list(range(6))
    assert journal.tries > after + times


def test_no_run_starts_while_the_disk_is_full() -> None:
    journal, executor = Filling(1, 10**9), Ending(completed)
    session = session_on(journal, executor)
    session.record(Event("proposed", {"trial": 0, "config": {"x": 0.5}}))
    queue = deque(specs(6))
    for _ in range(4):
        session.step(queue)

    assert len(executor.started) == 2  # those that were on their way when it was noticed
    assert len(queue) == 4
    assert [event.kind for event in journal.read()] == ["proposed"]


def test_ctrl_c_on_a_full_disk_says_what_will_be_run_again() -> None:
    asked = [0]
    journal, executor = Filling(1, 10**9), Ending(completed)
    session = session_on(journal, executor, asked_to_stop=lambda: asked[0])
    session.record(Event("proposed", {"trial": 0, "config": {"x": 0.5}}))
    queue = deque(specs(6))
    for _ in range(3):
        session.step(queue)
    asked[0] = 1

    assert not carry_out(session, [])
    with pytest.raises(JournalError, match="2 finished runs could not be written down and will be run again") as error:
        session.record(Event("ended", {"why": "interrupted"}))
    assert error.value.exit_code == 74


def test_a_run_whose_files_found_no_room_is_run_again_and_not_counted() -> None:
    lacking = [1, 1, 1, 1]  # more often than a run may be lost

    def outcome(spec: RunSpec) -> dict[str, Any]:
        if spec.replicate == 0 and lacking:
            lacking.pop()
            return {"state": "superseded", "details": {"lacked_bytes": 10}}
        return completed(spec)

    journal, executor = MemoryJournal(), Ending(outcome)
    session = session_on(journal, executor)
    session.record(Event("proposed", {"trial": 0, "config": {"x": 0.5}}))

    assert carry_out(session, specs(2))

    runs = session.history.runs.values()
    assert [str(r.state) for r in runs if r.replicate == 0] == ["superseded"] * 4 + ["completed"]
    assert {r.attempt for r in runs} == {0}


# -- a run's own files -------------------------------------------------------------------------------------------------


def job_in(folder: Path, objective: Any) -> Job:
    from truing.record.task import Task
    from truing.statistics.metric import metric

    data = tr.Data(np.zeros((40, 2)), np.arange(40) % 3)
    data.store(folder / "data")
    return Job(folder, Task((metric("log_loss"),), (0, 1, 2)), {}, objective, data)


def once(job: Job, **more: Any) -> dict[str, Any]:
    rows = {"train": np.arange(30), "valid": np.arange(30, 40)}
    spec = RunSpec(run=0, trial=0, purpose="search", config={"x": 1.0}, seed=5, epochs=1, **rows, **more)
    return perform(job, spec, lambda epoch, score: Decision.GO_ON, job.scratch(0))


def reports(run: Any) -> None:
    run.report(np.full((10, 3), 1 / 3))


def refuse(*given: Any, **named: Any) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_predictions_that_find_no_room_do_not_fail_the_trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = job_in(tmp_path, reports)
    monkeypatch.setattr(Path, "write_bytes", refuse)

    outcome = once(job)

    assert outcome["state"] == "superseded"
    assert outcome["details"]["lacked_bytes"] >= 10 * 3 * 4
    assert list((tmp_path / "predictions").iterdir()) == []
    assert "found no room in" in outcome["reason"]["message"]


def test_a_model_that_finds_no_room_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def keeps(run: Any) -> None:
        run.report(np.full((10, 3), 1 / 3))
        run.keep("net.bin", b"new" * 1000)

    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "net.bin").write_bytes(b"old")
    job = job_in(tmp_path, keeps)
    monkeypatch.setattr(Path, "write_bytes", refuse)

    assert once(job, keep_model=True)["state"] == "superseded"
    assert [(p.name, p.read_bytes()) for p in (tmp_path / "model").iterdir()] == [("net.bin", b"old")]


@pytest.mark.parametrize(("disk", "state"), [(True, "superseded"), (False, "failed")])
@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), RuntimeError("PytorchStreamWriter failed writing file")]
)
def test_a_function_that_fills_another_disk_has_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, disk: bool, state: str
) -> None:
    """A small /dev/shm would be full at every repeat; only a full disk of the study itself is waited for."""

    def writes(run: Any) -> None:
        raise error

    monkeypatch.setattr(room, "is_full", lambda folder: disk)
    assert once(job_in(tmp_path, writes))["state"] == state


def test_rows_that_find_no_room_are_said_and_leave_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def too_big(file: Any, array: Any, **more: Any) -> None:
        file.write(b"half")
        raise OSError(f"{array.size} requested and 1 written")  # NumPy's own words, without a number

    monkeypatch.setattr(np, "save", too_big)
    data = tr.Data(np.zeros((1000, 250)), np.arange(1000) % 2)

    with pytest.raises(
        JournalError, match=r"x\.npy \(2\.0 MB\) cannot be stored in .*No space left.*make room"
    ) as error:
        data.store(tmp_path / "data")

    assert error.value.errno == errno.ENOSPC
    assert list((tmp_path / "data").iterdir()) == []


# -- the whole program on a small disk -----------------------------------------------------------------------------

STUDY = """
import time
import numpy as np
import truing as tr

rng = np.random.default_rng(0)
x = rng.normal(size=(4000, 2))
y = (x[:, 0] + rng.normal(size=4000) > 0).astype(int)


def train(run):
    time.sleep(0.01)

    def predict(rows):
        return 1 / (1 + np.exp(-run.config["scale"] * rows[:, 0]))

    print("trained", flush=True)
    run.report(predict(run.valid.x))
    return predict


study = tr.Study(
    train,
    space=tr.Space(scale=tr.Float(0.01, 30.0, log=True, default=0.1)),
    data=tr.Data(x, y),
    metric="log_loss",
    validation=tr.Holdout(0.5),
    folder="disk/study",
)
"""
TRIALS = 40
MOUNT = 'mount -t tmpfs -o size=8m none disk && head -c 7800000 /dev/zero > disk/ballast && exec "$@"'


def may_mount() -> bool:
    tried = ["unshare", "-rm", "sh", "-c", "mount -t tmpfs -o size=1m none /mnt"]
    return (
        sys.platform == "linux"
        and shutil.which("unshare") is not None
        and subprocess.run(tried, capture_output=True, check=False).returncode == 0
    )


class SmallDisk:
    """A coordinator in a mount name space of its own, whose study lies on a disk of 8 MB that is nearly full."""

    def __init__(self, place: Path) -> None:
        (place / "disk").mkdir()
        (place / "study.py").write_text(STUDY)
        self.place, self.said = place, place / "said"
        command = [sys.executable, "-m", "truing", "run", "study.py", "--workers", "2", "--trials", str(TRIALS)]
        with self.said.open("wb") as said:
            self.process = subprocess.Popen(
                ["unshare", "-rm", "sh", "-c", MOUNT, "sh", *command],
                cwd=place, stdout=said, stderr=said, start_new_session=True,
            )  # fmt: skip

    @property
    def disk(self) -> Path:
        return Path(f"/proc/{self.process.pid}/root") / self.place.relative_to("/") / "disk"

    def words(self) -> str:
        return " ".join(self.said.read_text().split())

    def wait_until_full(self) -> None:
        until = time.monotonic() + 100
        while "The disk is full" not in self.words():
            assert self.process.poll() is None, self.words()
            assert time.monotonic() < until, self.words()
            time.sleep(0.05)

    def completed(self) -> int:
        return sum(trial.state == "completed" for trial in read(self.disk / "study")[0].trials)

    def end(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(60)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[SmallDisk]:
    if not may_mount():
        pytest.skip("no disk may be mounted here")
    made = SmallDisk(tmp_path)
    yield made
    made.end()


def test_a_study_goes_on_when_there_is_room_again(small: SmallDisk, tmp_path: Path) -> None:
    small.wait_until_full()
    shutil.copytree(small.disk / "study", tmp_path / "at-the-pause")
    (small.disk / "ballast").unlink()
    held = tmp_path / "held"
    until = time.monotonic() + 100
    while small.process.poll() is None and time.monotonic() < until:  # its disk goes with the process: keep a copy
        time.sleep(0.05)
        if "took" in small.words() and not held.exists():
            try:
                shutil.copytree(small.disk / "study", held)
            except shutil.Error:  # a file of the journal went while it was copied: once more, if there is time
                shutil.rmtree(held, ignore_errors=True)

    assert small.process.wait(60) == 0, small.words()
    words = small.words()
    assert words.count("The disk is full") == words.count("There is room on the disk again")
    assert f"{TRIALS}/{TRIALS} trials" in words
    assert "failed" not in words
    before = {t.number: t.value for t in read(tmp_path / "at-the-pause")[0].completed}
    if held.exists():
        history = read(held)[0]
        after = {t.number: t.value for t in history.completed}
        assert before.items() <= after.items()
        assert {str(run.state) for run in history.runs.values()} <= {"completed", "superseded"}


def test_ctrl_c_while_it_waits_ends_it_with_a_sentence(small: SmallDisk) -> None:
    small.wait_until_full()
    os.kill(small.process.pid, signal.SIGINT)

    assert small.process.wait(100) in (74, 130)
    words = small.words()
    assert "Traceback" not in words
    assert "free some space, and the same command goes on" in words or "the same command goes on" in words


def test_a_disk_without_room_for_the_rows_is_refused_before_any_run(tmp_path: Path) -> None:
    if not may_mount():
        pytest.skip("no disk may be mounted here")
    (tmp_path / "disk").mkdir()
    (tmp_path / "study.py").write_text(STUDY.replace("4000", "400000"))
    command = [sys.executable, "-m", "truing", "run", "study.py", "--workers", "1", "--trials", "3", "--json"]
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", MOUNT, "sh", *command],
        cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip

    assert done.returncode == 74, done.stderr
    message = json.loads(done.stdout)["error"]["message"]
    assert "x.npy (6.4 MB) cannot be stored" in message
    assert "No space left on device" in message
    assert "Traceback" not in done.stderr


def test_the_worker_writes_whole_or_not_at_all() -> None:
    assert worker.FULL == room.FULL
