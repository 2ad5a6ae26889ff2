"""Lists of plain values as a few numpy arrays and back, without pickle: nothing in a study's folder can run code.

What is uniform lies as numbers and ends, and can be mapped: text, numbers, rows of numbers of any length, arrays,
tensors. The rest is one line of JSON a value, in which a marked object stands for what JSON has no word for.
"""

from __future__ import annotations

import base64
import datetime
import json
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from itertools import chain
from typing import Any

import numpy as np

from truing.data.tensor import is_tensor, to_numpy, to_tensor
from truing.errors import DataError

MARK = "!"  # the key of a JSON object that stands for another type
Arrays = dict[str, np.ndarray]
_KINDS: dict[type, tuple[str, Any]] = {int: ("int", np.int64), float: ("float", np.float64), bool: ("bool", np.bool_)}


def pack(values: Sequence[Any], name: str) -> tuple[dict[str, Any], Arrays]:
    """The values as words and arrays; `unpack` undoes it.

    Args:
        name: of the values in messages, such as "x".

    Raises:
        DataError: a value of a type that cannot be written down.

    >>> words, arrays = pack([[1, 2], [3]], "x")
    >>> words, arrays["ends"].tolist(), unpack(words, arrays)(0)
    ({'as': 'lists', 'of': 'int'}, [0, 2, 3], [1, 2])
    """
    types = set(map(type, values))
    only = next(iter(types)) if len(types) == 1 else None
    if only is str:
        return {"as": "text"}, _texts([value.encode("utf-8", "surrogatepass") for value in values])
    if only in _KINDS and (numbers := _numbers(values, only)) is not None:
        return {"as": "numbers", "of": _KINDS[only][0]}, {"values": numbers}
    if only is list:
        inner = set(map(type, chain.from_iterable(values)))
        kind = next(iter(inner)) if len(inner) == 1 else None
        if kind in _KINDS and (numbers := _numbers(list(chain.from_iterable(values)), kind)) is not None:
            return {"as": "lists", "of": _KINDS[kind][0]}, {"ends": _ends(map(len, values)), "values": numbers}
    arrays = _alike(values, only)
    if arrays is not None:
        flat, dtype = arrays
        whole = np.concatenate(flat) if flat else np.empty(0)
        words = {"as": "tensors", "dtype": dtype} if is_tensor(values[0]) else {"as": "arrays"}
        return words, {"ends": _ends(map(len, flat)), "values": whole}
    lines = []
    for row, value in enumerate(values):
        try:
            lines.append(json.dumps(_plain(value)).encode())
        except TypeError as error:
            raise DataError(
                f"{name} holds {error} at row {row}: give numbers, text, lists, dicts, arrays or tensors, or a Dataset."
            ) from None
    return {"as": "values"}, _texts(lines)


def unpack(words: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Callable[[int], Any]:
    """A function from a position to the value there; reads nothing else."""
    kind = words["as"]
    if kind == "numbers":
        numbers = arrays["values"]
        return lambda row: numbers[row].item()
    ends = arrays["ends"]
    if kind in ("text", "values"):
        content = arrays["bytes"]

        def line(row: int) -> bytes:
            return content[ends[row] : ends[row + 1]].tobytes()

        if kind == "text":
            return lambda row: line(row).decode("utf-8", "surrogatepass")
        return lambda row: _value(json.loads(line(row)))
    values = arrays["values"]
    if kind == "lists":
        return lambda row: values[ends[row] : ends[row + 1]].tolist()
    if kind == "arrays":
        return lambda row: np.array(values[ends[row] : ends[row + 1]])
    return lambda row: to_tensor(np.array(values[ends[row] : ends[row + 1]]), words["dtype"])


def lines_of(words: Mapping[str, Any], arrays: Mapping[str, np.ndarray], rows: Sequence[int]) -> list[bytes]:
    """What identifies the values at `rows`: equal bytes for equal values."""
    kind = words["as"]
    if kind == "numbers":
        return [repr(value).encode() for value in arrays["values"][list(rows)].tolist()]
    ends, content = arrays["ends"], arrays.get("bytes", arrays.get("values"))
    if content is None:
        raise DataError("A stored list lacks its values.")
    return [content[ends[row] : ends[row + 1]].tobytes() for row in rows]


def _texts(lines: list[bytes]) -> Arrays:
    return {"ends": _ends(map(len, lines)), "bytes": np.frombuffer(b"".join(lines), dtype=np.uint8)}


def _ends(lengths: Any) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(np.fromiter(lengths, dtype=np.int64))]).astype(np.int64)


