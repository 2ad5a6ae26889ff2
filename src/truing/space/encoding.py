"""Scales: how each kind of parameter maps to [0, 1] and back, and its values where they can be counted.

Continuous scales map linearly or by the logarithm. Countable ones cut [0, 1] into one bin a value, of equal
width; on a log scale the bins meet at the geometric means of neighbours, so their widths fall as values grow.
`value(unit(v)) == v` for every value that `value` can give.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any, Protocol

from truing.space.parameter import UNSET, Choice, Float, Parameter

STEP = 0.1  # of a continuous scale, to a neighbour
DIGITS = 10  # of a continuous value; rounding noise of the two mappings lies at the 14th


class Scale(Protocol):
    """The values of one parameter, in order.

    `count` is their number (math.inf when continuous); `value` and `unit` map from and to [0, 1]; `at` and
    `index` from and to 0 ... count - 1; `index` is None for what is no value; `nearest` is the value that a
    proper number stands for, or None; `middle` is the default where none is given; `spread` gives at most
    `points` values, evenly on the scale and with both ends (of options: all). `ordered` says that what lies
    between two values on the scale is between them in meaning; `rising`, that `at` gives rising numbers.
    `neighbours` are the values one step away: on an ordered scale the next below and above, of a continuous
    one those a tenth of the scale away; of options without an order all others.
    """

    @property
    def count(self) -> int | float: ...
    @property
    def ordered(self) -> bool: ...
    @property
    def rising(self) -> bool: ...
    def value(self, unit: float) -> Any: ...
    def unit(self, value: Any) -> float: ...
    def at(self, index: int) -> Any: ...
    def index(self, value: Any) -> int | None: ...
    def nearest(self, value: Any) -> Any: ...
    def middle(self) -> Any: ...
    def spread(self, points: int) -> Sequence[Any]: ...
    def neighbours(self, value: Any) -> Sequence[Any]: ...


@dataclass(frozen=True)
class Continuous:
    """Every number from low to high."""

    low: float
    high: float
    log: bool

    count = math.inf
    ordered = rising = True

    @cached_property
    def _ends(self) -> tuple[float, float]:
        return (math.log(self.low), math.log(self.high)) if self.log else (self.low, self.high)

    @cached_property
    def _decimals(self) -> int:
        """Decimals of a linear value: ten digits of the range, no more than a float of this size holds."""
        size = max(abs(self.low), abs(self.high))
        by_range = DIGITS - math.ceil(math.log10(self.high - self.low))
        return min(by_range, 14 - math.ceil(math.log10(size)))

    def _rounded(self, value: float) -> float:
        if self.log:
            value = float(f"{value:.{DIGITS - 1}e}")
        else:
            value = round(value, self._decimals)
        return min(max(value, self.low), self.high) + 0.0  # + 0.0 turns -0.0 into 0.0

    def value(self, unit: float) -> float:
        if unit <= 0.0:
            return self.low
        if unit >= 1.0:
            return self.high
        start, end = self._ends
        place = start + unit * (end - start)
        return self._rounded(math.exp(place) if self.log else place)

    def unit(self, value: Any) -> float:
        start, end = self._ends
        place = (math.log(value) if self.log else value) - start
        return min(max(place / (end - start), 0.0), 1.0)

    def at(self, index: int) -> float:
        raise IndexError("the values of a continuous parameter cannot be counted")

    def index(self, value: Any) -> None:
        return None

    def nearest(self, value: Any) -> float | None:
        return float(value) if self.low <= value <= self.high else None

    def middle(self) -> float:
        return self.value(0.5)

    def spread(self, points: int) -> Sequence[float]:
        return tuple(dict.fromkeys(self.value(k / (points - 1)) for k in range(points)))

    def neighbours(self, value: Any) -> Sequence[float]:
        place = self.unit(value)
        around = (self.value(place - STEP), self.value(place + STEP))
        return tuple(found for found in dict.fromkeys(around) if found != value)


@dataclass(frozen=True)
class Stepped:
    """low, low + step, ... up to high; whole numbers when low and step are."""

    low: float
    high: float
    step: float
    log: bool

    ordered = rising = True

    @cached_property
    def count(self) -> int:
        if isinstance(self.step, int):
            return int((self.high - self.low) // self.step) + 1
        # a billionth of a step of grace: (0.3 - 0.0) / 0.1 is a little below 3
        return math.floor((self.high - self.low) / self.step + 1e-9) + 1

    def at(self, index: int) -> float:
        if isinstance(self.step, int):
            return self.low + index * self.step
        # in decimals, as it is written: 0.1 + 2 * 0.1 is to be 0.3, not 0.30000000000000004
        return float(Decimal(repr(self.low)) + index * Decimal(repr(self.step)))

    def index(self, value: Any) -> int | None:
        if isinstance(value, str) or value is None:
            return None
        place = (value - self.low) / self.step
        index = round(place)
        if 0 <= index < self.count and abs(place - index) <= 1e-6:
            return index
        return None

    def nearest(self, value: Any) -> Any:
        index = self.index(value)
        return None if index is None else self.at(index)

    @cached_property
    def _log_ends(self) -> tuple[float, float]:
        """The outer edges of the first and last bin, as far from their values as the inner edges are."""
        if self.count == 1:
            return math.log(self.low) - 0.5, math.log(self.low) + 0.5
        last = self.count - 1
        first, second = math.log(self.at(0)), math.log(self.at(1))
        final, before = math.log(self.at(last)), math.log(self.at(last - 1))
        return first - (second - first) / 2, final + (final - before) / 2

    def _nearest_by_log(self, place: float) -> int:
        value = math.exp(place)
        below = min(max(int((value - self.low) / self.step), 0), self.count - 1)
        above = min(below + 1, self.count - 1)
        return above if 2 * place >= math.log(self.at(below)) + math.log(self.at(above)) else below

    def value(self, unit: float) -> Any:
        unit = min(max(unit, 0.0), 1.0)
        if self.log:
            start, end = self._log_ends
            return self.at(self._nearest_by_log(start + unit * (end - start)))
        return self.at(min(int(unit * self.count), self.count - 1))

    def unit(self, value: Any) -> float:
        if self.log:
            start, end = self._log_ends
            return min(max((math.log(value) - start) / (end - start), 0.0), 1.0)
        return (round((value - self.low) / self.step) + 0.5) / self.count

    def middle(self) -> Any:
        last = self.count - 1
        if self.log:
            return self.at(self._nearest_by_log((math.log(self.low) + math.log(self.at(last))) / 2))
        return self.at(last // 2)

    def spread(self, points: int) -> Sequence[Any]:
        """All values when there are at most `points`; else `points` different ones, evenly on the scale."""
        last = self.count - 1
        if self.count <= points:
            return tuple(self.at(index) for index in range(self.count))
        if self.log:
            start, end = math.log(self.low), math.log(self.at(last))
            wanted = [self._nearest_by_log(start + k / (points - 1) * (end - start)) for k in range(points)]
        else:
            wanted = [round(k * last / (points - 1)) for k in range(points)]
        for k in range(1, points):  # small integers on a log scale coincide: move them apart, upwards
            wanted[k] = max(wanted[k], wanted[k - 1] + 1)
        for k in range(points):  # and back from the upper end
            wanted[k] = min(wanted[k], last - (points - 1 - k))
        return tuple(self.at(index) for index in wanted)

    def neighbours(self, value: Any) -> Sequence[Any]:
        return _beside(self, value)


@dataclass(frozen=True)
class Options:
    """A list of values, one bin of equal width each."""

    options: tuple[Any, ...]
    ordered: bool = False

    rising = False

    @property
    def count(self) -> int:
        return len(self.options)

    @cached_property
    def _places(self) -> dict[Any, int]:
        return {option: place for place, option in enumerate(self.options)}

    def value(self, unit: float) -> Any:
        return self.options[min(max(int(unit * self.count), 0), self.count - 1)]

    def unit(self, value: Any) -> float:
        return (self._places[value] + 0.5) / self.count

    def at(self, index: int) -> Any:
        return self.options[index]

    def index(self, value: Any) -> int | None:
        return self._places.get(value)

    def nearest(self, value: Any) -> Any:
        return self.options[self._places[value]]

    def middle(self) -> Any:
        return self.options[(self.count - 1) // 2 if self.ordered else 0]

    def spread(self, points: int) -> Sequence[Any]:
        return self.options

    def neighbours(self, value: Any) -> Sequence[Any]:
        if self.ordered:
            return _beside(self, value)
        place = self._places[value]
        return self.options[:place] + self.options[place + 1 :]


def _beside(scale: Stepped | Options, value: Any) -> Sequence[Any]:
    place = scale.index(value)
    if place is None:
        return ()
    return tuple(scale.at(beside) for beside in (place - 1, place + 1) if 0 <= beside < scale.count)


def scale_of(parameter: Parameter) -> Scale:
    """The scale of a valid parameter, whatever its role; a fixed one is then cut down to its default."""
    if isinstance(parameter, Choice):
        return Options(tuple(parameter.options), parameter.ordered)
    if isinstance(parameter, Float) and parameter.step is None:
        return Continuous(parameter.low, parameter.high, parameter.log)
    step = 1 if parameter.step is None else parameter.step
    return Stepped(parameter.low, parameter.high, step, parameter.log)


def default_of(parameter: Parameter) -> Any:
    """The default of a valid parameter: as given, or the middle of its scale."""
    scale = scale_of(parameter)
    if parameter.default is UNSET or (parameter.default is None and not isinstance(parameter, Choice)):
        return scale.middle()
    return scale.nearest(parameter.default)
