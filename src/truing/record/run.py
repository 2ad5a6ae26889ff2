"""The `run` a training function gets: its configuration, its rows, and the way to report."""

from __future__ import annotations

import contextlib
import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from truing.data.rows import LockedRows, Rows
from truing.errors import PredictionError, UsageError, is_storable, short
from truing.record.epoch import Chosen, EpochRule
from truing.record.interfaces import Decision
from truing.record.report import Report
from truing.record.standing import Checkpoints, Standing
from truing.record.task import Task, finite
from truing.space.configuration import Configuration
from truing.statistics.metric import ALIASES
from truing.statistics.predictions import NotFinite


class DivergedError(ArithmeticError):
    """NaN or infinity was reported; the run ends as `diverged`."""


class Run:
    """One training: a configuration on one replicate.

    Attributes:
        config: the configuration, a Mapping; `.group("architecture")` gives the parameters of one group.
        seed: 0 <= seed < 2**31; replicate j has the same one for every trial. Python's, NumPy's and torch's global
            random numbers are already seeded with it.
        classes: the labels in the order of the columns of the predictions; None where it is no classification.
        train, valid: the rows to fit and the rows to predict: `.x .y .rows .dataset()`; None without data.
        dataset: the name of the dataset these rows are of, where the study has several; else None. Its columns, classes
            and number of rows are its own.
        max_epochs: the study's `epochs`; None where it sets none.
    """

    def __init__(
        self,
        *,
        config: Configuration,
        seed: int,
        folder: Path,
        task: Task,
        train: Rows | None,
        valid: Rows | None,
        epochs: int | None,
        cap: int | None,
        send: Callable[[int, float | None], Decision],
        keep: Callable[[str, bytes], None],
        checkpoints: Checkpoints | None = None,
        gpus: Sequence[str] | None = None,
        scored: str = "last",
        dataset: str | None = None,
    ) -> None:
        self.config = config
        self.dataset = dataset
        self.seed = seed
        self._folder = folder
        self.classes = list(task.classes) if task.classes is not None else None
        self.train = train
        self.valid = valid
        self.should_stop = False
        self.last = Report()
        self.refused: Exception | None = None
        self.asked_epochs: int | None = None
        self.epoch_seconds: list[float] = []
        self._task = task
        self._epochs = self.max_epochs = epochs
        self._cap = cap
        self._send = send
        self._keep = keep
        self._gpus = gpus
        self._checkpoints = checkpoints
        self._unfinished = False  # a checkpoint was saved whose epoch is neither reported nor over
        self._epoch = self._reported = self._restored_count = 0
        self.restored: int | None = None  # the epoch that an earlier attempt had come to
        self._chosen = Chosen(EpochRule.read(scored), task.primary.name, task.goal)
        self._truth: np.ndarray | None = None

    @property
    def folder(self) -> Path:
        """A folder of the run's own, empty at its start and removed after it; made when it is first asked for."""
        self._folder.mkdir(parents=True, exist_ok=True)
        return self._folder

    @property
    def device(self) -> str:
        """Where to train: "cuda" where torch sees a GPU, else "cpu"; of several GPUs "cuda" is the first.

        A run sees only the GPUs it was given, under the numbers 0, 1, ...
        """
        if self._gpus is not None and not self._gpus:
            return "cpu"
        if self._gpus:
            with contextlib.suppress(ImportError):
                import torch
        torch = sys.modules.get("torch")
        return "cuda" if torch is not None and torch.cuda.is_available() else "cpu"

    def epochs(self, n: int | None = None) -> Iterator[int]:
        """Yield 1, 2, ... up to the study's `epochs` or to `n`, whichever is less; ends early when told to.

        Raises:
            UsageError: neither the study nor the call says how many.
        """
        if n is not None and (isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1):
            raise UsageError(f"run.epochs() takes a whole number of at least 1, got {n!r}.")
        total = self._epochs if n is None or self._epochs is not None else n
        if n is not None and total is not None:
            total = min(total, int(n))
        if total is None:
            raise UsageError("The number of epochs is not set: give Study(epochs=15) or run.epochs(15).")
        self.asked_epochs = total
        if self._cap is not None:
            total = min(total, self._cap)
        for epoch in range((self.restored or 0) + 1, total + 1):
            self._commit()
            if self.should_stop:
                return
            if self._checkpoints is not None and self.restored == epoch - 1:
                self._checkpoints.put_back_random()
            self._epoch = epoch
            began = time.perf_counter()
            yield epoch
            self.epoch_seconds.append(time.perf_counter() - began)

    def report(
        self,
        predictions: Any = None,
        *,
        logits: Any = None,
        classes: Sequence[Any] | None = None,
        train: Any = None,
        epoch: int | None = None,
        **numbers: Any,
    ) -> None:
        """Report how the network does now; the study's `epoch` says which report is the run's score (the last).

        Args:
            predictions: for `run.valid`, in its order: probabilities (n, classes) in the order of `run.classes`,
                or (n,) = probability of `run.classes[1]` in a binary task; values (n,) for regression.
            logits: the same before softmax (or sigmoid).
            classes: the order of the columns, where it differs from `run.classes`; it holds for what the returned
                predict gives, too.
            train: predictions for `run.train`, or the primary metric's value there.
            epoch: default: the epoch of `run.epochs()`, or one more than the last report's.
            numbers: metrics computed by yourself, such as `accuracy=0.97`. The name `parameters` is for how many the
                network has: figures and sweeps show the score against it.

        Raises:
            PredictionError: wrong shape, logits for probabilities, the study's metric missing.
        """
        try:
            found = self._read(predictions, logits, classes, train, epoch, numbers)
        except (PredictionError, DivergedError) as error:
            self.refused = DivergedError(str(error)) if isinstance(error, NotFinite) else error
            raise self.refused from None
        self.refused = None
        last = self.last = found
        value = last.scores.get(self._task.primary.name)
        last.curve.append((last.epoch, value))
        if last.train is not None:
            last.train_curve.append((last.epoch, last.train))
        self._chosen.take(last)
        self._reported = self._epoch
        self._commit()
        self.should_stop = self._send(last.epoch, value) is not Decision.GO_ON or self.should_stop

    @property
    def counting(self) -> Report:
        """The report that the run's score is taken from."""
        return self._chosen.report() or self.last

    @property
    def best(self) -> tuple[int, float] | None:
        """Epoch and score of the best report; None where the metric was undefined in all."""
        return self._chosen.best

    def keep(self, name: str, content: bytes) -> None:
        """Leave `content` in FOLDER/model/ under `name`; only the delivered network's run keeps it.

        Raises:
            UsageError: `name` is not a plain file name, or content is not bytes.
        """
        plain = isinstance(name, str) and Path(name).name == name and name not in ("", ".", "..")
        if not plain or not is_storable(name, 100) or not name.isprintable():
            raise UsageError(f"run.keep() takes a plain file name, got {short(name)}.")
        if not isinstance(content, bytes | bytearray | memoryview):
            raise UsageError(f"run.keep({name!r}, ...) takes bytes, got {type(content).__name__}.")
        self._keep(name, bytes(content))

    def checkpoint(self, save: Callable[[Path], None]) -> None:
        """Save what another attempt at this run needs to go on from here, should this one be killed.

        Call it at the end of an epoch, such as `run.checkpoint(lambda path: torch.save(state, path))`. It is whole or
        it is not there: `save` writes beside the last one, which is replaced when all is on the disk. It counts once
        the epoch has been reported or the next one begins. The last two are kept, and removed when the run has ended
        for good.

        Args:
            save: writes a file, or makes a folder, at the path it is given.

        Raises:
            UsageError: it is no function, or wrote nothing there.
        """
        if not callable(save):
            raise UsageError(
                f"run.checkpoint() takes a function that writes to the path it is given, got {type(save).__name__}."
            )
        if self._checkpoints is None:
            return
        self._checkpoints.save(save)
        self._unfinished = True
        if self._epoch == self._reported:
            self._commit()

    def restore(self) -> Path | None:
        """What an earlier attempt at this run saved last, as the file or folder that it wrote; None without any.

        The reports up to there are this attempt's own from now on, `run.epochs()` goes on after the restored epoch,
        and Python's, NumPy's and torch's global random numbers go on where they were at the checkpoint. One that is
        damaged is passed over for the one before it. A checkpoint is of the same configuration, replicate and
        training function; a changed function begins anew.

        Raises:
            UsageError: the run has begun to train or to report.
        """
        if self._epoch or self.last.count != self._restored_count:
            raise UsageError("run.restore() was called after the first epoch or report; call it before run.epochs().")
        found = self._checkpoints.restore() if self._checkpoints is not None else None
        if found is None:
            return None
        path, standing = found
        self.last = standing.reports(self._chosen)
        self.restored, self._restored_count = standing.epoch, self.last.count
        return path

    # -- inside ----------------------------------------------------------------------------------------------------

    def _commit(self) -> None:
        if self._unfinished and self._checkpoints is not None:
            self._unfinished = False
            self._checkpoints.commit(Standing.of(self._epoch or self.last.epoch, self.last, self._chosen))

    def _read(
        self, predictions: Any, logits: Any, classes: Sequence[Any] | None, train: Any, epoch: Any, numbers: Any
    ) -> Report:
        """The report, whole; nothing is changed where it cannot be read."""
        if predictions is not None and logits is not None:
            raise PredictionError("report() takes predictions or logits=, not both.")
        given = predictions if predictions is not None else logits
        own = finite(numbers)
        found = self._from_numbers(own) if given is None else self._from_predictions(given, logits, classes, own)
        last = self.last
        if train is not None:
            found.train = self._train_score(train, logits is not None, classes)
        found.count, found.curve, found.train_curve = last.count + 1, last.curve, last.train_curve
        found.epoch = _epoch(epoch) if epoch is not None else max(self._epoch, last.epoch + (self._epoch == 0))
        found.length = self._epoch or found.epoch
        return found

    def _from_numbers(self, own: dict[str, float]) -> Report:
        primary = self._task.primary
        own = {ALIASES.get(name, name): value for name, value in own.items()}
        if primary.name not in own:
            given = ", ".join(own) or "nothing"
            wanted = "predictions for run.valid or " if primary.kind != "number" else ""
            raise PredictionError(
                f"The study's metric is {primary.name}, but report() got {given}; "
                f"report {wanted}{primary.name}=... as a number."
            )
        return self._with_numbers(Report(kind="numbers"), own)

    def _from_predictions(
        self, given: Any, logits: Any, classes: Sequence[Any] | None, own: dict[str, float]
    ) -> Report:
        primary = self._task.primary
        if self.valid is None:
            raise PredictionError(
                f"There are no validation rows to predict; report numbers by name instead, such as {primary.name}=0.5."
            )
        if isinstance(given, int | float) or getattr(given, "ndim", None) == 0:
            raise PredictionError(
                f"report() got the single number {given!r}; name it, such as report({primary.name}=...), "
                f"or give predictions for the {len(self.valid)} rows of run.valid."
            )
        read = self._task.read(given, len(self.valid), logits=logits is not None, order=classes)
        found = Report(kind="predictions", predictions=read, order=classes)
        if isinstance(self.valid, LockedRows):  # scored later, where the labels are
            return found
        if self._truth is None:
            self._truth = self._task.truth(self.valid.labels)
        found.scores, found.undefined = self._task.scores(self._truth, read)
        if primary.kind == "number" and primary.name not in own:
            raise PredictionError(
                f"The study's metric is {primary.name}; report {primary.name}=... beside the predictions."
            )
        # what is computed from predictions is not overruled by a number of the same name
        return self._with_numbers(found, {name: value for name, value in own.items() if name not in found.scores})

    def _with_numbers(self, found: Report, own: dict[str, float]) -> Report:
        for name, value in own.items():
            found.scores[name] = value if math.isfinite(value) else None
            if not math.isfinite(value):
                found.undefined[name] = f"{value} was reported"
        primary = self._task.primary.name
        if primary in own and found.scores[primary] is None:
            raise DivergedError(f"report() got {primary}={own[primary]}.")
        for metric in self._task.metrics:
            if metric.name not in found.scores:
                found.scores[metric.name], found.undefined[metric.name] = None, "not reported"
        return found

    def _train_score(self, train: Any, logits: bool, classes: Sequence[Any] | None) -> float | None:
        if isinstance(train, bool | int | float) or getattr(train, "ndim", None) == 0:
            value = finite({"train": train})["train"]
            if not math.isfinite(value):
                raise DivergedError(f"report() got train={value}.")
            return value
        if self.train is None:
            raise PredictionError("report(train=...) got predictions, but there are no training rows.")
        read = self._task.read(train, len(self.train), logits=logits, order=classes)
        return self._task.score(self._task.primary, self._task.truth(self.train.labels), read).value


def _epoch(given: Any) -> int:
    if isinstance(given, bool) or not isinstance(given, int | np.integer) or not 0 <= given < 2**53:
        raise PredictionError(f"report(epoch=...) takes a whole number from 0 on, got {short(given)}.")
    return int(given)
