"""A network from values of its arguments, whatever way the user's function takes them."""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from truing.errors import UsageError
from truing.probe.repeated import Element, count_of, parted, pooled
from truing.probe.source import file_of, parameters, starred, takes_a_configuration
from truing.space.repeat import pattern
from truing.space.space import Space

CONFIGURATIONS = frozenset(
    [
        "config",
        "configuration",
        "cfg",
        "conf",
        "c",
        "h",
        "p",
        "hp",
        "hps",
        "hparams",
        "params",
        "hyperparameters",
        "settings",
    ]
)
NOT_GIVEN = inspect.Parameter.empty


class Missing(KeyError):
    """An argument is read that has no value and no default."""

    def __init__(self, argument: str) -> None:
        super().__init__(argument)
        self.argument = argument


class MissingAttribute(Missing, AttributeError):
    """The same, read as `config.name`."""


class Recorder(Mapping[str, Any]):
    """A configuration that remembers which names were read, and with which default.

    Args:
        values: name -> value.
        groups: group -> names in it, for `group(name)`; under None those that ** of all of it needs.
        defaults: of names in groups, where they have one.
        objects: name -> label -> what is read where the value is the label.
        repeats: name of a Repeat -> the name of its count; those that are read are added.
    """

    def __init__(
        self,
        values: Mapping[str, Any],
        groups: Mapping[str | None, list[str]] | None = None,
        defaults: Mapping[str, Any] | None = None,
        objects: Mapping[str, Mapping[Any, Any]] | None = None,
        repeats: dict[str, str] | None = None,
    ) -> None:
        self._defaults = {name: value for name, value in (defaults or {}).items() if value is not NOT_GIVEN}
        self._values, self._groups = {**self._defaults, **values}, groups or {}
        self._objects, self._repeats = objects or {}, {} if repeats is None else repeats
        self.read: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        self.read.setdefault(name, self._defaults.get(name, NOT_GIVEN))
        if name in self._repeats and name not in self._values:
            return self.repeat(name)
        if name not in self._values:
            raise Missing(name)
        return as_object(self._objects, name, self._values[name])

    def get(self, name: str, default: Any = None) -> Any:
        self.read[name] = default
        return as_object(self._objects, name, self._values[name]) if name in self._values else default

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        self.read.setdefault(name, self._defaults.get(name, NOT_GIVEN))
        if name not in self._values:
            raise MissingAttribute(name)
        return as_object(self._objects, name, self._values[name])

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys([*self._values, *self._groups.get(None, ())]))

    def __len__(self) -> int:
        return len(self._values)

    def to_dict(self) -> dict[str, Any]:
        return {name: self[name] for name in self}

    def group(self, name: str) -> dict[str, Any]:
        """Those of the group; of a group that nothing is known of, all."""
        plain = [key for key in self._values if not parted(key)[0]]
        known = self._groups.get(name, [*plain, *self._repeats])
        return {key: self.repeat(key) if key in self._repeats else self[key] for key in known}

    @property
    def names(self) -> list[str]:
        """Those that have a value; of all elements of a Repeat, once, as "layer.*.width"."""
        return list(dict.fromkeys(pooled(name, self._repeats) for name in self._values))

    def repeat(self, name: str) -> list[Element]:
        """As many elements as the count says; where nothing names the count, it is the plural of the name."""
        count = self[self._repeats.setdefault(name, count_of(name))]
        return [Element(self, name, place) for place in range(count)]

    def element(self, repeat: str, place: int, name: str, *default: Any) -> Any:
        """A value inside an element: its own, or that of all elements."""
        own, every = f"{repeat}.{place}.{name}", pattern(repeat, name)
        self.read.setdefault(every, default[0] if default else NOT_GIVEN)
        for full in (own, every):
            if full in self._values:
                return as_object(self._objects, every, self._values[full])
        if not default:
            raise Missing(every)
        return default[0]


def as_object(objects: Mapping[str, Mapping[Any, Any]], name: str, value: Any) -> Any:
    """What the code reads: the object behind a label, or the value itself."""
    labels = objects.get(name)
    return labels[value] if labels is not None and isinstance(value, Hashable) and value in labels else value


