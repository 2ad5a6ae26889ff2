"""One report of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass
class Report:
    """One report of a run, and what came before it as curves; `order` is that of its columns.

    `length` counts epochs of `run.epochs()`; where the function does not go by it, it is the epoch it reported.
    """

    scores: dict[str, float | None] = field(default_factory=dict)
    undefined: dict[str, str] = field(default_factory=dict)
    predictions: np.ndarray | None = None
    train: float | None = None
    epoch: int = 0
    length: int = 0
    count: int = 0
    kind: str = ""
    order: Sequence[Any] | None = None
    curve: list[tuple[int, float | None]] = field(default_factory=list)
    train_curve: list[tuple[int, float | None]] = field(default_factory=list)
