"""Whatever a training function does, its run ends in its state, with its last words, and the next run works."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from truing.data.data import Data
from truing.execution.inline import InlineExecutor
from truing.execution.job import Job
from truing.execution.process import ProcessExecutor
from truing.record.events import Event, encode
from truing.record.interfaces import Decision, RunSpec
from truing.record.task import Task
from truing.statistics.metric import Metric, metric

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes need fork")

Y = np.arange(40) % 3
HERE = Path(__file__).name


def job_of(folder: Path, objective: Any, *, predicts: bool, seconds: float | None = None) -> Job:
    if predicts:
        data = Data(np.zeros((40, 2)), Y)
        data.store(folder / "data")
        return Job(folder, Task((metric("log_loss"),), (0, 1, 2)), {}, objective, data, run_seconds=seconds)
    return Job(folder, Task((Metric("loss", goal="min"),)), {}, objective, run_seconds=seconds)


def spec_of(number: int, *, predicts: bool) -> RunSpec:
    rows = {"train": np.arange(30), "valid": np.arange(30, 40)} if predicts else {}
    return RunSpec(run=number, trial=0, purpose="search", config={"x": 1.0}, seed=5, epochs=3, **rows)


class Runs:
    """Carries out one function after the other with the same executor's workings, and looks at what it leaves."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.reported: list[Event] = []

    def __call__(
        self, objective: Callable[[Any], Any], *, predicts: bool = False, seconds: float | None = None
    ) -> dict[str, Any]:
        executor = ProcessExecutor(job_of(self.folder, objective, predicts=predicts, seconds=seconds), 1)
        try:
            executor.start([spec_of(0, predicts=predicts)])
            found = self._wait(executor)
            executor.start([spec_of(1, predicts=predicts)])  # the server has survived, whatever happened
            executor.cancel(1)
            self._wait(executor)
        finally:
            executor.close()
        assert not (self.folder / "runs").exists()
        encode(found)
        return found

    def _wait(self, executor: Any) -> dict[str, Any]:
        def decide(event: Event) -> Decision:
            self.reported.append(event)
            return Decision.GO_ON

        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            for event in executor.wait(1.0, decide):
                return event.data
        raise TimeoutError("no end of the run")


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Runs]:
    yield Runs(tmp_path)
    deadline = time.monotonic() + 20
    while any(children_of(server) for server in children_of(os.getpid())):  # the fork server stays, without children
        assert time.monotonic() < deadline, "a run's process goes on"
        time.sleep(0.02)


def children_of(pid: int) -> set[int]:
    try:
        return {int(n) for n in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}
    except OSError:
        return set()


# -- the functions ---------------------------------------------------------------------------------------------------


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


class Rude(Exception):
    def __str__(self) -> str:
        raise KeyboardInterrupt


class Unpicklable(Exception):
    def __init__(self) -> None:
        super().__init__("holds a lock")
        self.lock = threading.Lock()

    def __reduce__(self) -> Any:
        raise TypeError("cannot be pickled")


def raises(error: BaseException) -> Callable[[Any], None]:
    def train(run: Any) -> None:
        print("about to fail")
        raise error

    return train


def raises_unpicklable(run: Any) -> None:
    raise Unpicklable


def reports(**numbers: Any) -> Callable[[Any], None]:
    return lambda run: run.report(**numbers)


def swallows(**numbers: Any) -> Callable[[Any], None]:
    def train(run: Any) -> None:
        run.report(loss=1.0)
        with contextlib.suppress(Exception):
            run.report(**numbers)

    return train


def predicts(make: Callable[[int], Any], **more: Any) -> Callable[[Any], None]:
    return lambda run: run.report(make(len(run.valid)), **more)


def recursion(run: Any) -> None:
    recursion(run)


def exhausts_memory(run: Any) -> None:
    np.empty((1 << 50,), dtype=np.uint8)


def forgets(run: Any) -> None:
    for _ in run.epochs():
        pass


