"""The facts of a journal as words and numbers: counts and names, never rows or ids of the data."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from truing.report.columns import plain
from truing.space.configuration import format_value

_LONGEST = 12  # a longer list is given as its length
_UNSAID = ("sha256", "hash", "fingerprint", "source", "ids", "index", "indices", "positions")


def number(value: Any) -> str:
    """A number with four significant digits; "–" for what is none.

    >>> number(0.071234), number(None), number(float("nan")), number(True)
    ('0.07123', '–', '–', 'yes')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float) and math.isfinite(value):
        return format_value(value)
    return "–" if value is None or isinstance(value, float) else plain(value)


def words(value: Any) -> str:
    """A setting as a person would write it; lists of numbers, which may be rows, only as how many there are.

    >>> words({"name": "kfold", "folds": 5, "groups": None}), words(["accuracy", "f1"]), words([3, 4, 9])
    ('kfold, folds 5', 'accuracy, f1', '3 values')
    """
    if isinstance(value, Mapping):
        parts: list[str] = []
        for key, item in value.items():
            if item is None or item == {} or item == [] or str(key).lower() in _UNSAID:
                continue
            inner = words(item)
            if str(key) in ("name", "kind", "type") and isinstance(item, str):
                parts.insert(0, inner)
            elif isinstance(item, Mapping):
                parts.append(f"{plain(key)} ({inner})")
            else:
                parts.append(f"{plain(key)} {inner}")
        return ", ".join(parts)
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        named = all(isinstance(item, str) for item in value) and len(value) <= _LONGEST
        return ", ".join(plain(item) for item in value) if named else f"{len(value)} values"
    return number(value)


def name_of(value: Any, otherwise: str = "") -> str:
    """The name of a thing the journal gives as its name or as a mapping with one.

    >>> name_of("log_loss"), name_of({"name": "reward", "goal": "max"}), name_of(None, "score")
    ('log_loss', 'reward', 'score')
    """
    if isinstance(value, Mapping):
        value = value.get("name", value.get("kind"))
    return plain(value) if value not in (None, "") else otherwise


def inside(mapping: Any, *path: str) -> Any:
    """What lies at `path` in nested mappings; None where any step is missing.

    >>> inside({"test": {"accuracy": {"selected": 0.9}}}, "test", "accuracy", "selected"), inside(None, "a")
    (0.9, None)
    """
    for step in path:
        mapping = mapping.get(step) if isinstance(mapping, Mapping) else None
    return mapping


def of_the_rows(facts: Mapping[str, Any] | None) -> str:
    """Where the rows are from and when they were taken, in words; empty where nobody said.

    >>> of_the_rows({"rows": 9, "groups": 3, "sites": 1, "time": ["2001-01-01", "2003-12-31"]})
    '3 groups, 1 site, time 2001-01-01 to 2003-12-31'
    >>> of_the_rows({"rows": 9}), of_the_rows(None)
    ('', '')
    """
    parts = []
    for name in ("groups", "sites"):
        if (count := inside(facts, name)) is not None:
            parts.append(f"{count} {name if count != 1 else name[:-1]}")
    span = inside(facts, "time")
    if isinstance(span, Sequence) and len(span) == 2:
        parts.append(f"time {plain(span[0])} to {plain(span[1])}")
    return ", ".join(parts)
