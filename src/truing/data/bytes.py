"""The bytes of arrays and tensors, a few rows at a time, so that nothing is ever held twice as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from truing.data.tensor import is_tensor, to_numpy

CHUNK = 16 * 2**20  # bytes read at once


def plain(values: Any) -> tuple[np.ndarray, str]:
    """An array or tensor as a base-class numpy array without a copy, and the name of its dtype."""
    if is_tensor(values):
        return to_numpy(values)
    array = np.asarray(values)
    return array, array.dtype.str


def blocks(array: np.ndarray, rows: np.ndarray | None = None) -> Iterator[np.ndarray]:
    """Consecutive contiguous pieces of about 16 MB, of all rows or of the given ones in their order."""
    size = max(1, CHUNK // max(1, array[:1].nbytes))
    n = len(array) if rows is None else len(rows)
    for start in range(0, n, size):
        piece = array[start : start + size] if rows is None else array[rows[start : start + size]]
        yield np.ascontiguousarray(piece)
