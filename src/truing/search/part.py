"""A part of a space: some parameters free, all others fixed at given values."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import lru_cache

from truing.space.space import Space


@lru_cache(maxsize=256)
def part_of(space: Space, values: str, free: tuple[str, ...]) -> Space:
    """The space with these values as defaults, and all but `free` fixed at them.

    Args:
        values: name -> value of every parameter, inactive ones too, as JSON.

    >>> from truing.space.parameter import Int
    >>> part = part_of(Space(a=Int(1, 3), b=Int(1, 3)), '{"a": 2, "b": 3}', ("a",))
    >>> int(part.size), dict(part.defaults())
    (3, {'a': 2, 'b': 3})
    """
    known, parts = json.loads(values), {}
    for name, parameter in space.parameters.items():  # those of a Repeat one by one
        role = parameter.role if name in free else "fixed"
        parts[name] = replace(parameter, default=known[name], role=role)
    return Space(parts)
