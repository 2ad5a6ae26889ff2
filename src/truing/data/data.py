"""The rows of a study: x, y and what is known of each row, by reference, whatever type they have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from truing.data.form import Kind, checked_x, column_names, is_series, kind_of, length, without_columns
from truing.data.labels import column
from truing.data.outline import Outline
from truing.data.stored_labels import StoredLabels
from truing.data.tags import ids, span, times
from truing.data.tensor import is_tensor
from truing.data.views import Views
from truing.errors import DataError

if TYPE_CHECKING:
    from truing.data.rows import Rows

TAGS = ("groups", "site", "time", "ids")


@dataclass(frozen=True, eq=False)
class Data:
    """Rows to learn from. Nothing is copied, hashed or read from a memory map until it is needed.

    Args:
        x: numpy array or torch tensor (n, ...); a pandas or polars DataFrame; a list of numbers, texts, lists of any
            length, dicts, arrays or tensors; a scipy sparse matrix; or a map-style torch Dataset: anything with `len`
            and indexing. A run gets its rows in the same type. A Dataset is indexed by the workers, never copied or
            read whole. Its items are handed to the training function as they are.
        y: labels (n,): integers, strings or booleans for classes, floats for regression. Optional; a metric
            that compares with labels needs it, for a Dataset too.
        groups: one hashable value a row; rows of one group never lie on both sides of a split. Groups that are equal
            in Python are one group.
        site: where each row is from, one hashable value a row. It divides nothing by itself: `groups=` does, and
            `validation=tr.LeaveOneGroupOut(by="site")`.
        time: when each row was taken: numbers, datetime64, dates. `validation=tr.TimeOrdered(5)` goes by it.
        ids: what each row is called, each once. They stay out of reports.
        train_transform: of a Dataset: what is done to the x of an item on which one trains, such as augmentation. x is
            the first element of an item that is a tuple or list, else the item.
        eval_transform: of a Dataset: what is done to the x of an item that is predicted.

        Of a frame, y, groups, site, time and ids may be the name of a column, which is then no column of x.

    Raises:
        DataError: lengths differ, no rows, x of dtype object, an id that names two rows, or y, groups, site, time or
            ids with a missing value.

    >>> data = Data(np.zeros((4, 2)), ["b", "a", "b", "a"])
    >>> len(data), data.kind, data.classes()
    (4, 'array', ['a', 'b'])
    """

    x: Any
    y: Any = None
    groups: Any = field(default=None, kw_only=True)
    site: Any = field(default=None, kw_only=True)
    time: Any = field(default=None, kw_only=True)
    ids: Any = field(default=None, kw_only=True)
    train_transform: Callable[[Any], Any] | None = field(default=None, kw_only=True)
    eval_transform: Callable[[Any], Any] | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "x", checked_x(self.x))
        if self.kind == "frame":
            self._name_columns()
        n = len(self)
        if n == 0:
            raise DataError("x has no rows: give at least one.")
        known = {
            "y": self.labels,
            "groups": self.group_labels,
            "site": self.site_labels,
            "time": self.times,
            "ids": self.id_labels,
        }
        for name, values in known.items():
            if values is not None and len(values) != n:
                raise DataError(f"x has {n} rows and {name} has {len(values)}: give one {name} for each row.")
        if self.train_transform is not None or self.eval_transform is not None:
            object.__setattr__(self, "x", Views.of(self.x, self.train_transform, self.eval_transform))

    def __len__(self) -> int:
        return length(self.x)

    def __repr__(self) -> str:
        shaped = self.kind in ("array", "tensor", "sparse") or hasattr(self.x, "shape")
        shape = "x".join(str(size) for size in self.x.shape) if shaped else f"{len(self)} rows"
        groups = "" if self.group_labels is None else f", {len(np.unique(self.group_labels))} groups"
        return f"Data({self.kind} {shape}{', y' if self.y is not None else ''}{groups})"

    @property
    def kind(self) -> Kind:
        """What x is: "array" (numpy), "tensor" (torch), "frame", "list", "sparse" or "dataset" (map-style)."""
        return kind_of(self.x)

    @cached_property
    def labels(self) -> np.ndarray | None:
        """y as a numpy array (n,), or None."""
        if isinstance(self.y, StoredLabels):
            return self.y.labels
        return None if self.y is None else column(self.y, "y")

    @cached_property
    def group_labels(self) -> np.ndarray | None:
        """groups as a numpy array (n,), or None."""
        return None if self.groups is None else column(self.groups, "groups")

    @cached_property
    def site_labels(self) -> np.ndarray | None:
        """site as a numpy array (n,), or None."""
        return None if self.site is None else column(self.site, "site")

    @cached_property
    def times(self) -> np.ndarray | None:
        """time as numbers or datetime64 (n,), or None."""
        return None if self.time is None else times(self.time)

    @cached_property
    def id_labels(self) -> np.ndarray | None:
        """ids as a numpy array (n,), or None."""
        return None if self.ids is None else ids(self.ids)

    @property
    def y_form(self) -> str:
        """What rows give their y as: "array", "tensor", "list" or "series".

        It is what y was; a list of numbers beside a tensor x is a tensor, and a list beside another x than a list is
        an array.
        """
        if isinstance(self.y, StoredLabels):
            return self.y.form
        if is_tensor(self.y):
            return "tensor"
        if is_series(self.y):
            return "series"
        listed = isinstance(self.y, list | tuple)
        if listed and self.kind == "tensor" and self.labels is not None and self.labels.dtype.kind != "U":
            return "tensor"
        return "list" if listed and self.kind == "list" else "array"

    def facts(self) -> dict[str, Any]:
        """What may be told of the rows: counts and the range of time; no row and no id.

        >>> Data(np.zeros((3, 1)), site=["a", "b", "a"], time=[2001, 2003, 2002]).facts()
        {'kind': 'array', 'rows': 3, 'sites': 2, 'time': ['2001', '2003']}
        """
        found: dict[str, Any] = {"kind": self.kind, "rows": len(self)}
        for name, values in (("groups", self.group_labels), ("sites", self.site_labels)):
            if values is not None:
                found[name] = len(np.unique(values))
        if self.times is not None:
            found["time"] = span(self.times)
        if self.id_labels is not None:
            found["ids"] = True
        return found

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
            return Outline(len(self), labels, groups, classification, time=self.times, sites=self.site_labels)
        return Outline(
            len(rows),
            None if labels is None else labels[rows],
            None if groups is None else groups[rows],
            classification,
            groups,
            time=None if self.times is None else self.times[rows],
            time_in_all=self.times,
            places=rows,
            n_in_all=len(self),
            sites=None if self.site_labels is None else self.site_labels[rows],
            sites_in_all=self.site_labels,
        )

    def take(self, rows: Sequence[int] | np.ndarray) -> Rows:
        """The given rows, read when they are asked for."""
        from truing.data.rows import Rows

        return Rows(self, np.asarray(rows))

    def without_labels(self) -> Data:
        """The same rows and what is known of them, without y. Nothing is copied or checked anew."""
        bare = copy(self)
        object.__setattr__(bare, "y", None)
        for known in ("labels", "_fingerprint"):
            bare.__dict__.pop(known, None)
        return bare

    def fingerprint(self) -> str:
        """SHA-256 of the content: of a Dataset its length, 64 rows and all that is beside x; else every byte."""
        from truing.data.fingerprint import of_data

        return of_data(self)

    def store(self, folder: str | Path) -> str:
        """Write x, y and what is beside them once into `folder`, for workers to map; return the fingerprint.

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

        x, y, tags = load(Path(folder), dataset)
        return cls(x, y, **tags)

    def _labels(self) -> np.ndarray:
        if self.labels is None:
            raise DataError("This Data has no labels: give them as Data(x, y).")
        return self.labels

    def _name_columns(self) -> None:
        """Columns that were given by their name leave x for their place."""
        named = {name: value for name in ("y", *TAGS) if isinstance(value := getattr(self, name), str)}
        if not named:
            return
        there = column_names(self.x)
        for name, label in named.items():
            if there.count(label) != 1:
                known = ", ".join(map(str, there[:10])) + (" ..." if len(there) > 10 else "")
                often = "no column" if label not in there else f"{there.count(label)} columns"
                raise DataError(f"{name}={label!r} names {often} of x: the columns are {known}.")
            object.__setattr__(self, name, self.x[label])
        object.__setattr__(self, "x", without_columns(self.x, list(dict.fromkeys(named.values()))))
