"""The space for a next study: where the good trials lie, wider beyond an end at which the best one is. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from truing.errors import UsageError
from truing.knowledge import card
from truing.space.check import holds_somewhere
from truing.space.condition import Bounds, Condition
from truing.space.encoding import Continuous, Scale, scale_of
from truing.space.parameter import Choice, Float, Int, Parameter
from truing.space.repeat import Repeat, pattern
from truing.space.space import Space

TOP = 0.1  # of the trials: whose region is kept
FEWEST_TOP = 3
MARGIN = 0.2  # of the old range, on its scale, to each side of that region
EDGE = 0.1  # of the range, on its scale: the best in it means that better may lie beyond
BEYOND = 0.25  # of the range, on its scale: how far beyond
CLEAR = 0.05  # chance at most with which a dropped option is among the top trials nowhere
CLOSE = 0.2  # chance at most with which so many uniform draws lie as close together as the good ones do
NEAR = 0.01  # of the scale, by which an end in few digits may lie off; a twentieth of the margin
COARSE = 0.25  # the same of an end that is moved outwards, of how far it is moved
TINY = 1e-5  # of the larger end: a range that a space would refuse, or nearly
FEWEST = 5  # trials below which nothing is proposed


@dataclass(frozen=True)
class Proposed:
    """A space for a next study.

    Args:
        space: the same names, groups, roles and conditions; each default is the best trial's value.
        changes: name (in a `Repeat` "layer.*.width") -> what is other than in the old space, in a sentence.
    """

    space: Space
    changes: Mapping[str, str]


def next_space(
    space: Space,
    ranked: Sequence[Mapping[str, Any]],
    *,
    top: float = TOP,
    margin: float = MARGIN,
    extend: bool = True,
) -> Proposed | None:
    """The region of the best trials as a space; None from fewer than five trials.

    Of every number and ordered Choice the part of the range that holds the best tenth of the trials (at least three),
    with a fifth of the range, or one option, on either side. A number whose good values lie no closer together than
    chance would have them in one case of five keeps its range: nothing says that it matters. Where the best lies in the
    outer tenth, the range goes on for a quarter of its size, but not over an end that the meaning sets (below 0 or
    above 1 where the range ended there, beyond the card's end if that lies outside the range). An option is dropped
    where none of its trials is among the best, and chance alone would do that in at most 5 % of cases. Fixed parameters
    stay. (Tuning Playbook, "exploration": shrink around the good points, extend where they crowd at a boundary.)

    Args:
        space: the old one.
        ranked: configurations of the completed trials, the best first.
        top: share of the trials whose region is kept.
        margin: share of the old range added at each side.
        extend: False = the new space lies within the old one.
    """
    if len(ranked) < FEWEST:
        return None
    kept = list(ranked[: max(FEWEST_TOP, math.ceil(top * len(ranked)))])
    made: dict[str, Parameter | Repeat] = {}
    changes: dict[str, str] = {}
    for name, item in space.definition.items():
        if isinstance(item, Repeat):
            inner = {}
            for own, parameter in item.parameters.items():
                names = [n for n, (_, place) in space.repeats[item.name].places.items() if place == own]
                inner[own], said = _moved(own, parameter, names, ranked, kept, margin, extend)
                changes |= {pattern(item.name, own): said} if said else {}
            made[name] = Repeat(item.name, inner, count=item.count)
        else:
            made[name], said = _moved(name, item, [name], ranked, kept, margin, extend)
            changes |= {name: said} if said else {}
    return Proposed(Space(_reachable(made, changes)), changes)


def _moved(
    name: str,
    parameter: Parameter,
    names: Sequence[str],
    ranked: Sequence[Mapping[str, Any]],
    kept: Sequence[Mapping[str, Any]],
    margin: float,
    extend: bool,
) -> tuple[Parameter, str]:
    """The parameter in its new range and what is said of that; `names` are those it has in a configuration."""
    if parameter.role == "fixed":
        return parameter, ""
    good = [config[n] for config in kept for n in names if n in config]
    every = [config[n] for config in ranked for n in names if n in config]
    if not good:
        return parameter, ""
    best = good[0]
    if isinstance(parameter, Choice) and not parameter.ordered:
        left = [o for o in parameter.options if o in good or not _clearly_worse(o, every, good)]
        objects = None if parameter.objects is None else {o: parameter.objects[o] for o in left}
        gone = [o for o in parameter.options if o not in left]
        said = f"without {', '.join(map(str, gone))}: none of the best trials has it" if gone else ""
        return replace(parameter, options=left, objects=objects, default=best), said
    scale = scale_of(parameter)
    units = [scale.unit(value) for value in good]
    if by_chance(max(units) - min(units), len(units)) > CLOSE:
        units = [0.0, *units, 1.0]
    low, high = max(0.0, min(units) - margin), min(1.0, max(units) + margin)
    if isinstance(parameter, Choice):
        first, last = min(map(scale.unit, good)), max(map(scale.unit, good))
        size = 1.0 / scale.count
        left = [o for o in parameter.options if first - 1.5 * size <= scale.unit(o) <= last + 1.5 * size]
        objects = None if parameter.objects is None else {o: parameter.objects[o] for o in left}
        said = f"{left[0]} to {left[-1]} of {parameter.options[0]} to {parameter.options[-1]}"
        new: Parameter = replace(parameter, options=left, objects=objects, default=best)
        return new, said if len(left) < len(parameter.options) else ""
    ends = [_value(scale, low), _value(scale, high)]
    if extend and is_edge(scale, best, -1):
        ends[0] = beyond(name, parameter, -1)
    if extend and is_edge(scale, best, +1):
        ends[1] = beyond(name, parameter, +1)
    if ends[1] - ends[0] <= TINY * max(abs(ends[0]), abs(ends[1])):
        return replace(parameter, default=best), ""
    new = replace(parameter, low=ends[0], high=ends[1], default=best)
    same = ends[0] == parameter.low and ends[1] == parameter.high
    words = f"{new.low:g} to {new.high:g} instead of {parameter.low:g} to {parameter.high:g}"
    return new, "" if same else words


def is_edge(scale: Scale, value: Any, side: int) -> bool:
    """True where the value lies in the outer tenth of the scale, or is the last one, on that side (-1 low, +1 high)."""
    if scale.count != math.inf and scale.count < 1 / EDGE:
        return value == scale.at(0 if side < 0 else int(scale.count) - 1)
    unit = scale.unit(value)
    return unit <= EDGE if side < 0 else unit >= 1 - EDGE


def beyond(name: str, parameter: Float | Int, side: int) -> Any:
    """The end of the range, moved outwards as far as it makes sense; the same where it must not move."""
    end = parameter.low if side < 0 else parameter.high
    step = parameter.step if parameter.step is not None else (1 if isinstance(parameter, Int) else None)
    if parameter.log:
        moved = end * (parameter.high / parameter.low) ** (side * BEYOND)
    else:
        moved = end + side * BEYOND * (parameter.high - parameter.low)
        if side < 0 and parameter.low >= 0:
            moved = max(moved, 0.0)
        if side > 0 and parameter.high <= 1:
            moved = min(moved, 1.0) if parameter.high == 1 else min(moved, (1 + parameter.high) / 2)
    limit = _of_card(name, side)
    if limit is not None and side * (limit - end) > 0:
        moved = side * min(side * moved, side * limit)
    if step is not None:
        if moved == end:  # it must not move
            return end
        steps = max(1, math.floor(abs(moved - end) / step + 1e-9))  # of few steps a quarter is none
        moved = end + side * steps * step
        if (parameter.log and moved <= 0) or (isinstance(parameter, Int) and parameter.low >= 1 > moved):
            return end
        if (side < 0 and parameter.low >= 0 > moved) or (side > 0 and parameter.high <= 1 < moved):
            return end
        if limit is not None and side * (limit - end) > 0 and side * (moved - limit) > 0:
            return end
        return int(moved) if isinstance(parameter, Int) else float(f"{moved:.10g}")
    for digits in range(2, 17):
        short = float(f"{moved:.{digits}g}")
        if side * (short - end) > 0 and abs(short - moved) <= COARSE * abs(moved - end):
            return short
    return float(moved)


def _of_card(name: str, side: int) -> float | None:
    try:
        found = card(name)
    except UsageError:
        return None
    return found.low if side < 0 else found.high


def by_chance(span: float, n: int) -> float:
    """Probability that so many uniform draws span no more than this: n s^(n-1) - (n-1) s^n.

    (David & Nagaraja 2003, Order Statistics, 3rd ed., section 2.3.)

    >>> round(by_chance(0.5, 5), 4)
    0.1875
    """
    return float(n * span ** (n - 1) - (n - 1) * span**n) if n > 1 else 1.0


def _value(scale: Scale, unit: float) -> Any:
    """The end of a range: in three digits, or as many more as it takes to stay near; 0.999 to 0.9999 needs them."""
    value = scale.value(unit)
    if not isinstance(scale, Continuous) or unit in (0.0, 1.0):
        return value
    for digits in range(3, 17):
        short = float(f"{value:.{digits}g}")
        if scale.nearest(short) is not None and abs(scale.unit(short) - unit) <= NEAR:
            return short
    return value


def _clearly_worse(option: Any, every: Sequence[Any], good: Sequence[Any]) -> bool:
    """True where so many trials of the option miss all the top places by chance in at most 5 % of cases."""
    own, places, whole = every.count(option), len(good), len(every)
    return math.comb(whole - own, places) / math.comb(whole, places) <= CLEAR if whole - own >= places else own > 0


def _reachable(made: Mapping[str, Parameter | Repeat], changes: dict[str, str]) -> dict[str, Parameter | Repeat]:
    """The parameters whose conditions can still hold, with the values that are left in them."""
    found = dict(made)
    while True:
        before = dict(found)
        for name, item in before.items():
            if isinstance(item, Repeat):
                inner = {n: _conditioned(p, {**found, **item.parameters}) for n, p in item.parameters.items()}
                left = {n: p for n, p in inner.items() if p is not None}
                if left:
                    found[name] = Repeat(item.name, left, count=item.count)
                else:
                    del found[name]
                continue
            parameter = _conditioned(item, found)
            if parameter is None:
                del found[name]
                changes[name] = "left out: what it depends on was dropped"
            else:
                found[name] = parameter
        if found == before:
            return found


def _conditioned(parameter: Parameter, known: Mapping[str, Any]) -> Parameter | None:
    """The parameter with what is left of its conditions; None where they can hold no more."""
    when: dict[str, Condition] = {}
    for parent, condition in (parameter.when or {}).items():
        if parent not in known:
            return None
        scale = scale_of(known[parent])
        if isinstance(condition, Bounds):
            if not holds_somewhere(condition, scale):
                return None
            when[parent] = condition
            continue
        left = tuple(value for value in condition if _takes(known[parent], scale, value))
        if not left:
            return None
        when[parent] = left
    return replace(parameter, when=when or None)


def _takes(parent: Parameter, scale: Scale, value: Any) -> bool:
    if isinstance(parent, Choice):
        return value in parent.options
    return bool(parent.low <= value <= parent.high) and scale.nearest(value) is not None
