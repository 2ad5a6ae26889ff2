"""What a torch tensor is to code that never imports torch unless it was given one."""

from __future__ import annotations

from typing import Any

import numpy as np

from truing.errors import DataError


def is_tensor(value: Any) -> bool:
    """True for a torch tensor, judged by its type's module: torch itself stays unimported."""
    kind = type(value)
    return hasattr(value, "detach") and any(base.__module__.split(".")[0] == "torch" for base in kind.__mro__)


def to_numpy(tensor: Any) -> tuple[np.ndarray, str]:
    """A tensor as a numpy array, without a copy where it lies on the CPU, and the name of its torch dtype.

    A dtype that numpy lacks, such as bfloat16, comes as integers of the same width; `to_tensor` undoes it.
    """
    dtype = str(tensor.dtype).removeprefix("torch.")
    plain = tensor.detach().cpu().resolve_conj().resolve_neg()
    try:
        return plain.numpy(), dtype
    except TypeError:
        return plain.view(_integer_of_width(tensor.dtype.itemsize)).numpy(), dtype


def to_tensor(array: np.ndarray, dtype: str) -> Any:
    """The tensor that `to_numpy` was given, on the CPU, over the same memory."""
    import torch

    tensor = torch.from_numpy(array)
    wanted = getattr(torch, dtype)
    return tensor if tensor.dtype == wanted else tensor.view(wanted)


def numbers_of(tensor: Any) -> np.ndarray:
    """A tensor's values as numpy numbers: a dtype that numpy lacks is widened to float32."""
    array, dtype = to_numpy(tensor)
    if str(array.dtype) in (dtype, "bool", "complex64", "complex128"):
        return array
    return tensor.detach().cpu().float().numpy()


def _integer_of_width(width: int) -> Any:
    import torch

    widths = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
    if width not in widths:
        raise DataError(f"A tensor whose elements have {width} bytes cannot be stored: convert it to float32.")
    return widths[width]
