"""What every executor must do, for authors of executors: run `check_executor` in a test of your own.

    from truing.testing.executors import check_executor

    def test_my_executor(tmp_path):
        check_executor(lambda job, workers: MyExecutor(job, workers), tmp_path)

`make(job, workers)` gives an executor that carries out runs of the job. The training functions of the checks are
those of this module, which a worker can import. Nothing is asked of an executor's speed.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from truing.data.data import Data
from truing.execution.job import Job
from truing.record.events import Event, decode, encode
from truing.record.interfaces import Decision, RunSpec
from truing.record.task import Task
from truing.statistics.metric import Metric, metric

Make = Callable[[Job, int], Any]
Check = Callable[[Make, Path], None]
PATIENCE = 120.0  # seconds without any event after which an executor is taken to hang


def check_executor(make: Make, folder: Path) -> None:
    """Run every check, each in a folder of its own below `folder`.

    Raises:
        AssertionError: the executor breaks a rule; the message says which.
    """
    for check in CHECKS:
        place = folder / check.__name__
        place.mkdir(parents=True)
        check(make, place)


# -- training functions, by name so that any worker finds them -------------------------------------------------------


def reports_each_epoch(run: Any) -> None:
    """Numbers that depend on the configuration, the seed's random numbers and the epoch."""
    for epoch in run.epochs(3):
        run.report(loss=run.config["x"] + random.random() + np.random.random() + epoch)  # noqa: NPY002


def goes_on_until_told(run: Any) -> None:
    """Asks whether to stop after each of at most 1,000 reports."""
    for _ in range(1000):
        run.report(loss=1.0)
        if run.should_stop:
            return


def fails(run: Any) -> None:
    """Raises what the configuration names."""
    kind = run.config["kind"]
    if kind == "nothing reported":
        return
    if kind == "not a number":
        run.report(loss=float("nan"))
    if kind == "an exit":
        raise SystemExit(3)
    raise ValueError("the check wants this failure")


def predicts(run: Any) -> Callable[[Any], Any]:
    """Predicts the first column of x, and returns how."""
    run.report(np.asarray(run.valid.x)[:, 0])
    (run.folder / "mine").write_text("x" * len(list(run.folder.iterdir())))
    run.report(np.asarray(run.valid.x)[:, 0], written=float((run.folder / "mine").stat().st_size))
    run.keep("network", b"weights")
    return lambda x: np.asarray(x)[:, 0]


# -- checks ----------------------------------------------------------------------------------------------------------


def every_run_ends_once(make: Make, folder: Path) -> None:
    """Each run that is started gives exactly one `finished` event, completed, with scores, curve and time."""
    found = _carry_out(make(_job(folder, reports_each_epoch), 2), [_spec(number) for number in range(5)])
    _equal(sorted(event.data["run"] for event in found), list(range(5)), "the runs that ended")
    for event in found:
        _equal(event.kind, "finished", "the kind of event that wait() gives")
        _equal(event.data["state"], "completed", f"the state of a run without a fault, {event.data.get('reason')}")
        _equal([epoch for epoch, _ in event.data["curve"]], [1, 2, 3], "the epochs of the curve")
        _equal(event.data["scores"]["loss"], event.data["curve"][-1][1], "the score, which is the last report's")
        _true(event.data["seconds"] >= 0, "seconds must not be negative")


def free_counts_what_may_start(make: Make, folder: Path) -> None:
    """free() is at least 1 at first, sinks by one for each run that starts, and rises again when it has ended."""
    executor = make(_job(folder, reports_each_epoch), 2)
    try:
        room = executor.free()
        _true(room >= 1, f"a new executor must have room for a run, but free() is {room}")
        executor.start([_spec(number) for number in range(room)])
        _equal(executor.free(), 0, f"free() after {room} runs were started")
        ended = _wait(executor, room)
        _equal(len(ended), room, "the number of runs that ended")
        _equal(executor.free(), room, "free() when all have ended")
    finally:
        executor.close()


