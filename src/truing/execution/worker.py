"""Carry out one run, in whatever process this is, and say how it ended."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from truing.data.data import Data
from truing.data.rows import LockedRows, Rows
from truing.errors import PredictionError, TruingError
from truing.execution import checkpoints
from truing.execution.devices import shown
from truing.execution.failure import failure, state_of
from truing.execution.job import Job
from truing.execution.room import FULL, NoRoomError, lacking
from truing.execution.seeding import seeded
from truing.record.epoch import AT, BEST, EpochRule
from truing.record.interfaces import Decision, RunSpec
from truing.record.run import Run
from truing.record.state import State
from truing.record.trial import REHEARSAL
from truing.space.configuration import Configuration

Outcome = dict[str, Any]
Send = Callable[[int, float | None], Decision]


def perform(job: Job, spec: RunSpec, send: Send, folder: Path, stops: type[BaseException] | None = None) -> Outcome:
    """Train once and return the data of the run's `finished` event.

    It never raises for what the objective does, SystemExit and KeyboardInterrupt included.

    Args:
        send: told the epoch and the score of every report; what it answers reaches the objective.
        folder: the run's own, made when it asks for it, and removed after it.
        stops: an exception that is the person's and not the objective's: it passes.
    """
    began, job = time.perf_counter(), job.on(spec.dataset)
    run: Run | None = None
    try:
        shutil.rmtree(folder, ignore_errors=True)
        with shown(spec.gpus), seeded(spec.seed, spec.threads):
            run = _run(job, spec, folder, send)
            details = _train(job, spec, run)
        crc = _keep_predictions(job, spec, run)
        counting = run.counting
        outcome: Outcome = {"state": str(State.COMPLETED), "details": details, "predictions": crc is not None}
        if crc is not None:
            details["checksums"] = details.get("checksums", {}) | {"all": crc}
        outcome |= {"scores": counting.scores, "undefined": counting.undefined}
    except BaseException as error:
        if stops is not None and isinstance(error, stops):
            raise
        outcome = {"state": str(state_of(error)), "reason": failure(error).to_dict()}
        if (needed := lacking(error, job.folder)) is not None:  # not its fault: it is run again when there is room
            outcome |= {"state": str(State.SUPERSEDED), "details": {"lacked_bytes": needed}}
    finally:
        _remove(folder)
    if run is not None:
        outcome |= {"curve": [list(point) for point in run.last.curve], "epochs": run.last.epoch}
    return outcome | {"run": spec.run, "seconds": time.perf_counter() - began}


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder, ignore_errors=True)


def _run(job: Job, spec: RunSpec, folder: Path, send: Send) -> Run:
    def keep(name: str, content: bytes) -> None:
        if spec.keep_model:
            _put(job.model / name, content, f".{name}.part")

    train = Rows(job.data, spec.train, training=True) if job.data is not None and spec.train is not None else None
    valid: Rows | None = None
    if spec.locked is not None and spec.locked_as != "predict":
        kind = LockedRows if spec.locked_as == "locked" else Rows
        valid = kind(_locked_data(job, spec), spec.locked)
    elif job.data is not None and spec.valid is not None:
        valid = Rows(job.data, spec.valid)
    return Run(
        config=Configuration(spec.config, job.groups, job.repeats, job.objects),
        seed=spec.seed,
        folder=folder,
        task=job.task,
        train=train,
        valid=valid,
        epochs=spec.epochs,
        cap=spec.cap,
        send=send,
        keep=keep,
        checkpoints=checkpoints.of_run(job, spec, folder),
        gpus=spec.gpus,
        scored=spec.scored,
        dataset=spec.dataset or None,
    )


def _train(job: Job, spec: RunSpec, run: Run) -> dict[str, Any]:
    if job.objective is None:
        raise TruingError("This job has no objective.")
    predict = job.objective(run)
    if run.refused is not None:  # the function caught it and went on, without a report that can be read after it
        raise run.refused
    if not run.last.count:
        raise PredictionError("The function returned without a single run.report(...), so the run has no score.")
    if predict is not None and not callable(predict):
        raise PredictionError(
            f"The function returned {type(predict).__name__}; return a function from rows to predictions, or nothing."
        )
    details: dict[str, Any] = {"report": run.last.kind, "predict": predict is not None}
    if run.asked_epochs is not None:
        details["asked_epochs"] = run.asked_epochs
    if run.restored is not None:
        details["restored"] = run.restored
    if run.epoch_seconds:
        details["epoch_seconds"] = sum(run.epoch_seconds) / len(run.epoch_seconds)
    if run.last.train_curve:
        details["train_curve"] = [list(point) for point in run.last.train_curve]
    details |= _choice(EpochRule.read(spec.scored), run)
    if spec.score_train:
        details["train"] = _train_figure(job, run, predict)
    if spec.locked is not None and (crc := _score_locked(job, spec, run, predict)) is not None:
        details["checksums"] = {"-locked": crc}
    if spec.outside:
        details["checksums"] = details.get("checksums", {}) | _predict_outside(job, spec, run, predict)
    return details


def _choice(rule: EpochRule, run: Run) -> dict[str, Any]:
    """Where one epoch's report counts: which, and what the best of all would have been."""
    if rule.kind not in (BEST, AT):
        return {}
    found: dict[str, Any] = {"epoch": run.counting.length}
    if rule.kind == AT and run.best is not None:
        found["best_epoch"], found["best_score"] = run.best
    return found


