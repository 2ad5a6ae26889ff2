"""Carry out one run, in whatever process this is, and say how it ended."""

from __future__ import annotations

import os
import random
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from truing.data.rows import LockedRows, Rows
from truing.errors import PredictionError, TruingError
from truing.execution.job import Job
from truing.record.interfaces import Decision, RunSpec
from truing.record.run import DivergedError, Run
from truing.record.source import is_users_file
from truing.record.state import State
from truing.record.trial import REHEARSAL, Reason
from truing.space.configuration import Configuration

TAIL_LINES = 20

Outcome = dict[str, Any]


def perform(
    job: Job, spec: RunSpec, send: Callable[[int, float | None], Decision], *, interruptible: bool = False
) -> Outcome:
    """Train once and return the data of the run's `finished` event.

    It never raises for what the objective does; with `interruptible`, KeyboardInterrupt is the person's and passes.
    """
    began = time.perf_counter()
    folder = Path(tempfile.mkdtemp(prefix=f"truing-run-{spec.run}-"))
    run: Run | None = None
    try:
        with seeded(spec.seed, spec.threads):
            run = _run(job, spec, folder, send)
            details = _train(job, spec, run)
        outcome: Outcome = {"state": str(State.COMPLETED), "details": details}
    except BaseException as error:  # SystemExit and KeyboardInterrupt raised inside a run are its end too
        if isinstance(error, KeyboardInterrupt) and interruptible:
            raise
        outcome = {"state": str(_state(error)), "reason": failure(error).to_dict()}
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if run is not None:
        last = run.last
        outcome |= {"curve": [list(point) for point in last.curve], "epochs": last.epoch}
        if outcome["state"] == State.COMPLETED:
            outcome |= {"scores": last.scores, "undefined": last.undefined}
            outcome["predictions"] = _keep_predictions(job, spec, run)
    outcome["seconds"] = time.perf_counter() - began
    return outcome | {"run": spec.run}


def _run(job: Job, spec: RunSpec, folder: Path, send: Callable[[int, float | None], Decision]) -> Run:
    def keep(name: str, content: bytes) -> None:
        if spec.keep_model:
            target = job.folder / "model"
            target.mkdir(exist_ok=True)
            part = target / f".{name}.part"
            part.write_bytes(content)
            os.replace(part, target / name)

    train = Rows(job.data, spec.train) if job.data is not None and spec.train is not None else None
    valid: Rows | None = None
    if spec.locked is not None and spec.locked_as != "predict":
        kind = LockedRows if spec.locked_as == "locked" else Rows
        valid = kind(_locked_data(job, spec), spec.locked)
    elif job.data is not None and spec.valid is not None:
        valid = Rows(job.data, spec.valid)
    return Run(
        config=Configuration(spec.config, job.groups),
        seed=spec.seed,
        folder=folder,
        task=job.task,
        train=train,
        valid=valid,
        epochs=spec.epochs,
        cap=spec.cap,
        send=send,
        keep=keep,
    )


def _train(job: Job, spec: RunSpec, run: Run) -> dict[str, Any]:
    if job.objective is None:
        raise TruingError("This job has no objective.")
    predict = job.objective(run)
    if not run.last.count:
        raise PredictionError("The function returned without a single run.report(...), so the run has no score.")
    if predict is not None and not callable(predict):
        raise PredictionError(
            f"The function returned {type(predict).__name__}; return a function from rows to predictions, or nothing."
        )
    details: dict[str, Any] = {"report": run.last.kind, "predict": predict is not None}
    if run.asked_epochs is not None:
        details["asked_epochs"] = run.asked_epochs
    if run.epoch_seconds:
        details["epoch_seconds"] = sum(run.epoch_seconds) / len(run.epoch_seconds)
    if spec.score_train:
        details["train"] = _train_figure(job, run, predict)
    if spec.locked is not None:
        _score_locked(job, spec, run, predict)
    return details


