"""Exact duplicate rows across the parts of a study, and groups on both sides."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from itertools import combinations
from typing import Any

import numpy as np

from truing.data.bytes import blocks, plain
from truing.data.data import Data
from truing.data.digest import row_digests
from truing.data.finding import Finding
from truing.data.lock import NAMED


def duplicates(data: Data, parts: Mapping[str, np.ndarray], others: Mapping[str, Data] | None = None) -> list[Finding]:
    """Rows of a later part whose x equals, byte for byte, that of a row of an earlier part; groups in both.

    Rows are hashed to 64 bits, some at a time; those whose hash is met twice are compared by a 128-bit digest; a row of
    a frame, list or sparse matrix counts by its own digest. An other Data of another dtype is compared in the narrower
    of two float dtypes, else in one that holds both. In a Dataset rows are not looked for, and a finding says so.

    Args:
        parts: name -> positions in `data`, such as {"development rows": ..., "locked test set": ...}.
        others: name -> a Data of its own, such as {"official test set": ...}.

    Returns:
        Findings with code "duplicates" or "groups_on_both_sides", whose `rows` are positions in the later
        part's own Data; or "duplicates_not_sought".

    >>> data = Data(np.array([[1.0], [2.0], [1.0]]))
    >>> found = duplicates(data, {"development rows": np.array([0, 1]), "locked test set": np.array([2])})
    >>> found[0].message
    '1 row of the locked test set is an exact copy of development rows.'
    """
    sides: dict[str, tuple[Data, np.ndarray]] = {name: (data, np.asarray(rows)) for name, rows in parts.items()}
    for name, other in (others or {}).items():
        sides[name] = (other, np.arange(len(other)))
    found = []
    if len(sides) > 1 and any(side.kind == "dataset" for side, _ in sides.values()):
        message = "Duplicate rows were not looked for, because the data is a Dataset, which is not read whole."
        found.append(Finding("duplicates_not_sought", message))
    elif len(sides) > 1:
        found += _copies(data, sides)
    return found + _straddling(sides)


def _copies(data: Data, sides: Mapping[str, tuple[Data, np.ndarray]]) -> list[Finding]:
    known: dict[int, np.ndarray] = {}
    arrays = {name: _array(side, known) for name, (side, _) in sides.items()}
    dtype = _common(_array(data, known).dtype, [array.dtype for array in arrays.values()])
    shape = arrays[next(iter(arrays))].shape[1:]
    names = [name for name in sides if arrays[name].shape[1:] == shape]
    keys = {name: _hashes(arrays[name], sides[name][1], dtype) for name in names}
    found = []
    for earlier, later in combinations(names, 2):
        rows_a, rows_b = sides[earlier][1], sides[later][1]
        maybe_a = rows_a[np.isin(keys[earlier], keys[later])]
        maybe_b = rows_b[np.isin(keys[later], keys[earlier])]
        met = set(_digests(arrays[earlier], maybe_a, dtype))
        copies = np.array([d in met for d in _digests(arrays[later], maybe_b, dtype)], dtype=bool)
        rows = maybe_b[copies].astype(np.int64)
        if rows.size:
            verb = "row of {} is an exact copy" if rows.size == 1 else "rows of {} are exact copies"
            whose = verb.format(_the(later))
            found.append(Finding("duplicates", f"{rows.size} {whose} of {_the(earlier)}.", int(rows.size), rows))
    return found


def _array(data: Data, known: dict[int, np.ndarray]) -> np.ndarray:
    """x as an array whose rows can be compared: itself, or the digests of its rows."""
    if data.kind in ("array", "tensor"):
        return plain(data.x)[0]
    if id(data) not in known:
        known[id(data)] = row_digests(data.x)
    return known[id(data)]


def _common(own: np.dtype[Any], dtypes: list[np.dtype[Any]]) -> np.dtype[Any]:
    """The dtype to compare in: rows saved as float32 are the float64 rows that they were made from."""
    if all(dtype.kind == "f" for dtype in dtypes):
        return min(dtypes, key=lambda dtype: dtype.itemsize).newbyteorder("=")
    try:
        return np.result_type(*dtypes)
    except TypeError:
        return own


def _straddling(sides: Mapping[str, tuple[Data, np.ndarray]]) -> list[Finding]:
    grouped = {n: d.group_labels[rows] for n, (d, rows) in sides.items() if d.group_labels is not None}
    found = []
    for earlier, later in combinations(grouped, 2):
        shared = set(grouped[earlier].tolist()) & set(grouped[later].tolist())
        if not shared:
            continue
        inside = np.array([group in shared for group in grouped[later].tolist()])
        rows = sides[later][1][inside].astype(np.int64)
        named = len({*grouped[earlier].tolist(), *grouped[later].tolist()}) <= NAMED
        examples = f" ({_examples(shared)})" if named else ""
        what = f"Group {_examples(shared)} is" if named and len(shared) == 1 else f"{len(shared)} groups{examples} are"
        what = "One group is" if not named and len(shared) == 1 else what
        message = f"{what} on both sides: in {_the(earlier)} and in {_the(later)}."
        found.append(Finding("groups_on_both_sides", message, len(shared), rows))
    return found


def _the(name: str) -> str:
    return name if name.endswith("rows") else f"the {name}"


def _examples(values: set[Any]) -> str:
    try:
        ordered = sorted(values)
    except TypeError:
        ordered = sorted(values, key=str)
    return ", ".join(str(value) for value in ordered[:5]) + (" ..." if len(values) > 5 else "")


def _hashes(array: np.ndarray, rows: np.ndarray, dtype: np.dtype[Any]) -> np.ndarray:
    """One 64-bit hash a row: mixed words summed with odd random weights."""
    found = [np.empty(0, dtype=np.uint64)]
    for block in blocks(array, rows):
        raw = _raw(block, dtype)
        words = np.zeros((len(raw), -(-raw.shape[1] // 8) * 8), dtype=np.uint8)
        words[:, : raw.shape[1]] = raw
        mixed = words.view(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
        weights = np.random.default_rng(0).integers(0, 2**63, mixed.shape[1], dtype=np.uint64) * np.uint64(2)
        found.append((mixed * (weights + np.uint64(1))).sum(axis=1, dtype=np.uint64))
    return np.concatenate(found)


def _digests(array: np.ndarray, rows: np.ndarray, dtype: np.dtype[Any]) -> list[bytes]:
    return [
        hashlib.blake2b(row.tobytes(), digest_size=16).digest()
        for block in blocks(array, rows)
        for row in _raw(block, dtype)
    ]


def _raw(block: np.ndarray, dtype: np.dtype[Any]) -> np.ndarray:
    """The bytes of each row: uint8 (rows, bytes)."""
    with np.errstate(over="ignore", invalid="ignore"):  # too large for the narrower dtype is infinite there
        flat = np.ascontiguousarray(block.astype(dtype, copy=False)).reshape(len(block), -1)
    return flat.view(np.uint8).reshape(len(block), -1)