def reports_are_decided(make: Make, folder: Path) -> None:
    """Each report comes to `decide` as it is made, in order, before the run ends."""
    seen: list[tuple[int, int, float]] = []

    def decide(event: Event) -> Decision:
        _equal(event.kind, "reported", "the kind of event that decide() is given")
        seen.append((event.data["run"], event.data["epoch"], event.data["score"]))
        return Decision.GO_ON

    (event,) = _carry_out(make(_job(folder, reports_each_epoch), 1), [_spec(7)], decide)
    told = [(7, epoch, score) for epoch, score in event.data["curve"]]
    _equal(seen, told, "what decide() was told of the curve")


def a_stop_reaches_the_run(make: Make, folder: Path) -> None:
    """A decision other than GO_ON sets run.should_stop at once."""
    for decision in (Decision.STOP, Decision.PAUSE):
        count = [0]

        def decide(event: Event, count: list[int] = count, decision: Decision = decision) -> Decision:
            count[0] += 1
            return decision if count[0] == 3 else Decision.GO_ON

        _carry_out(make(_job(folder / decision, goes_on_until_told), 1), [_spec(0)], decide)
        _equal(count[0], 3, f"the number of reports of a run that is told {decision} at the third")


def the_seed_makes_the_numbers(make: Make, folder: Path) -> None:
    """The same run gives the same numbers, in whatever order and beside whatever else; another seed gives others."""
    alone = _carry_out(make(_job(folder / "alone", reports_each_epoch), 1), [_spec(0, seed=3)])
    among = _carry_out(
        make(_job(folder / "among", reports_each_epoch), 2), [_spec(n, seed=n if n != 4 else 3) for n in range(5)]
    )
    scores = {event.data["run"]: event.data["scores"] for event in among}
    _equal(scores[4], alone[0].data["scores"], "the scores of the same run, alone and among others")
    _equal(len({score["loss"] for score in scores.values()}), 4, "the number of different scores of 4 seeds")


def faults_are_states(make: Make, folder: Path) -> None:
    """What goes wrong in a training function ends that run, says why, and nothing else."""
    wanted = {
        "an error": ("failed", "ValueError", "the check wants this failure"),
        "an exit": ("failed", "SystemExit", "3"),
        "not a number": ("diverged", "DivergedError", "nan"),
        "nothing reported": ("failed", "PredictionError", "report"),
    }
    specs = [_spec(number, config={"kind": kind}) for number, kind in enumerate(wanted)]
    for event in _carry_out(make(_job(folder, fails), 2), specs):
        kind = list(wanted)[event.data["run"]]
        state, error, words = wanted[kind]
        _equal(event.data["state"], state, f"the state of a run with {kind}")
        _true("scores" not in event.data, f"a run with {kind} must have no scores")
        reason = event.data.get("reason") or {}
        _true(error in reason.get("kind", ""), f"the reason of {kind} must name {error}, but is {reason}")
        _true(words in reason.get("message", ""), f"the reason of {kind} must say {words!r}, but is {reason}")
        _true(bool(reason.get("tail")), f"the reason of {kind} must have the last lines of output")


def cancelled_runs_end(make: Make, folder: Path) -> None:
    """A run that is cancelled ends, as cancelled unless it was done before; unknown numbers are no matter."""
    executor = make(_job(folder, reports_each_epoch), 1)
    try:
        executor.cancel(99)
        executor.start([_spec(5)])
        executor.cancel(5)
        executor.cancel(5)
        (event,) = _wait(executor, 1)
        _true(
            event.data["run"] == 5 and event.data["state"] in ("cancelled", "completed"),
            f"a cancelled run must end as cancelled, or as completed where it was done, but gave {event.data}",
        )
        _true(executor.free() >= 1, "a cancelled run must make room")
        executor.cancel(5)
        _equal(list(executor.wait(0.0, _go_on)), [], "the events after the end of a run")
    finally:
        executor.close()


