"""The table of trials as columns: for pandas, and as CSV for whatever reads that."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from truing.errors import JournalError, UsageError

INACTIVE = object()  # None may be one of a parameter's options
_OWN = ("number", "state", "value", "se", "runs", "seconds", "reason")  # of a trial, where there is none to tell
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """One list a column, in the order of the trials: what is of the trial, `datasets.NAME` for each of several
    datasets, `scores.NAME` for each further metric, then `config.NAME` for each parameter.

    A parameter that is not active in a trial has INACTIVE there. Without a trial the columns of one are there, empty.

    >>> row = {"number": 0, "state": "completed", "config": {"depth": 3}, "value": 0.5}
    >>> columns([row])
    {'number': [0], 'state': ['completed'], 'value': [0.5], 'config.depth': [3]}
    """
    nested = ("config", "datasets", "scores")
    own = dict.fromkeys(key for row in rows for key in row if key not in nested) if rows else dict.fromkeys(_OWN)
    names = in_order([row["config"] for row in rows])
    found: dict[str, list[Any]] = {key: [row.get(key) for row in rows] for key in own}
    for group in ("datasets", "scores"):
        within = dict.fromkeys(name for row in rows for name in row.get(group) or ())
        found |= {f"{group}.{name}": [row[group].get(name) for row in rows] for name in within}
    return found | {f"config.{name}": [row["config"].get(name, INACTIVE) for row in rows] for name in names}


def in_order(configs: Iterable[Iterable[str]]) -> list[str]:
    """The names of all configurations, each of which has some of them in the space's order.

    A name that is new stands before the next one of its configuration that is known.

    >>> in_order([["blocks", "block.1", "rate"], ["blocks", "block.1", "block.2", "rate"]])
    ['blocks', 'block.1', 'block.2', 'rate']
    """
    found: list[str] = []
    known: set[str] = set()
    for config in configs:
        names = list(config)
        if known.issuperset(names):
            continue
        place = len(found)
        for name in reversed(names):
            if name in known:
                place = found.index(name)
            else:
                found.insert(place, name)
                known.add(name)
    return found


def csv_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """The columns as CSV (RFC 4180, lines end with a newline): numbers in full precision, empty where there is none.

    Text that a spreadsheet would take for a formula (it begins with = + - @, a tab or a return) gets an apostrophe
    before it (OWASP, CSV injection); numbers stay as they are.

    >>> row = {"number": 0, "value": -0.5, "config": {"act": "=relu"}}
    >>> print(csv_text([row]), end="")
    number,value,config.act
    0,-0.5,'=relu
    """
    found = columns(rows)
    cells = [[_cell(value, name) for value in values] for name, values in found.items()]
    lines = [[_cell(name) for name in found], *zip(*cells, strict=True)]
    return "".join(",".join(map(_quoted, line)) + "\n" for line in lines)


def write(path: str | os.PathLike[str], text: str) -> None:
    """Write a text file whole or not at all.

    Raises:
        UsageError: `path` is no path.
        JournalError: it cannot be written.
    """
    if not isinstance(path, str | os.PathLike) or not str(path):
        raise UsageError(f"path takes the name of a file, such as 'trials.csv', got {path!r}.")
    target = Path(path).expanduser()
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        part.write_bytes(text.encode("utf-8", "replace"))
        part.replace(target)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise JournalError(f"{target} cannot be written: {error.strerror or error}.") from error


def frame(rows: Sequence[Mapping[str, Any]]) -> Any:
    """The columns as a `pandas.DataFrame`; whole numbers and truth values keep their kind beside missing ones.

    Raises:
        UsageError: pandas is not installed.
    """
    try:
        pandas = import_module("pandas")
    except ImportError:
        raise UsageError(
            "to_pandas() needs pandas, which is not installed: pip install pandas, or use to_csv(), which does not."
        ) from None
    return pandas.DataFrame({name: _series(pandas, values) for name, values in columns(rows).items()})


def _series(pandas: Any, values: Iterable[Any]) -> Any:
    listed = list(values)
    known = [value for value in listed if value is not INACTIVE and value is not None]
    missing = len(known) < len(listed)
    kinds = {type(value) for value in known}
    plain = [None if value is INACTIVE else value for value in listed]
    if kinds and kinds <= {int, float} and float in kinds:
        return pandas.Series(plain, dtype="float64")
    if kinds == {int} and missing:
        return pandas.Series(plain, dtype="Int64")
    if kinds == {bool} and missing:
        return pandas.Series(plain, dtype="boolean")
    if kinds in ({int}, {bool}):
        return pandas.Series(plain)
    return pandas.Series([pandas.NA if value is INACTIVE else value for value in listed], dtype="object")


def _quoted(cell: str) -> str:
    """Python's own writer leaves a lone return unquoted."""
    return '"' + cell.replace('"', '""') + '"' if any(c in cell for c in ',"\r\n') else cell


def _cell(value: Any, column: str = "") -> str:
    if value is INACTIVE:
        return ""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    if value is None:  # of a figure it is none; of a parameter it is one of its options
        return "None" if column.startswith("config.") else ""
    return repr(value) if isinstance(value, float) else str(value)
