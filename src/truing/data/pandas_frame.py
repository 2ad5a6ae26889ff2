"""A pandas DataFrame as arrays and words and back: columns, dtypes, categories, missing values and the index.

Columns of numbers of one dtype lie together as the rows of one array, which is mapped. pandas is imported only where
there is a frame of it already.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from truing.data.plain import Arrays, pack, unpack
from truing.errors import DataError

Block = list[np.ndarray]  # columns of one dtype: the rows of one array


def checked(frame: Any, name: str = "x") -> None:
    """Raise DataError for a column whose dtype cannot be written down; looks at dtypes only."""
    for label, dtype in zip(frame.columns.tolist(), frame.dtypes.tolist(), strict=True):
        if _kind(dtype) is None:
            raise DataError(
                f"The column {label!r} of {name} has dtype {dtype}: convert it, such as "
                f"frame[{label!r}].astype('float64') or .astype(str)."
            )


def parts(frame: Any) -> tuple[dict[str, Any], dict[str, np.ndarray | Block]]:
    """The frame as words and arrays; a list of arrays stands for one array with these rows."""
    blocks: dict[str, Block] = {}
    arrays: dict[str, np.ndarray | Block] = {}
    columns = [_column(frame.iloc[:, i], f"c{i}", blocks, arrays) for i in range(frame.shape[1])]
    names = pack(frame.columns.tolist(), "the columns' names")
    arrays |= {f"names.{key}": array for key, array in names[1].items()}
    words = {
        "library": "pandas",
        "columns": columns,
        "names": {**names[0], "levels": _names(frame.columns.names), "multi": frame.columns.nlevels > 1},
        "index": _index(frame.index, blocks, arrays),
        "rows": len(frame),
    }
    return words, {**arrays, **blocks}


def frame_of(words: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Any:
    """The frame that `parts` was given; columns of numbers are views of the arrays."""
    import pandas

    n, count = words["rows"], len(words["columns"])
    columns = {i: _values(column, f"c{i}", arrays, n) for i, column in enumerate(words["columns"])}
    frame = pandas.DataFrame(columns, index=_index_of(words["index"], arrays, n), copy=False)
    label = unpack(words["names"], _of("names", arrays))
    labels, levels = [label(i) for i in range(count)], _decoded(words["names"]["levels"])
    if words["names"]["multi"]:
        frame.columns = pandas.MultiIndex.from_tuples(labels, names=levels)
    else:
        frame.columns = pandas.Index(
            labels, name=levels[0], tupleize_cols=False, **({} if labels else {"dtype": object})
        )
    return frame


def _kind(dtype: Any) -> str | None:
    name = type(dtype).__name__
    if isinstance(dtype, np.dtype):
        return "object" if dtype.hasobject else "numbers" if dtype.kind in "biufcmM" else None
    known = {"CategoricalDtype": "category", "StringDtype": "text", "DatetimeTZDtype": "zoned"}
    return known.get(name) or ("masked" if hasattr(dtype, "numpy_dtype") and _is_masked(dtype) else None)


def _is_masked(dtype: Any) -> bool:
    return any(base.__name__ == "BaseMaskedDtype" for base in type(dtype).__mro__)


def _column(series: Any, name: str, blocks: dict[str, Block], arrays: dict[str, np.ndarray | Block]) -> dict[str, Any]:
    """The words of one column, or of one level of the index; its arrays are added to the others."""
    dtype = series.dtype
    kind = _kind(dtype)
    if kind == "numbers":
        return {"as": kind, **_placed(series.to_numpy(), blocks)}
    if kind == "category":
        import pandas

        own: dict[str, Block] = {}
        categories = _column(pandas.Series(dtype.categories), f"{name}.categories", own, arrays)
        arrays |= {f"{name}.{block}": rows for block, rows in own.items()}
        more = {"ordered": bool(dtype.ordered), "of": categories, "size": len(dtype.categories)}
        return {"as": kind, **_placed(series.cat.codes.to_numpy(), blocks), **more}
    if kind == "masked":
        missing = series.isna().to_numpy()
        filled = series.to_numpy(dtype=dtype.numpy_dtype, na_value=dtype.numpy_dtype.type(0))
        return {"as": kind, "dtype": str(dtype), "of": _placed(filled, blocks), "missing": _placed(missing, blocks)}
    if kind == "zoned":
        plain = series.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy()
        return {"as": kind, "zone": str(dtype.tz), **_placed(plain, blocks)}
    values = series.tolist()
    if kind == "text":
        missing = series.isna().to_numpy()
        values = ["" if gone else str(value) for value, gone in zip(values, missing, strict=True)]
        words, found = pack(values, f"the column {series.name!r}")
        nan = "NaN" if isinstance(dtype.na_value, float) else "NA"
        more = {"storage": str(dtype.storage), "na": nan, "missing": _placed(missing, blocks)}
        words = {"as": kind, "of": words, **more}
    else:
        words, found = pack(values, f"the column {series.name!r}")
        words = {"as": "object", "of": words}
    arrays |= {f"{name}.{key}": array for key, array in found.items()}
    return words


def _values(words: Mapping[str, Any], name: str, arrays: Mapping[str, np.ndarray], n: int) -> Any:
    import pandas

    kind = words["as"]
    if kind == "numbers":
        return _found(words, arrays)
    if kind == "category":
        own = {key.removeprefix(f"{name}."): array for key, array in arrays.items() if key.startswith(f"{name}.")}
        categories = _values(words["of"], "categories", own, words["size"])
        dtype = pandas.CategoricalDtype(pandas.Index(categories), ordered=words["ordered"])
        return pandas.Categorical.from_codes(_found(words, arrays), dtype=dtype)
    if kind == "masked":
        dtype = pandas.api.types.pandas_dtype(words["dtype"])
        array = dtype.construct_array_type()
        return array(np.array(_found(words["of"], arrays)), np.array(_found(words["missing"], arrays)))
    if kind == "zoned":
        return pandas.DatetimeIndex(_found(words, arrays)).tz_localize("UTC").tz_convert(words["zone"]).array
    value = unpack(words["of"], _of(name, arrays))
    values = np.empty(n, dtype=object)
    values[:] = [value(row) for row in range(n)]
    if kind == "object":
        return pandas.Index(values, dtype=object)  # a plain array of text would become text by dtype
    na = np.nan if words["na"] == "NaN" else pandas.NA
    values[_found(words["missing"], arrays)] = na
    return pandas.array(values, dtype=pandas.StringDtype(words["storage"], na_value=na))


def _index(index: Any, blocks: dict[str, Block], arrays: dict[str, np.ndarray | Block]) -> dict[str, Any]:
    names = _names(index.names)
    if type(index).__name__ == "RangeIndex":
        return {"range": [index.start, index.stop, index.step], "names": names}
    levels = [index.get_level_values(i).to_series() for i in range(index.nlevels)]
    for level in levels:
        if _kind(level.dtype) is None:
            raise DataError(f"The index of x has dtype {level.dtype}: give x.reset_index(drop=True).")
    return {"levels": [_column(level, f"i{i}", blocks, arrays) for i, level in enumerate(levels)], "names": names}


def _index_of(words: Mapping[str, Any], arrays: Mapping[str, np.ndarray], n: int) -> Any:
    import pandas

    names = _decoded(words["names"])
    if "range" in words:
        return pandas.RangeIndex(*words["range"], name=names[0])
    levels = [_values(level, f"i{i}", arrays, n) for i, level in enumerate(words["levels"])]
    if len(levels) == 1:
        return pandas.Index(levels[0], name=names[0])
    return pandas.MultiIndex.from_arrays(levels, names=names)


def _names(names: Sequence[Any]) -> list[Any]:
    """Names of levels as plain values: what is not text or a number counts as its text."""
    return [name if name is None or isinstance(name, str | int) else str(name) for name in names]


def _decoded(names: Sequence[Any]) -> list[Any]:
    return list(names) or [None]


def _placed(array: np.ndarray, blocks: dict[str, Block]) -> dict[str, Any]:
    """Add the array to the block of its dtype, and say where it lies."""
    block = "block." + array.dtype.str.replace("<", "").replace("|", "").replace("[", "-").replace("]", "")
    rows = blocks.setdefault(block, [])
    rows.append(array)
    return {"block": block, "row": len(rows) - 1}


def _found(words: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    return arrays[words["block"]][words["row"]]


def _of(name: str, arrays: Mapping[str, np.ndarray]) -> Arrays:
    return {key.removeprefix(f"{name}."): array for key, array in arrays.items() if key.startswith(f"{name}.")}
