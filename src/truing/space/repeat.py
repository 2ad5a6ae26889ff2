"""One set of parameters for each of so many elements: the layers of a network, each with its own kind and width."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from truing.arguments import spelled_class
from truing.space.condition import Bounds, Condition
from truing.space.configuration import Elements
from truing.space.parameter import Assumed, Choice, Float, Int, Parameter, is_default_given

MOST = 100  # elements; each has coordinates of its own in the unit cube


@spelled_class(', as in Repeat("layer", count="layers", width=Int(8, 64))')
@dataclass(frozen=True, init=False)
class Repeat:
    """The same parameters once for every element; how many elements there are is a parameter of its own.

    `Repeat("layer", count="layers", width=Int(8, 64))` stands for `layer.0.width`, `layer.1.width` ... up to the
    highest count, each active while the count says that there is such an element. In a training function
    `run.config.repeat("layer")` is a list of dicts, one for each element, and so is what
    `run.config.group(...)` has under "layer".

    Args:
        name: of an element; no parameter of the space may have it.
        mapping: name -> parameter, for names that are no identifiers, or "count".
        count: the name of an `Int` or of a `Choice` of whole numbers in the same space, from 0 to at most 100.
        parameters: the parameters of each element. A `when` names a sibling in the same element, or else a
            parameter of the space. Where group or role are not given, they are the count's; a count that is fixed
            fixes nothing else.

    What is wrong with it the space says.

    >>> from truing.space.space import Space
    >>> space = Space(
    ...     Repeat("layer", count="layers", kind=Choice(["conv", "dense"]), width=Int(8, 64, when={"kind": "dense"})),
    ...     layers=Int(1, 2, default=1),
    ... )
    >>> list(space)
    ['layers', 'layer.0.kind', 'layer.0.width', 'layer.1.kind', 'layer.1.width']
    >>> space.check({"layers": 1, "layer.0.kind": "dense", "layer.0.width": 16}).repeat("layer")
    [{'kind': 'dense', 'width': 16}]
    """

    name: str
    count: str
    parameters: Mapping[str, Parameter]

    def __init__(
        self, name: str, mapping: Mapping[str, Parameter] | None = None, /, *, count: str, **parameters: Parameter
    ) -> None:
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "count", count)
        given = dict(mapping) if isinstance(mapping, Mapping) else {} if mapping is None else {"": mapping}
        object.__setattr__(self, "parameters", {**given, **parameters})

    def __hash__(self) -> int:
        return hash((self.name, self.count, tuple(self.parameters)))

    def __repr__(self) -> str:
        inner = ", ".join(f"{name!r}: {parameter!r}" for name, parameter in self.parameters.items())
        return f"Repeat({self.name!r}, {{{inner}}}, count={self.count!r})"


def complaints(repeat: Repeat, given: Mapping[str, Any]) -> list[str]:
    """What is wrong with a repeat beside its parameters themselves.

    Args:
        given: the parameters of the space outside all repeats.
    """
    found = []
    if not isinstance(repeat.name, str) or not repeat.name:
        found.append(f"a name must be a text of at least one character, but is {repeat.name!r}.")
    elif repeat.name in given:
        found.append("a parameter of the space has the same name.")
    if not repeat.parameters:
        found.append("it has no parameters.")
    for name, parameter in repeat.parameters.items():
        if not isinstance(name, str) or not name:
            found.append(f"its parameters are given as keywords or as a dict of names, but it has {name!r}.")
        elif isinstance(parameter, Repeat):
            found.append(f"it cannot hold another Repeat, but {name!r} is one.")
    count = given.get(repeat.count) if isinstance(repeat.count, str) else None
    if count is not None:
        found += _count(count, repeat.count)
    return found


def _count(count: Any, name: str) -> list[str]:
    values: list[Any] = []
    if isinstance(count, Choice) and isinstance(count.options, tuple):
        values = list(count.options)
    elif isinstance(count, Int):
        values = [count.low, count.high]
    else:
        return [f"count must name an Int or a Choice of whole numbers, but {name!r} is {count!r}."]
    if any(not isinstance(value, int) or isinstance(value, bool) for value in values):
        if isinstance(count, Int):
            return []  # the Int itself is complained about
        return [f"count must name an Int or a Choice of whole numbers, but {name!r} is {count!r}."]
    if values and not (min(values) >= 0 and 1 <= max(values) <= MOST):
        return [f"there may be 0 to {MOST} elements and not always 0, but {name!r} is {count!r}."]
    return []


def settled(repeat: Repeat, count: Parameter) -> Repeat:
    """The repeat with the group and role of the count where its parameters were given none."""
    role = "scientific" if count.role == "fixed" else str(count.role)
    inner: dict[str, Any] = {}
    for name, parameter in repeat.parameters.items():
        if isinstance(parameter, Float | Int | Choice):
            group = count.group if isinstance(parameter.group, Assumed) else parameter.group
            own = role if isinstance(parameter.role, Assumed) else parameter.role
            inner[name] = replace(parameter, group=group, role=own)
        else:
            inner[name] = parameter
    return Repeat(repeat.name, inner, count=repeat.count)


def expanded(repeat: Repeat, numbers: Sequence[int]) -> tuple[dict[str, Parameter], Elements, list[str]]:
    """The parameters of all elements by their full names, their places, and what can never be active.

    Args:
        numbers: the values of the count.
    """
    flat: dict[str, Any] = {}
    places: dict[str, tuple[int, str]] = {}
    never: list[str] = []
    for element in range(max(numbers)):
        for name, parameter in repeat.parameters.items():
            full = f"{repeat.name}.{element}.{name}"
            if isinstance(parameter, Float | Int | Choice) and isinstance(parameter.when, Mapping | None):
                when = dict(parameter.when or {})
                asked = when.pop(repeat.count, None) if repeat.count not in repeat.parameters else None
                own = _both(Bounds(low=element + 1), asked)
                if not any(number in own for number in numbers):
                    if not element:
                        never.append(
                            f"Parameter {full!r}: when can never hold: no value of {repeat.count!r} meets {asked!r}."
                        )
                    continue
                siblings = {
                    f"{repeat.name}.{element}.{parent}" if parent in repeat.parameters else parent: values
                    for parent, values in when.items()
                }
                parameter = replace(parameter, when={repeat.count: own, **siblings})
            flat[full] = parameter
            places[full] = (element, name)
    return flat, Elements(repeat.count, places), never


def _both(least: Bounds, asked: Any) -> Condition:
    """The condition that both hold."""
    if asked is None:
        return least
    if isinstance(asked, Bounds):
        low = least.low if asked.low is None else max(least.low, asked.low)
        return Bounds(low, asked.high)
    return tuple(value for value in asked if value in least)


def pattern(repeat: str, name: str) -> str:
    """One name for a parameter of all elements.

    >>> pattern("layer", "width")
    'layer.*.width'
    """
    return f"{repeat}.*.{name}"


def assumed(repeat: Repeat) -> list[str]:
    """The parameters whose default was not given, by their patterns."""
    return [pattern(repeat.name, name) for name, p in repeat.parameters.items() if not is_default_given(p)]
