"""Values that the code fixes and people usually tune: dropout, normalisation, kernel sizes, activation, widths ..."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from truing.probe.snapshot import Part
from truing.probe.source import ACTIVATIONS, Literal, keyword_line

_CLASSES = frozenset(name.replace("_", "") for name in ACTIVATIONS) | {"gelutanh", "quickgelu", "newgelu", "swish"}
_KEYWORDS = {
    "dropout": ("dropout", "p", "dropout_p"),
    "normalisation momentum": ("momentum",),
    "normalisation groups": ("num_groups",),
    "kernel size": ("kernel_size",),
    "width": ("out_features", "out_channels", "hidden_size"),
    "attention heads": ("num_heads", "nhead"),
    "activation": ("activation",),
}
OWN = "PyTorch's own"
_NUMBER = re.compile(r"(?<![^.])\d+(?![^.])")


@dataclass(frozen=True)
class Fixed:
    """A value that no argument changes.

    Args:
        what: "dropout", "kernel size", "activation", "normalisation", "normalisation momentum", "normalisation
            groups", "pooling", "width", "attention heads" or "initialisation".
        value: the number, or the name of a class or function.
        layers: paths of the modules that have it; empty where a call in a forward does.
        file, line: where the user's code says so; None where a library does.
    """

    what: str
    value: Any
    layers: tuple[str, ...]
    file: str | None
    line: int | None

    @property
    def where(self) -> str:
        """The line, such as "model.py:17"; "library" where it is not in the user's code."""
        return f"{Path(self.file).name}:{self.line}" if self.file is not None else "library"

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return asdict(self) | {"layers": list(self.layers)}


def fixed_values(
    base: Mapping[str, Part], others: Sequence[Mapping[str, Part]], calls: Iterable[Literal], last: str
) -> tuple[Fixed, ...]:
    """What stays the same in every network that was built, and could be an argument.

    Args:
        base: the network with the defaults.
        others: networks with one argument changed each.
        calls: what calls in the source fix.
        last: path of the layer that gives the output: its width is the data's.
    """
    seen = [_by_place(other) for other in (base, *others)]
    found: dict[tuple[str, str, str | None, int | None], list[str]] = {}
    values: dict[tuple[str, str, str | None, int | None], Any] = {}
    for part in base.values():
        for what, value in _traits(part):
            if what == "width" and part.layer == last:
                continue
            key = (_place_of(part), what)
            here = seen[0].get(key, set())
            if any(not other.get(key, set()) <= here for other in seen[1:]):
                continue  # an argument sets it
            if len(here) > 1 and any(other.get(key, here) != here for other in seen[1:]):
                continue
            file, line = _line(part, what)
            group = (what, repr(value), file, line)
            found.setdefault(group, []).append(part.layer)
            values[group] = value
    result = [
        Fixed(what, values[what, text, file, line], tuple(layers), file, line)
        for (what, text, file, line), layers in found.items()
    ]
    calls = list(calls)
    result += [Fixed(call.what, call.value, (), call.file, call.line) for call in calls]
    if not any(one.what == "initialisation" for one in result):
        result += _own_initialisation(base)
    order = {name: place for place, name in enumerate([*_KEYWORDS, "normalisation", "pooling", "initialisation"])}
    return tuple(sorted(result, key=lambda one: (order.get(one.what, 99), one.file or "~", one.line or 0)))


def _place_of(part: Part) -> tuple[Any, ...]:
    """The same for layers that the same line makes in the same part of the network: numbers in a path may shift."""
    if part.place is None:
        return (part.layer,)
    return part.place.file, part.place.first, _NUMBER.sub("#", part.layer)


def _by_place(parts: Mapping[str, Part]) -> dict[tuple[Any, str], set[str]]:
    found: dict[tuple[Any, str], set[str]] = {}
    for part in parts.values():
        for what, value in _traits(part):
            found.setdefault((_place_of(part), what), set()).add(repr(value))
    return found


def _traits(part: Part) -> list[tuple[str, Any]]:
    """What of a module people tune."""
    kind, values, found = part.kind.lower(), part.values, []
    if "dropout" in kind and isinstance(values.get("p"), int | float):
        found.append(("dropout", values["p"]))
    for name, value in values.items():
        if name != "p" and ("dropout" in name or "drop_prob" in name) and isinstance(value, float | int):
            if isinstance(value, bool) or (kind in ("lstm", "gru", "rnn") and values.get("num_layers") == 1):
                continue
            found.append(("dropout", value))
    if "norm" in kind and any(name in kind for name in ("batch", "layer", "group", "instance", "rms", "local")):
        found.append(("normalisation", part.kind))
        if isinstance(values.get("momentum"), float):
            found.append(("normalisation momentum", values["momentum"]))
        if "num_groups" in values:
            found.append(("normalisation groups", values["num_groups"]))
    if "conv" in kind and isinstance(values.get("kernel_size"), tuple):
        sizes = set(values["kernel_size"])
        if sizes != {1}:
            found.append(("kernel size", sizes.pop() if len(sizes) == 1 else values["kernel_size"]))
    width = values.get("out_features", values.get("out_channels"))
    if width is not None and part.kind != "NonDynamicallyQuantizableLinear":
        found.append(("width", width))
    if kind in ("lstm", "gru", "rnn"):
        found.append(("width", values.get("hidden_size")))
    if "pool" in kind and "kernel_size" in values and "adaptive" not in kind:
        found.append(("pooling", part.kind))
    if kind == "multiheadattention":
        found.append(("attention heads", values.get("num_heads")))
    if is_activation(part.kind):
        found.append(("activation", part.kind))
    elif isinstance(values.get("activation"), str):
        found.append(("activation", values["activation"]))
    if isinstance(values.get("initializer_range"), float):
        found.append(("initialisation", values["initializer_range"]))
    return found


def is_activation(kind: str) -> bool:
    """True for the name of an activation's class.

    >>> is_activation("LeakyReLU"), is_activation("GELUActivation"), is_activation("Linear")
    (True, True, False)
    """
    name = kind.lower().removesuffix("activation").replace("_", "")
    return name in _CLASSES


def _line(part: Part, what: str) -> tuple[str | None, int | None]:
    if part.place is None:
        return None, None
    place = part.place
    line = keyword_line(place.file, place.first, place.last, _KEYWORDS.get(what, ())) if what in _KEYWORDS else None
    return place.file, line or place.first


def _own_initialisation(base: Mapping[str, Part]) -> list[Fixed]:
    """Where nothing is initialised by hand, each layer is as its library does it: once for each line."""
    found: dict[tuple[str, int], list[str]] = {}
    for part in base.values():
        if part.place is not None and isinstance(part.values.get("weight"), tuple) and len(part.values["weight"]) > 1:
            found.setdefault((part.place.file, part.place.first), []).append(part.layer)
    return [Fixed("initialisation", OWN, tuple(layers), file, line) for (file, line), layers in found.items()]
