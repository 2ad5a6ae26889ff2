"""One value for every active parameter: what a trial tries and what the user's function reads."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from truing.errors import SpaceError


@dataclass(frozen=True)
class Elements:
    """Which parameters belong to a `Repeat`.

    Args:
        count: the name of the parameter that says how many elements there are.
        places: full name -> (number of the element from 0, name inside it), in order.
    """

    count: str
    places: Mapping[str, tuple[int, str]]


class Configuration(Mapping[str, Any]):
    """An immutable mapping from the names of the active parameters to plain JSON values.

    It keeps the order it was given in (the space's order), equals any mapping with the same items, and can be
    hashed and pickled. The values are taken as they are: `Space.check` is what validates them.

    The one that a training function gets (`run.config`) has objects where a `Choice` was given a dict of them; all
    others have their labels, and so have its `to_dict()`, its `key` and its text.

    Args:
        values: name -> str, int, float, bool or None; inactive parameters are left out.
        groups: name -> group, for every parameter of the space, the inactive ones included.
        repeats: name of a `Repeat` -> its parameters.
        objects: name -> label -> what to read instead of the label.

    >>> config = Configuration({"width": 22, "rate": 0.031}, {"width": "architecture", "rate": "training"})
    >>> config["rate"], config.group("architecture"), str(config)
    (0.031, {'width': 22}, 'width 22 · rate 0.031')
    """

    __slots__ = ("_groups", "_key", "_objects", "_repeats", "_values")

    def __init__(
        self,
        values: Mapping[str, Any],
        groups: Mapping[str, str] | None = None,
        repeats: Mapping[str, Elements] | None = None,
        objects: Mapping[str, Mapping[Any, Any]] | None = None,
    ) -> None:
        self._values: dict[str, Any] = dict(values)
        self._groups: Mapping[str, str] = {} if groups is None else groups
        self._repeats: Mapping[str, Elements] = {} if repeats is None else repeats
        self._objects: Mapping[str, Mapping[Any, Any]] = {} if objects is None else objects
        self._key: str | None = None

    def __getitem__(self, name: str) -> Any:
        try:
            value = self._values[name]
        except KeyError:
            pass
        else:
            return self._objects[name][value] if name in self._objects else value
        if name in self._repeats:
            raise KeyError(f"{name!r} is a Repeat; its elements are config.repeat({name!r})")
        if name in self._groups:
            raise KeyError(f"{name!r} is not active in this configuration: {self}")
        raise KeyError(f"{name!r} is not in this configuration, which has {', '.join(self) or 'no values'}")

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    @property
    def key(self) -> str:
        """16 hexadecimal digits, the same for equal configurations in every process, whatever their order."""
        if self._key is None:
            text = json.dumps({name: _canonical(self._values[name]) for name in sorted(self._values)})
            self._key = hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
        return self._key

    def group(self, name: str) -> dict[str, Any]:
        """The active parameters of one group, in order; empty when none of its parameters is active.

        Parameters of a `Repeat` come as one item after its count: the repeat's name with a list of dicts, one for
        each element, holding those of its parameters that are of this group. So `ConvNet(**config.group(name))`
        gets them as one argument.

        Raises:
            SpaceError: the space has no such group; the message lists those it has.
        """
        if name not in self._groups.values():
            known = ", ".join(dict.fromkeys(self._groups.values())) or "none"
            raise SpaceError(f"There is no group {name!r} in this space; its groups: {known}.")
        inside = {full for elements in self._repeats.values() for full in elements.places}
        found: dict[str, Any] = {}
        for key in self._values:
            if self._groups.get(key) == name and key not in inside:
                found[key] = self[key]
            for repeat, elements in self._repeats.items():
                if elements.count == key and any(self._groups.get(full) == name for full in elements.places):
                    found[repeat] = self._elements(elements, name)
        return found

    def repeat(self, name: str) -> list[dict[str, Any]]:
        """The elements of a `Repeat`, as many as its count says: for each its active parameters by their own names.

        Raises:
            SpaceError: the space has no such Repeat; the message lists those it has.
        """
        if name not in self._repeats:
            known = ", ".join(self._repeats) or "none"
            raise SpaceError(f"There is no Repeat {name!r} in this space; its repeats: {known}.")
        return self._elements(self._repeats[name])

    def _elements(self, elements: Elements, group: str | None = None) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = [{} for _ in range(self._values.get(elements.count, 0))]
        for full, (place, name) in elements.places.items():
            if full in self._values and (group is None or self._groups.get(full) == group):
                found[place][name] = self[full]
        return found

    def to_dict(self) -> dict[str, Any]:
        """A new dict of plain JSON values, labels instead of objects, in the same order."""
        return dict(self._values)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Configuration):
            return self._values == other._values
        if isinstance(other, Mapping):
            return self._values == dict(other) or (bool(self._objects) and dict(self) == dict(other))
        return NotImplemented

    def __hash__(self) -> int:
        return hash(self.key)

    def __reduce__(self) -> tuple[Any, ...]:
        return Configuration, (self._values, dict(self._groups), dict(self._repeats), dict(self._objects))

    def __repr__(self) -> str:
        return repr(self._values)

    def __str__(self) -> str:
        return " · ".join(f"{name} {format_value(value)}" for name, value in self._values.items())


def format_value(value: Any) -> str:
    """A value as tables show it: floats with four significant digits, everything else in full.

    >>> [format_value(value) for value in (0.0316227766, 1e-5, 123456.7, 64, "sgd", None)]
    ['0.03162', '1e-05', '123457', '64', 'sgd', 'None']
    """
    if not isinstance(value, float):
        return str(value)
    if 1e4 <= abs(value) < 1e9:  # 123457 says more than 1.235e+05
        return f"{value:.0f}"
    return f"{value:.4g}"


def _canonical(value: Any) -> Any:
    """One form for values that Python holds equal (1, 1.0, True): equal configurations, equal keys."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, float) and math.isfinite(value) and value == int(value):
        return int(value)
    return value
