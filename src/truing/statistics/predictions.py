"""Validation of what a training function reports: predictions in, an array that can be scored out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from truing.errors import PredictionError

SUM_TOLERANCE = 1e-3
HALF_TOLERANCE = 1e-2  # bfloat16 keeps 8 bits: a row of ten classes may miss one by some thousandths
_HALF = ("float16", "bfloat16")


class NotFinite(PredictionError):
    """Predictions that hold NaN or infinity: the training diverged."""


def as_probabilities(
    values: Any,
    n_rows: int,
    n_classes: int,
    *,
    logits: bool = False,
    order: Sequence[int] | None = None,
) -> np.ndarray:
    """Reported predictions as probabilities of shape (n, k), column c for class index c.

    Args:
        values: anything NumPy makes an array of, or a torch tensor on any device: (n, k); for two classes
            also (n,) or (n, 1), the probability (logit) of the second class.
        n_rows, n_classes: what is expected, n and k.
        logits: True = softmax over the columns, or the sigmoid of a single one, is applied here.
        order: the class index of each column given; None = 0..k-1. A single column is that of order[1].

    Returns:
        float64, or float32 where the input has at most that precision. Rows sum to one within 0.001 (half
        precision: 0.01) and are not rescaled.

    Raises:
        NotFinite: NaN or infinity.
        PredictionError: not numbers, a wrong shape, or not probabilities.

    >>> as_probabilities([0.25, 1.0], 2, 2).tolist()
    [[0.75, 0.25], [0.0, 1.0]]
    >>> as_probabilities([[0.0, 0.0]], 1, 2, logits=True).tolist()
    [[0.5, 0.5]]
    """
    array, tolerance = _array(values)
    what = "logits" if logits else "predictions"
    shape = array.shape
    if array.ndim == 1 and n_classes > 2:
        raise PredictionError(
            f"The {what} must have shape ({n_rows}, {n_classes}), one column a class; got {shape}. "
            "Report a probability for every class, not the predicted class."
        )
    single = n_classes == 2 and (array.ndim == 1 or (array.ndim == 2 and shape[1] == 1))
    if array.ndim not in (1, 2):
        raise PredictionError(f"The {what} must have shape ({n_rows}, {n_classes}); got shape {shape}.")
    _rows(array, n_rows, what)
    if not single and shape[1] != n_classes:
        raise PredictionError(
            f"The {what} have {shape[1]} columns, but there are {n_classes} classes; report one column a class."
        )
    _finite(array, what)
    if logits:
        found = _sigmoid(array.reshape(-1)) if single else _softmax(array)
    elif single:
        found = _expanded(array.reshape(-1), tolerance)
    else:
        found = _checked(array, tolerance)
    return found if order is None else _ordered(found, order)


def as_values(values: Any, n_rows: int) -> np.ndarray:
    """Reported predictions of a regression as an array of shape (n,).

    Args:
        values: (n,) or (n, 1); anything NumPy makes an array of, or a torch tensor on any device.

    Raises:
        NotFinite: NaN or infinity.
        PredictionError: not numbers, or a wrong shape.

    >>> as_values([[1.5], [2.0]], 2).tolist()
    [1.5, 2.0]
    """
    array, _ = _array(values)
    if array.ndim not in (1, 2) or (array.ndim == 2 and array.shape[1] != 1):
        raise PredictionError(f"The predictions must have shape ({n_rows},), one number a row; got {array.shape}.")
    _rows(array, n_rows, "predictions")
    _finite(array, "predictions")
    return array.reshape(-1)


def _array(values: Any) -> tuple[np.ndarray, float]:
    """The values as float32 or float64, and how far their rows may be from one."""
    precision = str(getattr(values, "dtype", "")).rpartition(".")[2]
    if hasattr(values, "detach"):  # a torch tensor, without importing torch
        values = values.detach().cpu()
        values = values.float() if precision == "bfloat16" else values  # NumPy has no bfloat16
        values = values.numpy()
    try:
        array = np.asarray(values)
    except (TypeError, ValueError, RuntimeError) as error:
        raise PredictionError(
            f"The predictions ({type(values).__name__}) cannot be made an array; "
            f"report one array or tensor with a row for each row scored. ({_first_line(error)})"
        ) from error
    if array.dtype.kind == "O":
        array = _from_objects(array)
    if array.dtype.kind not in "fiub":
        raise PredictionError(f"The predictions must be numbers; got {_kind_of(array)}.")
    narrow = array.dtype.kind == "f" and array.dtype.itemsize <= 4
    tolerance = HALF_TOLERANCE if precision in _HALF else SUM_TOLERANCE
    return array.astype(np.float32 if narrow else np.float64, copy=False), tolerance


def _from_objects(array: np.ndarray) -> np.ndarray:
    if any(item is None or isinstance(item, str) for item in array.ravel()):
        raise PredictionError(f"The predictions must be numbers; got {_kind_of(array)}.")
    try:
        return array.astype(float)
    except (TypeError, ValueError) as error:
        raise PredictionError(f"The predictions must be numbers; got {_kind_of(array)}.") from error


def _kind_of(array: np.ndarray) -> str:
    return f"{array.dtype} such as {array.ravel()[0].__repr__()[:40]}" if array.size else str(array.dtype)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0]


def _rows(array: np.ndarray, n_rows: int, what: str) -> None:
    if len(array) != n_rows:
        raise PredictionError(f"The {what} have {len(array)} rows, but {n_rows} rows are scored; report one a row.")


def _finite(array: np.ndarray, what: str) -> None:
    finite = np.isfinite(array)
    if not finite.all():
        bad = int((~finite.reshape(len(array), -1).all(axis=1)).sum())
        raise NotFinite(f"The {what} hold NaN or infinity in {bad} of {len(array)} rows; the training diverged.")


_LOGITS = "This looks like logits: pass report(logits=...) or apply softmax."


def _checked(p: np.ndarray, tolerance: float) -> np.ndarray:
    if not p.size:
        return p
    low = float(p.min())
    away = np.abs(p.sum(axis=1, dtype=float) - 1.0)
    worst = int(away.argmax())
    if low < -tolerance:
        raise PredictionError(f"The predictions hold {low:.4g}, and no probability is negative. {_LOGITS}")
    if away[worst] > tolerance:
        raise PredictionError(
            f"Row {worst} of the predictions sums to {float(p[worst].sum()):.4g}, and probabilities sum to 1. {_LOGITS}"
        )
    return np.clip(p, 0.0, 1.0) if low < 0.0 or p.max() > 1.0 else p


def _expanded(p: np.ndarray, tolerance: float) -> np.ndarray:
    if p.size and (p.min() < -tolerance or p.max() > 1.0 + tolerance):
        outside = float(p.min() if p.min() < -tolerance else p.max())
        raise PredictionError(
            f"The predictions hold {outside:.4g}, and a probability lies between 0 and 1. "
            "This looks like logits: pass report(logits=...) or apply the sigmoid."
        )
    p = np.clip(p, 0.0, 1.0)
    return np.stack([1.0 - p, p], axis=1)


def _softmax(z: np.ndarray) -> np.ndarray:
    if not z.size:
        return z
    raised = np.exp(z.astype(float) - z.max(axis=1, keepdims=True))
    return (raised / raised.sum(axis=1, keepdims=True)).astype(z.dtype)


def _sigmoid(z: np.ndarray) -> np.ndarray:
    return _softmax(np.stack([np.zeros_like(z), z], axis=1)) if z.size else np.zeros((0, 2), z.dtype)


def _ordered(p: np.ndarray, order: Sequence[int]) -> np.ndarray:
    k = p.shape[1]
    if sorted(int(c) for c in order) != list(range(k)):
        raise PredictionError(f"classes= must name each of the {k} classes once; got the indices {list(order)}.")
    found = np.empty_like(p)
    found[:, np.asarray(order, dtype=int)] = p
    return found
