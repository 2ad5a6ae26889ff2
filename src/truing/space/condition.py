"""Conditions on a parent: listed values of it, or a range of numbers."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from truing.space.configuration import format_value


@dataclass(frozen=True)
class Bounds:
    """The numbers from `low` to `high`, both included; None = no end there. True and False are no numbers.

    >>> 2 in Bounds(2), 1.5 in Bounds(2), "2" in Bounds(2), 9 in Bounds(2, 8)
    (True, False, False, False)
    """

    low: Any = None
    high: Any = None

    def __contains__(self, value: Any, /) -> bool:
        if not is_number(value):
            return False
        return (self.low is None or self.low <= value) and (self.high is None or value <= self.high)

    def __repr__(self) -> str:
        if self.high is None:
            return f"at_least({self.low!r})"
        return f"at_most({self.high!r})" if self.low is None else f"between({self.low!r}, {self.high!r})"

    def __str__(self) -> str:
        if self.high is None:
            return f"at least {format_value(self.low)}"
        if self.low is None:
            return f"at most {format_value(self.high)}"
        return f"between {format_value(self.low)} and {format_value(self.high)}"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, from which `condition_of` makes it again."""
        ends = {"at_least": self.low, "at_most": self.high}
        return {key: value for key, value in ends.items() if value is not None}


Condition: TypeAlias = tuple[Any, ...] | Bounds  # as a parameter has it: the values listed for a parent, or a range
Allowed: TypeAlias = frozenset[Any] | Bounds  # the same as the space asks it: `value in allowed`


def at_least(low: float) -> Bounds:
    """A condition on a number: `when={"layers": at_least(2)}` holds from 2 on.

    The parent is a `Float`, an `Int`, or a `Choice` of numbers only.

    >>> 2 in at_least(2), 1 in at_least(2)
    (True, False)
    """
    return Bounds(low=low)


def at_most(high: float) -> Bounds:
    """A condition on a number: `when={"dropout": at_most(0.1)}` holds up to 0.1.

    >>> 0.1 in at_most(0.1), 0.2 in at_most(0.1)
    (True, False)
    """
    return Bounds(high=high)


def between(low: float, high: float) -> Bounds:
    """A condition on a number: from `low` to `high`, both included.

    >>> [value in between(2, 3) for value in (1, 2, 3, 4)]
    [False, True, True, False]
    """
    return Bounds(low, high)


def is_number(value: Any) -> bool:
    """True for finite numbers; True and False are none."""
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool)


def is_described(value: Any) -> bool:
    """True for a mapping as `Bounds.to_dict` gives it."""
    return isinstance(value, Mapping) and bool(value) and set(value) <= {"at_least", "at_most"}


def condition_of(described: Mapping[str, Any]) -> Bounds:
    """The range that `Bounds.to_dict` described.

    >>> condition_of({"at_least": 2})
    at_least(2)
    """
    return Bounds(described.get("at_least"), described.get("at_most"))


def worded(condition: Collection[Any] | Bounds) -> str:
    """The end of a sentence that begins with the parent's name.

    >>> worded(("sgd", "adam")), worded(at_least(2))
    ('is sgd or adam', 'is at least 2')
    """
    if isinstance(condition, Bounds):
        return f"is {condition}"
    return f"is {' or '.join(map(format_value, condition))}"
