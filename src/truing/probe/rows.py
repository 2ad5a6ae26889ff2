"""A few rows to send through a network: given as a shape, as arrays, as Data, or guessed from its first layer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from truing.errors import UsageError

ROWS = 4
SIDES = (32, 28, 16, 64, 96, 8, 128, 224)
LENGTH = 16


@dataclass(frozen=True)
class Rows:
    """What goes into a network: positional tensors, or named ones; rows along the first axis."""

    tensors: tuple[Any, ...]
    names: tuple[str, ...] = ()
    is_guessed: bool = False

    def through(self, net: Any) -> Any:
        """What comes out."""
        if self.names:
            return net(**dict(zip(self.names, self.tensors, strict=True)))
        return net(*self.tensors)

    @property
    def count(self) -> int:
        return len(self.tensors[0])

    def __str__(self) -> str:
        return " and ".join(
            ("whole numbers " if not tensor.is_floating_point() else "") + shape_text(tuple(tensor.shape[1:]))
            for tensor in self.tensors
        )


def shape_text(shape: Sequence[int] | None) -> str:
    """A shape in few characters.

    >>> shape_text((3, 32, 32)), shape_text(())
    ('3 x 32 x 32', '1')
    """
    if shape is None:
        return "-"
    return " x ".join(map(str, shape)) or "1"


def candidates(given: Any, net: Any, seed: int) -> Iterator[Rows]:
    """Rows to try in turn.

    Args:
        given: the shape of one row, such as (3, 32, 32); tensors or arrays of some rows; several of these in a list
            or, by name, in a dict; a `tr.Data`; None = guess from the first layer.
        net: the network, for what a guess and whole numbers need.
        seed: of the numbers.

    Raises:
        UsageError: it is none of these.
    """
    if given is None:
        yield from _guesses(net, seed)
    elif isinstance(given, Mapping):
        for words in (False, True):
            yield Rows(tuple(_one(one, net, words, seed) for one in given.values()), tuple(given))
    elif _is_shape(given) or not isinstance(given, list | tuple):
        for words in (False, True):
            yield Rows((_one(given, net, words, seed),))
    else:
        for words in (False, True):
            yield Rows(tuple(_one(one, net, words, seed) for one in given))


def _is_shape(given: Any) -> bool:
    if isinstance(given, int) and not isinstance(given, bool):
        return True
    return (
        isinstance(given, list | tuple)
        and all(isinstance(size, int) for size in given)
        and all(not isinstance(size, bool) and size > 0 for size in given)
    )


def _one(given: Any, net: Any, words: bool, seed: int) -> Any:
    import numpy as np
    import torch

    from truing.data.data import Data
    from truing.objective.batches import as_array, as_floats, stacked

    generator = torch.Generator().manual_seed(seed)
    if _is_shape(given):
        shape = (ROWS, *([given] if isinstance(given, int) else given))
        if words:
            return torch.randint(0, _vocabulary(net), shape, generator=generator)
        return torch.randn(shape, generator=generator)
    if torch.is_tensor(given):
        rows = given[:ROWS]
    elif isinstance(given, Data):
        x = as_array(given.x)
        if not hasattr(x, "shape"):
            return stacked([x[i] for i in range(min(ROWS, len(x)))])
        rows = x[:ROWS]
    elif isinstance(given, np.ndarray):
        rows = given[:ROWS]
    else:
        raise UsageError(
            f"input takes the shape of one row, such as (3, 32, 32), or some rows as an array or tensor; got {given!r}."
        )
    return as_floats(rows)


def _vocabulary(net: Any) -> int:
    import torch

    sizes = [one.num_embeddings for one in net.modules() if isinstance(one, torch.nn.Embedding)]
    return max(2, min([size for size in sizes if size > 2] or [2]))


def _guesses(net: Any, seed: int) -> Iterator[Rows]:
    """From the first layer that has weights: the sizes it takes, with usual lengths and sides."""
    import torch
    from torch import nn

    def floats(*shape: int) -> Rows:
        return Rows((torch.randn(ROWS, *shape, generator=torch.Generator().manual_seed(seed)),), (), True)

    for layer in net.modules():
        kind = type(layer).__name__
        if isinstance(layer, nn.Embedding):
            words = torch.randint(0, _vocabulary(net), (ROWS, LENGTH), generator=torch.Generator().manual_seed(seed))
            yield Rows((words,), (), True)
            return
        if isinstance(layer, nn.Linear):
            yield floats(layer.in_features)
            yield floats(LENGTH, layer.in_features)
            side = int(layer.in_features**0.5)
            if side * side == layer.in_features:
                yield floats(side, side)
                yield floats(1, side, side)
            return
        if isinstance(layer, nn.modules.batchnorm._BatchNorm) and not kind.startswith("Lazy"):
            dims = {"BatchNorm1d": 0, "BatchNorm2d": 2, "BatchNorm3d": 3}.get(kind, 0)
            for side in SIDES if dims else (1,):
                yield floats(layer.num_features, *([side] * dims))
            return
        if isinstance(layer, nn.modules.conv._ConvNd) and not kind.startswith("Lazy"):
            for side in SIDES:
                yield floats(layer.in_channels, *([side] * len(layer.kernel_size)))
            return
        if isinstance(layer, nn.RNNBase):
            yield floats(LENGTH, layer.input_size)
            return
        if isinstance(layer, nn.MultiheadAttention):
            yield floats(LENGTH, layer.embed_dim)
            return


def tensor_of(found: Any) -> Any:
    """The first tensor in what a network gives: itself, the first of a tuple, the logits of a model's output."""
    import torch

    if torch.is_tensor(found):
        return found
    if isinstance(found, Mapping):
        parts = [found["logits"]] if "logits" in found else list(found.values())
    elif isinstance(found, list | tuple):
        parts = list(found)
    else:
        parts = []
    for part in parts:
        if (tensor := tensor_of(part)) is not None:
            return tensor
    return None
