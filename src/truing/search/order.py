"""Groups of parameters in the order in which they are searched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from truing.errors import UsageError
from truing.space.space import Space

Order = Sequence[str | Sequence[str]]


def ordered(order: Any) -> tuple[str | tuple[str, ...], ...]:
    """The order as tuples.

    Raises:
        UsageError: it is something else.
    """
    proper = isinstance(order, Sequence) and not isinstance(order, str) and len(order) > 0
    if proper:
        found = tuple(entry if isinstance(entry, str) else _names(entry) for entry in order)
        if all(found):
            return tuple(entry for entry in found if entry is not None)
    raise UsageError(
        f"order= takes a list of group names or of lists of parameter names, such as [['learning_rate']], "
        f"got {order!r}."
    )


def groups_of(space: Space, order: Order | None) -> dict[str, tuple[str, ...]]:
    """label -> names of its parameters, in order; a list's label is its names joined by ", ".

    Raises:
        UsageError: the space has no such group or parameter, or a parameter comes twice.
    """
    by_group: dict[str, tuple[str, ...]] = {}
    for name, group in space.groups.items():
        by_group[group] = (*by_group.get(group, ()), name)
    if order is None:
        return by_group
    found: dict[str, tuple[str, ...]] = {}
    taken: set[str] = set()
    for entry in order:
        if isinstance(entry, str) and entry not in by_group:
            hint = f": write [{entry!r}] for this parameter alone" if entry in space else ""
            raise UsageError(f"order= names the group {entry!r}, but the groups are {', '.join(by_group)}{hint}.")
        names = by_group[entry] if isinstance(entry, str) else tuple(_each(entry, space))
        for name in names:
            if name not in space:
                raise UsageError(f"order= names the parameter {name!r}, but the space has {', '.join(space)}.")
            if name in taken:
                raise UsageError(f"order= has the parameter {name!r} in two groups; a parameter is in one.")
            taken.add(name)
        found[entry if isinstance(entry, str) else ", ".join(entry)] = names
    return found


def _each(names: Sequence[str], space: Space) -> Iterator[str]:
    """The names, that of a Repeat as those of all its parameters."""
    for name in names:
        yield from space.repeats[name].places if name in space.repeats else (name,)


def _names(entry: Any) -> tuple[str, ...] | None:
    proper = isinstance(entry, Sequence) and all(isinstance(name, str) for name in entry)
    return tuple(entry) if proper else None
