"""Whether two processes hold the same code: a digest of the instructions, not of the text.

Text cannot tell: a notebook may still run what a file said before it was edited.
"""

from __future__ import annotations

import hashlib
import types
from typing import Any

import numpy as np

from truing.data.tensor import is_tensor
from truing.record.reach import Reached, plain

WHOLE = 1 << 24  # bytes of an array that are hashed; of a larger one evenly spaced items
SAMPLED = 4096


def digest(found: Reached) -> str:
    """A digest of the instructions and constants an objective reaches; equal in all processes of one Python.

    >>> from truing.record.reach import reached
    >>> digest(reached(len)) == digest(reached(print))
    True
    """
    made = hashlib.sha256()
    for name, item in found.code.items():
        made.update(f"{name}\0{_of(item)}\0".encode("utf-8", "backslashreplace"))
    for name, text in found.constants.items():
        made.update(f"{name}\0{text}\0".encode("utf-8", "backslashreplace"))
    for name, value in found.others.items():
        made.update(f"{name}\0{type(value).__qualname__}\0".encode())
        if (array := _array(value)) is not None:
            made.update(f"{array.dtype}{array.shape}".encode())
            flat = array.reshape(-1)
            if array.nbytes > WHOLE:
                flat = flat[np.linspace(0, flat.size - 1, SAMPLED).astype(np.int64)]
            made.update(np.ascontiguousarray(flat).tobytes())
    return made.hexdigest()


def certain(found: Reached) -> bool:
    """True when the digest tells all: what is neither code nor a constant is arrays and tensors."""
    return all(_array(value) is not None for value in found.others.values())


def _array(value: Any) -> np.ndarray | None:
    """The content of an array, of a tensor in main memory, or of a NumPy number; None for all else."""
    if is_tensor(value):
        if str(value.device) != "cpu" or str(value.layout) != "torch.strided":
            return None
        value = value.detach()
        try:
            value = value.numpy()
        except (RuntimeError, TypeError):  # bfloat16 and the like
            return None
    if isinstance(value, np.generic):
        value = np.asarray(value)
    if not isinstance(value, np.ndarray) or value.dtype.hasobject:
        return None
    return value


def _of(item: Any) -> str:
    if isinstance(item, types.FunctionType):
        return repr((_instructions(item.__code__), _value(item.__defaults__), _value(item.__kwdefaults__)))
    members = []
    for name, member in vars(item).items():
        inner = getattr(member, "__func__", None) or getattr(member, "fget", None) or member
        members.append((name, _instructions(inner.__code__) if isinstance(inner, types.FunctionType) else plain(inner)))
    hidden = ("__dict__", "__weakref__", "__doc__", "__module__", "__firstlineno__", "__static_attributes__")
    return repr(([base.__qualname__ for base in item.__bases__], [m for m in members if m[0] not in hidden]))


def _instructions(code: types.CodeType) -> tuple[Any, ...]:
    constants = [_instructions(c) if isinstance(c, types.CodeType) else _value(c) for c in code.co_consts]
    names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    return (code.co_code, constants, names, code.co_argcount, code.co_kwonlyargcount, code.co_flags)


def _value(value: Any) -> str:
    if isinstance(value, frozenset):
        return repr(sorted(repr(part) for part in value))
    text = plain(value)
    return text if text is not None else type(value).__qualname__
