"""A list that lies in the study's folder: its values are read from mapped arrays when they are asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from truing.data.plain import unpack


@dataclass(frozen=True, eq=False)
class StoredList(Sequence[Any]):
    """What `plain.pack` made of a list, as a sequence.

    >>> from truing.data.plain import pack
    >>> list(StoredList(*pack(["a", "bc"], "x"), 2))
    ['a', 'bc']
    """

    words: Mapping[str, Any]
    arrays: Mapping[str, np.ndarray]
    n: int

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, row: Any) -> Any:
        if isinstance(row, slice):
            return [self._at(place) for place in range(*row.indices(self.n))]
        place = int(row) + self.n * (row < 0)
        if not 0 <= place < self.n:
            raise IndexError(row)
        return self._at(place)

    @cached_property
    def _at(self) -> Any:
        return unpack(self.words, self.arrays)
