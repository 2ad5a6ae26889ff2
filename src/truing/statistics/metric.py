"""What a metric is called, which way is better, and what it needs to be computed."""

from __future__ import annotations

import difflib
import math
from dataclasses import dataclass

from truing.errors import MetricError, is_storable, short

LABEL, PROBABILITY, REGRESSION, NUMBER = "label", "probability", "regression", "number"


@dataclass(frozen=True)
class Metric:
    """A figure by which networks are compared.

    `Metric("reward", goal="max")` is a number that the training function reports itself. The metrics
    computed from predictions are had by name: `metric("log_loss")`.

    Args:
        name: how it is called in reports and in `run.report(name=value)`.
        goal: "min" or "max".
        kind: what it is computed from: "label" (the predicted classes), "probability", "regression"
            (predicted numbers) or "number" (nothing: it is reported).
        low, high: the ends of its range; may be infinite.
        versus_rest: True for metrics of one class against the rest; with more than two classes and no
            positive class they are computed per class and averaged.

    Raises:
        MetricError: an unknown goal or kind, an empty name, or low not below high.

    >>> Metric("reward", goal="max").kind
    'number'
    """

    name: str
    goal: str
    kind: str = NUMBER
    low: float = -math.inf
    high: float = math.inf
    versus_rest: bool = False

    def __post_init__(self) -> None:
        if not is_storable(self.name, 1000) or not self.name.strip():
            raise MetricError(
                f"A metric needs a name, of at most 1,000 characters that UTF-8 can hold; got {short(self.name)}."
            )
        if self.goal not in ("min", "max"):
            raise MetricError(f'The goal of metric {self.name!r} must be "min" or "max"; got {self.goal!r}.')
        if self.kind not in (LABEL, PROBABILITY, REGRESSION, NUMBER):
            raise MetricError(
                f"The kind of metric {self.name!r} must be label, probability, regression or number; got {self.kind!r}."
            )
        if not self.low < self.high:
            raise MetricError(
                f"The range of metric {self.name!r} must rise; got low {self.low!r} and high {self.high!r}."
            )

    @property
    def classification(self) -> bool:
        """True when it is computed from the predicted probabilities of classes."""
        return self.kind in (LABEL, PROBABILITY)


METRICS = {
    found.name: found
    for found in (
        Metric("accuracy", "max", LABEL, 0, 1),
        Metric("balanced_accuracy", "max", LABEL, 0, 1),
        Metric("sensitivity", "max", LABEL, 0, 1, True),
        Metric("specificity", "max", LABEL, 0, 1, True),
        Metric("precision", "max", LABEL, 0, 1, True),
        Metric("negative_predictive_value", "max", LABEL, 0, 1, True),
        Metric("f1", "max", LABEL, 0, 1, True),
        Metric("mcc", "max", LABEL, -1, 1),
        Metric("roc_auc", "max", PROBABILITY, 0, 1, True),
        Metric("average_precision", "max", PROBABILITY, 0, 1, True),
        Metric("log_loss", "min", PROBABILITY, 0),
        Metric("brier", "min", PROBABILITY, 0, 2),
        Metric("rmse", "min", REGRESSION, 0),
        Metric("mae", "min", REGRESSION, 0),
        Metric("r2", "max", REGRESSION, -math.inf, 1),
    )
}
ALIASES = {"recall": "sensitivity", "npv": "negative_predictive_value", "auc": "roc_auc"}


def metric(name: str | Metric) -> Metric:
    """The metric called `name`; a `Metric` is returned as it is.

    Raises:
        MetricError: no such name; the message gives the nearest one and the full list.

    >>> metric("recall").name, metric("log_loss").goal
    ('sensitivity', 'min')
    """
    if isinstance(name, Metric):
        return name
    if isinstance(name, str):
        found = METRICS.get(ALIASES.get(name, name))
        if found is not None:
            return found
    near = difflib.get_close_matches(str(name).lower(), [*METRICS, *ALIASES], 1)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    raise MetricError(
        f"There is no metric named {name!r}{hint} Known: {', '.join(METRICS)}. "
        f'A number of your own is Metric({str(name)!r}, goal="min") or goal="max".'
    )
