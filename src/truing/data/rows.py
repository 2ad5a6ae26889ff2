"""Rows of a Data, read when they are asked for: what a run gets as `run.train` and `run.valid`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from numbers import Number
from typing import TYPE_CHECKING, Any

import numpy as np

from truing.data.tensor import is_tensor
from truing.errors import DataError

if TYPE_CHECKING:
    from truing.data.data import Data, Kind


@dataclass(frozen=True, eq=False)
class Rows:
    """Some rows of a Data, with x and y of the type that was given. No rows at all are legal.

    Args:
        _data: where the rows lie, and others that are none of a training function's business.
        rows: positions (n,) in it; stored as int64.

    >>> from truing.data.data import Data
    >>> some = Data(np.arange(8).reshape(4, 2), [0, 1, 0, 1]).take([3, 0])
    >>> some.x.tolist(), some.y.tolist(), len(some)
    ([[6, 7], [0, 1]], [1, 0], 2)
    """

    _data: Data
    rows: np.ndarray

    def __post_init__(self) -> None:
        rows = np.asarray(self.rows).reshape(-1)
        if rows.size and rows.dtype.kind not in "iu":
            raise DataError(f"Row positions must be integers, not {rows.dtype}.")
        rows = rows.astype(np.int64)
        n = len(self._data)
        if rows.size and (rows.min() < 0 or rows.max() >= n):
            raise DataError(f"Row positions must lie between 0 and {n - 1}; given {rows.min()} to {rows.max()}.")
        object.__setattr__(self, "rows", rows)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def kind(self) -> Kind:
        """What x was given as: "array" (numpy), "tensor" (torch) or "dataset" (map-style)."""
        return self._data.kind

    def without_labels(self) -> LockedRows:
        """The same rows as `predict` gets them; their labels are known, so any item of a Dataset will do."""
        return LockedRows(self._data, self.rows, any_item=True)

    @cached_property
    def x(self) -> Any:
        """These rows: an array (n, ...) or tensor (n, ...), copied out; for a Dataset a `Subset` of it."""
        if self._data.kind == "array":
            return np.asarray(self._data.x)[self.rows]
        if self._data.kind == "tensor":
            return self._data.x.detach()[_index(self.rows, self._data.x)]
        return self._subset()

    @cached_property
    def y(self) -> Any:
        """The labels of these rows (n,), integers as int64; a tensor where y was one; None without labels."""
        labels = self.labels
        if labels is None:
            return None
        if labels.dtype.kind in "iu":
            labels = labels.astype(np.int64)
        if not self._data.y_as_tensor:
            return labels
        import torch

        kept = getattr(self._data.y, "dtype", None)
        floating = isinstance(kept, torch.dtype) and kept.is_floating_point
        return torch.from_numpy(labels).to(kept) if floating else torch.from_numpy(labels)

    @property
    def labels(self) -> np.ndarray | None:
        """The labels of these rows as a numpy array (n,), or None."""
        return None if self._data.labels is None else self._data.labels[self.rows]

    @property
    def groups(self) -> np.ndarray | None:
        """The groups of these rows as a numpy array (n,), or None."""
        return None if self._data.group_labels is None else self._data.group_labels[self.rows]

    def dataset(self) -> Pairs | Subset:
        """A map-style dataset of these rows, fit for a torch DataLoader.

        Its items are `(x[i], y[i])`, or `x[i]` alone without labels; of a Dataset, what the Dataset gives.
        """
        if self._data.kind == "dataset":
            return self._subset()
        return Pairs(self, labelled=self._data.y is not None)

    def _subset(self) -> Subset:
        return Subset(self._data.x, self.rows)


@dataclass(frozen=True, eq=False)
class LockedRows(Rows):
    """Rows whose labels are kept back. Items of its dataset, and of a Dataset's x, are x alone.

    From a Dataset's item that is a tuple or list the first element is given. A tensor, array, number or text is x
    itself. Any other item may hold its label, and is refused where the Data has labels.

    Args:
        any_item: give those others whole all the same.
    """

    any_item: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "any_item", self.any_item or self._data.y is None)
        object.__setattr__(self, "_data", self._data.without_labels())

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
        return self._subset() if self._data.kind == "dataset" else Pairs(self, labelled=False)

    def _subset(self) -> Subset:
        return Subset(self._data.x, self.rows, first_only=True, any_item=self.any_item)


@dataclass(frozen=True, eq=False)
class Subset:
    """Chosen rows of a map-style Dataset; works with a torch DataLoader and imports no torch.

    Args:
        source: the Dataset.
        rows: int64 positions in it.
        first_only: give only the first element of an item that is a tuple or list.
        any_item: give items of which nobody can say what in them is the label, too.
    """

    source: Any
    rows: np.ndarray
    first_only: bool = False
    any_item: bool = True

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
        if not self.first_only:
            return item
        if isinstance(item, tuple | list) and len(item):
            return item[0]
        if not self.any_item and not _is_x_alone(item):
            raise DataError(
                f"The items of this Dataset are of type {type(item).__name__}, whose label cannot be kept back: "
                "give items (x, y) or x alone."
            )
        return item


@dataclass(frozen=True, eq=False)
class Pairs:
    """Array or tensor rows as a map-style dataset of `(x[i], y[i])`, read row by row from where they lie."""

    source: Rows
    labelled: bool

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, place: int) -> Any:
        row = int(self.source.rows[place])
        x = self.source._data.x
        # A copy, so that neither the user's memory nor a read-only map is written to by what follows.
        item = np.array(x[row]) if self.source._data.kind == "array" else x[row].detach().clone()
        return (item, self.source.y[place]) if self.labelled else item


def _is_x_alone(item: Any) -> bool:
    """True for one value or one array of values, an image included."""
    if getattr(getattr(item, "dtype", None), "names", None):  # a record, such as (x, y)
        return False
    if isinstance(item, np.ndarray | np.generic | Number | str | bytes) or is_tensor(item):
        return True
    tabular = isinstance(item, Mapping) or type(item).__module__.split(".")[0] in ("pandas", "polars")
    return not tabular and (hasattr(item, "__array__") or hasattr(item, "__array_interface__"))


def _index(rows: np.ndarray, tensor: Any) -> Any:
    import torch

    return torch.from_numpy(rows).to(tensor.device)