@dataclass
class Factory:
    """Makes networks, and knows which arguments there are.

    Attributes:
        build: the user's callable.
        config: the name of its parameter that is a configuration; None = plain parameters.
        defaults: argument -> the default that the code has; NOT_GIVEN = none.
        groups: of a configuration, what `config.group(name)` gives.
        words: argument -> options that its annotation names.
        objects: argument -> label -> object: what is handed over for a label.
        repeats: name of a Repeat -> the name of its count; those that are read are added.
    """

    build: Callable[..., Any]
    config: str | None
    defaults: dict[str, Any] = field(default_factory=dict)
    groups: dict[str | None, list[str]] = field(default_factory=dict)
    words: dict[str, list[Any]] = field(default_factory=dict)
    objects: dict[str, dict[Any, Any]] = field(default_factory=dict)
    repeats: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, build: Any, given: Mapping[str, Any]) -> Factory:
        """Find out how `build` takes its arguments.

        Raises:
            UsageError: it is neither a function, a class nor a module, or does not tell its parameters.
        """
        import torch

        build = getattr(build, "objective", build)  # of a Study
        if not isinstance(build, torch.nn.Module):
            build = getattr(build, "build", build)  # of a TorchTrainer
        if isinstance(build, torch.nn.Module):
            net = build
            return cls(functools.partial(copy.deepcopy, net), None)
        if not callable(build):
            raise UsageError(
                f"inspect takes a function that builds a torch.nn.Module, a module class or a module; got {build!r}."
            )
        named = parameters(build)
        needed = [name for name, one in named.items() if one.default is one.empty and name not in given]
        if len(needed) == 1 and len([n for n, one in named.items() if one.default is one.empty]) == 1:
            reads = takes_a_configuration(build, needed[0])
            if needed[0] in CONFIGURATIONS if reads is None else reads:
                return cls._from_configuration(build, needed[0])
        defaults = {name: one.default for name, one in named.items()} | {
            name: NOT_GIVEN for name in given if name not in named and _takes_more(build)
        }
        found = cls(build, None, defaults)
        found._read_annotations(named)
        return found

    @classmethod
    def _from_configuration(cls, build: Callable[..., Any], name: str) -> Factory:
        found = cls(build, name)
        for callee, group, taken in starred(build, name):
            order = parameters(callee)
            named = {key: one for place, (key, one) in enumerate(order.items()) if place >= taken[0]}
            named = {key: one for key, one in named.items() if key not in taken[1]}
            found.defaults |= {key: one.default for key, one in named.items()}
            found.groups.setdefault(group, []).extend(named)
            found._read_annotations(named)
        return found

    def _read_annotations(self, named: Mapping[str, inspect.Parameter]) -> None:
        for name, one in named.items():
            options = getattr(one.annotation, "__args__", ())
            if "Literal" in str(one.annotation) and all(isinstance(option, str) for option in options):
                self.words[name] = list(options)

    def knowing(self, space: Space) -> Factory:
        """The same, which hands over the objects behind a space's labels and the elements of its Repeats."""
        objects = {**self.objects, **{name: dict(labels) for name, labels in space.labelled.items()}}
        counts = {name: elements.count for name, elements in space.repeats.items()}
        return replace(self, objects=objects, repeats={**self.repeats, **counts})

    @property
    def name(self) -> str:
        """What to call it in a sentence."""
        function = getattr(self.build, "func", self.build)
        return getattr(function, "__name__", type(function).__name__)

    @property
    def file(self) -> str | None:
        return file_of(self.build)

    def make(self, values: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """The network for these values, and the names that were read with the default each was read with.

        Raises:
            Missing: an argument without value and default is read.
            Exception: whatever the user's code raises.
        """
        if self.config is None:
            mine = {name: value for name, value in values.items() if name in self.defaults}
            given = {name: as_object(self.objects, name, value) for name, value in mine.items()}
            for name, default in self.defaults.items():
                if default is NOT_GIVEN and name not in given:
                    raise Missing(name)
            return self.build(**given), {name: self.defaults[name] for name in self.defaults}
        recorder = Recorder(values, self.groups, self.defaults, self.objects, self.repeats)
        net = self.build(recorder)
        return net, {name: default for name, default in recorder.read.items() if name not in self.repeats}


def _takes_more(build: Callable[..., Any]) -> bool:
    try:
        given = inspect.signature(build).parameters.values()
    except (TypeError, ValueError):
        return True
    return any(one.kind is one.VAR_KEYWORD for one in given)
