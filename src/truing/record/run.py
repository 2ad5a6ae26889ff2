"""The `run` a training function gets: its configuration, its rows, and the way to report."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from truing.data.rows import LockedRows, Rows
from truing.errors import PredictionError, UsageError
from truing.record.interfaces import Decision
from truing.record.task import Task, finite
from truing.space.configuration import Configuration


class DivergedError(ArithmeticError):
    """NaN or infinity was reported; the run ends as `diverged`."""


@dataclass
class Report:
    """The last report of a run, and what came before it as a curve."""

    scores: dict[str, float | None] = field(default_factory=dict)
    undefined: dict[str, str] = field(default_factory=dict)
    predictions: np.ndarray | None = None
    train: float | None = None
    epoch: int = 0
    count: int = 0
    kind: str = ""
    curve: list[tuple[int, float | None]] = field(default_factory=list)


class Run:
    """One training: a configuration on one replicate.

    Attributes:
        config: the configuration, a Mapping; `.group("architecture")` gives the parameters of one group.
        seed: 0 <= seed < 2**31; replicate j has the same one for every trial. Python's, NumPy's and torch's global
            random numbers are already seeded with it.
        classes: the labels in the order of the columns of the predictions; None where it is no classification.
        train, valid: the rows to fit and the rows to predict: `.x .y .rows .dataset()`; None without data.
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
    ) -> None:
        self.config = config
        self.seed = seed
        self._folder = folder
        self.classes = list(task.classes) if task.classes is not None else None
        self.train = train
        self.valid = valid
        self.should_stop = False
        self.last = Report()
        self.asked_epochs: int | None = None
        self.epoch_seconds: list[float] = []
        self._task = task
        self._epochs = self.max_epochs = epochs
        self._cap = cap
        self._send = send
        self._keep = keep
        self._epoch = 0
        self._truth: np.ndarray | None = None

    @property
    def folder(self) -> Path:
        """A folder of the run's own, empty at its start and removed after it; made when it is first asked for."""
        self._folder.mkdir(parents=True, exist_ok=True)
        return self._folder

    @property
    def device(self) -> str:
        """Where to train: "cuda" when torch is loaded and sees a GPU, else "cpu"."""
        import sys

        torch = sys.modules.get("torch")
        return "cuda" if torch is not None and torch.cuda.is_available() else "cpu"

    def epochs(self, n: int | None = None) -> Iterator[int]:
        """Yield 1, 2, ... up to the study's `epochs`, or to `n` where the study sets none; ends early when told to.

        Raises:
            UsageError: neither the study nor the call says how many.
        """
        total = self._epochs if n is None or self._epochs is not None else n
        if n is not None and total is not None:
            total = min(total, n)
        if total is None or total < 1:
            raise UsageError("The number of epochs is not set: give Study(epochs=15) or run.epochs(15).")
        self.asked_epochs = total
        if self._cap is not None:
            total = min(total, self._cap)
        for epoch in range(1, total + 1):
            if self.should_stop:
                return
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
        """Report how the network does now; the last report is the run's score.

        Args:
            predictions: for `run.valid`, in its order: probabilities (n, classes) in the order of `run.classes`,
                or (n,) = probability of `run.classes[1]` in a binary task; values (n,) for regression.
            logits: the same before softmax (or sigmoid).
            classes: the order of the columns, where it differs from `run.classes`.
            train: predictions for `run.train`, or the primary metric's value there.
            epoch: default: the epoch of `run.epochs()`, or one more than the last report's.
            numbers: metrics computed by yourself, such as `accuracy=0.97`.

        Raises:
            PredictionError: wrong shape, logits for probabilities, the study's metric missing.
        """
        if predictions is not None and logits is not None:
            raise PredictionError("report() takes predictions or logits=, not both.")
        last = self.last
        last.count += 1
        last.epoch = int(epoch) if epoch is not None else max(self._epoch, last.epoch + (self._epoch == 0))
        given = predictions if predictions is not None else logits
        try:
            own = finite(numbers)
            if given is None:
                self._take_numbers(own)
            else:
                self._take_predictions(given, logits is not None, classes, own)
            if train is not None:
                last.train = self._train_score(train, logits is not None, classes)
        except PredictionError as error:
            if type(error).__name__ == "NotFinite":
                raise DivergedError(str(error)) from None
            raise
        value = last.scores.get(self._task.primary.name)
        last.curve.append((last.epoch, value))
        self.should_stop = self._send(last.epoch, value) is not Decision.GO_ON or self.should_stop

    def keep(self, name: str, content: bytes) -> None:
        """Leave `content` in FOLDER/model/ under `name`; only the delivered network's run keeps it.

        Raises:
            UsageError: `name` is not a plain file name, or content is not bytes.
        """
        if Path(name).name != name or name in ("", ".", ".."):
            raise UsageError(f"run.keep() takes a plain file name, got {name!r}.")
        if not isinstance(content, bytes | bytearray | memoryview):
            raise UsageError(f"run.keep({name!r}, ...) takes bytes, got {type(content).__name__}.")
        self._keep(name, bytes(content))

    # -- inside ----------------------------------------------------------------------------------------------------

    def _take_numbers(self, own: dict[str, float]) -> None:
        last, primary = self.last, self._task.primary
        if primary.name not in own:
            given = ", ".join(own) or "nothing"
            wanted = "predictions for run.valid or " if primary.kind != "number" else ""
            raise PredictionError(
                f"The study's metric is {primary.name}, but report() got {given}; "
                f"report {wanted}{primary.name}=... as a number."
            )
        if not math.isfinite(own[primary.name]):
            raise DivergedError(f"report() got {primary.name}={own[primary.name]}.")
        last.kind, last.predictions = "numbers", None
        last.scores, last.undefined = {}, {}
        self._add(own)
        for metric in self._task.metrics[1:]:
            if metric.name not in own:
                last.scores[metric.name] = None
                last.undefined[metric.name] = "not reported"

    def _take_predictions(self, given: Any, logits: bool, classes: Sequence[Any] | None, own: dict[str, float]) -> None:
        last = self.last
        if self.valid is None:
            raise PredictionError("There are no validation rows to predict; report numbers instead.")
        read = self._task.read(given, len(self.valid), logits=logits, order=classes)
        last.kind, last.predictions = "predictions", read
        if isinstance(self.valid, LockedRows):  # scored later, where the labels are
            last.scores, last.undefined = {}, {}
            return
        if self._truth is None:
            self._truth = self._task.truth(self.valid.labels)
        last.scores, last.undefined = self._task.scores(self._truth, read)
        for name in [m.name for m in self._task.metrics if m.kind == "number" and m.name not in own]:
            if name == self._task.primary.name:
                raise PredictionError(f"The study's metric is {name}; report {name}=... beside the predictions.")
            last.scores[name], last.undefined[name] = None, "not reported"
        self._add({k: v for k, v in own.items() if k not in last.scores or last.scores[k] is None})
        value = last.scores.get(self._task.primary.name)
        if value is not None and not math.isfinite(value):
            raise DivergedError(f"{self._task.primary.name} is {value}.")

    def _add(self, own: dict[str, float]) -> None:
        for name, value in own.items():
            self.last.scores[name] = value if math.isfinite(value) else None
            self.last.undefined.pop(name, None)
            if not math.isfinite(value):
                self.last.undefined[name] = f"{value} was reported"

    def _train_score(self, train: Any, logits: bool, classes: Sequence[Any] | None) -> float | None:
        if isinstance(train, bool | int | float) or getattr(train, "ndim", None) == 0:
            return finite({"train": train})["train"]
        if self.train is None:
            raise PredictionError("report(train=...) got predictions, but there are no training rows.")
        read = self._task.read(train, len(self.train), logits=logits, order=classes)
        return self._task.score(self._task.primary, self._task.truth(self.train.labels), read).value