def waiting_for_nothing_returns(make: Make, folder: Path) -> None:
    """wait() without a run gives no event, and comes back."""
    executor = make(_job(folder, reports_each_epoch), 2)
    try:
        began = time.monotonic()
        _equal(list(executor.wait(0.05, _go_on)), [], "the events of no run")
        _true(time.monotonic() - began < PATIENCE, "wait() must come back after its timeout")
    finally:
        executor.close()


def data_comes_and_predictions_stay(make: Make, folder: Path) -> None:
    """run.train and run.valid are the rows of the spec; predictions are kept, on valid and on locked rows."""
    x = np.random.default_rng(1).normal(size=(30, 2))
    data = Data(x, x[:, 0] + 1.0)
    job = _job(folder, predicts, data=data, task=Task((metric("rmse"),)))
    data.store(folder / "data")
    rows: dict[str, Any] = {"train": np.arange(15), "valid": np.arange(20, 14, -1), "locked": np.arange(25, 30)}
    (event,) = _carry_out(make(job, 1), [_spec(2, **rows, keep_model=True)])
    _equal(event.data["state"], "completed", f"the state, {event.data.get('reason')}")
    _close(event.data["scores"]["rmse"], 1.0, "the score of predictions that are off by one")
    _equal(event.data["predictions"], True, "whether predictions are kept")
    for name, wanted in (("", x[20:14:-1, 0]), ("-locked", x[25:30, 0])):
        file = job.predictions(2, name)
        _true(file.exists(), f"there must be a file {file.name}")
        _true(bool(np.array_equal(np.load(file), wanted.astype(np.float32))), f"{file.name} must hold the predictions")
    _equal((folder / "model" / "network").read_bytes(), b"weights", "what run.keep() left")


def folders_are_the_runs_own(make: Make, folder: Path) -> None:
    """run.folder is empty at the start and gone after the end, and nothing else is left in the study's folder."""
    data = Data(np.zeros((4, 1)), np.zeros(4))
    data.store(folder / "data")
    job = _job(folder, predicts, data=data, task=Task((metric("rmse"), Metric("written", goal="min"))))
    specs = [_spec(number, train=np.arange(2), valid=np.arange(2, 4)) for number in range(3)]
    for event in _carry_out(make(job, 2), specs):
        _equal(event.data["state"], "completed", f"the state, {event.data.get('reason')}")
        _equal(event.data["scores"]["written"], 0.0, "the number of files in run.folder at the start")
    left = {path.name for path in folder.iterdir()} - {"data", "predictions", "output", "server.log"}
    _equal(left, set(), "what is left in the study's folder")


def events_are_plain(make: Make, folder: Path) -> None:
    """Events hold plain JSON values, as the journal needs them."""
    reported: list[Event] = []

    def decide(event: Event) -> Decision:
        reported.append(event)
        return Decision.GO_ON

    found = _carry_out(make(_job(folder, reports_each_epoch), 1), [_spec(0)], decide)
    for event in (*reported, *found):
        try:
            same = decode(encode(event.data)) == event.data
        except (TypeError, ValueError) as error:
            raise AssertionError(f"an event must hold JSON values, but {error}: {event.data}") from error
        _true(same, f"an event must hold plain JSON values, and not {event.data}")


def time_goes_forward(make: Make, folder: Path) -> None:
    """now() never goes back, and the time of an event lies between those before and after."""
    executor = make(_job(folder, reports_each_epoch), 1)
    try:
        before = executor.now()
        executor.start([_spec(0)])
        (event,) = _wait(executor, 1)
        after = executor.now()
        _true(before <= event.time <= after, f"the event's time {event.time} must lie in {before} to {after}")
    finally:
        executor.close()


