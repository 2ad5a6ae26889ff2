"""All combinations of values under conditions: how many there are and which is the k-th, unlisted.

Parameters are walked parents first. What remains to be decided after some of them depends only on the values
of those parents that later parameters still ask about, so completions are counted once for each such state.
A parent's values for which the same conditions hold act alike and are counted together.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

from truing.space.condition import Allowed, Bounds

_NONE = 0  # no condition holds


class Domain(Protocol):
    """Values by number: `count` of them (or math.inf), `at(i)`, and `index(value)` or None.

    `rising` says that they are numbers in rising order.
    """

    @property
    def count(self) -> int | float: ...
    @property
    def rising(self) -> bool: ...
    def at(self, index: int) -> Any: ...
    def index(self, value: Any) -> int | None: ...


@dataclass(frozen=True)
class Slot:
    """One parameter in the walk.

    Args:
        when: (place of the parent in the walk, the values that make this parameter active); all must hold.
    """

    name: str
    domain: Domain
    when: tuple[tuple[int, Allowed], ...] = ()


@dataclass(frozen=True, eq=False)
class Combinations:
    """The combinations of the slots, numbered from 0; the first slot's value changes slowest.

    >>> from truing.space.encoding import Options
    >>> kind = Slot("kind", Options(("sgd", "adam")))
    >>> momentum = Slot("momentum", Options((0.0, 0.9)), when=((0, frozenset({"sgd"})),))
    >>> combinations = Combinations((kind, momentum))
    >>> combinations.count, combinations.at(1), combinations.at(2)
    (3, {'kind': 'sgd', 'momentum': 0.9}, {'kind': 'adam'})
    """

    slots: Sequence[Slot]
    _asked: list[list[Allowed]] = field(init=False, repr=False)
    _live: list[tuple[int, ...]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        asked: list[dict[Allowed, None]] = [{} for _ in self.slots]
        until: dict[int, int] = {}  # the last place that asks about a parent
        for place, slot in enumerate(self.slots):
            for parent, allowed in slot.when:
                asked[parent][allowed] = None
                until[parent] = place
        live = [
            tuple(parent for parent in sorted(until) if parent < place <= until[parent])
            for place in range(len(self.slots) + 1)
        ]
        object.__setattr__(self, "_asked", [list(conditions) for conditions in asked])
        object.__setattr__(self, "_live", live)

    @property
    def count(self) -> int | float:
        """Their exact number; math.inf when a value that cannot be counted may occur."""
        return self._ways[0][()]

    def at(self, rank: int) -> dict[str, Any]:
        """The combination number `rank`, inactive parameters left out.

        Raises:
            IndexError: no such number, or they cannot be counted.
        """
        if not 0 <= rank < self.count or self.count == math.inf:
            raise IndexError(f"there is no combination number {rank}: there are {self.count}")
        values: dict[str, Any] = {}
        state: tuple[int, ...] = ()
        for place, slot in enumerate(self.slots):
            if not self._active(place, state):
                state = self._next(place, state, _NONE)
                continue
            index = None
            for start, number, kind in self._stretches(place):
                each = self._ways[place + 1][self._next(place, state, kind)]
                if rank < number * each:
                    steps, rank = divmod(rank, int(each))
                    index, state = start + steps, self._next(place, state, kind)
                    break
                rank -= int(number * each)
            values[slot.name] = slot.domain.at(0 if index is None else index)
        return values

    def rank(self, values: Mapping[str, Any]) -> int | None:
        """The number of the combination with these values; None when it is not among them."""
        rank = 0
        used = 0
        state: tuple[int, ...] = ()
        for place, slot in enumerate(self.slots):
            if not self._active(place, state):
                state = self._next(place, state, _NONE)
                continue
            if slot.name not in values:
                return None
            index = slot.domain.index(values[slot.name])
            if index is None:
                return None
            used += 1
            for start, number, kind in self._stretches(place):
                each = self._ways[place + 1][self._next(place, state, kind)]
                if index < start + number:
                    rank += (index - start) * int(each)
                    state = self._next(place, state, kind)
                    break
                rank += int(number * each)
        return rank if used == len(values) else None

    def _active(self, place: int, state: tuple[int, ...]) -> bool:
        for parent, allowed in self.slots[place].when:
            holds = state[self._live[place].index(parent)]
            if not holds >> self._asked[parent].index(allowed) & 1:
                return False
        return True

    def _next(self, place: int, state: tuple[int, ...], kind: int) -> tuple[int, ...]:
        """The state after this place: what is still asked about of the old one and of this parameter."""
        live, after = self._live[place], self._live[place + 1]
        if not after:
            return ()
        known = dict(zip(live, state, strict=True))
        known[place] = kind
        return tuple(known[parent] for parent in after)

    @cached_property
    def _stretched(self) -> list[list[tuple[int, Any, int]]]:
        return [_stretches(slot.domain, asked) for slot, asked in zip(self.slots, self._asked, strict=True)]

    def _stretches(self, place: int) -> list[tuple[int, Any, int]]:
        """The values in order as (first index, how many, kind); bit i of the kind: asked condition i holds."""
        return self._stretched[place]

    @cached_property
    def _ways(self) -> list[dict[tuple[int, ...], int | float]]:
        """For each place and state: in how many ways the slots from that place on can be decided."""
        # forwards: which states can come up at all
        states: list[set[tuple[int, ...]]] = [{()}]
        for place in range(len(self.slots)):
            states.append({after for state in states[-1] for _, after in self._steps(place, state)})
        # backwards: their numbers
        ways: list[dict[tuple[int, ...], int | float]] = [dict.fromkeys(states[-1], 1)]
        for place in reversed(range(len(self.slots))):
            below = ways[-1]
            ways.append({state: _total(self._steps(place, state), below) for state in states[place]})
        return ways[::-1]

    def _steps(self, place: int, state: tuple[int, ...]) -> list[tuple[int | float, tuple[int, ...]]]:
        """How many values of this slot lead to which state."""
        if not self._active(place, state):
            return [(1, self._next(place, state, _NONE))]
        numbers: dict[int, int | float] = {}
        for _, number, kind in self._stretches(place):
            numbers[kind] = numbers.get(kind, 0) + number
        return [(number, self._next(place, state, kind)) for kind, number in numbers.items()]


def _total(
    steps: list[tuple[int | float, tuple[int, ...]]], below: Mapping[tuple[int, ...], int | float]
) -> int | float:
    """Products summed up; math.inf is kept apart from whole numbers, which may exceed every float."""
    if any(math.inf in (number, below[state]) for number, state in steps):
        return math.inf
    return sum(number * below[state] for number, state in steps)


def _stretches(domain: Domain, asked: Sequence[Allowed]) -> list[tuple[int, Any, int]]:
    if not asked or domain.count == math.inf:  # of what cannot be counted nothing more is to be known
        return [(0, domain.count, _NONE)]
    count = int(domain.count)
    found: list[tuple[int, Any, int]] = []
    starts = sorted({0, *(start for allowed in asked for start in _starts(domain, allowed) if 0 < start < count)})
    for start, end in zip(starts, [*starts[1:], count], strict=True):
        value = domain.at(start)
        kind = sum((value in allowed) << bit for bit, allowed in enumerate(asked))
        if found and found[-1][2] == kind:
            found[-1] = (found[-1][0], end - found[-1][0], kind)
        else:
            found.append((start, end - start, kind))
    return found


def _starts(domain: Domain, allowed: Allowed) -> list[int]:
    """The indices at which a condition may begin or cease to hold."""
    if not isinstance(allowed, Bounds):
        places = [index for index in map(domain.index, allowed) if index is not None]
        return [start for place in places for start in (place, place + 1)]
    every = range(int(domain.count))
    if not domain.rising:
        return list(every)
    low = 0 if allowed.low is None else bisect_left(every, allowed.low, key=domain.at)
    return [low] if allowed.high is None else [low, bisect_right(every, allowed.high, key=domain.at)]
