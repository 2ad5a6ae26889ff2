"""The text of a global value that is more than plain: arrays, tensors, and containers of these and of functions."""

from __future__ import annotations

import functools
import hashlib
import sys
import types
from collections.abc import Collection
from typing import Any

import numpy as np

from truing.record.reach import MAIN, NAMESPACES, attributes, is_users, plain

HASHED = 64 * 1024 * 1024  # bytes; of a larger array only type and shape count


def shown(value: Any, without: Collection[str] = (), depth: int = 4) -> str | None:
    """The text of an array, or of a container whatever it holds, the same in every process; None for all else.

    Args:
        without: attributes that do not count, for the code alters them.

    >>> shown({"cnn": len, "rates": np.zeros(2)})
    "{'cnn': builtins.len, 'rates': array(float64, (2,), sha 374708fff7719dd5)}"
    >>> shown(object()) is None
    True
    """
    if (text := array_text(value)) is not None:
        return text
    if not depth:
        return None
    if isinstance(value, NAMESPACES):
        kept = {name: item for name, item in vars(value).items() if name not in without}
        return f"{type(value).__name__}({', '.join(f'{n}={_inner(v, without, depth)}' for n, v in kept.items())})"
    if not isinstance(value, list | tuple | set | frozenset | dict) or len(value) > 1000:
        return None
    if isinstance(value, dict):
        pairs = [f"{_inner(k, without, depth)}: {_inner(v, without, depth)}" for k, v in value.items()]
        return "{" + ", ".join(pairs) + "}"
    texts = [_inner(item, without, depth) for item in value]
    if isinstance(value, set | frozenset):
        return "{" + ", ".join(sorted(texts)) + "}"
    return f"[{', '.join(texts)}]" if isinstance(value, list) else f"({', '.join(texts)},)"


def _inner(value: Any, without: Collection[str], depth: int) -> str:
    if (text := plain(value, depth - 1)) is not None or (text := shown(value, without, depth - 1)) is not None:
        return text
    if isinstance(value, types.FunctionType | types.BuiltinFunctionType | type):
        module = getattr(value, "__module__", None)
        return value.__qualname__ if is_users(value) or module in MAIN else f"{module}.{value.__qualname__}"
    if isinstance(value, types.ModuleType):
        return value.__name__
    if depth > 1 and isinstance(value, functools.partial):
        given = [_inner(v, without, depth - 1) for v in value.args]
        given += [f"{k}={_inner(v, without, depth - 1)}" for k, v in value.keywords.items()]
        return f"partial({', '.join([_inner(value.func, without, depth - 1), *given])})"
    kind = type(value)
    if depth > 1 and is_users(kind) and not hasattr(value, "_parameters"):  # a network's are there to be trained
        named = [(n, _inner(v, without, depth - 1)) for n, v in attributes(value) if n not in without]
        return f"{kind.__qualname__}({', '.join(f'{n}={text}' for n, text in named)})"
    return kind.__qualname__


def array_text(value: Any) -> str | None:
    """Type, shape and a digest of an array or a tensor in main memory; what is trained has no digest."""
    if isinstance(value, np.ndarray | np.generic):
        name, dtype, shape, size = "array", value.dtype, value.shape, value.nbytes
        if dtype.hasobject or size > HASHED:
            return f"{name}({dtype}, {shape})"
        content = np.ascontiguousarray(value).tobytes()
    else:
        torch = sys.modules.get("torch")
        if torch is None or not isinstance(value, torch.Tensor):
            return None
        name, dtype, shape = "tensor", value.dtype, tuple(value.shape)
        size = value.numel() * value.element_size()
        ready = value.device.type == "cpu" and value.layout == torch.strided and not value.requires_grad
        if not ready or size > HASHED:
            return f"{name}({dtype}, {shape})"
        try:
            flat = value.detach().resolve_conj().resolve_neg().contiguous().reshape(-1)
            content = flat.view(torch.uint8).numpy().tobytes()
        except (RuntimeError, TypeError):  # quantized and the like
            return f"{name}({dtype}, {shape})"
    return f"{name}({dtype}, {shape}, sha {hashlib.sha256(content).hexdigest()[:16]})"