FAILURES = [
    ("an exception", raises(ValueError("the rate is too high")), "failed", "ValueError", "the rate is too high"),
    ("sys.exit", raises(SystemExit(3)), "failed", "SystemExit", "3"),
    ("KeyboardInterrupt", raises(KeyboardInterrupt()), "failed", "KeyboardInterrupt", ""),
    ("GeneratorExit", raises(GeneratorExit()), "failed", "GeneratorExit", ""),
    ("no text", raises(Unprintable()), "failed", "Unprintable", "cannot be read"),
    ("an interrupt for a text", raises(Rude()), "failed", "Rude", "cannot be read"),
    ("cannot be pickled", raises_unpicklable, "failed", "Unpicklable", "holds a lock"),
    ("half a surrogate pair", raises(ValueError("\ud800")), "failed", "ValueError", "\\ud800"),
    ("recursion", recursion, "failed", "RecursionError", "maximum recursion depth"),
    ("MemoryError", raises(MemoryError()), "out_of_memory", "MemoryError", ""),
    ("an allocation that fails", exhausts_memory, "out_of_memory", "", "Unable to allocate"),
    ("torch's allocation", raises(RuntimeError("[enforce fail] can't allocate memory")), "out_of_memory", "", ""),
    ("NaN", reports(loss=float("nan")), "diverged", "DivergedError", "loss=nan"),
    ("infinity", reports(loss=float("-inf")), "diverged", "DivergedError", "loss=-inf"),
    ("text for a number", reports(loss="3.5"), "failed", "PredictionError", "must be a real number, got '3.5'"),
    ("None for a number", reports(loss=None), "failed", "PredictionError", "must be a real number, got None"),
    ("a complex number", reports(loss=1j), "failed", "PredictionError", "must be a real number"),
    ("an array for a number", reports(loss=np.zeros(2)), "failed", "PredictionError", "must be a real number"),
    ("another metric", reports(accuracy=0.5), "failed", "PredictionError", "The study's metric is loss"),
    ("forgetting to report", forgets, "failed", "PredictionError", "without a single run.report"),
    ("returning no function", lambda run: run.report(loss=1.0) or 7, "failed", "PredictionError", "returned int"),
    ("epochs of its own sort", lambda run: run.report(loss=1.0, epoch="one"), "failed", "PredictionError", "'one'"),
    ("a refused report, swallowed", swallows(loss="text"), "failed", "PredictionError", "must be a real number"),
    ("NaN, swallowed", swallows(loss=float("nan")), "diverged", "DivergedError", "loss=nan"),
    ("NaN in training", reports(loss=1.0, train=float("nan")), "diverged", "DivergedError", "train=nan"),
    ("a study inside", lambda run: start_a_study(), "failed", "RuntimeError", "inside a training run"),
]
PREDICTION_FAILURES = [
    ("wrong length", predicts(lambda n: np.full((n - 1, 3), 1 / 3)), "failed", "10"),
    ("wrong columns", predicts(lambda n: np.full((n, 2), 0.5)), "failed", "3"),
    ("logits", predicts(lambda n: np.full((n, 3), 2.0)), "failed", "logits"),
    ("negative", predicts(lambda n: np.tile([-0.5, 0.5, 1.0], (n, 1))), "failed", ""),
    ("NaN", predicts(lambda n: np.full((n, 3), np.nan)), "diverged", ""),
    ("infinity", predicts(lambda n: np.full((n, 3), np.inf)), "diverged", ""),
    ("NaN logits", lambda run: run.report(logits=np.full((10, 3), np.nan)), "diverged", ""),
    ("text", predicts(lambda n: ["cat"] * n), "failed", ""),
    ("classes of another task", predicts(lambda n: np.full((n, 3), 1 / 3), classes=["a", "b", "c"]), "failed", "each"),
]


def start_a_study() -> None:
    import truing as tr

    tr.Study(reports(loss=1.0), tr.Space(x=tr.Float(0, 1)), metric=tr.Metric("loss", goal="min"), folder="x").run()


@pytest.mark.parametrize(
    ("objective", "state", "kind", "words"), [f[1:] for f in FAILURES], ids=[f[0] for f in FAILURES]
)
def test_a_python_error_ends_the_run_in_its_state(run, objective, state, kind, words):
    found = run(objective)
    assert (found["state"], found["run"]) == (state, 0)
    reason = found["reason"]
    assert kind in reason["kind"]
    assert words in reason["message"]
    assert reason["kind"] in reason["tail"], "the traceback is in it"
    assert "execution/worker.py" not in reason["tail"], "and begins with the user's own line"


