"""The three kinds of parameter. They only say what was asked for: the space checks them, all together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from enum import Enum
from functools import wraps
from typing import Any, Literal, TypeAlias

import numpy as np

from truing.errors import SpaceError
from truing.space.condition import Bounds, Condition, condition_of, is_described

ROLES = ("scientific", "nuisance", "fixed")


class Assumed(str):
    """A group or role that was not given: in a `Repeat` that of the count then takes its place."""


GROUP, ROLE = Assumed("training"), Assumed("scientific")


class Unset(Enum):
    """Stands where a `Choice` was given no default: None may be one of its options."""

    UNSET = "unset"

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Literal[Unset.UNSET] = Unset.UNSET


@dataclass(frozen=True)
class Float:
    """A real number between `low` and `high`, both included.

    Args:
        low, high: the ends, low < high.
        log: True = orders of magnitude count alike; needs low > 0.
        step: only low, low + step, low + 2 step ... up to high; None = every number. What a searcher proposes
            is rounded to ten digits of the range (of the number, when log), so that it reads well and comes
            back from the unit cube as it was.
        default: the value of trial 0; None = the middle of the scale.
        group: named module of the space: "architecture", "training", "runtime" or your own word.
        role: "scientific" (its effect is the question), "nuisance" (re-tuned for fairness) or "fixed" (always
            its default).
        when: {name: values}; the parameter is active only while every named parameter is active and has one
            of its listed values. A single value stands for a list of one, and `at_least(2)`, `at_most(2)` and
            `between(2, 4)` for the numbers they say.

    >>> Float(1e-4, 1e-1, log=True, default=1e-2)
    Float(0.0001, 0.1, log=True, default=0.01)
    """

    low: float
    high: float
    _: KW_ONLY
    log: bool = False
    step: float | None = None
    default: float | None = None
    group: str = GROUP
    role: str = ROLE
    when: Mapping[str, Any] | None = field(default=None, hash=False)

    def __post_init__(self) -> None:
        for name in ("low", "high", "step", "default"):
            object.__setattr__(self, name, _as_float(plain(getattr(self, name))))
        object.__setattr__(self, "when", _listed(self.when))

    def __repr__(self) -> str:
        return _shown(self)


@dataclass(frozen=True)
class Int:
    """A whole number between `low` and `high`, both included.

    Args:
        low, high, default: whole numbers, low < high.
        step: only low, low + step, low + 2 step ... up to high; None = 1.
        log, group, role, when: as for `Float`.

    >>> Int(8, 32, log=True, group="architecture")
    Int(8, 32, log=True, group='architecture')
    """

    low: int
    high: int
    _: KW_ONLY
    log: bool = False
    step: int | None = None
    default: int | None = None
    group: str = GROUP
    role: str = ROLE
    when: Mapping[str, Any] | None = field(default=None, hash=False)

    def __post_init__(self) -> None:
        for name in ("low", "high", "step", "default"):
            object.__setattr__(self, name, _as_int(plain(getattr(self, name))))
        object.__setattr__(self, "when", _listed(self.when))

    def __repr__(self) -> str:
        return _shown(self)


def _of_one_list(kind: type[Choice]) -> type[Choice]:
    """The class, which then says what is wrong with Choice(3, 5); Python only counts the arguments."""
    made: Callable[..., None] = kind.__init__

    @wraps(made)
    def checked(self: Choice, *options: Any, **rest: Any) -> None:
        if len(options) > 1:
            given = ", ".join(map(repr, options))
            raise SpaceError(
                f"A Choice takes its options as one list, but got Choice({given}): write Choice([{given}])."
            )
        made(self, *options, **rest)

    kind.__init__ = checked  # type: ignore[method-assign]
    return kind


@_of_one_list
@dataclass(frozen=True)
class Choice:
    """One of several options.

    Args:
        options: at least one str, int, float, bool or None. No two may be equal in Python, so 1, 1.0 and True
            count as one and the same option. Of other things a dict, label -> object: the label is what a
            configuration, the journal and tables hold, and what `default` and `when` name; the training
            function gets the object.
        ordered: the options lie on a line in the order given, each between its neighbours, as the values of an
            `Int` do; False = none is nearer to another than any other.
        default: the value of trial 0; not given = the first option, of ordered ones the middle one. None means
            None where that is an option.
        objects: label -> object; what a dict of options is split into.
        group, role, when: as for `Float`.

    >>> Choice([1, 3, 5, 7], default=3, group="architecture")
    Choice([1, 3, 5, 7], default=3, group='architecture')
    >>> Choice({"relu": abs, "tanh": round}).options
    ('relu', 'tanh')
    """

    options: Sequence[Any] | Mapping[Any, Any]
    _: KW_ONLY
    ordered: bool = False
    default: Any = UNSET
    objects: Mapping[Any, Any] | None = field(default=None, hash=False)
    group: str = GROUP
    role: str = ROLE
    when: Mapping[str, Any] | None = field(default=None, hash=False)

    def __post_init__(self) -> None:
        options: Any = self.options
        if isinstance(options, Mapping) and self.objects is None:
            object.__setattr__(self, "objects", {plain(label): item for label, item in options.items()})
            options = list(options)
        if isinstance(options, np.ndarray):
            options = options.tolist()
        if isinstance(options, list | tuple | range):
            object.__setattr__(self, "options", tuple(plain(option) for option in options))
        default = plain(self.default)
        if default is None and isinstance(self.options, tuple) and None not in self.options:
            default = UNSET
        object.__setattr__(self, "default", default)
        object.__setattr__(self, "when", _listed(self.when))

    def __repr__(self) -> str:
        return _shown(self)


Parameter: TypeAlias = Float | Int | Choice


def is_default_given(parameter: Parameter) -> bool:
    """False when the parameter's default is only assumed.

    >>> is_default_given(Float(0, 1)), is_default_given(Choice([None, 0.5], default=None))
    (False, True)
    """
    if isinstance(parameter, Choice):
        return parameter.default is not UNSET
    return parameter.default is not None


def plain(value: Any) -> Any:
    """A numpy scalar as the Python value it stands for; anything else as it is."""
    return value.item() if isinstance(value, np.generic) else value


def _as_float(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            return value
    return value


def _as_int(value: Any) -> Any:
    # 1e3 is how many people write a thousand
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _listed(when: Any) -> Any:
    """Conditions with a tuple of values or a range for each parent; what cannot be read so the space reports."""
    if not isinstance(when, Mapping):
        return when
    found: dict[Any, Condition] = {}
    for parent, values in when.items():
        if is_described(values):
            values = condition_of(values)
        elif isinstance(values, np.ndarray):
            values = values.tolist()
        if isinstance(values, list | tuple) and len(values) == 1 and isinstance(values[0], Bounds):
            values = values[0]
        if isinstance(values, Bounds):
            found[parent] = Bounds(plain(values.low), plain(values.high))
            continue
        if isinstance(values, set | frozenset):
            values = sorted(values, key=repr)  # the order of a set changes from process to process
        several = isinstance(values, list | tuple | range)
        found[parent] = tuple(plain(value) for value in values) if several else (plain(values),)
    return found or None


def _shown(parameter: Parameter) -> str:
    if isinstance(parameter, Choice):
        options = parameter.options
        shown = list(options) if isinstance(options, tuple) else options
        parts = [repr(shown if parameter.objects is None else dict(parameter.objects))]
        if parameter.ordered:
            parts.append(f"ordered={parameter.ordered!r}")
        if parameter.default is not UNSET:
            parts.append(f"default={parameter.default!r}")
    else:
        parts = [repr(parameter.low), repr(parameter.high)]
        if parameter.log:
            parts.append(f"log={parameter.log!r}")
        for name in ("step", "default"):
            if getattr(parameter, name) is not None:
                parts.append(f"{name}={getattr(parameter, name)!r}")
    if parameter.group != "training":
        parts.append(f"group={parameter.group!r}")
    if parameter.role != "scientific":
        parts.append(f"role={parameter.role!r}")
    if parameter.when is not None:
        when = parameter.when
        if isinstance(when, Mapping):
            when = {name: list(v) if isinstance(v, tuple) else v for name, v in when.items()}
        parts.append(f"when={when!r}")
    return f"{type(parameter).__name__}({', '.join(parts)})"
