"""Something about the data that a person should know."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True, eq=False)
class Finding:
    """One warning about rows.

    Args:
        code: a word for programs, such as "duplicates".
        message: one sentence for people.
        count: how many rows or groups it is about; 0 when it is about none in particular.
        rows: their positions, or for groups the positions of the rows of these groups.
    """

    code: str
    message: str
    count: int = 0
    rows: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    def to_dict(self) -> dict[str, str]:
        """Code and message as plain values; positions stay out of reports."""
        return {"code": self.code, "message": self.message}