@pytest.mark.parametrize(
    ("objective", "state", "words"), [f[1:] for f in PREDICTION_FAILURES], ids=[f[0] for f in PREDICTION_FAILURES]
)
def test_predictions_that_cannot_be_scored(run, objective, state, words):
    found = run(objective, predicts=True)
    assert found["state"] == state
    assert words in found["reason"]["message"]
    assert "scores" not in found


def test_inline_the_same_faults_end_in_the_same_states(tmp_path):
    """The same functions, in this very process, which survives them."""
    for number, (name, objective, state, kind, words) in enumerate(FAILURES):
        if name == "a study inside":
            continue  # allowed inline
        executor = InlineExecutor(job_of(tmp_path, objective, predicts=False))
        executor.start([spec_of(number, predicts=False)])
        (event,) = executor.wait(0, lambda event: Decision.GO_ON)
        executor.close()
        assert event.data["state"] == state, name
        assert kind in event.data["reason"]["kind"], name
        assert words in event.data["reason"]["message"], name
    assert not (tmp_path / "runs").exists()


def test_where_it_failed_and_what_it_wrote(run, tmp_path):
    def train(run):
        print("epoch 1 is fine")
        os.write(2, b"from C: \xff\xfe\n")
        raise LookupError("in the middle")

    found = run(train)
    line = train.__code__.co_firstlineno + 3
    assert found["reason"]["where"] == f"{HERE}:{line}"
    for text in (found["reason"]["tail"], (tmp_path / "output" / "run-000000.txt").read_text(errors="replace")):
        assert "epoch 1 is fine" in text
        assert "from C: \ufffd\ufffd" in text.replace("��", "\ufffd\ufffd")
        assert text.rstrip().endswith("LookupError: in the middle")
        assert f", line {line}, in train" in text


def exits_quietly(run):
    print("now it goes")
    os._exit(0)


def exits_with_a_code(run):
    run.report(loss=0.5)
    print("now it goes")
    os._exit(9)


def segfaults(run):
    print("now it goes")
    ctypes.string_at(0)


def aborts(run):
    print("now it goes")
    os.abort()


def kills_itself_by(number):
    def train(run):
        print("now it goes")
        os.kill(os.getpid(), number)
        time.sleep(60)

    return train


@pytest.mark.parametrize(
    ("objective", "state", "kind"),
    [
        (exits_quietly, "crashed", "exit 0"),
        (exits_with_a_code, "crashed", "exit 9"),
        (segfaults, "crashed", "SIGSEGV"),
        (aborts, "crashed", "SIGABRT"),
        (kills_itself_by(signal.SIGBUS), "crashed", "SIGBUS"),
        (kills_itself_by(signal.SIGILL), "crashed", "SIGILL"),
        (kills_itself_by(signal.SIGFPE), "crashed", "SIGFPE"),
        (kills_itself_by(signal.SIGKILL), "lost", "SIGKILL"),
        (kills_itself_by(signal.SIGTERM), "lost", "SIGTERM"),
        (kills_itself_by(signal.SIGHUP), "lost", "SIGHUP"),
    ],
    ids=lambda value: getattr(value, "__name__", None) or value,
)
def test_a_process_that_dies(run, objective, state, kind):
    found = run(objective)
    assert (found["state"], found["reason"]["kind"]) == (state, kind)
    assert "now it goes" in found["reason"]["tail"]
    assert "scores" not in found


def test_a_crash_names_the_line(run):
    found = run(segfaults)
    line = segfaults.__code__.co_firstlineno + 2
    assert f'{HERE}", line {line} in segfaults' in found["reason"]["tail"]


def test_what_was_reported_before_the_end_is_kept_as_a_curve(run):
    found = run(exits_with_a_code)
    assert (found["curve"], found["epochs"]) == ([[1, 0.5]], 1)


def busy(run):
    print("round and round")
    while True:
        pass


def sleeps(run):
    print("round and round")
    time.sleep(600)


def ignores_sigterm(run):
    print("round and round")
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        time.sleep(1)


def turns_sigterm_into_an_exit(run):
    print("round and round")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    time.sleep(600)


def swallows_everything(run):
    print("round and round")
    while True:
        try:
            time.sleep(600)
        except BaseException:
            continue


def stops_itself(run):
    print("round and round")
    os.kill(os.getpid(), signal.SIGSTOP)