def _numbers(values: Sequence[Any], kind: type | None) -> np.ndarray | None:
    if kind is None:
        return None
    try:
        return np.array(values, dtype=_KINDS[kind][1])
    except OverflowError:
        return None


def _alike(values: Sequence[Any], only: type | None) -> tuple[list[np.ndarray], str] | None:
    """Arrays or tensors that differ in their first dimension alone, as numpy arrays; else None."""
    if only is not np.ndarray and not (len(values) and only is not None and is_tensor(values[0])):
        return None
    if is_tensor(values[0]):
        if any(str(value.layout) != "torch.strided" for value in values):
            return None
        pairs = [to_numpy(value) for value in values]
    else:
        pairs = [(value, value.dtype.str) for value in values]
    first, dtype = pairs[0]
    same = all(a.ndim and a.shape[1:] == first.shape[1:] and name == dtype for a, name in pairs)
    return ([a for a, _ in pairs], dtype) if same and first.ndim and not first.dtype.hasobject else None


def _plain(value: Any) -> Any:
    """The value as JSON knows it. Raises TypeError with the name of a type that it cannot hold."""
    kind = type(value)
    if value is None or kind in (bool, int, float, str):
        return value
    if kind is list:
        return [_plain(part) for part in value]
    if kind is dict:
        if all(type(key) is str for key in value) and MARK not in value:
            return {key: _plain(part) for key, part in value.items()}
        return {MARK: "dict", "of": [[_plain(key), _plain(part)] for key, part in value.items()]}
    if kind is tuple:
        return {MARK: "tuple", "of": [_plain(part) for part in value]}
    if kind is bytes:
        return {MARK: "bytes", "of": base64.b64encode(value).decode()}
    if kind is complex:
        return {MARK: "complex", "of": [value.real, value.imag]}
    if kind is np.ndarray and not value.dtype.hasobject and value.dtype.names is None:
        return {MARK: "array", "dtype": value.dtype.str, "shape": list(value.shape), "of": _text(value)}
    if isinstance(value, np.generic) and not value.dtype.hasobject and value.dtype.names is None:
        return {MARK: "scalar", "dtype": value.dtype.str, "of": _text(np.asarray(value))}
    if is_tensor(value) and str(value.layout) == "torch.strided":
        array, dtype = to_numpy(value)
        shape = {"stored": array.dtype.str, "shape": list(array.shape)}
        return {MARK: "tensor", "dtype": dtype, **shape, "of": _text(array)}
    if kind is Decimal:
        return {MARK: "decimal", "of": str(value)}
    if kind in (datetime.date, datetime.time) or (kind is datetime.datetime and value.tzinfo is None):
        return {MARK: kind.__name__, "of": value.isoformat()}
    if kind.__module__.startswith("pandas.") and str(value) in ("<NA>", "NaT"):
        return {MARK: "pandas", "of": str(value)}
    if kind.__module__.startswith("pandas.") and kind.__name__ == "Timestamp" and value.tzinfo is None:
        return {MARK: "pandas", "of": value.isoformat(), "unit": value.unit}
    raise TypeError(f"a {kind.__name__}")


def _value(plain: Any) -> Any:
    """What `_plain` was given."""
    if isinstance(plain, list):
        return [_value(part) for part in plain]
    if not isinstance(plain, dict):
        return plain
    if MARK not in plain:
        return {key: _value(part) for key, part in plain.items()}
    kind, of = plain[MARK], plain["of"]
    if kind == "dict":
        return {_value(key): _value(part) for key, part in of}
    if kind == "tuple":
        return tuple(_value(part) for part in of)
    if kind == "bytes":
        return base64.b64decode(of)
    if kind == "complex":
        return complex(*of)
    if kind == "decimal":
        return Decimal(of)
    if kind == "pandas":
        import pandas

        words = {"<NA>": pandas.NA, "NaT": pandas.NaT}
        return words[of] if of in words else pandas.Timestamp(of).as_unit(plain["unit"])
    if kind in ("date", "time", "datetime"):
        return getattr(datetime, kind).fromisoformat(of)
    content = base64.b64decode(of)
    if kind == "scalar":
        return np.frombuffer(content, dtype=plain["dtype"])[0]
    array = np.frombuffer(content, dtype=plain.get("stored", plain["dtype"])).reshape(plain["shape"]).copy()
    return to_tensor(array, plain["dtype"]) if kind == "tensor" else array


def _text(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
