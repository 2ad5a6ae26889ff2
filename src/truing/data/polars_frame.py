"""A polars DataFrame in a study's folder: polars' own file, read where it is needed.

polars works in threads that a forked process does not have, and then waits for ever. So the file is opened by the run
that asks for rows, never by the process that runs are forked from.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from truing.data.plain import pack
from truing.errors import DataError


@dataclass(frozen=True, eq=False)
class StoredPolars:
    """A frame of `n` rows in the file `path`.

    Raises:
        DataError: when it is read, if the file is gone.
    """

    path: Path
    n: int

    def __len__(self) -> int:
        return self.n

    @cached_property
    def frame(self) -> Any:
        """The frame itself, its file mapped."""
        import polars

        if not self.path.exists():
            raise DataError(f"{self.path} is missing: delete {self.path.parent} so that the data is stored again.")
        return polars.read_ipc(self.path)


def checked(frame: Any, name: str = "x") -> None:
    """Raise DataError for a column of Python objects."""
    for label, dtype in frame.schema.items():
        if str(dtype) == "Object":
            raise DataError(f"The column {label!r} of {name} holds Python objects: cast it, or leave it out.")


def columns(frame: Any) -> list[tuple[str, dict[str, Any], dict[str, np.ndarray]]]:
    """Name, words and arrays of each column: the same for equal columns, whatever polars' own layout."""
    return [(label, *_column(frame[label])) for label in frame.columns]


def _column(series: Any) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    dtype, missing = series.dtype, series.is_null().to_numpy()
    known = {"dtype": str(dtype)}
    if (dtype.is_numeric() and not dtype.is_decimal()) or str(dtype) == "Boolean":
        return {"as": "numbers", **known}, {
            "values": series.fill_null(False if str(dtype) == "Boolean" else 0).to_numpy(),
            "missing": missing,
        }
    if dtype.is_temporal():
        plain = series.to_physical().fill_null(0).to_numpy()
        return {"as": "numbers", **known}, {"values": plain, "missing": missing}
    if str(dtype).startswith(("String", "Categorical", "Enum")):
        texts = ["" if value is None else str(value) for value in series.to_list()]
        words, arrays = pack(texts, f"the column {series.name!r}")
        return {"as": "text", "of": words, **known}, {**arrays, "missing": missing}
    words, arrays = pack(series.to_list(), f"the column {series.name!r}")
    return {"as": "object", "of": words, **known}, arrays
