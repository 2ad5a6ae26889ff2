"""What a network is made of, layer by layer, to compare two of them; and the line each layer comes from."""

from __future__ import annotations

import contextlib
import itertools
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import FrameType
from typing import Any

from truing.record.reach import is_users_file

_MARK = "_truing_place"


@dataclass(frozen=True)
class Place:
    """Lines of a file, from 1."""

    file: str
    first: int
    last: int


@dataclass(frozen=True)
class Part:
    """One module of a network.

    Args:
        layer: its path, such as "encoder.0"; "" is the network itself.
        kind: the name of its class.
        values: attribute -> number, word or size; parameter -> its shape.
        place: where the user's code made it; None = a library did, from no line of the user's.
    """

    layer: str
    kind: str
    values: Mapping[str, Any]
    place: Place | None


@dataclass(frozen=True)
class Change:
    """One thing that is other after an argument was changed.

    Args:
        layer: path of the module.
        attribute: of it; "" = the whole layer came or went.
        before, after: the values; None where the layer is not there.
    """

    layer: str
    attribute: str
    before: Any
    after: Any

    def __str__(self) -> str:
        return f"{self.layer} {self.attribute}" if self.attribute else f"+{self.layer}"


def parts(net: Any) -> dict[str, Part]:
    """Path -> part, for every module of the network; with places where it was made while `noted` was open."""
    found: dict[str, Part] = {}
    for path, module in net.named_modules():
        place = vars(module).get(_MARK)
        if place is None and path:
            parent = path.rpartition(".")[0]
            place = found[parent].place if parent in found else None
        found[path] = Part(path, type(module).__name__, _values(module), place)
    return found


def _values(module: Any) -> dict[str, Any]:
    found = {}
    for name, value in vars(module).items():
        if name.startswith("_") or name == "training":
            continue
        if isinstance(value, bool | int | float | str) or _is_size(value):
            found[name] = value
        elif callable(value) and not isinstance(value, type) and hasattr(value, "__name__"):
            found[name] = value.__name__
    for name, parameter in module.named_parameters(recurse=False):
        found[name] = tuple(getattr(parameter, "shape", ())) if _has_shape(parameter) else None
    return found


def _has_shape(parameter: Any) -> bool:
    import torch

    return not isinstance(parameter, torch.nn.parameter.UninitializedTensorMixin)


def _is_size(value: Any) -> bool:
    return isinstance(value, tuple) and all(isinstance(one, int | float | str) for one in value)


def differences(before: Mapping[str, Part], after: Mapping[str, Part]) -> list[Change]:
    """What changed from one network to another, in the order of the layers; what comes or goes at the end."""
    changed, whole = [], []
    for layer, one in before.items():
        other = after.get(layer)
        if other is None:
            whole.append(Change(layer, "", one.kind, None))
            continue
        if one.kind != other.kind:
            changed.append(Change(layer, "kind", one.kind, other.kind))
            continue
        for name in dict.fromkeys([*one.values, *other.values]):
            old, new = one.values.get(name), other.values.get(name)
            if old != new:
                changed.append(Change(layer, name, old, new))
    whole += [Change(layer, "", None, other.kind) for layer, other in after.items() if layer not in before]
    return changed + whole


def weights_that_differ(one: Any, other: Any) -> list[Change]:
    """Parameters of equal shape that begin with other values, of two networks made from the same seed."""
    import torch

    found, theirs = [], dict(other.named_parameters())
    for name, mine in one.named_parameters():
        if name in theirs and _has_shape(mine) and not torch.equal(mine, theirs[name]):
            layer, _, attribute = name.rpartition(".")
            found.append(Change(layer, attribute, "initial values", "other initial values"))
    return found


@contextlib.contextmanager
def noted() -> Iterator[None]:
    """While it is open, each torch module that is made carries the line of the user's code that made it.

    The note lies in the module itself, so that copies which a library makes of a layer have it, too.
    """
    from torch import nn

    made = nn.Module.__init__

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        place = _maker(self)
        if place is not None and _MARK not in self.__dict__:
            self.__dict__[_MARK] = place
        made(self, *args, **kwargs)

    nn.Module.__init__ = init
    try:
        yield
    finally:
        nn.Module.__init__ = made


def _maker(module: Any) -> Place | None:
    """The first frame of the user's own that is not the module's own __init__."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        code = frame.f_code
        own = code.co_varnames[:1] and frame.f_locals.get(code.co_varnames[0]) is module
        if not own and not code.co_filename.startswith("<") and is_users_file(code.co_filename):
            positions = next(itertools.islice(code.co_positions(), frame.f_lasti // 2, None), (None,) * 4)
            first = positions[0] or frame.f_lineno
            return Place(code.co_filename, first, positions[1] or first)
        frame = frame.f_back
    return None
