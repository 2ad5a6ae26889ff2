"""The forms x may have: which one a thing is, its rows in the type that was given, and what is stored of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from truing.data import pandas_frame, polars_frame, sparse
from truing.data.listed import StoredList
from truing.data.plain import pack
from truing.data.polars_frame import StoredPolars
from truing.data.tensor import is_tensor
from truing.errors import DataError

Kind = Literal["array", "tensor", "dataset", "frame", "list", "sparse"]
EARLY = 100  # values of a list that are looked at when the Data is made


def kind_of(x: Any) -> Kind:
    """What x is: "array" (numpy), "tensor" (torch), "frame" (pandas, polars), "list", "sparse" or "dataset"."""
    if isinstance(x, np.ndarray):
        return "array"
    if is_tensor(x):
        return "tensor"
    if is_pandas(x) or is_polars(x) or isinstance(x, StoredPolars):
        return "frame"
    if isinstance(x, list | tuple | StoredList):
        return "list"
    return "sparse" if is_sparse(x) else "dataset"


def is_pandas(value: Any, kind: str = "DataFrame") -> bool:
    """True for a pandas object of that kind, judged by its type's name: pandas stays unimported."""
    return _is(value, "pandas", kind)


def is_polars(value: Any, kind: str = "DataFrame") -> bool:
    """True for a polars object of that kind."""
    return _is(value, "polars", kind)


def is_series(value: Any) -> bool:
    """True for a column of pandas or polars."""
    return is_pandas(value, "Series") or is_polars(value, "Series")


def is_sparse(value: Any) -> bool:
    """True for a scipy sparse matrix or array."""
    return type(value).__module__.startswith("scipy.sparse") and hasattr(value, "tocsr")


def _is(value: Any, library: str, kind: str) -> bool:
    return any(base.__name__ == kind and base.__module__.split(".")[0] == library for base in type(value).__mro__)


def length(x: Any) -> int:
    """The number of rows."""
    return int(x.shape[0]) if is_sparse(x) else len(x)


def real(x: Any) -> Any:
    """x itself; a frame that lies in a file is read."""
    return x.frame if isinstance(x, StoredPolars) else x


def taken(x: Any, rows: np.ndarray) -> Any:
    """The given rows of anything but a Dataset, copied out, in the type of x."""
    kind = kind_of(x)
    if kind == "array":
        return np.asarray(x)[rows]
    if kind == "tensor":
        import torch

        return x.detach()[torch.from_numpy(rows).to(x.device)]
    if kind == "sparse":
        return sparse.taken(x, rows)
    if kind == "list":
        found = [x[row] for row in rows.tolist()]
        return tuple(found) if isinstance(x, tuple) else found
    x = real(x)
    return x.iloc[rows] if is_pandas(x) else x[rows]


def item(x: Any, row: int) -> Any:
    """One row as an item of a map-style dataset: of a frame a dict, of a sparse matrix a dense array (columns,)."""
    kind = kind_of(x)
    if kind == "array":
        # A copy, so that neither the user's memory nor a read-only map is written to by what follows.
        return np.array(x[row])
    if kind == "tensor":
        return x[row].detach().clone()
    if kind == "list":
        return x[row]
    if kind == "sparse":
        return sparse.by_rows(x)[[row]].toarray()[0]
    x = real(x)
    if is_polars(x):
        return x.row(row, named=True)
    return {label: x.iat[row, place] for place, label in enumerate(x.columns.tolist())}


def column_names(x: Any) -> list[Any]:
    """The names of a frame's columns."""
    x = real(x)
    return list(x.columns) if is_polars(x) else x.columns.tolist()


def without_columns(frame: Any, names: list[str]) -> Any:
    """The frame without these columns."""
    return frame.drop(names) if is_polars(frame) else frame.drop(columns=names)


def parts(x: Any, name: str = "x") -> tuple[dict[str, Any], Mapping[str, Any]]:
    """A pandas frame, list or sparse matrix as words and named arrays.

    Raises:
        DataError: it holds something that cannot be written down.
    """
    if isinstance(x, StoredList):
        return {"list": dict(x.words), "rows": x.n}, x.arrays
    kind = kind_of(x)
    if kind == "list":
        words, arrays = pack(x, name)
        return {"list": words, "rows": len(x), **({"tuple": True} if isinstance(x, tuple) else {})}, arrays
    return sparse.parts(x) if kind == "sparse" else pandas_frame.parts(x)


def whole(kind: str, words: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Any:
    """What `parts` was given; a list stays where it lies."""
    if kind == "sparse":
        return sparse.matrix_of(words, arrays)
    if kind == "frame":
        return pandas_frame.frame_of(words, arrays)
    found = StoredList(words["list"], arrays, words["rows"])
    return tuple(found) if words.get("tuple") else found


def checked_x(x: Any) -> Any:
    """x, or the sentence that says what to give instead."""
    if isinstance(x, np.ndarray):
        if x.ndim == 0:
            raise DataError("x is a single value: give an array with one row for each example.")
        if x.dtype.hasobject:
            raise DataError(
                f"x has dtype {x.dtype}: convert it to numbers, such as x.astype('float32'), or give x.tolist() where "
                "it holds text or rows of any length."
            )
        return x
    if is_tensor(x):
        if x.ndim == 0:
            raise DataError("x is a single value: give a tensor with one row for each example.")
        if str(x.layout) != "torch.strided":
            raise DataError("x is a sparse tensor: give x.to_dense().")
        return x
    kind = kind_of(x)
    if kind == "frame":
        if not isinstance(x, StoredPolars):
            (pandas_frame if is_pandas(x) else polars_frame).checked(x)
        return x
    if kind == "sparse":
        sparse.checked(x)
        return x
    if kind == "list":
        if not isinstance(x, StoredList):
            pack(x[:EARLY], "x")
        return x
    module = type(x).__module__.split(".")[0]
    if module in ("pandas", "polars", "pyarrow"):
        advice = {"pandas": "a DataFrame, such as x.to_frame()", "polars": "a DataFrame (x.collect(), x.to_frame())"}
        raise DataError(f"x is a {module} {type(x).__name__}: give {advice.get(module, 'x.to_pandas()')}.")
    indexed = hasattr(type(x), "__len__") and hasattr(type(x), "__getitem__")
    if not indexed or isinstance(x, str | bytes | dict):
        raise DataError(
            f"x is a {type(x).__name__}: give an array, a torch tensor, a frame, a list, a sparse matrix, "
            "or a Dataset (len() and indexing)."
        )
    try:
        len(x)
    except (TypeError, NotImplementedError):
        raise DataError(f"x is a {type(x).__name__} without a length: give a map-style Dataset.") from None
    return x
