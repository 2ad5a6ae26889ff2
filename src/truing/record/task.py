"""What is to be predicted and how it is scored: the same object serves runs, the loop and the verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from truing.errors import MetricError, PredictionError, is_storable, short
from truing.statistics.metric import Metric
from truing.statistics.predictions import as_probabilities, as_values
from truing.statistics.score import Score, score


@dataclass(frozen=True)
class Task:
    """The metrics of a study on its labels.

    Args:
        metrics: the primary metric first, then those of `also=`.
        classes: the distinct labels in sorted order; None where the task is not classification.
        positive: codes (positions in `classes`) of the positive classes; None where none was named.
    """

    metrics: tuple[Metric, ...]
    classes: tuple[Any, ...] | None = None
    positive: tuple[int, ...] | None = None

    @property
    def primary(self) -> Metric:
        return self.metrics[0]

    @property
    def goal(self) -> str:
        return self.primary.goal

    @property
    def classification(self) -> bool:
        return self.classes is not None

    def metric(self, name: str) -> Metric:
        return next(m for m in self.metrics if m.name == name)

    def truth(self, labels: np.ndarray | None) -> np.ndarray:
        """Labels as int64 codes, shape (n,), or as float64 values for regression.

        Raises:
            PredictionError: there are no labels to score against.
        """
        if labels is None:
            raise PredictionError("There are no labels to score predictions against; report numbers instead.")
        if self.classes is None:
            return np.asarray(labels, dtype=np.float64)
        known = {label: code for code, label in enumerate(self.classes)}
        return np.fromiter((known[label] for label in labels.tolist()), dtype=np.int64, count=len(labels))

    def read(self, values: Any, rows: int, *, logits: bool = False, order: Sequence[Any] | None = None) -> np.ndarray:
        """What a function reported, as an array: probabilities (rows, classes) or values (rows,).

        Raises:
            PredictionError: wrong shape, logits for probabilities, not numbers.
        """
        if self.classes is None:
            return as_values(values, rows)
        codes = None
        if order is not None:
            listed = list(order)
            if sorted(map(str, listed)) != sorted(map(str, self.classes)):
                raise PredictionError(
                    f"report(classes=...) must name each of the classes {list(self.classes)} once, got {listed}."
                )
            names = [str(label) for label in self.classes]
            codes = [names.index(str(label)) for label in listed]
        return as_probabilities(values, rows, len(self.classes), logits=logits, order=codes)

    def score(self, metric: Metric, y: np.ndarray, p: np.ndarray) -> Score:
        """One metric on codes or values `y` and predictions `p`."""
        return score(metric, y, p, positive=self.positive, labels=self.classes)

    def scores(self, y: np.ndarray, p: np.ndarray) -> tuple[dict[str, float | None], dict[str, str]]:
        """Every metric made from predictions: its values, and the reasons of those that are undefined."""
        values: dict[str, float | None] = {}
        undefined: dict[str, str] = {}
        for metric in self.metrics:
            if metric.kind == "number":
                continue
            found = self.score(metric, y, p)
            values[metric.name] = found.value
            if found.value is None:
                undefined[metric.name] = found.reason or "undefined"
        return values, undefined

    def row_loss(self, y: np.ndarray, p: np.ndarray) -> np.ndarray:
        """Loss per row, float32 (n,): log loss for classes, squared error for values."""
        if self.classes is None:
            return ((y - p) ** 2).astype(np.float32)
        chosen = np.clip(p[np.arange(len(y)), y], np.finfo(np.float32).eps, 1.0)
        return (-np.log(chosen)).astype(np.float32)

    def describe_decision(self) -> str:
        """How predictions become labels, and what counts as positive, in one sentence."""
        if self.classes is None:
            return ""
        if self.positive is not None:
            named = " or ".join(repr(self.classes[code]) for code in self.positive)
            rule = (
                "probability of at least 0.5" if len(self.classes) == 2 else "the most probable class being one of them"
            )
            return f"Positive is {named}; predicted positive by {rule}."
        if len(self.classes) == 2:
            return f"Positive is {self.classes[1]!r} (positive= names another); predicted positive from 0.5 on."
        averaged = any(m.versus_rest for m in self.metrics)
        rule = "The most probable class is predicted"
        return f"{rule}; binary metrics are per class, then averaged over classes." if averaged else f"{rule}."


def named_positive(positive: Any, classes: Sequence[Any]) -> tuple[int, ...]:
    """Codes of the class or classes that `positive=` names.

    Raises:
        MetricError: a name that is not a class, or all classes named.
    """
    known = {str(label): code for code, label in enumerate(classes)}
    named = [positive] if isinstance(positive, str) or not isinstance(positive, Sequence) else list(positive)
    missing = [label for label in named if str(label) not in known]
    if missing:
        raise MetricError(f"positive={missing[0]!r} is not a class; the classes are {list(classes)}.")
    codes = tuple(sorted({known[str(label)] for label in named}))
    if not codes or len(codes) == len(classes):
        raise MetricError(f"positive={positive!r} must name some of the classes {list(classes)}, not none or all.")
    return codes


def finite(numbers: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of report(accuracy=0.97, ...) as Python floats.

    Raises:
        PredictionError: one of them is not a real number; numpy scalars and 0-d tensors are.
    """
    found: dict[str, float] = {}
    for name, value in numbers.items():
        if not is_storable(name, 1000) or not name.isprintable():
            raise PredictionError(
                f"report() got a number named {short(name)}: give it a short name that UTF-8 can hold."
            )
        item = _scalar(value)
        if not isinstance(item, bool | int | float):
            raise PredictionError(
                f"report({name}=...) must be a real number, got {short(value)} of {type(value).__name__}."
            )
        try:
            found[name] = float(item)
        except OverflowError:
            raise PredictionError(f"report({name}=...) got a whole number beyond what a float can hold.") from None
    return found


def _scalar(value: Any) -> Any:
    try:
        return value.item() if hasattr(value, "item") and getattr(value, "ndim", 0) == 0 else value
    except Exception:  # something else that has an item()
        return value
