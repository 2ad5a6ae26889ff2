"""The score of predictions by a metric: a number, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from truing.errors import MetricError
from truing.statistics import classification, ranking, regression
from truing.statistics.classification import Counts, count
from truing.statistics.metric import LABEL, METRICS, REGRESSION, Metric, metric

#: weights float (n,) -> the values whose mean is the score: one, or one a class; NaN where undefined.
Parts = Callable[[np.ndarray], np.ndarray]

_BY_COUNTS: dict[str, Callable[[Counts], np.ndarray]] = {
    "accuracy": classification.accuracy,
    "balanced_accuracy": classification.balanced_accuracy,
    "sensitivity": classification.sensitivity,
    "specificity": classification.specificity,
    "precision": classification.precision,
    "negative_predictive_value": classification.negative_predictive_value,
    "f1": classification.f1,
    "mcc": classification.mcc,
}
_BY_RANK = {"roc_auc": ranking.roc_auc, "average_precision": ranking.average_precision}
_BY_ROW = {"log_loss": classification.log_loss, "brier": classification.brier}


@dataclass(frozen=True)
class Score:
    """A score, or why there is none: exactly one of `value` and `reason` is None."""

    value: float | None
    reason: str | None = None


def score(
    by: Metric | str,
    y: np.ndarray,
    p: np.ndarray,
    *,
    positive: Sequence[int] | None = None,
    labels: Sequence[Any] | None = None,
) -> Score:
    """The score of predictions `p` for rows whose truth is `y`.

    Classes: `y` int (n,) in 0..k-1 and `p` float (n, k), probabilities that sum to one. Regression: both
    float (n,). With two classes the predicted class is the positive one (index 1 unless `positive` says
    otherwise) where its probability is at least 0.5; with more it is the most probable one, the first of
    equals. `positive` makes the metrics of one class against the rest binary: the probability is the sum
    over the positive classes, and with more than two classes a row is predicted positive when its most
    probable class is one of them. Without it, and with more than two classes, these metrics are averaged
    over the classes, each counting the same. Accuracy, balanced accuracy, MCC, log loss and Brier are over
    all classes always.

    Args:
        positive: the indices of the positive classes; None = index 1 of two, each in turn of more.
        labels: the classes' names by index, for reasons; default the indices.

    Returns:
        The value, or the reason why it is undefined; an undefined score is never 0.

    Raises:
        MetricError: a metric that is reported, not computed, or arrays that do not fit it or each other.

    >>> score("accuracy", np.array([0, 1]), np.array([[0.9, 0.1], [0.8, 0.2]]))
    Score(value=0.5, reason=None)
    >>> score("precision", np.array([0, 1]), np.array([[0.9, 0.1], [0.8, 0.2]]))
    Score(value=None, reason='no row was predicted positive')
    """
    by = metric(by)
    evaluate = parts(by, y, p, positive=positive)
    if not len(y):
        return Score(None, "there are no rows")
    found = evaluate(np.ones(len(y)))
    value = float(found.mean())
    if not np.isnan(value):
        return Score(value)
    return Score(None, _reason(by, y, p, positive, np.flatnonzero(np.isnan(found)), labels))


def per_class(
    by: Metric | str,
    y: np.ndarray,
    p: np.ndarray,
    *,
    positive: Sequence[int] | None = None,
    labels: Sequence[Any] | None = None,
) -> list[Score]:
    """The score of each class against the rest, by class index.

    Args: as in `score`; `positive` only decides ties of two classes here.

    Raises:
        MetricError: a metric that has no value per class, such as accuracy.

    >>> y, p = np.array([0, 1, 1]), np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]])
    >>> [s.value for s in per_class("recall", y, p)]
    [1.0, 0.5]
    """
    by = metric(by)
    if not by.versus_rest:
        names = ", ".join(name for name, known in METRICS.items() if known.versus_rest)
        raise MetricError(f"Metric {by.name!r} has no value per class; those that have are: {names}.")
    _fit(by, y, p)
    if not len(y):
        return [Score(None, "there are no rows")] * p.shape[1]
    found = _each_class(by, y, p, predicted(p, positive))(np.ones(len(y)))
    return [
        Score(None, _class_reason(by, y, [c], labels)) if np.isnan(value) else Score(float(value))
        for c, value in enumerate(found)
    ]


def predicted(p: np.ndarray, positive: Sequence[int] | None = None) -> np.ndarray:
    """The predicted class of each row, int (n,), from probabilities (n, k).

    Two classes: the positive one (index 1 unless `positive` says otherwise) where its probability is at
    least 0.5. More: the most probable one, the first of equals.

    >>> predicted(np.array([[0.5, 0.5], [0.6, 0.4]])).tolist()
    [1, 0]
    """
    if p.shape[1] != 2:
        return p.argmax(axis=1)
    (chosen,) = _positive(positive, 2) or (1,)
    return np.where(p[:, chosen] >= 0.5, chosen, 1 - chosen)


def parts(by: Metric, y: np.ndarray, p: np.ndarray, *, positive: Sequence[int] | None = None) -> Parts:
    """The score as a function of row weights, for resampling; what the weights do not touch is done once.

    The function takes weights float (n,) and gives the values whose mean is the score; NaN where undefined.

    >>> parts(metric("mae"), np.zeros(2), np.array([1.0, 3.0]))(np.array([2.0, 0.0])).tolist()
    [1.0]
    """
    _fit(by, y, p)
    if by.kind == REGRESSION:
        return _of_numbers(by, y, p)
    k = p.shape[1]
    chosen = _positive(positive, k)
    if by.name in _BY_ROW:
        losses = _BY_ROW[by.name](y, p)
        return lambda w: classification.ratio(np.array([w @ losses]), w.sum())
    if by.versus_rest and (k == 2 or chosen):
        actual, decided, probability = binary(y, p, positive)
        if by.kind == LABEL:
            of = _BY_COUNTS[by.name]
            return lambda w: of(count(actual, decided, 2, w))[1:]
        order, measure = ranking.rank(actual == 1, probability), _BY_RANK[by.name]
        return lambda w: np.array([measure(order, w)])
    return _each_class(by, y, p, predicted(p, positive))


def binary(y: np.ndarray, p: np.ndarray, positive: Sequence[int] | None) -> tuple[np.ndarray, ...]:
    """Truth (0 or 1), decision (0 or 1) and probability, each (n,), of the positive classes against the rest.

    >>> binary(np.array([2, 0]), np.array([[0.4, 0.3, 0.3], [0.1, 0.1, 0.8]]), [1, 2])[1].tolist()
    [0, 1]
    """
    chosen = list(_positive(positive, p.shape[1]) or (1,))
    inside = np.zeros(p.shape[1], dtype=np.int64)
    inside[chosen] = 1
    return inside[y], inside[predicted(p, positive)], p[:, chosen].sum(axis=1)


def _each_class(by: Metric, y: np.ndarray, p: np.ndarray, decided: np.ndarray) -> Parts:
    k = p.shape[1]
    if by.kind == LABEL:
        of = _BY_COUNTS[by.name]
        return lambda w: of(count(y, decided, k, w))
    measure = _BY_RANK[by.name]
    orders = [ranking.rank(y == c, p[:, c]) for c in range(k)]
    return lambda w: np.array([measure(order, w) for order in orders])


def _of_numbers(by: Metric, y: np.ndarray, p: np.ndarray) -> Parts:
    y = np.asarray(y, dtype=float)
    error = np.asarray(p, dtype=float) - y
    if by.name == "r2":
        return lambda w: np.array([regression.r2(y, error, w)])
    measure = {"rmse": regression.rmse, "mae": regression.mae}[by.name]
    return lambda w: np.array([measure(error, w)])


def _positive(positive: Sequence[int] | None, k: int) -> tuple[int, ...]:
    if positive is None:
        return ()
    chosen = tuple(sorted({int(c) for c in positive}))
    if not chosen or len(chosen) >= k or chosen[0] < 0 or chosen[-1] >= k:
        raise MetricError(
            f"The positive classes must be some, not all, of the class indices 0 to {k - 1}; got {list(positive)}."
        )
    return chosen


def _fit(by: Metric, y: np.ndarray, p: np.ndarray) -> None:
    if METRICS.get(by.name) != by:
        raise MetricError(f"Metric {by.name!r} is reported by the training function; it has no formula here.")
    if len(y) != len(p):
        raise MetricError(f"Metric {by.name!r} needs one prediction a row; got {len(y)} rows and {len(p)} predictions.")
    if by.kind == REGRESSION:
        if y.ndim != 1 or p.ndim != 1:
            raise MetricError(f"Metric {by.name!r} needs numbers of shape (n,); got shapes {y.shape} and {p.shape}.")
        return
    if p.ndim != 2 or p.shape[1] < 2:
        raise MetricError(
            f"Metric {by.name!r} needs probabilities of shape (n, classes), two classes or more; got {p.shape}."
        )
    if y.ndim != 1 or y.dtype.kind not in "iu" or (len(y) and (y.min() < 0 or y.max() >= p.shape[1])):
        raise MetricError(f"Metric {by.name!r} needs classes as integers from 0 to {p.shape[1] - 1}, one a row.")


def _reason(
    by: Metric,
    y: np.ndarray,
    p: np.ndarray,
    positive: Sequence[int] | None,
    undefined: np.ndarray,
    labels: Sequence[Any] | None,
) -> str:
    if by.name == "r2":
        return "y is the same in every row here" if len(y) > 1 else "there is only one row"
    if by.name == "mcc":
        return "all rows are of one class" if y.min() == y.max() else "all rows were predicted to be of one class"
    if by.versus_rest and (p.shape[1] == 2 or positive is not None):
        if by.name == "precision":
            return "no row was predicted positive"
        if by.name == "negative_predictive_value":
            return "no row was predicted negative"
        present = binary(y, p, positive)[0].any()
        return "no row here is negative" if present else "no row here is positive"
    return _class_reason(by, y, undefined.tolist(), labels)


def _class_reason(by: Metric, y: np.ndarray, classes: Sequence[int], labels: Sequence[Any] | None) -> str:
    names = [str(c if labels is None else labels[c]) for c in classes]
    which = f"class {names[0]}" if len(names) == 1 else "classes " + ", ".join(names[:5])
    which += f" and {len(names) - 5} more" if len(names) > 5 else ""
    if by.name == "specificity":
        return f"every row here is of {which}"
    if by.name == "precision":
        return f"no row was predicted as {which}"
    if by.name == "negative_predictive_value":
        return f"every row was predicted as {which}"
    if by.name == "roc_auc" and len(y) and (y == y[0]).all():
        return f"all rows here are of class {y[0] if labels is None else labels[int(y[0])]}"
    return f"{which} {'has' if len(names) == 1 else 'have'} no row here"
