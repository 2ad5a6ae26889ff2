"""Groups and other names of any hashable kind as text: equal groups get the same text, others another one."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from fractions import Fraction
from numbers import Number
from typing import Any

import numpy as np

from truing.errors import DataError


def as_text(values: Sequence[Any], name: str = "groups") -> np.ndarray:
    """One text a row; two rows have the same where a dict would take their groups for one key.

    The text reads like the group, and is the same in every process, for it is part of the data's fingerprint.

    Raises:
        DataError: a group cannot be hashed, or is an object of which only its address is known.

    >>> as_text([("a", 1), ("a", np.int64(1)), frozenset([0, 8]), frozenset([8, 0])]).tolist()
    ["('a', 1)", "('a', 1)", '{0, 8}', '{0, 8}']
    """
    text_of: dict[Any, str] = {}
    taken: set[str] = set()
    found = []
    for row, value in enumerate(values):
        try:
            known = text_of.get(value)
        except TypeError:
            raise DataError(
                f"{name} has a {type(value).__name__} at row {row}, which cannot be hashed: give strings or integers."
            ) from None
        if known is None:
            known = text = _text(value, row, name)
            number = 1
            while known in taken:  # 1 and "1" read alike and are two groups
                number += 1
                known = f"{text} ({number})"
            text_of[value] = known
            taken.add(known)
        found.append(known)
    return np.array(found)


def _text(value: Any, row: int, name: str, *, inside: bool = False) -> str:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, Enum):
        return str(value)
    if isinstance(value, str):
        return repr(value) if inside else str(value)
    if isinstance(value, tuple):
        return "(" + ", ".join(_text(part, row, name, inside=True) for part in value) + ")"
    if isinstance(value, frozenset):
        return "{" + ", ".join(sorted(_text(part, row, name, inside=True) for part in value)) + "}"
    if isinstance(value, Number) and not isinstance(value, complex):
        return _number(value)
    kind = type(value)
    if value is not None and (kind.__hash__ is object.__hash__ or kind.__repr__ is object.__repr__):
        raise DataError(
            f"{name} has a {kind.__name__} at row {row}, an object known only by its address: give strings or integers."
        )
    return repr(value)


def _number(value: Any) -> str:
    """The same for equal numbers, whatever their type."""
    try:
        exact = Fraction(value)
    except (TypeError, ValueError, OverflowError):
        return repr(value)
    if exact.denominator == 1:
        return str(exact.numerator)
    try:
        near = float(exact)
    except OverflowError:
        return str(exact)
    return repr(near) if Fraction(near) == exact else str(exact)
