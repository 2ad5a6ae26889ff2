"""What all runs of a study share: the objective, the data and how to score."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from truing.data.checksum import crc_of
from truing.data.data import Data
from truing.errors import DataError
from truing.record.task import Task
from truing.record.trial import RunRecord
from truing.space.configuration import Elements


@dataclass(frozen=True)
class Job:
    """The part of a run that is the same for every run of a study.

    Args:
        folder: the study's folder.
        groups: parameter -> group.
        repeats, objects: of the space, for the configuration of a run.
        test: an official test set; None where the locked rows are rows of `data`, or where there are none.
        outside: external sets and negative controls by their keys.
        version: a digest of what the study and its function are; a checkpoint of another one is never taken up.
        run_memory: bytes that a run and all it started may hold; None = no limit.
        home: the folder of the study that this one is a part of, where the data is stored and by which the fork server
            knows the file's study; None = `folder` itself.
        datasets: of a study over several, by name: the dataset's key in `outside`, and its task.
        dataset: the name of the one that this job is on; see `on`.
        predictions_limit: bytes of kept predictions in the folder, beyond which only the loss per row is kept.
    """

    folder: Path
    task: Task
    groups: dict[str, str]
    objective: Callable[[Any], Any] | None = None
    data: Data | None = None
    test: Data | None = None
    outside: Mapping[str, Data] = field(default_factory=dict)
    threads: int = 1
    version: str = ""
    run_seconds: float | None = None
    run_memory: int | None = None
    predictions_limit: int = 1_000_000_000
    repeats: Mapping[str, Elements] = field(default_factory=dict)
    objects: Mapping[str, Mapping[Any, Any]] = field(default_factory=dict)
    home: Path | None = None
    datasets: Mapping[str, tuple[str, Task]] = field(default_factory=dict)
    dataset: str = ""

    @property
    def study(self) -> Path:
        """The folder of the study as the file names it."""
        return self.home or self.folder

    @property
    def model(self) -> Path:
        """Where the delivered network's files are: of several datasets, each has a network and a folder."""
        return self.folder / "model" / self.dataset

    def on(self, dataset: str) -> Job:
        """This job on one of its datasets alone; itself where it has one."""
        if not dataset:
            return self
        key, task = self.datasets[dataset]
        return replace(self, data=self.outside[key], task=task, outside={}, datasets={}, dataset=dataset)

    def scratch(self, run: int, token: int = 0) -> Path:
        """The folder of the run's own, which is there while it trains; `token` tells rehearsals apart."""
        return self.folder / "runs" / (f"run-{run:06d}" if run >= 0 else f"rehearsal-{token}")

    def output(self, run: int) -> Path:
        """The file with what the run wrote to standard output and standard error."""
        name = f"run-{run:06d}" if run >= 0 else "rehearsal"
        return self.folder / "output" / f"{name}.txt"

    def outside_folder(self, key: str) -> Path:
        """Where a set from outside is stored."""
        return self.folder / "data" / "outside" / key

    def predictions(self, run: int, what: str = "") -> Path:
        """The file with the predictions of the report that the run's score is taken from."""
        return self.folder / "predictions" / f"run-{run:06d}{what}.npy"


def sweep(job: Job) -> None:
    """Remove what killed runs left in the study's folder: their own files, and files that are not whole."""
    shutil.rmtree(job.folder / "runs", ignore_errors=True)
    for part in (*job.folder.glob("predictions/*.part"), *job.folder.glob("model/**/.*.part")):
        part.unlink(missing_ok=True)


def kept(job: Job, run: RunRecord, what: str = "") -> np.ndarray:
    """The predictions that a run left, checked against the checksum in its record.

    Raises:
        DataError: the file is missing or damaged.
    """
    path, crc = job.predictions(run.id, what), run.details.get("checksums", {}).get(what or "all")
    try:
        if crc is not None and crc_of(path) != crc:
            raise ValueError("it does not match its checksum")
        return np.asarray(np.load(path, allow_pickle=False))
    except FileNotFoundError:
        raise DataError(f"The kept predictions of run {run.id} are missing ({path}).") from None
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"The kept predictions of run {run.id} are damaged ({path}: {error}).") from error
