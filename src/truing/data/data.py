"""The rows of a study: x, y and groups by reference, whatever type they have."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from truing.data.labels import column
from truing.data.outline import Outline
from truing.data.tensor import is_tensor
from truing.errors import DataError

if TYPE_CHECKING:
    from truing.data.rows import Rows

Kind = Literal["array", "tensor", "dataset"]


@dataclass(frozen=True, eq=False)
class Data:
    """Rows to learn from. Nothing is copied, hashed or read from a memory map until it is needed.

    Args:
        x: numpy array or torch tensor (n, ...), or a map-style torch Dataset: anything with `len` and
            indexing. A Dataset is indexed by the workers, never copied or read whole. Its items are handed to
            the training function as they are.
        y: labels (n,): integers, strings or booleans for classes, floats for regression. Optional; a metric
            that compares with labels needs it, for a Dataset too.
        groups: one hashable value a row; rows of one group never lie on both sides of a split. Groups that are equal
            in Python are one group.

    Raises:
        DataError: lengths differ, no rows, x of dtype object, y or groups with a missing value.

    >>> data = Data(np.zeros((4, 2)), ["b", "a", "b", "a"])
    >>> len(data), data.kind, data.classes()
    (4, 'array', ['a', 'b'])
    """

    x: Any
    y: Any = None
    groups: Any = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "x", _checked_x(self.x))
        n = len(self)
        if n == 0:
            raise DataError("x has no rows: give at least one.")
        for name, values in (("y", self.labels), ("groups", self.group_labels)):
            if values is not None and len(values) != n:
                raise DataError(f"x has {n} rows and {name} has {len(values)}: give one {name} for each row.")

    def __len__(self) -> int:
        return len(self.x)

    def __repr__(self) -> str:
        shape = f"{len(self)} rows" if self.kind == "dataset" else "x".join(str(size) for size in self.x.shape)
        groups = "" if self.group_labels is None else f", {len(np.unique(self.group_labels))} groups"
        return f"Data({self.kind} {shape}{', y' if self.y is not None else ''}{groups})"

    @property
    def kind(self) -> Kind:
        """What x is: "array" (numpy), "tensor" (torch) or "dataset" (map-style)."""
        if isinstance(self.x, np.ndarray):
            return "array"
        return "tensor" if is_tensor(self.x) else "dataset"

    @cached_property
    def labels(self) -> np.ndarray | None:
        """y as a numpy array (n,), or None."""
        return None if self.y is None else column(self.y, "y")

    @cached_property
    def group_labels(self) -> np.ndarray | None:
        """groups as a numpy array (n,), or None."""
        return None if self.groups is None else column(self.groups, "groups")

    @property
    def y_as_tensor(self) -> bool:
        """True when rows give their y as a tensor: it was one, or a list of numbers beside a tensor x."""
        if self.y is None or is_tensor(self.y):
            return self.y is not None
        plain = isinstance(self.y, list | tuple) and self.labels is not None and self.labels.dtype.kind != "U"
        return plain and self.kind == "tensor"

    def classes(self, rows: np.ndarray | None = None) -> list[Any]:
        """The distinct labels, sorted, as plain Python values; of the given rows, or of all.

        Raises:
            DataError: there is no y.
        """
        labels = self._labels()
        return np.unique(labels if rows is None else labels[rows]).tolist()

    def codes(self, classes: Sequence[Any]) -> np.ndarray:
        """Each row's label as its place in `classes`: int64 (n,).

        Raises:
            DataError: there is no y, or a label is not among `classes`.

        >>> Data(np.zeros((3, 1)), ["b", "a", "b"]).codes(["a", "b"]).tolist()
        [1, 0, 1]
        """
        distinct, place = np.unique(self._labels(), return_inverse=True)
        position = {label: i for i, label in enumerate(classes)}
        unknown = [label for label in distinct.tolist() if label not in position]
        if unknown:
            known = ", ".join(repr(label) for label in classes)
            raise DataError(f"The label {unknown[0]!r} is not among the classes {known}: add it or leave out its rows.")
        table = np.array([position[label] for label in distinct.tolist()], dtype=np.int64)
        return table[place.reshape(-1)]

    def outline(self, rows: np.ndarray | None = None, classification: bool = True) -> Outline:
        """What a validation protocol may see of `rows` (None = all); it plans positions in `rows`.

        Args:
            classification: True when y are classes, by which splits are to be stratified.
        """
        labels, groups = self.labels, self.group_labels
        if rows is None:
            return Outline(len(self), labels, groups, classification)
        return Outline(
            len(rows),
            None if labels is None else labels[rows],
            None if groups is None else groups[rows],
            classification,
            groups,
        )

    def take(self, rows: Sequence[int] | np.ndarray) -> Rows:
        """The given rows, read when they are asked for."""
        from truing.data.rows import Rows

        return Rows(self, np.asarray(rows))

    def without_labels(self) -> Data:
        """The same rows and groups, without y. Nothing is copied or checked anew."""
        bare = copy(self)
        object.__setattr__(bare, "y", None)
        for known in ("labels", "_fingerprint"):
            bare.__dict__.pop(known, None)
        return bare

    def fingerprint(self) -> str:
        """SHA-256 of the content: of a Dataset its length, y, groups and 64 rows; of the rest every byte."""
        from truing.data.fingerprint import of_data

        return of_data(self)

    def store(self, folder: str | Path) -> str:
        """Write x, y and groups once into `folder`, for workers to map; return the fingerprint.

        A Dataset is not written, and neither is an x that is a memory map of a file: the file is referred to.
        """
        from truing.data.store import store

        return store(self, Path(folder))

    @classmethod
    def open(cls, folder: str | Path, dataset: Any = None) -> Data:
        """What `store` wrote, memory-mapped.

        Args:
            dataset: the Dataset itself, needed when x was one.

        Raises:
            DataError: nothing is stored there, or the Dataset is missing or has another length.
        """
        from truing.data.store import load

        x, y, groups = load(Path(folder), dataset)
        return cls(x, y, groups=groups)

    def _labels(self) -> np.ndarray:
        if self.labels is None:
            raise DataError("This Data has no labels: give them as Data(x, y).")
        return self.labels


def _checked_x(x: Any) -> Any:
    """x, with a list of numbers as an array, or the sentence that says what to give instead."""
    module = type(x).__module__.split(".")[0]
    if isinstance(x, list | tuple):
        try:
            x = np.asarray(x)
        except (ValueError, TypeError, RuntimeError):
            x = np.empty(0, dtype=object)
        if x.dtype == object:
            raise DataError("x is a list whose rows differ in shape or type: give a rectangular array, or a Dataset.")
    if isinstance(x, np.ndarray):
        if x.ndim == 0:
            raise DataError("x is a single value: give an array with one row for each example.")
        if x.dtype.hasobject:
            raise DataError(f"x has dtype {x.dtype}: convert it to numbers, such as x.astype('float32').")
        return x
    if is_tensor(x):
        if x.ndim == 0:
            raise DataError("x is a single value: give a tensor with one row for each example.")
        if str(x.layout) != "torch.strided":
            raise DataError("x is a sparse tensor: give x.to_dense().")
        return x
    if module in ("pandas", "polars", "pyarrow"):
        raise DataError(f"x is a {module} {type(x).__name__}: convert it, such as frame.to_numpy(dtype='float32').")
    if module == "scipy":
        raise DataError("x is a sparse matrix: give x.toarray().")
    indexed = hasattr(type(x), "__len__") and hasattr(type(x), "__getitem__")
    if not indexed or isinstance(x, str | bytes | dict):
        raise DataError(f"x is a {type(x).__name__}: give an array, a torch tensor, or a Dataset (len() and indexing).")
    try:
        len(x)
    except (TypeError, NotImplementedError):
        raise DataError(f"x is a {type(x).__name__} without a length: give a map-style Dataset.") from None
    return x
