"""Shuffled mini-batches of a run's training rows, as tensors on the device."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from truing.errors import UsageError


class Batches:
    """Mini-batches of (inputs, targets), in a new order every epoch.

    A last batch of a single row is left out, since batch normalisation cannot train on it; its row comes again in the
    next epoch.

    Args:
        rows: what `run.train` is.
        classes: the labels in the order of their codes; None for regression.
        size: rows of a batch.
        seed: of the order.
        device: a torch device.
    """

    def __init__(self, rows: Any, classes: Sequence[Any] | None, size: int, seed: int, device: Any) -> None:
        import torch

        if rows is None or rows.labels is None:
            raise UsageError("TorchTrainer needs rows with labels: give Data(x, y) to the study.")
        labels = rows.labels
        if classes is not None:
            codes = {label: code for code, label in enumerate(classes)}
            targets = np.fromiter((codes[label] for label in labels.tolist()), dtype=np.int64, count=len(labels))
        else:
            targets = np.asarray(labels, dtype=np.float32)
        self._targets = torch.as_tensor(targets).to(device)
        self._size, self._device = size, device
        self._generator = torch.Generator().manual_seed(seed)
        self._dataset = rows.dataset() if rows.kind == "dataset" else None
        self._x = None if self._dataset is not None else as_floats(as_array(rows.x)).to(device)

    def __len__(self) -> int:
        """Steps of one epoch."""
        whole, rest = divmod(len(self._targets), self._size)
        return max(1, whole + (rest > 1 or (rest == 1 and whole == 0)))

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        import torch

        order = torch.randperm(len(self._targets), generator=self._generator)
        for step in range(len(self)):
            chosen = order[step * self._size : (step + 1) * self._size]
            yield self._inputs(chosen), self._targets[chosen.to(self._device)]

    def first(self) -> Any:
        """The inputs of two rows, for modules that take their sizes from what they see."""
        import torch

        return self._inputs(torch.arange(min(2, len(self._targets))))

    def _inputs(self, chosen: Any) -> Any:
        if self._x is not None:
            return self._x[chosen.to(self._device)]
        return stacked([self._dataset[i] for i in chosen.tolist()]).to(self._device)  # type: ignore[index]


def stacked(items: list[Any]) -> Any:
    """The inputs of items of a Dataset, (x, y) or x each, as one tensor."""
    from torch.utils.data import default_collate

    return as_floats(default_collate([item[0] if isinstance(item, tuple | list) else item for item in items]))


def as_floats(x: Any) -> Any:
    """Inputs as a tensor: float64 becomes float32, bytes become [0, 1], whole numbers stay for embeddings."""
    import torch

    tensor = torch.as_tensor(x)
    if tensor.dtype in (torch.float64, torch.bool):
        return tensor.float()
    return tensor.float() / 255 if tensor.dtype is torch.uint8 else tensor


def as_array(x: Any) -> Any:
    """Rows of a frame, a list or a sparse matrix as one array or tensor of numbers; anything else as it is.

    Raises:
        UsageError: they hold something else than numbers, or differ in shape.
    """
    import torch

    if isinstance(x, list | tuple):
        try:
            return torch.stack(list(x)) if x and torch.is_tensor(x[0]) else _numbers(np.asarray(x))
        except (ValueError, TypeError, RuntimeError):
            raise UsageError(
                "TorchTrainer takes rows of numbers in one shape, and x is a list of others: give a Dataset that pads "
                "or encodes them, or write a training function."
            ) from None
    if hasattr(x, "toarray"):
        return x.toarray()
    if not hasattr(x, "to_numpy"):
        return x
    try:
        return _numbers(x.to_numpy())
    except (ValueError, TypeError):
        texts = [str(name) for name in x.columns if not _is_number(x[name])]
        raise UsageError(
            f"TorchTrainer takes numbers, and x has other columns ({', '.join(texts[:5])}): encode them, "
            "such as by pandas.get_dummies(frame, dtype='float32'), or write a training function."
        ) from None


def _numbers(array: np.ndarray) -> np.ndarray:
    return array if array.dtype.kind in "biuf" else array.astype(np.float32)


def _is_number(column: Any) -> bool:
    try:
        _numbers(column.to_numpy())
    except (ValueError, TypeError):
        return False
    return True
