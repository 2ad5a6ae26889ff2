"""Rows of a Data, read when they are asked for: what a run gets as `run.train` and `run.valid`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from truing.errors import DataError

if TYPE_CHECKING:
    from truing.data.data import Data


@dataclass(frozen=True, eq=False)
class Rows:
    """Some rows of a Data, with x and y of the type that was given. No rows at all are legal.

    Args:
        data: where the rows lie.
        rows: positions (n,) in `data`; stored as int64.

    >>> from truing.data.data import Data
    >>> some = Data(np.arange(8).reshape(4, 2), [0, 1, 0, 1]).take([3, 0])
    >>> some.x.tolist(), some.y.tolist(), len(some)
    ([[6, 7], [0, 1]], [1, 0], 2)
    """

    data: Data
    rows: np.ndarray

    def __post_init__(self) -> None:
        rows = np.asarray(self.rows).reshape(-1)
        if rows.size and rows.dtype.kind not in "iu":
            raise DataError(f"Row positions must be integers, not {rows.dtype}.")
        rows = rows.astype(np.int64)
        n = len(self.data)
        if rows.size and (rows.min() < 0 or rows.max() >= n):
            raise DataError(f"Row positions must lie between 0 and {n - 1}; given {rows.min()} to {rows.max()}.")
        object.__setattr__(self, "rows", rows)

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def x(self) -> Any:
        """These rows: an array (n, ...) or tensor (n, ...), copied out; for a Dataset a `Subset` of it."""
        if self.data.kind == "array":
            return np.asarray(self.data.x)[self.rows]
        if self.data.kind == "tensor":
            return self.data.x.detach()[_index(self.rows, self.data.x)]
        return self._subset()

    @cached_property
    def y(self) -> Any:
        """The labels of these rows (n,), integers as int64; a tensor where y was one; None without labels."""
        labels = self.labels
        if labels is None:
            return None
        if labels.dtype.kind in "iu":
            labels = labels.astype(np.int64)
        if not self.data.y_as_tensor:
            return labels
        import torch

        kept = getattr(self.data.y, "dtype", None)
        floating = isinstance(kept, torch.dtype) and kept.is_floating_point
        return torch.from_numpy(labels).to(kept) if floating else torch.from_numpy(labels)

    @property
    def labels(self) -> np.ndarray | None:
        """The labels of these rows as a numpy array (n,), or None."""
        return None if self.data.labels is None else self.data.labels[self.rows]

    @property
    def groups(self) -> np.ndarray | None:
        """The groups of these rows as a numpy array (n,), or None."""
        return None if self.data.group_labels is None else self.data.group_labels[self.rows]

    def dataset(self) -> Pairs | Subset:
        """A map-style dataset of these rows, fit for a torch DataLoader.

        Its items are `(x[i], y[i])`, or `x[i]` alone without labels; of a Dataset, what the Dataset gives.
        """
        if self.data.kind == "dataset":
            return self._subset()
        return Pairs(self, labelled=self.data.y is not None)

    def _subset(self) -> Subset:
        return Subset(self.data.x, self.rows)


@dataclass(frozen=True, eq=False)
class LockedRows(Rows):
    """Rows whose labels are kept back. Items of its dataset, and of a Dataset's x, are x alone.

    From a Dataset's item that is a tuple or list the first element is given, from any other the whole item.
    """

    @property
    def y(self) -> Any:
        """Raises DataError: the labels are locked."""
        raise DataError("The labels of locked rows are not given to training: predict from x alone.")

    @property
    def labels(self) -> np.ndarray | None:
        """Raises DataError: the labels are locked."""
        return self.y

    def dataset(self) -> Pairs | Subset:
        """A map-style dataset of x alone."""
        return self._subset() if self.data.kind == "dataset" else Pairs(self, labelled=False)

    def _subset(self) -> Subset:
        return Subset(self.data.x, self.rows, first_only=True)


@dataclass(frozen=True, eq=False)
class Subset:
    """Chosen rows of a map-style Dataset; works with a torch DataLoader and imports no torch.

    Args:
        source: the Dataset.
        rows: int64 positions in it.
        first_only: give only the first element of an item that is a tuple or list.
    """

    source: Any
    rows: np.ndarray
    first_only: bool = False

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, place: int) -> Any:
        return self._shown(self.source[int(self.rows[place])])

    def __getitems__(self, places: Sequence[int]) -> list[Any]:
        wanted = [int(row) for row in self.rows[list(places)]]
        whole = getattr(self.source, "__getitems__", None)  # torch's own protocol for reading a batch at once
        items = whole(wanted) if callable(whole) else [self.source[row] for row in wanted]
        return [self._shown(item) for item in items]

    def _shown(self, item: Any) -> Any:
        return item[0] if self.first_only and isinstance(item, tuple | list) and len(item) else item


@dataclass(frozen=True, eq=False)
class Pairs:
    """Array or tensor rows as a map-style dataset of `(x[i], y[i])`, read row by row from where they lie."""

    source: Rows
    labelled: bool

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, place: int) -> Any:
        row = int(self.source.rows[place])
        x = self.source.data.x
        # A copy, so that neither the user's memory nor a read-only map is written to by what follows.
        item = np.array(x[row]) if self.source.data.kind == "array" else x[row].detach().clone()
        return (item, self.source.y[place]) if self.labelled else item


def _index(rows: np.ndarray, tensor: Any) -> Any:
    import torch

    return torch.from_numpy(rows).to(tensor.device)
