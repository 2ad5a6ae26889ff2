"""What the fault tests share.

`pytest tests/faults --fault-seeds 20` carries out every test that takes `fault_seed` with the seeds 0 to 19.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
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

OPTION = "--fault-seeds"
Y = np.arange(40) % 3


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(OPTION, type=int, default=1, metavar="N", help="carry out each fault test with N seeds")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "fault_seed" in metafunc.fixturenames:
        # where all tests are collected from above, this file is read too late for its option to be given
        seeds = metafunc.config.getoption(OPTION, default=1)
        metafunc.parametrize("fault_seed", range(max(1, seeds)), ids=lambda seed: f"seed{seed}")


class Runs:
    """Carries out single runs of a function in processes or inline, and looks at what they leave.

    Attributes:
        reported: the events of all reports.
        seed: of the runs.
    """

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.seed = folder, seed
        self.reported: list[Event] = []

    def job(self, objective: Any, *, predicts: bool = False, **more: Any) -> Job:
        if predicts:
            data = Data(np.zeros((40, 2)), Y)
            data.store(self.folder / "data")
            return Job(self.folder, Task((metric("log_loss"),), (0, 1, 2)), {}, objective, data, **more)
        return Job(self.folder, Task((Metric("loss", goal="min"),)), {}, objective, **more)

    def spec(self, number: int, *, predicts: bool = False, **more: Any) -> RunSpec:
        rows = {"train": np.arange(30), "valid": np.arange(30, 40)} if predicts else {}
        spec = RunSpec(run=number, trial=0, purpose="search", config={"x": 1.0}, seed=5 + self.seed, epochs=3, **rows)
        return replace(spec, **more)

    def __call__(
        self,
        objective: Callable[[Any], Any],
        *,
        predicts: bool = False,
        seconds: float | None = None,
        memory: int | None = None,
        while_running: Callable[[int], None] = lambda pid: None,
    ) -> dict[str, Any]:
        """The `finished` data of one run in a process of its own.

        Args:
            while_running: called with its process number, as soon as that is known.
        """
        job = self.job(objective, predicts=predicts, run_seconds=seconds, run_memory=memory)
        executor = ProcessExecutor(job, 1)
        try:
            executor.start([self.spec(0, predicts=predicts)])
            found = self.wait(executor, while_running)
            executor.start([self.spec(1, predicts=predicts)])  # the server has survived, whatever happened
            executor.cancel(1)
            self.wait(executor)
        finally:
            executor.close()
        assert not (self.folder / "runs").exists()
        encode(found)
        return found

    def inline(self, objective: Callable[[Any], Any], number: int = 0, **more: Any) -> dict[str, Any]:
        """The same in this very process."""
        executor = InlineExecutor(self.job(objective, **more))
        executor.start([self.spec(number)])
        (event,) = executor.wait(0, lambda event: Decision.GO_ON)
        executor.close()
        assert not (self.folder / "runs").exists()
        return event.data

    def fails(self, objective: Callable[[Any], Any], state: str, kind: str, words: str) -> None:
        """The function ends with a Python error, in this state, and its last words are the user's."""
        found = self(objective)
        assert (found["state"], found["run"]) == (state, 0)
        reason = found["reason"]
        assert kind in reason["kind"]
        assert words in reason["message"]
        assert reason["kind"] in reason["tail"], "the traceback is in it"
        assert "execution/worker.py" not in reason["tail"], "and begins with the user's own line"

    def fail_inline(self, failures: Sequence[tuple[str, Callable[[Any], Any], str, str, str]]) -> None:
        """The same functions in this very process, which survives them."""
        for number, (name, objective, state, kind, words) in enumerate(failures):
            found = self.inline(objective, number)
            assert found["state"] == state, name
            assert kind in found["reason"]["kind"], name
            assert words in found["reason"]["message"], name

    def wait(self, executor: Any, while_running: Callable[[int], None] = lambda pid: None) -> dict[str, Any]:
        """The next end of a run."""
        told: set[int] = set()

        def decide(event: Event) -> Decision:
            self.reported.append(event)
            return Decision.GO_ON

        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            for event in executor.wait(0.05 if not told else 1.0, decide):
                return event.data
            for pid in [child.pid for child in executor._training.values() if child.pid not in (None, *told)]:
                told.add(pid)
                while_running(pid)
        raise TimeoutError("no end of the run")


@pytest.fixture
def run(tmp_path: Path, fault_seed: int) -> Iterator[Runs]:
    """Runs in `tmp_path`; the test fails that leaves a process of a run behind."""
    yield Runs(tmp_path, fault_seed)
    deadline = time.monotonic() + 20
    while any(children_of(server) for server in children_of(os.getpid())):  # the fork server stays, without children
        assert time.monotonic() < deadline, "a run's process goes on"
        time.sleep(0.02)


def children_of(pid: int) -> set[int]:
    try:
        return {int(n) for n in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}
    except OSError:
        return set()
