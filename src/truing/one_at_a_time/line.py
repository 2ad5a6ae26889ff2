"""The configurations on a line through the space: one parameter varies, the others are held. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from truing.errors import SpaceError, UsageError, short
from truing.record.history import History
from truing.space.configuration import Configuration
from truing.space.space import Space

DEFAULTS, BEST = "defaults", "best"


def centre_of(history: History, space: Space, at: Any) -> tuple[Configuration, str]:
    """Where the other parameters are held, and what that is called.

    Args:
        at: "defaults", "best" (the best trial as the search saw it), a trial's number, or a mapping of values; what a
            mapping leaves out has its default.

    Raises:
        UsageError: there is no such trial, or it is none of these.
        SpaceError: a value that the space does not have.

    >>> import truing as tr
    >>> space = tr.Space(width=tr.Int(1, 9, default=4), rate=tr.Float(0.0, 1.0, default=0.5))
    >>> config, words = centre_of(History(space, "min"), space, {"width": 8})
    >>> dict(config), words
    ({'width': 8, 'rate': 0.5}, 'the values given')
    """
    if isinstance(at, Mapping):
        wrong = next((name for name in at if name not in space), None)
        if wrong is not None:
            raise UsageError(f"at={short(dict(at))}: the space has no parameter {wrong!r}; it has {', '.join(space)}.")
        return space.check(space.complete(at)), "the values given"
    if at == DEFAULTS:
        return (history.trial(0).config if len(history) else space.defaults()), "the defaults"
    if at == BEST:
        best = history.best()
        if best is None:
            raise UsageError('at="best" needs a trial that completed, and there is none; at="defaults" needs none.')
        return best.config, f"the values of trial {best.number}, the best so far"
    if isinstance(at, int) and not isinstance(at, bool):
        if not 0 <= at < len(history):
            have = f"it has trials 0 to {len(history) - 1}" if len(history) else "it has none"
            raise UsageError(f"at={at}: the study has no trial {at}; {have}.")
        return history.trial(at).config, f"the values of trial {at}"
    raise UsageError(f'at= takes "defaults", "best", the number of a trial or a mapping of values, got {short(at)}.')


def line(
    space: Space, centre: Configuration, parameter: str, values: Sequence[Any] | None = None, points: int = 7
) -> list[tuple[Any, Configuration]]:
    """The values of one parameter in their order, each with its configuration; the centre's own is among them.

    Args:
        values: which to take; None = all options of a Choice, or `points` of a number, spread evenly on its scale.
        points: how many of a number, both ends included.

    Raises:
        UsageError: no such parameter, a fixed one, one that is inactive in the centre, or fewer than two values.

    >>> import truing as tr
    >>> space = tr.Space(rate=tr.Float(0.001, 1.0, log=True, default=0.1), kernel=tr.Choice([1, 3, 5]))
    >>> [value for value, _ in line(space, space.defaults(), "rate", points=4)]
    [0.001, 0.01, 0.1, 1.0]
    """
    if parameter not in space:
        close = get_close_matches(str(parameter), list(space), n=1)
        hint = f"; do you mean {close[0]!r}?" if close else f"; it has {', '.join(space)}."
        raise UsageError(f"The space has no parameter {short(parameter)}{hint}")
    if space[parameter].role == "fixed":
        raise UsageError(f"{parameter} has the role fixed, so it has one value; give it another role to sweep it.")
    if parameter not in centre:
        why = ", ".join(f"{parent} is {centre.get(parent, 'inactive')}" for parent in space[parameter].when or {})
        raise UsageError(
            f"{parameter} is not active here, where {why}; give at= a configuration that has it, "
            f"such as the number of a trial."
        )
    scale = space.scale(parameter)
    if values is None:
        if not isinstance(points, int) or isinstance(points, bool) or points < 2:
            raise UsageError(f"points= is a whole number of at least 2, got {points!r}.")
        every = isinstance(scale.count, int) and not scale.rising
        found = [scale.at(place) for place in range(int(scale.count))] if every else list(scale.spread(points))
    else:
        if isinstance(values, str) or not isinstance(values, Sequence) or not len(values):
            raise UsageError(f"values= is a list of values of {parameter}, got {short(values)}.")
        found = list(values)
    try:
        moved = [space.moved(centre, parameter, value) for value in [*found, centre[parameter]]]
    except SpaceError as error:
        raise UsageError(str(error)) from None
    different = {repr(config[parameter]): config for config in moved}  # 1, 1.0 and True are three labels
    made = [(config[parameter], config) for config in different.values()]
    if len(made) < 2:
        raise UsageError(f"{parameter} has one value here, {made[0][0]!r}; a sweep takes two or more.")
    place = scale.index(made[0][0])
    if scale.rising or place is None or not math.isfinite(scale.count):
        return sorted(made, key=lambda one: one[0]) if scale.rising else made
    return sorted(made, key=lambda one: scale.index(one[0]) or 0)