def _train_figure(job: Job, run: Run, predict: Callable[[Any], Any] | None) -> float | None:
    """The primary metric on the training rows: reported, else predicted."""
    if run.last.train is not None or predict is None or run.train is None or job.task.primary.kind == "number":
        return run.last.train
    read = job.task.read(predict(run.train.x), len(run.train))
    return job.task.score(job.task.primary, job.task.truth(run.train.labels), read).value


def _score_locked(job: Job, spec: RunSpec, run: Run, predict: Callable[[Any], Any] | None) -> None:
    """Keep the predictions for the locked rows; the coordinator scores them."""
    if spec.locked is None or spec.locked_as == "numbers":
        return
    if spec.locked_as == "predict":
        if predict is None and spec.purpose == REHEARSAL:
            return  # the rehearsal finds out whether there is one
        if predict is None:
            raise PredictionError("The function returned no predict this time, though it did in the rehearsal.")
        locked = LockedRows(_locked_data(job, spec), spec.locked)
        try:
            found = job.task.read(predict(locked.x), len(locked))
        except PredictionError as error:
            raise type(error)(f"The returned predict function: {error}") from None
    else:
        if run.last.predictions is None:
            raise PredictionError("Only numbers were reported for the locked rows; predictions were expected.")
        found = run.last.predictions
    if spec.purpose != REHEARSAL:
        _save(job.predictions(spec.run, "-locked"), found.astype(np.float32))


def _locked_data(job: Job, spec: RunSpec) -> Any:
    return job.test if spec.locked_in == "test" else job.data


def _keep_predictions(job: Job, spec: RunSpec, run: Run) -> bool:
    if run.last.predictions is None or run.valid is None or spec.purpose == REHEARSAL:
        return False
    if spec.locked is not None and spec.locked_as != "predict":
        return False
    found = run.last.predictions.astype(np.float32)
    if spec.keep == "loss":
        found = job.task.row_loss(job.task.truth(run.valid.labels), run.last.predictions)
        _save(job.predictions(spec.run, "-loss"), found)
        return False
    _save(job.predictions(spec.run), found)
    return True


def _save(path: Path, array: np.ndarray) -> None:
    path.parent.mkdir(exist_ok=True)
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        np.save(file, array, allow_pickle=False)
    os.replace(part, path)


@contextmanager
def seeded(seed: int, threads: int) -> Iterator[None]:
    """Seed every global random generator and set torch's threads; put all back afterwards."""
    torch = sys.modules.get("torch")
    python_state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002 - the user's global state
    torch_state = (torch.get_rng_state(), torch.get_num_threads()) if torch is not None else None
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    if torch is not None:
        torch.manual_seed(seed)
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
    try:
        yield
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)  # noqa: NPY002
        if torch is not None and torch_state is not None:
            torch.set_rng_state(torch_state[0])
            if torch.get_num_threads() != torch_state[1]:
                torch.set_num_threads(torch_state[1])


def _state(error: BaseException) -> State:
    if isinstance(error, DivergedError):
        return State.DIVERGED
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return State.OUT_OF_MEMORY
    if isinstance(error, RuntimeError) and "can't allocate memory" in _text(error):
        return State.OUT_OF_MEMORY
    return State.FAILED


def failure(error: BaseException) -> Reason:
    """What went wrong, with the traceback from the user's own first line on."""
    frames = traceback.extract_tb(error.__traceback__)
    users = [frame for frame in frames if is_users_file(frame.filename)]
    where = f"{Path(users[-1].filename).name}:{users[-1].lineno}" if users else ""
    while frames and not is_users_file(frames[0].filename):
        del frames[0]
    lines = ["Traceback (most recent call last):\n", *traceback.format_list(frames)] if frames else []
    lines.append(f"{type(error).__name__}: {_text(error)}")
    return Reason(type(error).__name__, _text(error)[:2000], where, "".join(lines)[-8000:])


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # an exception whose __str__ raises is the user's too
        return "(its text cannot be read)"


def tail(path: Path, lines: int = TAIL_LINES) -> str:
    """The last lines of a run's output; empty where there is none."""
    try:
        with path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - 16_384))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])
