"""Labels and groups, however they were given, as one numpy column."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np

from truing.data.groups import as_text
from truing.data.tensor import is_tensor, numbers_of
from truing.errors import DataError, is_storable, short

NAMES = ("groups", "site", "ids")  # columns whose values are names: only which are equal counts


def column(values: Any, name: str) -> np.ndarray:
    """`values` as a 1-D array of bools, integers, floats or unicode text.

    Args:
        values: array, tensor, list or anything that numpy reads as an array.
        name: "y", "groups", "site" or "ids", for messages; any but y may hold whatever can be hashed.

    Raises:
        DataError: not one-dimensional, of mixed or unknown types, or with a missing value.

    >>> column(["b", "a"], "y").tolist()
    ['b', 'a']
    """
    array = _array(values, name)
    if array.ndim != 1:
        shape = "x".join(str(size) for size in array.shape) or "a single value"
        advice = ": ravel it" if array.ndim == 2 and array.shape[1] == 1 else ""
        raise DataError(f"{name} must be one-dimensional, one value a row, and has shape {shape}{advice}.")
    if array.dtype == object:
        array = _typed(array, name)
    if array.dtype.kind == "S":
        array = array.astype(str)
    if array.dtype.kind not in "biufU":
        raise DataError(f"{name} has dtype {array.dtype}: give integers, floats, booleans or strings.")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        row = int(np.flatnonzero(~np.isfinite(array))[0])
        raise DataError(f"{name} is {array[row]} at row {row}: leave out the rows without a finite {name}.")
    return array


def _array(values: Any, name: str) -> np.ndarray:
    if is_tensor(values):
        return numbers_of(values)
    if not isinstance(values, list | tuple):
        return np.asarray(values)  # strips memmap and other subclasses, copies nothing
    if any(isinstance(value, str) for value in values) or any(value is None for value in values):
        return _objects(values)  # else numpy turns [1, "a"] into text without a word
    if name in NAMES and any(
        isinstance(value, Hashable) and not np.isscalar(value) and not is_tensor(value) for value in values
    ):
        return _objects(values)  # numpy would read tuples as further dimensions
    try:
        array = np.asarray(values)
    except (ValueError, OverflowError) as error:
        raise DataError(f"{name} is a list that is no column ({error}): give one value a row.") from None
    rounded = name in NAMES and array.ndim == 1 and array.dtype.kind == "f" and array.tolist() != list(values)
    # Whole numbers beyond those that a float has would be merged with their neighbours.
    return _objects(values) if rounded and np.isfinite(array).all() else array


def _objects(values: Any) -> np.ndarray:
    array = np.empty(len(values), dtype=object)
    for row, value in enumerate(values):
        array[row] = value
    return array


def _typed(array: np.ndarray, name: str) -> np.ndarray:
    values = array.tolist()
    missing = next((i for i, v in enumerate(values) if _is_missing(v)), None)
    if missing is not None:
        raise DataError(f"{name} is missing at row {missing}: leave out the rows without {name}.")
    if all(isinstance(v, str) for v in values):
        if odd := next((v for v in set(values) if not is_storable(v)), None):
            raise DataError(f"{name} has the text {short(odd)}, which no file can hold: give a short text in UTF-8.")
        return np.array(values, dtype=str)
    if all(isinstance(v, bool | np.bool_) for v in values):
        return np.array(values, dtype=bool)
    if all(isinstance(v, int | np.integer) and not isinstance(v, bool) for v in values):
        least, most = min(values, default=0), max(values, default=0)
        if least >= -(2**63) and most < 2**63:
            return np.array(values, dtype=np.int64)
        if name not in NAMES:
            raise DataError(
                f"{name} has a whole number beyond 64 bits, {most if most >= 2**63 else least}: renumber it."
            )
    if name in NAMES:
        return as_text(values, name)
    if all(isinstance(v, int | float | np.number) and not isinstance(v, bool) for v in values):
        return np.array(values, dtype=np.float64)
    kinds = ", ".join(sorted({type(v).__name__ for v in values}))
    raise DataError(f"{name} mixes types ({kinds}): give only numbers or only strings.")


def _is_missing(value: Any) -> bool:
    """None, a NaN, or what pandas has for it."""
    return value is None or (isinstance(value, float) and value != value) or str(value) in ("<NA>", "NaT")
