"""Labels that lie in the study's folder, and the type in which rows give them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from truing.data.form import is_polars, real


@dataclass(frozen=True, eq=False)
class StoredLabels:
    """y of a Data that was a list or a column of a frame.

    Args:
        labels: (n,), mapped.
        form: "list" or "series".
        frame: for a series: a frame of one column, or what reads it.
        nameless: the series had no name.
    """

    labels: np.ndarray
    form: str
    frame: Any = None
    nameless: bool = False

    @property
    def series(self) -> Any:
        """The column."""
        frame = real(self.frame)
        if is_polars(frame):
            return frame.to_series(0)
        found = frame.iloc[:, 0]
        return found.rename(None) if self.nameless else found
