"""What is known of the rows beside x and y: where they are from, when they were taken, what they are called."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np

from truing.data.labels import column
from truing.data.tensor import is_tensor
from truing.errors import DataError


def times(values: Any) -> np.ndarray:
    """`time=` as a column of numbers or of datetime64, in UTC where a zone is given.

    Raises:
        DataError: neither numbers nor dates, or one is missing.

    >>> times(["2020-01-31", "2021-06-01"]).dtype, times([3, 1]).tolist()
    (dtype('<M8[D]'), [3, 1])
    """
    array = values if is_tensor(values) else np.asarray(values)
    if getattr(array, "dtype", None) is not None and not is_tensor(array):
        if array.dtype.kind == "M":
            found = array
        elif array.dtype.kind in "UO":
            found = _dates(array)
        else:
            found = column(values, "time")
    else:
        found = column(values, "time")
    if found.ndim != 1:
        raise DataError(f"time must be one-dimensional, one value a row, and has shape {found.shape}.")
    if found.dtype.kind == "M" and np.isnat(found).any():
        raise DataError(f"time is missing at row {int(np.flatnonzero(np.isnat(found))[0])}: leave out such rows.")
    if found.dtype.kind not in "Mfiu":
        raise DataError(f"time has dtype {found.dtype}: give numbers, datetime64 or dates as '2024-01-31'.")
    return found


def ids(values: Any) -> np.ndarray:
    """`ids=` as a column in which no value is met twice.

    Raises:
        DataError: an id is missing, or names two rows.
    """
    found = column(values, "ids")
    distinct, counts = np.unique(found, return_counts=True)
    if len(distinct) < len(found):
        place = int(np.flatnonzero(counts > 1)[0])
        rows = np.flatnonzero(found == distinct[place])
        raise DataError(
            f"ids has {distinct[place].item()!r} at rows {rows[0]} and {rows[1]}, but an id names one row: rows that "
            "belong together, such as those of one patient, are kept on one side of every split by groups=."
        )
    return found


def span(time: np.ndarray) -> list[str]:
    """The first and the last time as text; dates to the day.

    >>> span(np.array(["2020-01-31T10:00", "2019-06-01T00:00"], dtype="M8[m]")), span(np.array([3, 1]))
    (['2019-06-01', '2020-01-31'], ['1', '3'])
    """
    ends = (time.min(), time.max())
    if time.dtype.kind == "M":
        return [str(end.astype("M8[D]")) for end in ends]
    return [f"{end:g}" if time.dtype.kind == "f" else str(end) for end in ends]


def _dates(array: np.ndarray) -> np.ndarray:
    values = array.tolist()
    if array.dtype.kind == "O" and all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
        return column(array, "time")
    missing = next((row for row, v in enumerate(values) if v is None or str(v) in ("NaT", "<NA>", "nan", "")), None)
    if missing is not None:
        raise DataError(f"time is missing at row {missing}: leave out such rows.")
    if all(isinstance(v, str | datetime.date) for v in values):
        plain = [_in_utc(v) if isinstance(v, datetime.datetime) else v for v in values]
        try:
            return np.array(plain, dtype="M8")
        except (ValueError, TypeError):
            pass
    raise DataError(f"time has {values[0]!r}, which is no time: give numbers, datetime64 or dates as '2024-01-31'.")


def _in_utc(moment: datetime.datetime) -> np.datetime64:
    if moment.tzinfo is not None:
        moment = moment.astimezone(datetime.UTC).replace(tzinfo=None)
    return np.datetime64(moment.isoformat())
