"""Setting the test rows apart before the first trial."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from numpy.random import Generator

from truing.data.data import Data
from truing.data.finding import Finding
from truing.data.form import column_names
from truing.data.labels import column
from truing.data.outline import Outline
from truing.data.split import share_of_groups, share_of_rows
from truing.data.tensor import is_tensor
from truing.errors import DataError

LONG = 40  # characters above which a group is not named in a sentence
NAMED = 50  # groups, up to which they are named in a sentence: more of them may be people
FEW_GROUPS = 5  # locked groups below which an interval over groups says little
# Development rows, locked rows and how in words, from an outline, a share and a stream; None = as usual.
SetApart = Callable[[Outline, float, Generator], tuple[np.ndarray, np.ndarray, str] | None]
FEW = 100  # test rows below which an interval over them says little (the figure of the verdict's own warning)


@dataclass(frozen=True, eq=False)
class Locked:
    """The rows to develop on and those locked away.

    Args:
        development: int64 positions of the rows that searching may use: all that are not locked, but for rows too near
            to the locked ones in time.
        test: int64 positions of the locked rows in the same Data; None for an official test set or none at
            all.
        official: a test set that is a Data of its own, or None.
        how: in words, such as "20 % of the rows, stratified by class".
        warnings: what a person should know about this division.
    """

    development: np.ndarray
    test: np.ndarray | None
    official: Data | None
    how: str
    warnings: tuple[Finding, ...] = ()


def lock(data: Data, test: Any, rng: Generator, *, classification: bool, set_apart: SetApart | None = None) -> Locked:
    """Divide `data` into development rows and locked rows.

    Args:
        test: share between 0 and 1; row positions; a boolean mask of `len(data)`; an official test set as a
            Data; or None. A share is stratified by class for classification and takes whole groups where
            there are any.
        rng: the same stream gives the same rows.
        classification: True when y are classes.
        set_apart: how the validation protocol wants a share to be taken, such as the latest rows.

    Raises:
        DataError: `test` is none of these, leaves no row on a side, or is a Data that does not fit.

    >>> data = Data(np.zeros((10, 2)), [0, 1] * 5)
    >>> locked = lock(data, 0.2, np.random.default_rng(0), classification=True)
    >>> locked.test.size, locked.development.size, sorted(data.labels[locked.test].tolist())
    (2, 8, [0, 1])
    """
    n = len(data)
    everything = np.arange(n, dtype=np.int64)
    if test is None:
        return Locked(everything, None, None, "no test set")
    if isinstance(test, Data):
        fits(data, test, "test set")
        if classification and data.y is not None:
            test.codes(data.classes())  # names a label that no model could have learned
        how = f"an official test set of {len(test)} rows"
        return Locked(everything, None, test, how, (*_few(len(test)), *_few_groups(test)))
    if isinstance(test, Real) and not isinstance(test, bool | np.bool_):
        development, rows, how = _share(data, test, rng, classification, set_apart)
    else:
        rows = _given(test, n)
        how = f"the {len(rows)} rows that were given"
        development = np.setdiff1d(everything, rows)
    warnings = (*_few(len(rows)), *_few_groups(data, rows), *_absent(data, development, rows, classification))
    return Locked(development, rows, None, how, warnings)


def _share(
    data: Data, test: Real, rng: Generator, classification: bool, set_apart: SetApart | None
) -> tuple[np.ndarray, np.ndarray, str]:
    share = float(test)
    if not 0 < share < 1:
        advice = f"{share / len(data):.3g} for {int(share)} rows" if 1 < share < len(data) else "such as 0.2"
        raise DataError(f"test={test} is no share: give a number between 0 and 1, {advice}, or None for no test set.")
    outline = data.outline(classification=classification)
    wanted = set_apart(outline, share, rng) if set_apart is not None else None
    if wanted is not None:
        return wanted
    everything, groups = np.arange(len(data), dtype=np.int64), outline.group_codes
    by_class = ", stratified by class" if outline.strata is not None else ""
    if groups is None:
        rows = share_of_rows(len(data), share, outline.strata, rng)
        return np.setdiff1d(everything, rows), rows, f"{100 * share:.3g} % of the rows{by_class}"
    rows = share_of_groups(groups, share, outline.strata, rng)
    count = len(np.unique(groups[rows]))
    how = f"about {100 * share:.3g} % of the rows in {count} whole group{'s' * (count != 1)}{by_class}"
    return np.setdiff1d(everything, rows), rows, how


def _given(test: Any, n: int) -> np.ndarray:
    if isinstance(test, str | bytes | bool | dict) or not (
        isinstance(test, np.ndarray | Sequence | range) or is_tensor(test) or hasattr(test, "__array__")
    ):
        raise DataError(f"test={test!r} is no test set: give a share, row positions, a mask, a Data or None.")
    if len(test) == 0:
        raise DataError("test names no rows: give row positions, or None for no test set.")
    rows = column(test, "test")
    if rows.dtype == bool:
        if len(rows) != n:
            raise DataError(f"The mask test has {len(rows)} values for {n} rows: give one for each row.")
        rows = np.flatnonzero(rows)
    if rows.dtype.kind not in "iu":
        raise DataError(f"test has values such as {rows[0]!s}, which are no row positions: give integers.")
    outside = rows[(rows < 0) | (rows >= n)]
    if outside.size:
        raise DataError(f"test names row {outside[0]}, but rows go from 0 to {n - 1}.")
    rows = rows.astype(np.int64)
    kept = np.unique(rows)
    if kept.size < rows.size:
        twice = int(rows[np.flatnonzero(np.bincount(rows)[rows] > 1)[0]])
        raise DataError(f"test names row {twice} more than once: give each row once.")
    if not 0 < kept.size < n:
        raise DataError(f"test names {kept.size} of {n} rows: leave rows on both sides.")
    return kept


def fits(data: Data, official: Data, called: str, *, labelled: bool = True) -> None:
    """Whether a network trained on `data` takes the rows of another Data.

    Args:
        called: what the other is, for messages.
        labelled: both must have y, or neither.

    Raises:
        DataError: another kind, another shape, other columns, or y on one side only.
    """
    if data.eval_transform is not None and official.eval_transform is None:
        raise DataError(
            f"The data has an eval_transform and the {called} has none: give it the same, or one of its own."
        )
    alike = {data.kind, official.kind} <= {"array", "tensor"}
    if data.kind != official.kind and not alike:
        raise DataError(f"The {called} is a {official.kind} and the data a {data.kind}: give both as the same.")
    if data.kind == "frame":
        _same_columns(data, official, called)
    elif data.kind not in ("dataset", "list") and tuple(data.x.shape[1:]) != tuple(official.x.shape[1:]):
        shapes = f"{tuple(official.x.shape[1:])} and those of the data {tuple(data.x.shape[1:])}"
        raise DataError(f"The rows of the {called} have shape {shapes}: give both in the same shape.")
    if labelled and (data.y is None) != (official.y is None):
        lacking, other = ("data", called) if data.y is None else (called, "data")
        raise DataError(f"The {lacking} has no y and the {other} has: give y for both or for neither.")


def _same_columns(data: Data, official: Data, called: str) -> None:
    mine, theirs = column_names(data.x), column_names(official.x)
    if mine == theirs:
        return
    for who, lacking in (
        (called, [c for c in mine if c not in theirs]),
        ("data", [c for c in theirs if c not in mine]),
    ):
        if lacking:
            raise DataError(f"The {who} lacks the column {lacking[0]!r}: give both the same columns.")
    raise DataError(
        f"The {called} has the columns of the data in another order: give both the same columns in one order."
    )


def _few(n: int) -> tuple[Finding, ...]:
    if n >= FEW:
        return ()
    message = f"The test set has only {n} row{'s' * (n != 1)}: its figures will have wide intervals (under {FEW})."
    return (Finding("small_test_set", message, n),)


def _few_groups(data: Data, rows: np.ndarray | None = None) -> tuple[Finding, ...]:
    """A finding when the locked rows (None = all of an official test set) are of few groups."""
    if data.group_labels is None:
        return ()
    mine = data.group_labels if rows is None else data.group_labels[rows]
    names = np.unique(mine)
    count = len(names)
    if count >= FEW_GROUPS:
        return ()
    what = f"{count} group{'s' * (count != 1)}"
    if rows is not None:
        what += f" of {len(np.unique(data.group_labels))}"
    few = rows is None or len(np.unique(data.group_labels)) <= NAMED
    short = few and names.dtype.kind in "biuU" and all(len(str(name)) <= LONG for name in names)
    inside = f"{', '.join(map(str, names))}, " if short else ""
    so = "an interval over groups is impossible" if count == 1 else "an interval over groups will be wide"
    message = (
        f"The locked test set is {what} ({inside}{len(mine)} row{'s' * (len(mine) != 1)}): {so}; "
        "give more groups, a larger test=, or test=None and rest the claim on validation."
    )
    return (Finding("few_locked_groups", message, count, np.arange(len(mine)) if rows is None else rows),)


def _absent(data: Data, development: np.ndarray, rows: np.ndarray, classification: bool) -> tuple[Finding, ...]:
    """Classes that one side lacks."""
    if not classification or data.labels is None:
        return ()
    found = []
    for code, here, there in (("test set", rows, development), ("development rows", development, rows)):
        lacking = [c for c in data.classes(there) if c not in set(data.classes(here))]
        if lacking:
            names = ", ".join(repr(c) for c in lacking[:5]) + (" ..." if len(lacking) > 5 else "")
            what = "class" if len(lacking) == 1 else "classes"
            lack = "lacks" if code == "test set" else "lack"
            found.append(Finding("class_missing", f"The {code} {lack} the {what} {names}.", len(lacking)))
    return tuple(found)
