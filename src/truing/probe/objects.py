"""Options of a model that are objects, such as nn.ReLU: what may stand for one, and how each is written as code."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

# Of torch.nn and, below, of torch.nn.functional: what may stand for one another, by the words of the cards.
_CLASSES = (
    {"relu": "ReLU", "leaky_relu": "LeakyReLU", "gelu": "GELU", "silu": "SiLU", "tanh": "Tanh", "elu": "ELU"},
    {"batch": "BatchNorm1d", "none": "Identity"},  # instance normalisation takes rows without positions for channels
    *({"batch": f"BatchNorm{n}d", "instance": f"InstanceNorm{n}d", "none": "Identity"} for n in (2, 3)),
    *({"max": f"MaxPool{n}d", "average": f"AvgPool{n}d"} for n in (1, 2, 3)),
    {"lstm": "LSTM", "gru": "GRU"},
)
_FUNCTIONS = ({"relu": "relu", "leaky_relu": "leaky_relu", "gelu": "gelu", "silu": "silu", "tanh": "tanh"},)
WAYS = ("words", "classes", "functions")  # in which an activation without default may be meant


def family_of(item: Any) -> tuple[str, dict[Any, Any]] | None:
    """The label of an object, and the objects that may stand in its place by theirs; None = nothing is known of it.

    >>> import torch
    >>> label, others = family_of(torch.nn.MaxPool2d)
    >>> label, {label: item.__name__ for label, item in others.items()}
    ('max', {'max': 'MaxPool2d', 'average': 'AvgPool2d'})
    """
    if not callable(item):
        return None
    from torch import nn
    from torch.nn import functional

    for module, families in ((nn, _CLASSES), (functional, _FUNCTIONS)):
        for names in families:
            objects = {label: getattr(module, name) for label, name in names.items()}
            for label, one in objects.items():
                if one is item or (module is functional and getattr(__import__("torch"), label, None) is item):
                    return label, objects
    return None


def meant(way: str) -> dict[Any, Any]:
    """The activations by their words, where the code wants classes or functions; none where it wants words."""
    if way == "words":
        return {}
    from torch import nn
    from torch.nn import functional

    found = family_of(nn.ReLU if way == "classes" else functional.relu)
    return {} if found is None else found[1]


def written(item: Any) -> tuple[str, str] | None:
    """An object as an expression and the import that it needs, "" where it is the user's own; None = it has no name.

    >>> import torch, math
    >>> written(torch.nn.ReLU), written(math.sqrt), written(lambda x: x)
    (('nn.ReLU', 'from torch import nn'), ('math.sqrt', 'import math'), None)
    """
    name = getattr(item, "__qualname__", None) or getattr(item, "__name__", "")
    if not name or not name.replace(".", "_").isidentifier():
        return None
    module = getattr(item, "__module__", None) or ""
    for there, prefix, line in (
        ("torch.nn", "nn.", "from torch import nn"),
        ("torch.nn.functional", "nn.functional.", "from torch import nn"),
        ("torch", "torch.", "import torch"),
    ):
        if module.split(".")[0] in ("torch", "") and _found(there, name) is item:
            return f"{prefix}{name}", line
    if _is_own(item):
        return name, ""
    return (f"{module}.{name}", f"import {module}") if _found(module, name) is item else None


def unwritten(objects: Mapping[Any, Any]) -> list[Any]:
    """The labels whose objects have no name."""
    return [label for label, item in objects.items() if written(item) is None]


def _is_own(item: Any) -> bool:
    from truing.probe.source import file_of

    return file_of(item) is not None


def _found(module: str, name: str) -> Any:
    try:
        found: Any = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError, ValueError):
        return None
    return found
