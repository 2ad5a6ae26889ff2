"""Layers of a `Repeat`: read one by one, looked at together as "layer.*.width", proposed as a `tr.Repeat`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from truing.space.parameter import Parameter
from truing.space.repeat import Repeat, pattern
from truing.space.space import Space

if TYPE_CHECKING:
    from truing.probe.factory import Recorder


class Element(Mapping[str, Any]):
    """One element of `config.repeat(name)`: what is read of it is read of the configuration."""

    def __init__(self, config: Recorder, repeat: str, place: int) -> None:
        self._config, self._repeat, self._place = config, repeat, place

    def __getitem__(self, name: str) -> Any:
        return self._config.element(self._repeat, self._place, name)

    def get(self, name: str, default: Any = None) -> Any:
        return self._config.element(self._repeat, self._place, name, default)

    def __contains__(self, name: object) -> bool:
        return name in self._names()

    def __iter__(self) -> Iterator[str]:
        return iter(self._names())

    def __len__(self) -> int:
        return len(self._names())

    def _names(self) -> list[str]:
        return [name for repeat, name in map(parted, self._config.names) if repeat == self._repeat]


def count_of(repeat: str) -> str:
    """What the number of elements is called where nothing says it.

    >>> count_of("layer"), count_of("layers")
    ('layers', 'n_layers')
    """
    return f"n_{repeat}" if repeat.endswith("s") else f"{repeat}s"


def parted(name: str) -> tuple[str, str]:
    """The Repeat and the name inside it; ("", name) for any other.

    >>> parted("layer.*.width"), parted("width")
    (('layer', 'width'), ('', 'width'))
    """
    repeat, _, inner = name.rpartition(".*.")
    return repeat, inner


def pooled(name: str, repeats: Mapping[str, str]) -> str:
    """The one name for all elements; any other name as it is.

    >>> pooled("layer.3.width", {"layer": "layers"}), pooled("layers", {"layer": "layers"})
    ('layer.*.width', 'layers')
    """
    for repeat in repeats:
        if found := re.fullmatch(rf"{re.escape(repeat)}\.\d+\.(.+)", name):
            return pattern(repeat, found[1])
    return name


def in_all(values: Mapping[str, Any], space: Space) -> dict[str, Any]:
    """A space's configuration with the parameters of a Repeat once, as "layer.*.width", at their defaults."""
    inside = {full for elements in space.repeats.values() for full in elements.places}
    found = {name: value for name, value in values.items() if name not in inside}
    for repeat, elements in space.repeats.items():
        for full, (_, name) in elements.places.items():
            if full in values:
                found.setdefault(pattern(repeat, name), values[full])
    return found


def assembled(parameters: Mapping[str, Parameter], repeats: Mapping[str, str]) -> Space:
    """The space, with those named "layer.*.width" in the Repeat they belong to.

    Args:
        repeats: name of a Repeat -> the name of its count.
    """
    plain = {name: one for name, one in parameters.items() if not parted(name)[0]}
    made = []
    for repeat, count in repeats.items():
        inner = {parted(name)[1]: _inside(one, repeat, count) for name, one in parameters.items() if _of(name, repeat)}
        if inner and count in plain:
            made.append(Repeat(repeat, inner, count=count))
    return Space(*made, plain)


def _of(name: str, repeat: str) -> bool:
    return parted(name)[0] == repeat


def _inside(parameter: Parameter, repeat: str, count: str) -> Parameter:
    """With a `when` that names siblings as they are called inside; that there is such an element says the Repeat."""
    when = {parted(name)[1]: values for name, values in (parameter.when or {}).items() if name != count}
    return replace(parameter, when=when or None)
