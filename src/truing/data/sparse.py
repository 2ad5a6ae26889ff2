"""A scipy sparse matrix as the arrays it is made of, and back, in the class that was given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from truing.errors import DataError

OWN = ("csr", "csc")  # formats whose own arrays are stored; the others go by way of csr


def checked(matrix: Any) -> None:
    """Raise DataError unless it is a matrix of numbers in two dimensions."""
    if matrix.ndim != 2:
        raise DataError(f"x is a sparse array of {matrix.ndim} dimensions: give one with one row for each example.")
    if matrix.dtype.hasobject:
        raise DataError(f"x is sparse with dtype {matrix.dtype}: convert it to numbers.")


def taken(matrix: Any, rows: np.ndarray) -> Any:
    """These rows, in the format that was given."""
    return by_rows(matrix)[rows].asformat(matrix.format)


def by_rows(matrix: Any) -> Any:
    """The matrix in a format whose rows can be taken."""
    return matrix if matrix.format in OWN else matrix.tocsr()


def parts(matrix: Any) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The matrix as words and arrays."""
    own = by_rows(matrix)
    words = {"class": type(matrix).__name__, "stored": own.format, "shape": [int(size) for size in matrix.shape]}
    return words, {"data": own.data, "indices": own.indices, "indptr": own.indptr}


def matrix_of(words: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Any:
    """The matrix that `parts` was given, over the same memory where its format allows."""
    import scipy.sparse

    kind, _, family = words["class"].partition("_")
    make = getattr(scipy.sparse, f"{words['stored']}_{family}")
    own = make((arrays["data"], arrays["indices"], arrays["indptr"]), shape=tuple(words["shape"]), copy=False)
    return own if kind == words["stored"] else own.asformat(kind)