def the_callers_world_is_left_alone(make: Make, folder: Path) -> None:
    """Random numbers, directory and threads of the calling process are after the runs what they were before."""
    random.seed(11)
    np.random.seed(11)  # noqa: NPY002
    before = _world()
    _carry_out(make(_job(folder, reports_each_epoch), 2), [_spec(number) for number in range(3)])
    for name, value in _world().items():
        _equal(value, before[name], f"{name} after the runs")


def close_ends_everything(make: Make, folder: Path) -> None:
    """close() with runs under way comes back, leaves nothing of them, and may be called again."""
    executor = make(_job(folder, goes_on_until_told), 2)
    executor.start([_spec(number) for number in range(executor.free())])
    executor.close()
    executor.close()
    left = {path.name for path in folder.iterdir()} - {"data", "predictions", "output", "server.log"}
    _equal(left, set(), "what close() leaves in the study's folder")
    found = _carry_out(make(_job(folder, reports_each_epoch), 1), [_spec(9)])
    _equal([event.data["run"] for event in found], [9], "the runs of the next executor in the same folder")


CHECKS: tuple[Check, ...] = (
    every_run_ends_once,
    free_counts_what_may_start,
    reports_are_decided,
    a_stop_reaches_the_run,
    the_seed_makes_the_numbers,
    faults_are_states,
    cancelled_runs_end,
    waiting_for_nothing_returns,
    data_comes_and_predictions_stay,
    folders_are_the_runs_own,
    events_are_plain,
    time_goes_forward,
    the_callers_world_is_left_alone,
    close_ends_everything,
)


# -- making and waiting ----------------------------------------------------------------------------------------------


def _job(folder: Path, objective: Callable[[Any], Any], data: Data | None = None, task: Task | None = None) -> Job:
    folder.mkdir(parents=True, exist_ok=True)
    return Job(folder.resolve(), task or Task((Metric("loss", goal="min"),)), {}, objective, data)


def _spec(number: int, *, config: dict[str, Any] | None = None, seed: int | None = None, **more: Any) -> RunSpec:
    return RunSpec(
        run=number,
        trial=number,
        purpose="search",
        config=config if config is not None else {"x": 0.5},
        seed=number if seed is None else seed,
        **more,
    )


def _go_on(event: Event) -> Decision:
    return Decision.GO_ON


def _carry_out(executor: Any, specs: Sequence[RunSpec], decide: Callable[[Event], Decision] = _go_on) -> list[Event]:
    """Carry out all runs as there is room for them, and close the executor."""
    queue, found = list(specs), list[Event]()
    try:
        while len(found) < len(specs):
            chosen = [queue.pop(0) for _ in range(min(len(queue), executor.free()))]
            if chosen:
                executor.start(chosen)
            found += _wait(executor, 1, decide)
        _equal(list(executor.wait(0.0, decide)), [], "the events after all runs have ended")
    finally:
        executor.close()
    return found


def _wait(executor: Any, count: int, decide: Callable[[Event], Decision] = _go_on) -> list[Event]:
    """At least `count` events."""
    found: list[Event] = []
    deadline = time.monotonic() + PATIENCE
    while len(found) < count:
        found += executor.wait(0.25, decide)
        _true(time.monotonic() < deadline, f"after {PATIENCE:g} s only {len(found)} of {count} runs have ended")
    return found


def _world() -> dict[str, Any]:
    state: Any = np.random.get_state()  # noqa: NPY002 - the program's own is what is compared
    return {
        "Python's random state": random.getstate(),
        "NumPy's random state": (state[1].tolist(), state[2]),
        "the working directory": os.getcwd(),
        "the number of threads": threading.active_count(),
    }


def _true(condition: bool, message: str) -> None:
    if not condition:
        raise AssertionError(message)


def _equal(found: Any, wanted: Any, what: str) -> None:
    if found != wanted:
        raise AssertionError(f"{what} must be {wanted!r}, not {found!r}")


def _close(found: float, wanted: float, what: str) -> None:
    if not abs(found - wanted) < 1e-6:
        raise AssertionError(f"{what} must be {wanted!r}, not {found!r}")