def _train_figure(job: Job, run: Run, predict: Callable[[Any], Any] | None) -> float | None:
    """The primary metric on the training rows: reported, else predicted; both by the network whose report counts."""
    counting = run.counting
    if counting.train is not None or predict is None or run.train is None or job.task.primary.kind == "number":
        return counting.train
    if counting.count != run.last.count:  # predict is of a later epoch
        return None
    rows = run.train.without_labels()  # x as predict gets it for the locked rows, of a Dataset too
    read = job.task.read(predict(rows.x), len(rows), order=run.last.order)
    return job.task.score(job.task.primary, job.task.truth(run.train.labels), read).value


def _score_locked(job: Job, spec: RunSpec, run: Run, predict: Callable[[Any], Any] | None) -> int | None:
    """Keep the predictions for the locked rows, which the coordinator scores; their checksum."""
    if spec.locked is None or spec.locked_as == "numbers":
        return None
    if spec.locked_as == "predict":
        if predict is None and spec.purpose == REHEARSAL:
            return None  # the rehearsal finds out whether there is one
        if predict is None:
            raise PredictionError("The function returned no predict this time, though it did in the rehearsal.")
        found = _predicted(job, run, predict, LockedRows(_locked_data(job, spec), spec.locked))
    else:
        if run.last.predictions is None:
            raise PredictionError("Only numbers were reported for the locked rows; predictions were expected.")
        found = run.last.predictions
    if spec.purpose != REHEARSAL:
        return _save(job.predictions(spec.run, "-locked"), found.astype(np.float32))
    return None


def _predict_outside(job: Job, spec: RunSpec, run: Run, predict: Callable[[Any], Any] | None) -> dict[str, int]:
    """Keep the predictions for each set from outside: file -> checksum."""
    if predict is None:
        raise PredictionError("The function returned no predict this time, though it did before.")
    found = {}
    for key in spec.outside:
        rows = LockedRows(job.outside[key], np.arange(len(job.outside[key])))
        read = _predicted(job, run, predict, rows)
        found[f"-{key}"] = _save(job.predictions(spec.run, f"-{key}"), read.astype(np.float32))
    return found


def _predicted(job: Job, run: Run, predict: Callable[[Any], Any], rows: LockedRows) -> np.ndarray:
    try:
        return job.task.read(predict(rows.x), len(rows), order=run.last.order)
    except PredictionError as error:
        raise type(error)(f"The returned predict function: {error}") from None


def _locked_data(job: Job, spec: RunSpec) -> Data:
    data = job.outside.get(spec.locked_in, job.test if spec.locked_in == "test" else job.data)
    if data is None:
        raise TruingError("This job has no locked rows.")
    return data


def _keep_predictions(job: Job, spec: RunSpec, run: Run) -> int | None:
    """The checksum of the file; None where the predictions are not kept."""
    predictions = run.counting.predictions
    if predictions is None or run.valid is None or spec.purpose == REHEARSAL:
        return None
    if spec.locked is not None and spec.locked_as != "predict":
        return None
    found = predictions.astype(np.float32)
    if spec.keep == "loss":
        found = job.task.row_loss(job.task.truth(run.valid.labels), predictions)
        _save(job.predictions(spec.run, "-loss"), found)
        return None
    return _save(job.predictions(spec.run), found)


def _save(path: Path, array: np.ndarray) -> int:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    _put(path, buffer.getbuffer(), f"{path.stem}.part")
    return zlib.crc32(buffer.getbuffer())


def _put(path: Path, content: bytes | memoryview, part_name: str) -> None:
    """Write a file whole or not at all: under another name, then renamed.

    Raises:
        NoRoomError: the disk is full; nothing is left of it.
    """
    part = path.with_name(part_name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(content)
        os.replace(part, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        if error.errno in FULL:
            raise NoRoomError(path, len(content)) from error
        raise
