"""Trials in which several groups move at once, among the values that the groups' own searchers could have tried."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from truing.space.configuration import Configuration
from truing.space.encoding import Scale, default_of
from truing.space.space import Space

if TYPE_CHECKING:
    from numpy.random import Generator

_TRIES = 256
_FEW = 4096  # combinations that are listed in some 10 ms
_NEAR = 0.2  # standard deviation of a move near the base, of the parameter's scale


def draw(
    space: Space,
    groups: Sequence[Sequence[str]],
    points: Mapping[str, int],
    used: Callable[[str], bool],
    rng: Generator,
    *,
    near: bool,
) -> Configuration | None:
    """A new configuration that differs from the base in at least two groups; None when there is none.

    Args:
        space: in which all that is in no group is fixed; its defaults are the base, inactive parameters included.
        points: how many values of a parameter were on its grid; one that is not named takes any value.
        used: whether a configuration's key is that of a trial.
        near: a step from the base in at least two groups, rather than anywhere in the space.
    """
    values = {name: default_of(space[name]) for name in space}
    for attempt in range(_TRIES):
        chosen = dict(values)
        for group in groups:
            if near and rng.random() < 0.25:
                continue  # a few groups may stay; two must not, which is seen to below
            for name in group:
                close = near and attempt < _TRIES // 2
                chosen[name] = _value(space.scale(name), points.get(name), values[name] if close else None, rng)
        config = space.complete(chosen)
        if not used(config.key) and _apart(config, values, groups) > 1:
            return config
    return _remaining(space, values, groups, points, used, rng)


def _value(scale: Scale, points: int | None, about: Any, rng: Generator) -> Any:
    """A value of the scale, or of so many points of it; `about` which one, None = anywhere."""
    listed = scale.spread(points) if points is not None else None
    if about is None:
        unit = float(rng.random())
        return scale.value(unit) if listed is None else listed[int(unit * len(listed))]
    if not scale.ordered:  # options have no neighbours
        return about if rng.random() < 0.5 else scale.value(float(rng.random()))
    unit = abs(scale.unit(about) + float(rng.normal(0.0, _NEAR)))
    unit = min(max(2.0 - unit if unit > 1.0 else unit, 0.0), 1.0)
    return scale.value(unit) if listed is None else min(listed, key=lambda value: abs(scale.unit(value) - unit))


def _apart(config: Configuration, base: Mapping[str, Any], groups: Sequence[Sequence[str]]) -> int:
    """In how many groups it differs from the base; what has only become active has its frozen value."""
    return sum(any(name in config and config[name] != base[name] for name in group) for group in groups)


def _remaining(
    space: Space,
    base: Mapping[str, Any],
    groups: Sequence[Sequence[str]],
    points: Mapping[str, int],
    used: Callable[[str], bool],
    rng: Generator,
) -> Configuration | None:
    """Draws found nothing new: one of what is left, where that can be listed."""
    every = space.combinations_of({name: space.scale(name).spread(number) for name, number in points.items()})
    if every.count > _FEW:
        return None
    configs = (space.at(every, rank) for rank in range(int(every.count)))
    left = [config for config in configs if not used(config.key) and _apart(config, base, groups) > 1]
    return left[int(rng.integers(len(left)))] if left else None