@pytest.mark.parametrize(
    "objective", [busy, sleeps, ignores_sigterm, turns_sigterm_into_an_exit, swallows_everything, stops_itself]
)
def test_a_run_that_hangs_is_timed_out(run, objective):
    found = run(objective, seconds=0.6)
    assert found["state"] == "timed_out"
    assert "run_minutes=0.01" in found["reason"]["message"]
    assert "round and round" in found["reason"]["tail"]
    assert 0.5 < found["seconds"] < 60


def test_a_run_that_hangs_shows_where(run):
    found = run(sleeps, seconds=0.5)
    line = sleeps.__code__.co_firstlineno + 2
    assert f'{HERE}", line {line} in sleeps' in found["reason"]["tail"]


def closes_streams(run):
    sys.stdout.close()
    sys.stderr.close()
    run.report(loss=1.0)


def replaces_streams(run):
    sys.stdout = sys.stderr = None
    run.report(loss=1.0)


def changes_signals(run):
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    run.report(loss=1.0)


def leaves_a_thread(run):
    threading.Thread(target=time.sleep, args=(600,)).start()
    run.report(loss=1.0)


def leaves_a_process(run):
    subprocess.Popen(["sleep", "600"])
    run.report(loss=1.0)


def leaves_a_daemon(run):
    subprocess.Popen(["sleep", "600"], start_new_session=True)
    run.report(loss=1.0)


def comes_back_twice(run):
    os.fork()
    run.report(loss=1.0)


def registers_an_exit(run):
    import atexit

    folder = run.folder.parent.parent
    atexit.register(lambda: (folder / "exit handler").write_text("ran"))
    run.report(loss=1.0)


WORKS = {
    "megabytes": lambda run: [print("x" * 1000) for _ in range(5000)] and run.report(loss=1.0),
    "bytes that are no text": lambda run: os.write(1, bytes(range(256)) * 100) and run.report(loss=1.0),
    "standard output closed": closes_streams,
    "descriptors 0 to 2 closed": lambda run: [os.close(end) for end in range(3)] and run.report(loss=1.0),
    "standard output replaced": replaces_streams,
    "another directory": lambda run: os.chdir("/") or run.report(loss=1.0),
    "signal handlers changed": changes_signals,
    "a thread that goes on": leaves_a_thread,
    "a process that goes on": leaves_a_process,
    "a process that left its group": leaves_a_daemon,
    "a forked copy that comes back": comes_back_twice,
    "the run's folder removed": lambda run: run.folder.rmdir() or run.report(loss=1.0),
    "standard input": lambda run: run.report(loss=1.0 if sys.stdin.read() == "" else 2.0),
    "an exit handler": registers_an_exit,
    "numpy numbers": lambda run: run.report(loss=np.float32(1.0)),
    "many reports": lambda run: [run.report(loss=1.0) for _ in range(2000)] and None,
}


@pytest.mark.parametrize("objective", WORKS.values(), ids=list(WORKS))
def test_odd_behaviour_that_is_no_failure(run, tmp_path, objective):
    """The run completes; the fixture sees to it that nothing of it goes on."""
    found = run(objective)
    assert found["state"] == "completed", found.get("reason")
    assert found["scores"] == {"loss": 1.0}
    assert not (tmp_path / "exit handler").exists()


def test_a_megabyte_of_curve_comes_through(run):
    """More than fits into a pipe at once, while the coordinator listens."""

    def train(run):
        run.last.curve.extend((epoch, epoch / 3) for epoch in range(100_000))
        run.report(loss=1.0)

    found = run(train)
    assert len(found["curve"]) == 100_001
    assert found["curve"][99_999] == [99_999, 99_999 / 3]


def test_a_killed_run_leaves_no_half_written_file(run, tmp_path):
    def train(run):
        folder = run.folder.parent.parent
        (folder / "predictions").mkdir()
        (folder / "predictions" / "run-000000.part").write_bytes(b"half")
        (run.folder / "big").write_bytes(b"x" * 1000)
        os.kill(os.getpid(), signal.SIGKILL)

    assert run(train)["state"] == "lost"
    assert not list(tmp_path.glob("predictions/*"))


def test_each_run_has_an_empty_folder_of_its_own(run, tmp_path):
    def train(run):
        if list(run.folder.iterdir()) or not run.folder.is_relative_to(tmp_path):
            raise ValueError("not empty")
        (run.folder / "file").write_text("mine")
        run.report(loss=1.0)

    assert run(train)["state"] == "completed"
