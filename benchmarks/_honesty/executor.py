"""An executor that trains all runs that wait at once; everything else of a run is what it is in any study."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from _honesty.networks import Network, Training, train
from truing.execution.job import Job
from truing.execution.worker import perform
from truing.record.events import Event
from truing.record.interfaces import Decision, RunSpec
from truing.record.seeds import seed_of

AT_ONCE = 1000
DOES_NOTHING = ("placebo", "placebo_kind")
FIXED = {  # of the spaces in which nothing varies that does anything
    "learning_rate": 0.05,
    "momentum": 0.9,
    "weight_decay": 1e-4,
    "dropout": 0.1,
    "width": 16,
    "batch_size": 16,
    "epochs": 12,
}


class Trained:
    """The training function of the benchmark: it reports what the network says that was trained for the run."""

    network: Network

    def __call__(self, run: Any) -> Callable[[np.ndarray], np.ndarray]:
        run.report(self.network.predict(run.valid.x))
        return self.network.predict


def whole(config: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration with what its space does not vary."""
    return {**FIXED, **config}


def training(x: np.ndarray, y: np.ndarray, classes: int, config: Mapping[str, Any], seed: int) -> Training:
    """Parameters that do nothing change only which random numbers are drawn."""
    return Training(x, y, classes, whole(config), seed_of(seed, *(str(config.get(name)) for name in DOES_NOTHING)))


class Batch:
    """Trains what waits in one batch, then carries out each run with its network."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._waiting: list[RunSpec] = []
        self.delivered: Network | None = None

    def free(self) -> int:
        return AT_ONCE - len(self._waiting)

    def start(self, runs: Sequence[RunSpec]) -> None:
        self._waiting += runs

    def wait(self, timeout: float, decide: Callable[[Event], Decision]) -> Sequence[Event]:
        job, specs = self._job, self._waiting
        self._waiting = []
        y = job.task.truth(job.data.labels)
        classes = len(job.task.classes)
        networks = train([training(job.data.x[s.train], y[s.train], classes, s.config, s.seed) for s in specs])
        events = []
        for spec, network in zip(specs, networks, strict=True):
            job.objective.network = network
            if spec.keep_model:
                self.delivered = network

            def send(epoch: int, score: float | None, run: int = spec.run) -> Decision:
                return decide(Event("reported", {"run": run, "epoch": epoch, "score": score}, time=self.now()))

            outcome = perform(job, spec, send, job.scratch(spec.run))
            events.append(Event("finished", outcome, time=self.now()))
        return events

    def cancel(self, run: int) -> None:
        self._waiting = [spec for spec in self._waiting if spec.run != run]

    def now(self) -> float:
        return time.time()

    def close(self) -> None:
        self._waiting.clear()
