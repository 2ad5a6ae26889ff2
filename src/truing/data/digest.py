"""A 128-bit digest of each row of a frame, list or sparse matrix: equal for equal rows, whatever their layout."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np

from truing.data.form import is_polars, kind_of, parts, real
from truing.data.plain import lines_of
from truing.data.polars_frame import columns
from truing.data.sparse import by_rows

_LANES = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F], dtype=np.uint64)
_GONE = hashlib.blake2b(b"missing", digest_size=16).digest()


def row_digests(x: Any) -> np.ndarray:
    """uint64 (n, 2). Numbers count by their value as float64, categories by their name, and missing is missing.

    >>> found = row_digests([[1, 2], [3], [1, 2]])
    >>> found.shape, bool((found[0] == found[2]).all()), bool((found[0] == found[1]).all())
    ((3, 2), True, False)
    """
    kind, x = kind_of(x), real(x)
    if kind == "sparse":
        return _sparse(x)
    if kind == "list":
        words, arrays = parts(x)
        return _texts(lines_of(words["list"], arrays, range(len(x))))
    found = np.zeros((len(x), 2), dtype=np.uint64)
    for place, column in enumerate(_polars(x) if is_polars(x) else _pandas(x)):
        found += _mixed(column + np.uint64(place + 1))
    return found


def _pandas(frame: Any) -> Iterable[np.ndarray]:
    for place in range(frame.shape[1]):
        series = frame.iloc[:, place]
        if type(series.dtype).__name__ == "CategoricalDtype":
            known = _objects(series.cat.categories.tolist(), np.zeros(len(series.cat.categories), dtype=bool))
            yield np.concatenate([known, _texts([b"missing"])])[series.cat.codes.to_numpy()]
            continue
        kind, missing = getattr(series.dtype, "kind", "O"), series.isna().to_numpy()
        if kind in "biuf":
            yield _numbers(series.to_numpy(dtype="float64", na_value=np.nan))
        else:
            yield _objects(series.tolist(), missing)


def _polars(frame: Any) -> Iterable[np.ndarray]:
    for (_, words, arrays), label in zip(columns(frame), frame.columns, strict=True):
        if words["as"] == "numbers" and arrays["values"].dtype.kind in "biuf":
            values = arrays["values"].astype("float64")
            values[arrays["missing"]] = np.nan
            yield _numbers(values)
        else:
            series = frame[label]
            yield _objects(series.to_list(), series.is_null().to_numpy())


def _objects(values: list[Any], missing: np.ndarray) -> np.ndarray:
    filled = [None if gone else value for value, gone in zip(values, missing.tolist(), strict=True)]
    if all(value is None or type(value) in (int, float, bool) for value in filled):
        return _numbers(np.array([np.nan if value is None else float(value) for value in filled], dtype=np.float64))
    lines = [b"missing" if value is None else b"=" + str(value).encode("utf-8", "surrogatepass") for value in filled]
    return _texts(lines)


def _texts(lines: list[bytes]) -> np.ndarray:
    digests = [_GONE if line == b"missing" else hashlib.blake2b(line, digest_size=16).digest() for line in lines]
    return np.frombuffer(b"".join(digests), dtype=np.uint64).reshape(-1, 2)


def _numbers(values: np.ndarray) -> np.ndarray:
    exact = np.ascontiguousarray(values) + 0.0  # which makes -0 of it 0
    bits = exact.view(np.uint64)[:, None]
    found = _mixed(bits ^ _LANES)
    found[np.isnan(exact)] = np.frombuffer(_GONE, dtype=np.uint64)
    return found


def _sparse(matrix: Any) -> np.ndarray:
    own = by_rows(matrix).tocsr(copy=True)
    own.sum_duplicates()
    own.eliminate_zeros()
    column = _mixed(own.indices.astype(np.uint64)[:, None] + _LANES)
    entry = _mixed(column ^ _numbers(own.data.astype(np.float64)))
    ends = np.concatenate([np.zeros((1, 2), dtype=np.uint64), np.cumsum(entry, axis=0, dtype=np.uint64)])
    return ends[own.indptr[1:]] - ends[own.indptr[:-1]]


def _mixed(values: np.ndarray) -> np.ndarray:
    """splitmix64's finaliser (Steele, Lea and Flood 2014): each bit depends on every bit."""
    found = values.copy()
    found ^= found >> np.uint64(30)
    found *= np.uint64(0xBF58476D1CE4E5B9)
    found ^= found >> np.uint64(27)
    found *= np.uint64(0x94D049BB133111EB)
    found ^= found >> np.uint64(31)
    return found
