"""The space: what may vary, and everything one can ask about it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from truing.errors import SpaceError, listed
from truing.space.check import complaint_about, findings, nearest
from truing.space.combinations import Combinations, Slot
from truing.space.condition import Allowed, Bounds, Condition, worded
from truing.space.configuration import Configuration, Elements, format_value
from truing.space.encoding import Options, Scale, default_of, scale_of
from truing.space.growth import shrinkage
from truing.space.parameter import Choice, Float, Int, Parameter, is_default_given, plain
from truing.space.repeat import Repeat, assumed, complaints, expanded, pattern, settled

if TYPE_CHECKING:  # numpy loads numpy.random on first use; importing it here would slow every start
    from numpy.random import Generator
    from numpy.typing import ArrayLike, NDArray

_KINDS: dict[str, type] = {"float": Float, "int": Int, "choice": Choice}


class Space(Mapping[str, Parameter]):
    """The hyperparameters and their ranges, as an immutable mapping in the order given.

    Args:
        given: mappings name -> `Float`, `Int` or `Choice`, which serve names that are not identifiers, such as
            "lambda"; and every `Repeat`, whose parameters come after its count.
        parameters: the same as keywords; they come after those of the mappings. No name is reserved.

    Raises:
        SpaceError: with everything that is wrong, one sentence a line.

    >>> space = Space(
    ...     optimizer=Choice(["sgd", "adam"]),
    ...     learning_rate=Float(1e-4, 1e-1, log=True, default=1e-2),
    ...     momentum=Float(0.0, 0.98, step=0.02, default=0.9, when={"optimizer": "sgd"}),
    ... )
    >>> space.defaults()
    {'optimizer': 'sgd', 'learning_rate': 0.01, 'momentum': 0.9}
    >>> space.check({"optimizer": "adam", "learning_rate": 1e-3})
    {'optimizer': 'adam', 'learning_rate': 0.001}
    >>> print(space)
    optimizer      choice  sgd, adam             default sgd (assumed)  training
    learning_rate  float   0.0001 to 0.1, log    default 0.01           training
    momentum       float   0 to 0.98, step 0.02  default 0.9            training  when optimizer is sgd
    """

    def __init__(
        self, /, *given: Mapping[str, Parameter | Repeat] | Repeat | None, **parameters: Parameter | Repeat
    ) -> None:
        merged: dict[Any, Any] = {}
        repeats: list[Repeat] = []
        twice: list[str] = []
        for part in (*given, parameters):
            if isinstance(part, Repeat):
                repeats.append(part)
                continue
            if not isinstance(part, Mapping | None):
                raise SpaceError(
                    f"A space is made from a mapping of names to parameters and from Repeats, but got {part!r}."
                )
            for name, parameter in (part.definition if isinstance(part, Space) else part or {}).items():
                if isinstance(parameter, Repeat):
                    repeats.append(parameter)
                    if name != parameter.name:
                        twice.append(f"Repeat {parameter.name!r}: it is given under another name, {name!r}.")
                elif name in merged:
                    twice.append(f"Parameter {name!r}: it is given twice.")
                else:
                    merged[name] = parameter
        self._set(merged, repeats, twice)

    def _set(self, given: Mapping[str, Parameter], repeats: Sequence[Repeat], found: list[str]) -> None:
        flat, self._elements, self._copies, self._repeats = _assembled(given, repeats, found)
        listed(found + findings(flat, self._copies), SpaceError)

        self._given, self._parameters = dict(given), flat
        self._names = tuple(flat)
        self._groups = {name: str(parameter.group) for name, parameter in flat.items()}
        self._defaults = {name: default_of(parameter) for name, parameter in flat.items()}
        self._scales: tuple[Scale, ...] = tuple(
            Options((self._defaults[name],)) if parameter.role == "fixed" else scale_of(parameter)
            for name, parameter in flat.items()
        )
        self._order = _parents_first(flat)
        places = {name: place for place, name in enumerate(self._names)}
        self._when: tuple[tuple[tuple[int, Allowed], ...], ...] = tuple(
            tuple((places[parent], _taken(flat[parent], values)) for parent, values in (p.when or {}).items())
            for p in flat.values()
        )

    # -- as a mapping ----------------------------------------------------------------------------------

    def __getitem__(self, name: str) -> Parameter:
        return self._parameters[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    @property
    def parameters(self) -> dict[str, Parameter]:
        """name -> parameter, a new dict in the space's order."""
        return dict(self._parameters)

    @property
    def groups(self) -> dict[str, str]:
        """name -> group, for every parameter."""
        return dict(self._groups)

    @property
    def definition(self) -> dict[str, Parameter | Repeat]:
        """What the space was made from: the parameters outside all repeats, then each `Repeat`, by name."""
        return {**self._given, **self._repeats}

    @property
    def repeats(self) -> dict[str, Elements]:
        """Name of a `Repeat` -> its count and its parameters."""
        return dict(self._elements)

    @property
    def labelled(self) -> dict[str, Mapping[Any, Any]]:
        """As `objects`, but those of a `Repeat` once, as "layer.*.kind"."""
        named = dict(self._given)
        for repeat in self._repeats.values():
            named |= {pattern(repeat.name, name): parameter for name, parameter in repeat.parameters.items()}
        return {n: p.objects for n, p in named.items() if isinstance(p, Choice) and p.objects is not None}

    @property
    def objects(self) -> dict[str, Mapping[Any, Any]]:
        """name -> label -> object, for each `Choice` that was given a dict of objects; empty after `from_dict`."""
        return {n: p.objects for n, p in self._parameters.items() if isinstance(p, Choice) and p.objects is not None}

    @property
    def assumed_defaults(self) -> tuple[str, ...]:
        """The parameters whose default was not given: the middle of the scale, of a Choice without order the first.

        Those of a `Repeat` are named once, as "layer.*.width".
        """
        names = [name for name, parameter in self._given.items() if not is_default_given(parameter)]
        return (*names, *(name for repeat in self._repeats.values() for name in assumed(repeat)))

    # -- configurations --------------------------------------------------------------------------------

    def defaults(self) -> Configuration:
        """The configuration of trial 0."""
        return self._configuration([self._defaults[name] for name in self._names])

    def sample(self, rng: Generator) -> Configuration:
        """A configuration drawn uniformly on every scale: options and linear Ints are equally likely."""
        return self._decoded(rng.random(len(self._names)).tolist())

    def decode(self, unit: ArrayLike) -> Configuration:
        """The configuration at a point of the unit cube, shape (d,); outside [0, 1] the ends count.

        A parameter is active when the decoded values of its parents say so; the coordinates of the others are
        not read.

        Raises:
            SpaceError: another shape, or a coordinate that is NaN.
        """
        point = np.asarray(unit, dtype=np.float64)
        if point.shape != (len(self._names),):
            raise SpaceError(f"A point of this space has shape ({len(self._names)},), but got {point.shape}.")
        if np.isnan(point).any():
            raise SpaceError(f"A point of the unit cube must be numbers, but got {point.tolist()}.")
        return self._decoded(point.tolist())

    def neighbours(self, config: Mapping[str, Any]) -> list[Configuration]:
        """The configurations that differ in one parameter by one step, in the space's order.

        A step leads to the next value below or above; of a `Float` without step, to what lies a tenth of its scale
        away; of a `Choice` without order, to each other option. What a step makes active has its default.

        Raises:
            SpaceError: not a configuration of this space.
        """
        config = self.check(config)
        found = []
        for name in config:
            found += [self.moved(config, name, value) for value in self.scale(name).neighbours(config[name])]
        return found

    def moved(self, config: Mapping[str, Any], name: str, value: Any) -> Configuration:
        """The configuration with another value of one parameter; what this makes active has its default.

        Raises:
            SpaceError: not a configuration of this space, or not a value of this parameter.
        """
        values = {**self._defaults, **config, name: value}
        return self.check(self._configuration([values[each] for each in self._names]))

    def encode(self, config: Mapping[str, Any]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """A configuration as a point of the unit cube, and which of its coordinates mean something.

        Returns:
            unit: float64 (d,), in the space's order; 0.5 where inactive. `decode(encode(c)[0]) == c` for all
                that `decode` and `sample` give; a Float of more digits comes back to ten of them.
            active: bool (d,).

        A missing value of a parameter that would be active stands for its default, and names that are not in
        this space are passed over: so configurations of a space that this one grew from can be encoded too.

        Raises:
            SpaceError: a value that has no place on the parameter's scale.
        """
        unit = np.full(len(self._names), 0.5)
        active = np.zeros(len(self._names), dtype=bool)
        values: list[Any] = [None] * len(self._names)
        for place in self._order:
            if not self._is_active(place, values, active):
                continue
            name = self._names[place]
            values[place] = config[name] if name in config else self._defaults[name]
            active[place] = True
            try:
                unit[place] = self._scales[place].unit(values[place])
            except (KeyError, TypeError, ValueError):
                raise SpaceError(f"Parameter {name!r}: {values[place]!r} is not one of its values.") from None
        return unit, active

    def check(self, values: Mapping[str, Any]) -> Configuration:
        """The configuration with these values, in the space's order and as plain JSON types.

        Raises:
            SpaceError: unknown names, missing or inactive parameters, values out of range, off the step, not
                an option or not a number: all that is found, one sentence a line.
        """
        if not isinstance(values, Mapping):
            raise SpaceError(f"A configuration is a mapping of names to values, but got {values!r}.")
        found = [
            f"Parameter {name!r}: it is not in this space{nearest(name, self._names)}; "
            f"the space has {', '.join(self._names) or 'no parameters'}."
            for name in values
            if name not in self._parameters
        ]
        known: list[Any] = [None] * len(self._names)
        active = [False] * len(self._names)
        unsure: set[int] = set()  # a parent is wrong or missing, so nobody can say
        for place in self._order:
            name, parameter = self._names[place], self._parameters[self._names[place]]
            if any(parent in unsure for parent, _ in self._when[place]):
                unsure.add(place)
                continue
            if not self._is_active(place, known, active):
                if name in values:
                    why = ", ".join(f"{self._names[parent]}={known[parent]!r}" for parent, _ in self._when[place])
                    found.append(
                        f"Parameter {name!r}: it is inactive where {why} and must be left out, but is {values[name]!r}."
                    )
                continue
            if name not in values:
                found.append(f"Parameter {name!r}: its value is missing.")
                unsure.add(place)
                continue
            value = plain(values[name])
            complaint = complaint_about(value, parameter, scale_of(parameter))
            if complaint is not None:
                found.append(f"Parameter {name!r}: its value {complaint}")
                unsure.add(place)
                continue
            known[place], active[place] = scale_of(parameter).nearest(value), True
            if parameter.role == "fixed" and known[place] != self._defaults[name]:
                found.append(f"Parameter {name!r}: it is fixed at {self._defaults[name]!r}, but is {value!r}.")
        listed(found, SpaceError)
        return self._configuration(known)

    def run_config(self, values: Mapping[str, Any]) -> Configuration:
        """The configuration as a training function gets it: with objects where a `Choice` has labels for them.

        So what a verdict selected, or `config.json` beside a delivered network, serves to build the network again.

        Raises:
            SpaceError: as `check` does.

        >>> space = Space(activation=Choice({"magnitude": abs}))
        >>> space.run_config({"activation": "magnitude"})["activation"](-2)
        2
        """
        return Configuration(self.check(values).to_dict(), self._groups, self._elements, self.objects)

    def restore(self, values: Mapping[str, Any]) -> Configuration:
        """The configuration with these values as they are, unchecked: for what a journal stored."""
        return Configuration(values, self._groups, self._elements)

    def complete(self, values: Mapping[str, Any]) -> Configuration:
        """A configuration of a space that this one grew from, with the defaults of what is new where active."""
        return self._configuration([values.get(name, self._defaults[name]) for name in self._names])

    # -- size ------------------------------------------------------------------------------------------

    @cached_property
    def combinations(self) -> Combinations:
        """All configurations by number, where they can be counted."""
        return self.combinations_of({})

    def combinations_of(self, values: Mapping[str, Any]) -> Combinations:
        """The combinations of listed values of some parameters (name -> sequence) and all of the others."""
        place_in_walk = {place: walk for walk, place in enumerate(self._order)}
        slots = []
        for place in self._order:
            name = self._names[place]
            domain = Options(tuple(values[name])) if name in values else self._scales[place]
            when = tuple((place_in_walk[parent], allowed) for parent, allowed in self._when[place])
            slots.append(Slot(name, domain, when))
        return Combinations(tuple(slots))

    @property
    def size(self) -> int | float:
        """The exact number of different configurations; math.inf when a Float without step can be active."""
        return self.combinations.count

    def scale(self, name: str) -> Scale:
        """The scale of one parameter; of a fixed one, only its default."""
        return self._scales[self._names.index(name)]

    def at(self, combinations: Combinations, rank: int) -> Configuration:
        """Combination number `rank` as a configuration of this space."""
        values = combinations.at(rank)
        return self.restore({name: values[name] for name in self._names if name in values})

    # -- comparing and storing -------------------------------------------------------------------------

    def grew_from(self, old: Space) -> list[str]:
        """Why some configuration of `old` is none of this space, one sentence each; empty when all are.

        A new parameter needs a given default, which then stands in for the old configurations, unless none of
        them could make it active. Another group or order is no finding: nothing is lost by it. Neither is an assumed
        default that moved with its range; a given one that changed is, for trial 0 stays what it was.
        """
        gone = [name for name in old._repeats if name not in self._repeats]
        moved = [n for n in old._repeats if n not in gone and old._repeats[n].count != self._repeats[n].count]
        found = [f"Repeat {name!r}: it is gone." for name in gone]
        for name in moved:
            counts = f"{old._repeats[name].count!r} and is {self._repeats[name].count!r}"
            found.append(f"Repeat {name!r}: its count was {counts}.")
        left_out = {full for name in (*gone, *moved) for full in old._elements[name].places}
        # what holds for the first element of a Repeat holds for all, and their number is the count's
        before = {n: p for n, p in old._parameters.items() if n not in old._copies and n not in left_out}
        after = {n: p for n, p in self._parameters.items() if n not in self._copies and n not in left_out}
        scales = {"old": old.scale, "new": self.scale}
        return found + shrinkage(before, after, lambda which, name: scales[which](name))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, from which `from_dict` makes an equal space; objects are left out, their labels stay."""
        data: dict[str, Any] = {"parameters": [{"name": name, **_as_dict(p)} for name, p in self._given.items()]}
        if self._repeats:
            data["repeats"] = [
                {
                    "name": repeat.name,
                    "count": repeat.count,
                    "parameters": [{"name": name, **_as_dict(p)} for name, p in repeat.parameters.items()],
                }
                for repeat in self._repeats.values()
            ]
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Space:
        """The space that `to_dict` described.

        Raises:
            SpaceError: the description is incomplete or breaks a rule.
        """
        try:
            repeats = [
                Repeat(item["name"], _from_dicts(item["parameters"]), count=item["count"])
                for item in data.get("repeats", ())
            ]
            parameters = _from_dicts(data["parameters"])
        except (KeyError, TypeError, AttributeError) as error:
            raise SpaceError(f"This does not describe a space ({error!r}): {data!r}.") from error
        return cls(parameters, *repeats)

    @cached_property
    def _text(self) -> str:
        return json.dumps(self.to_dict())

    def __eq__(self, other: object) -> bool:
        return self._text == other._text if isinstance(other, Space) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._text)

    # -- showing ---------------------------------------------------------------------------------------

    def describe(self) -> str:
        """A table of the parameters: kind, values, default, group, role if not scientific, conditions."""
        rows = []
        for name, parameter in self._given.items():
            rows.append(_row(name, parameter, ""))
            for repeat in self._repeats.values():
                if repeat.count == name:
                    each = f"each of {name}"
                    rows += [_row(pattern(repeat.name, n), p, each) for n, p in repeat.parameters.items()]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows)
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.describe()

    def __repr__(self) -> str:
        inner = ", ".join(f"{name!r}: {p!r}" for name, p in self._given.items())
        return f"Space({', '.join([f'{{{inner}}}', *map(repr, self._repeats.values())])})"

    # -- inside ----------------------------------------------------------------------------------------

    def _is_active(self, place: int, values: Any, active: Any) -> bool:
        return all(active[parent] and values[parent] in allowed for parent, allowed in self._when[place])

    def _decoded(self, unit: list[float]) -> Configuration:
        return self._configuration([scale.value(u) for scale, u in zip(self._scales, unit, strict=True)])

    def _configuration(self, values: list[Any]) -> Configuration:
        """Of values for all parameters, those whose parents make them active."""
        if not any(self._when):
            return self.restore(dict(zip(self._names, values, strict=True)))
        active = [False] * len(values)
        for place in self._order:
            active[place] = self._is_active(place, values, active)
        kept = zip(self._names, values, active, strict=True)
        return self.restore({name: value for name, value, is_active in kept if is_active})


def _parents_first(parameters: Mapping[str, Parameter]) -> tuple[int, ...]:
    """Places of the parameters such that parents come before their children, else in the space's order."""
    places = {name: place for place, name in enumerate(parameters)}
    waits = {place: {places[parent] for parent in p.when or {}} for place, p in enumerate(parameters.values())}
    order: list[int] = []
    while waits:
        ready = next(place for place, parents in waits.items() if not parents)  # there is one: no circles
        order.append(ready)
        del waits[ready]
        for parents in waits.values():
            parents.discard(ready)
    return tuple(order)


def _taken(parent: Parameter, values: Condition) -> Allowed:
    """The listed values as the parent itself gives them, or the range."""
    if isinstance(values, Bounds):
        return values
    scale = scale_of(parent)
    return frozenset(scale.nearest(value) for value in values)


def _assembled(
    given: Mapping[str, Parameter], repeats: Sequence[Repeat], found: list[str]
) -> tuple[dict[str, Parameter], dict[str, Elements], frozenset[str], dict[str, Repeat]]:
    """All parameters, those of repeats after their count; what is wrong with the repeats is added to `found`.

    Returns:
        parameters, repeat -> its elements, the names of what stands in a second or later element, repeats.
    """
    after: dict[str, dict[str, Parameter]] = {}
    elements: dict[str, Elements] = {}
    whole: dict[str, Repeat] = {}
    for repeat in repeats:
        wrong = complaints(repeat, given)
        if repeat.name in whole:
            wrong = ["it is given twice."]
        elif not isinstance(repeat.count, str) or repeat.count not in given:
            wrong.append(
                f"count names {repeat.count!r}, which is not a parameter of this space{nearest(repeat.count, given)}."
            )
        found += [f"Repeat {repeat.name!r}: {sentence}" for sentence in wrong]
        if wrong:
            continue
        count = given[repeat.count]
        if findings({repeat.count: replace(count, when=None)}):
            continue  # which is said of the count itself
        scale = scale_of(count)
        numbers = [default_of(count)] if count.role == "fixed" else [scale.at(k) for k in range(int(scale.count))]
        if max(numbers) < 1:
            found.append(f"Repeat {repeat.name!r}: it has no elements, for {repeat.count!r} is fixed at 0.")
            continue
        whole[repeat.name] = settled(repeat, count)
        flat, elements[repeat.name], never = expanded(whole[repeat.name], numbers)
        found += never
        found += [f"Parameter {name!r}: it is given twice." for name in flat if name in given]
        after.setdefault(repeat.count, {}).update(flat)
    merged: dict[str, Parameter] = {}
    for name, parameter in given.items():
        merged[name] = parameter
        merged.update(after.get(name, {}))
    copies = frozenset(n for item in elements.values() for n, (element, _) in item.places.items() if element)
    return merged, elements, copies, whole


def _as_dict(parameter: Parameter) -> dict[str, Any]:
    kind = type(parameter).__name__.lower()
    data: dict[str, Any] = {"kind": kind}
    for item in fields(parameter):
        value = getattr(parameter, item.name)
        if item.name == "default" and not is_default_given(parameter):
            continue
        if item.name == "objects" or (item.name == "ordered" and not value):
            continue
        if item.name in ("group", "role"):
            value = str(value)
        if item.name == "options":
            value = list(value)
        if item.name == "when" and value is not None:
            value = {n: v.to_dict() if isinstance(v, Bounds) else list(v) for n, v in value.items()}
        data[item.name] = value
    return data


def _from_dicts(items: Sequence[Mapping[str, Any]]) -> dict[str, Parameter]:
    parameters = {}
    for item in items:
        settings = {key: value for key, value in item.items() if key not in ("name", "kind")}
        parameters[item["name"]] = _KINDS[item["kind"]](**settings)
    return parameters


def _row(name: str, parameter: Parameter, each: str) -> list[str]:
    default = f"default {format_value(default_of(parameter))}"
    if not is_default_given(parameter):
        default += " (assumed)"
    rest = [each] if each else []
    rest += [] if parameter.role == "scientific" else [parameter.role]
    rest += [f"when {parent} {worded(values)}" for parent, values in (parameter.when or {}).items()]
    kind = type(parameter).__name__.lower()
    return [name, kind, _values_of(parameter), default, parameter.group, ", ".join(rest)]


def _values_of(parameter: Parameter) -> str:
    if isinstance(parameter, Choice):
        return (" < " if parameter.ordered else ", ").join(map(format_value, parameter.options))
    text = f"{format_value(parameter.low)} to {format_value(parameter.high)}"
    if parameter.step is not None:
        text += f", step {format_value(parameter.step)}"
    return text + ", log" if parameter.log else text
