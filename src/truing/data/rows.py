"""Rows of a Data, read when they are asked for: what a run gets as `run.train` and `run.valid`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from numbers import Number
from typing import TYPE_CHECKING, Any

import numpy as np

from truing.data.form import Kind, is_pandas, is_series, item, taken
from truing.data.stored_labels import StoredLabels
from truing.data.tensor import is_tensor
from truing.data.views import source_of, transform_of
from truing.errors import DataError

if TYPE_CHECKING:
    from truing.data.data import Data


@dataclass(frozen=True, eq=False)
class Rows:
    """Some rows of a Data, with x and y of the type that was given. No rows at all are legal.

    Args:
        _data: where the rows lie, and others that are none of a training function's business.
        rows: positions (n,) in it; stored as int64.
        training: one trains on them: items of a Dataset come through its train_transform instead of eval_transform.

    >>> from truing.data.data import Data
    >>> some = Data(np.arange(8).reshape(4, 2), [0, 1, 0, 1]).take([3, 0])
    >>> some.x.tolist(), some.y.tolist(), len(some)
    ([[6, 7], [0, 1]], [1, 0], 2)
    """

    _data: Data
    rows: np.ndarray
    training: bool = False

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
        """What x was given as: "array", "tensor", "frame", "list", "sparse" or "dataset" (map-style)."""
        return self._data.kind

    def without_labels(self) -> LockedRows:
        """The same rows as `predict` gets them; their labels are known, so any item of a Dataset will do."""
        return LockedRows(self._data, self.rows, any_item=True)

    @cached_property
    def x(self) -> Any:
        """These rows in the type that was given, copied out; for a Dataset a `Subset` of it."""
        return self._subset() if self._data.kind == "dataset" else taken(self._data.x, self.rows)

    @cached_property
    def y(self) -> Any:
        """The labels of these rows (n,) in the type that was given; integers of an array or tensor as int64.

        None without labels.
        """
        labels = self.labels
        if labels is None:
            return None
        form, given = self._data.y_form, self._data.y
        if form == "series":
            series = given.series if isinstance(given, StoredLabels) else given
            return series.iloc[self.rows] if is_pandas(series, "Series") else series[self.rows]
        if form == "list":
            return labels.tolist()
        if labels.dtype.kind in "iu":
            labels = labels.astype(np.int64)
        if form != "tensor":
            return labels
        import torch

        kept = getattr(given, "dtype", None)
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

    @property
    def site(self) -> np.ndarray | None:
        """Where these rows are from (n,), or None."""
        return None if self._data.site_labels is None else self._data.site_labels[self.rows]

    @property
    def time(self) -> np.ndarray | None:
        """When these rows were taken: numbers or datetime64 (n,), or None."""
        return None if self._data.times is None else self._data.times[self.rows]

    @property
    def ids(self) -> np.ndarray | None:
        """What these rows are called (n,), or None."""
        return None if self._data.id_labels is None else self._data.id_labels[self.rows]

    def dataset(self, augment: bool | None = None) -> Pairs | Subset:
        """A map-style dataset of these rows, fit for a torch DataLoader.

        Its items are `(x[i], y[i])`, or `x[i]` alone without labels; of a Dataset, what the Dataset gives. A row of a
        frame is a dict from column to value, one of a sparse matrix a dense array.

        Args:
            augment: of a Dataset: whether items come through its train_transform (else its eval_transform). Default:
                of `run.train` they do; `run.train.dataset(augment=False)` has them as they are predicted.
        """
        if self._data.kind == "dataset":
            return self._subset(self.training if augment is None else augment)
        return Pairs(self, labelled=self._data.y is not None)

    def _subset(self, training: bool | None = None) -> Subset:
        view = self.training if training is None else training
        return Subset(source_of(self._data.x), self.rows, transform=transform_of(self._data.x, training=view))


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
        raise DataError(
            "The labels of locked rows are not given to training: predict from x alone. len(run.valid) counts the rows."
        )

    @property
    def labels(self) -> np.ndarray | None:
        """Raises DataError: the labels are locked."""
        return self.y

    def dataset(self, augment: bool | None = None) -> Pairs | Subset:
        """A map-style dataset of x alone, never augmented."""
        return self._subset() if self._data.kind == "dataset" else Pairs(self, labelled=False)

    def _subset(self, training: bool | None = None) -> Subset:
        shown = transform_of(self._data.x, training=False)
        return Subset(source_of(self._data.x), self.rows, first_only=True, any_item=self.any_item, transform=shown)


@dataclass(frozen=True, eq=False)
class Subset:
    """Chosen rows of a map-style Dataset; works with a torch DataLoader and imports no torch.

    Args:
        source: the Dataset.
        rows: int64 positions in it.
        first_only: give only the first element of an item that is a tuple or list.
        any_item: give items of which nobody can say what in them is the label, too.
        transform: applied to x: to the first element of an item that is a tuple or list, else to the item.
    """

    source: Any
    rows: np.ndarray
    first_only: bool = False
    any_item: bool = True
    transform: Callable[[Any], Any] | None = None

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
        if self.first_only:
            item = self._x_alone(item)
        if self.transform is None:
            return item
        if self.first_only or not (isinstance(item, tuple | list) and len(item)):
            return self.transform(item)
        parts = [self.transform(item[0]), *item[1:]]
        if hasattr(item, "_fields"):  # a named tuple
            return type(item)(*parts)
        return tuple(parts) if isinstance(item, tuple) else parts

    def _x_alone(self, item: Any) -> Any:
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
    """Rows of anything but a Dataset as a map-style dataset of `(x[i], y[i])`, read row by row from where they lie."""

    source: Rows
    labelled: bool

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, place: int) -> Any:
        x = item(self.source._data.x, int(self.source.rows[place]))
        if not self.labelled:
            return x
        y = self.source.y
        if is_series(y):
            return x, y.iloc[place] if is_pandas(y, "Series") else y[place]
        return x, y[place]


def _is_x_alone(item: Any) -> bool:
    """True for one value or one array of values, an image included."""
    if getattr(getattr(item, "dtype", None), "names", None):  # a record, such as (x, y)
        return False
    if isinstance(item, np.ndarray | np.generic | Number | str | bytes) or is_tensor(item):
        return True
    tabular = isinstance(item, Mapping) or type(item).__module__.split(".")[0] in ("pandas", "polars")
    return not tabular and (hasattr(item, "__array__") or hasattr(item, "__array_interface__"))
