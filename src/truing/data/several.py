"""Several datasets of one study, by their names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from truing.data.data import Data
from truing.data.outside import Outside
from truing.errors import DataError, short

DATASET = "dataset"
_FINE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,39}")
_EXAMPLE = 'data={"wdbc": tr.Data(x, y), "pima": tr.Data(x, y)}'


def datasets_of(given: Any) -> tuple[Outside, ...]:
    """What `data={...}` names, in its order; nothing where `given` is no mapping.

    A name is a folder's (of the delivered networks), so it is plain: letters, digits, `_`, `-` and `.`.

    Raises:
        DataError: fewer than two, no Data, a name that cannot be a folder's, or the same rows under two names.

    >>> [one.name for one in datasets_of({"a": Data([[0.0]], [1]), "b": Data([[1.0]], [0])})]
    ['a', 'b']
    >>> datasets_of({"../a": Data([[0.0]], [1]), "b": Data([[1.0]], [0])})
    Traceback (most recent call last):
    truing.errors.DataError: data= has the name '../a', which cannot be a folder's: give at most 40 letters, digits, \
_, - or ., such as 'wdbc'.
    """
    if not isinstance(given, Mapping):
        return ()
    if not given:
        raise DataError(f"data={{}} names no dataset: give one as tr.Data(x, y), or two and more as {_EXAMPLE}.")
    found = [Outside(DATASET, _name(name), _data(name, data)) for name, data in given.items()]
    if len(found) == 1:
        raise DataError(f"data= names one dataset, {found[0].name!r}: give it alone, as data=tr.Data(x, y).")
    if len({one.name.lower() for one in found}) < len(found):
        names = ", ".join(one.name for one in found)
        raise DataError(f"data= has names that differ in case alone, which some file systems take for one: {names}.")
    return tuple(found)


def refuse_same(datasets: tuple[Outside, ...]) -> None:
    """Refuse the same rows under two names: they would count twice, and be on both sides of what is left out.

    Raises:
        DataError: two of them are the same.
    """
    seen: dict[str, str] = {}
    for one in datasets:
        other = seen.setdefault(one.rows(), one.name)
        if other != one.name:
            raise DataError(f"The datasets {other!r} and {one.name!r} have the same rows: leave one of them out.")


def _name(name: Any) -> str:
    if not isinstance(name, str) or not _FINE.fullmatch(name) or name.endswith("."):
        raise DataError(
            f"data= has the name {short(name)}, which cannot be a folder's: give at most 40 letters, digits, _, - or "
            "., such as 'wdbc'."
        )
    return name


def _data(name: Any, data: Any) -> Data:
    if not isinstance(data, Data):
        raise DataError(f"data[{name!r}] must be a tr.Data(x, y), got {type(data).__name__}.")
    return data
