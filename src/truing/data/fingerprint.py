"""What identifies the content of a Data: SHA-256 over types, shapes and bytes."""

from __future__ import annotations

import hashlib
import json
import random
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from truing.data.bytes import blocks, plain
from truing.data.form import is_polars, parts, real
from truing.data.polars_frame import columns
from truing.data.tensor import is_tensor

if TYPE_CHECKING:
    from truing.data.data import Data

SAMPLED = 64  # rows of a Dataset that are read


def of_data(data: Data) -> str:
    """SHA-256 in hexadecimal over x, y and groups; the same for what `store` wrote and `open` mapped.

    Of a Dataset the length, y, groups and 64 evenly spaced rows are hashed, once in the life of `data`.
    """
    known = data.__dict__.get("_fingerprint")
    if known is not None:
        return str(known)
    digest = hashlib.sha256()
    digest.update(data.kind.encode())
    if data.kind == "dataset":
        digest.update(str(len(data)).encode())
        with _fixed_randomness():  # augmentation that draws from the global streams then gives the same rows
            for row in sampled(len(data)):
                _hash_item(digest, data.x[int(row)])
    elif data.kind in ("array", "tensor"):
        _hash_array(digest, data.x)
    else:
        _hash_form(digest, data.x)
    for values in (data.labels, data.group_labels):
        if values is None:
            digest.update(b"none")
        else:
            _hash_array(digest, values)
    for name, tag in (("site", data.site_labels), ("time", data.times), ("ids", data.id_labels)):
        if tag is not None:
            digest.update(name.encode())
            _hash_array(digest, tag)
    found = digest.hexdigest()
    if data.kind == "dataset":  # its rows may be dear to read; arrays are hashed anew, for they may be edited
        data.__dict__["_fingerprint"] = found
    return found


def sampled(n: int) -> np.ndarray:
    """At most 64 evenly spaced positions among `n`, the first and the last included.

    >>> sampled(3).tolist(), len(sampled(10**6))
    ([0, 1, 2], 64)
    """
    return np.unique(np.linspace(0, n - 1, min(n, SAMPLED)).round().astype(np.int64))


def _hash_array(digest: Any, values: Any) -> None:
    array, dtype = plain(values)
    digest.update(f"{dtype}{array.shape}".encode())
    for block in blocks(array):
        digest.update(block.view(np.uint8).data if block.dtype.kind in "Mm" else block.data)


def _hash_form(digest: Any, x: Any) -> None:
    """A frame, list or sparse matrix: the words and arrays it is made of."""
    x = real(x)
    if is_polars(x):
        for label, words, arrays in columns(x):
            digest.update(json.dumps([label, words], sort_keys=True).encode())
            _hash_arrays(digest, arrays)
        return
    words, named = parts(x)
    digest.update(json.dumps(words, sort_keys=True).encode())
    _hash_arrays(digest, named)


def _hash_arrays(digest: Any, arrays: Mapping[str, Any]) -> None:
    for name in sorted(arrays):
        digest.update(name.encode())
        for array in arrays[name] if isinstance(arrays[name], list) else [arrays[name]]:
            _hash_array(digest, array)


def _hash_item(digest: Any, item: Any) -> None:
    """Structure and values of one row of a Dataset; an object of unknown type counts by its type alone."""
    digest.update(type(item).__name__.encode())
    if is_tensor(item) or isinstance(item, np.ndarray | np.generic):
        array = plain(item)[0]
        if array.dtype.hasobject:
            _hash_item(digest, array.tolist())
        else:
            digest.update(f"{array.dtype.str}{array.shape}".encode())
            digest.update(np.ascontiguousarray(array).tobytes())
    elif isinstance(item, Mapping):
        for key in sorted(item, key=str):
            digest.update(str(key).encode())
            _hash_item(digest, item[key])
    elif isinstance(item, list | tuple):
        digest.update(str(len(item)).encode())
        for part in item:
            _hash_item(digest, part)
    elif item is None or isinstance(item, bool | int | float | complex | str):
        digest.update(repr(item).encode())
    elif isinstance(item, bytes | bytearray):
        digest.update(bytes(item))
    elif hasattr(item, "tobytes") and hasattr(item, "size"):  # a PIL image
        digest.update(f"{getattr(item, 'mode', '')}{item.size}".encode())
        digest.update(item.tobytes())


@contextmanager
def _fixed_randomness() -> Iterator[None]:
    """Seed the global streams of random, numpy and, where loaded, torch; put them back afterwards."""
    torch = sys.modules.get("torch")
    states = random.getstate(), np.random.get_state(), torch.get_rng_state() if torch else None  # noqa: NPY002
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002
    if torch:
        torch.default_generator.manual_seed(0)
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        if torch:
            torch.set_rng_state(states[2])
