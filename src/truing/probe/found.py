"""What an inspection found: each argument, and all of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from truing.probe import text
from truing.probe.fixed import Fixed
from truing.probe.layers import Layer
from truing.probe.snapshot import Change
from truing.space.parameter import Parameter
from truing.space.space import Space


@dataclass(frozen=True)
class Argument:
    """One argument of the function that builds.

    Args:
        name: as a space calls it.
        default: the value it has where nothing is said; None also where it has none.
        is_assumed: the code has no default, so that one was taken from the card.
        changes: what is other in the network when it alone is changed, over all values tried.
        to: the value for which the next two are given; None = no other value could be built.
        parameters: how many more weights the network has then.
        multiply_adds: how many more it needs for a row.
        parameter: what is proposed; None = nothing is.
        card: the name of the card from which range and role are; "" = a guess around the default.
        notes: what was left out because it does not build or run.
        why_not: why nothing is proposed; "" otherwise.
    """

    name: str
    default: Any
    is_assumed: bool
    changes: tuple[Change, ...]
    to: Any
    parameters: int
    multiply_adds: int
    parameter: Parameter | None
    card: str
    notes: tuple[str, ...]
    why_not: str

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        changes = [
            {"layer": one.layer, "attribute": one.attribute, "before": _plain(one.before), "after": _plain(one.after)}
            for one in self.changes
        ]
        return {
            "name": self.name,
            "default": _plain(self.default),
            "is_assumed": self.is_assumed,
            "changes": changes,
            "to": _plain(self.to),
            "parameters": self.parameters,
            "multiply_adds": self.multiply_adds,
            "parameter": None if self.parameter is None else text.code_of(self.parameter),
            "card": self.card or None,
            "notes": list(self.notes),
            "why_not": self.why_not or None,
        }


@dataclass(frozen=True)
class Inspection:
    """What a model has to tune; `print` shows it at 80 columns, `to_dict()` gives it as plain values.

    Args:
        name: of the function, class or module.
        rows: what went through the network, in words.
        output: shape of its output for one row.
        layers: the layer table, in the order in which rows go through.
        arguments: in the order in which they are read.
        fixed: values that the code fixes and people usually tune.
        space: to be given to a study; `code` is the same as text.
        warnings: what keeps the space from being used as it is.
        tried: how many networks were built.
        objects: argument -> label -> object, where the code wants objects such as nn.ReLU.

    >>> import torch, truing as tr
    >>> found = tr.inspect(torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Dropout(0.5), torch.nn.Linear(8, 2)))
    >>> [(one.what, one.value) for one in found.fixed if one.what == "dropout"]
    [('dropout', 0.5)]
    """

    name: str
    rows: str
    output: tuple[int, ...]
    layers: tuple[Layer, ...]
    arguments: tuple[Argument, ...]
    fixed: tuple[Fixed, ...]
    space: Space
    warnings: tuple[str, ...]
    tried: int
    objects: Mapping[str, Mapping[Any, Any]] = field(default_factory=dict)

    @property
    def parameters(self) -> int:
        """How many weights the network has with the defaults."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def multiply_adds(self) -> int:
        """For one row, with the defaults."""
        return sum(layer.multiply_adds for layer in self.layers)

    @property
    def code(self) -> str:
        """`space = tr.Space(...)`, to be copied."""
        return text.code(self)

    def to_dict(self) -> dict[str, Any]:
        """As plain values; what `truing inspect --json` prints."""
        return {
            "name": self.name,
            "rows": self.rows,
            "output": list(self.output),
            "parameters": self.parameters,
            "multiply_adds": self.multiply_adds,
            "layers": [one.to_dict() for one in self.layers],
            "arguments": [one.to_dict() for one in self.arguments],
            "fixed": [one.to_dict() for one in self.fixed],
            "space": self.code,
            "warnings": list(self.warnings),
            "tried": self.tried,
        }

    def __str__(self) -> str:
        return text.text(self)


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return list(value) if isinstance(value, tuple) else str(value)
