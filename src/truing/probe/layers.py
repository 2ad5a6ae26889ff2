"""The layer table: parameters, output shape and multiply-adds of each layer, seen while rows go through."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from truing.probe.rows import Rows, tensor_of


@dataclass(frozen=True)
class Layer:
    """A row of the table.

    Args:
        name: path of the module; "" is the network itself.
        kind: the name of its class.
        parameters: how many it has of its own; tensors that layers share count in the first of them.
        shape: of its output for one row; None = the rows do not come through it.
        multiply_adds: for one row.
    """

    name: str
    kind: str
    parameters: int
    shape: tuple[int, ...] | None
    multiply_adds: int

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return asdict(self) | {"shape": None if self.shape is None else list(self.shape)}


def layer_table(net: Any, rows: Rows) -> tuple[Layer, ...]:
    """Every layer that has no layers inside, and every other that has weights or products of its own.

    Linear, convolution, recurrent and bilinear layers are counted by their formulas, products of matrices in a forward
    by `torch.utils.flop_counter` (two operations are one multiply-add). Additions, activations, normalisation and
    pooling count nothing, as is usual.

    Args:
        net: a network that `rows` go through.
        rows: any number of rows.
    """
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    order: list[str] = []
    shapes: dict[str, tuple[int, ...] | None] = {}
    products: dict[str, int] = {}
    counted: dict[str, int] = {}
    paths = {id(module): path for path, module in net.named_modules()}
    leaves: set[str] = set()
    for path, module in net.named_modules():  # what lies in an attention layer is its own
        if _is_leaf(module) and not any(path.startswith(f"{leaf}.") for leaf in leaves):
            leaves.add(path)
    stack: list[list[int]] = []
    counter = FlopCounterMode(display=False)

    def enter(module: Any, args: Any, kwargs: Any) -> None:
        path = paths[id(module)]
        if path not in shapes:
            order.append(path)
            shapes[path] = None
        stack.append([counter.get_total_flops(), 0])

    def leave(module: Any, args: Any, kwargs: Any, output: Any) -> None:
        path = paths[id(module)]
        start, inside = stack.pop()
        total = counter.get_total_flops() - start
        if stack:
            stack[-1][1] += total
        tensor = tensor_of(output)
        shapes[path] = None if tensor is None else tuple(tensor.shape[1:])
        products[path] = products.get(path, 0) + total - (0 if path in leaves else inside)
        formula = multiply_adds(module, args, kwargs, tensor)
        if formula is not None:
            counted[path] = counted.get(path, 0) + formula

    handles = []
    for module in net.modules():
        handles.append(module.register_forward_pre_hook(enter, with_kwargs=True))
        handles.append(module.register_forward_hook(leave, with_kwargs=True))
    was_training = net.training
    try:
        with torch.no_grad(), _no_fast_path(), counter:
            net.eval()
            rows.through(net)
    finally:
        net.train(was_training)
        for handle in handles:
            handle.remove()

    hidden = {path for leaf in leaves for path in paths.values() if path.startswith(f"{leaf}.")}
    seen: set[int] = set()
    own: dict[str, int] = {}
    for path, module in net.named_modules():
        holder = next((leaf for leaf in leaves if path == leaf or path.startswith(f"{leaf}.")), path)
        for parameter in module.parameters(recurse=False):
            if id(parameter) not in seen:
                seen.add(id(parameter))
                own[holder] = own.get(holder, 0) + parameter.numel()
    kinds = {path: type(module).__name__ for path, module in net.named_modules()}
    table = []
    for path in [*order, *(path for path in kinds if path not in shapes)]:
        if path in hidden:
            continue
        adds = round(counted.get(path, products.get(path, 0) / 2) / rows.count)
        if (path in leaves and kinds[path] not in ("Identity",)) or own.get(path) or adds:
            table.append(Layer(path, kinds[path], own.get(path, 0), shapes.get(path), adds))
    return tuple(table)


def _is_leaf(module: Any) -> bool:
    from torch import nn

    containers = nn.Sequential | nn.ModuleList | nn.ModuleDict | nn.ParameterList
    empty = not any(True for _ in module.children())
    return isinstance(module, nn.MultiheadAttention) or (empty and not isinstance(module, containers))


@contextlib.contextmanager
def _no_fast_path() -> Iterator[None]:
    """torch's fused encoder layer would pass its layers by; fused attention on a CPU is counted by nothing."""
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel

    was = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(was)


def multiply_adds(module: Any, args: Any, kwargs: Any, output: Any) -> int | None:
    """Of one call, all rows together, by the layer's formula; None where it has none here."""
    import torch
    from torch import nn

    given: Any = args[0] if args else next(iter(kwargs.values()), None)
    if not torch.is_tensor(output) or not torch.is_tensor(given):
        return None
    if isinstance(module, nn.Linear):
        return output.numel() * module.in_features
    if isinstance(module, nn.Bilinear):
        return output.numel() * module.in1_features * (module.in2_features + 1)
    if isinstance(module, nn.modules.conv._ConvTransposeNd):
        return given.numel() * (module.out_channels // module.groups) * math.prod(module.kernel_size)
    if isinstance(module, nn.modules.conv._ConvNd):
        return output.numel() * (module.in_channels // module.groups) * math.prod(module.kernel_size)
    if isinstance(module, nn.RNNBase):
        steps = given.shape[0] * given.shape[1] if given.dim() == 3 else given.shape[0]
        return steps * sum(weight.numel() for name, weight in module.named_parameters() if name.startswith("weight"))
    if isinstance(module, nn.RNNCellBase):
        return given.numel() // module.input_size * (module.weight_ih.numel() + module.weight_hh.numel())
    if isinstance(module, nn.MultiheadAttention):
        return _attention(module, args, kwargs)
    return None


def _attention(module: Any, args: Any, kwargs: Any) -> int | None:
    """Three projections, scores, weighted sum, output projection."""
    names = ("query", "key", "value")
    query, key, value = (args[place] if len(args) > place else kwargs.get(name) for place, name in enumerate(names))
    if query is None or key is None or value is None:
        return None
    width, batched = module.embed_dim, query.dim() == 3
    length = (lambda x: x.shape[1] if module.batch_first else x.shape[0]) if batched else (lambda x: x.shape[0])
    rows = (query.shape[0] if module.batch_first else query.shape[1]) if batched else 1
    target, source = length(query), length(key) + (module.bias_k is not None) + module.add_zero_attn
    projections = 2 * target * width**2 + length(key) * width * module.kdim + length(value) * width * module.vdim
    return rows * (projections + 2 * target * source * width)
