"""Held-out rows reach no run, whatever asks for them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from truing.errors import TruingError
from truing.execution.fence import Fence
from truing.record.interfaces import RunSpec


class Notes:
    """An executor that notes what it is to start."""

    def __init__(self) -> None:
        self.started: list[int] = []

    def start(self, runs: Any) -> None:
        self.started += [spec.run for spec in runs]


def spec(run: int, purpose: str = "search", **rows: Any) -> RunSpec:
    made = {name: np.array(value) if isinstance(value, list) else value for name, value in rows.items()}
    return RunSpec(run, 0, purpose, {}, 0, **made)


@pytest.mark.parametrize(
    "refused",
    [
        spec(7, train=[1, 2, 50], valid=[3]),
        spec(7, train=[1, 2], valid=[3, 51]),
        spec(7, train=[1, 2], valid=[3], locked=[50, 51]),  # a search run is given nothing to predict
        spec(7, "outer", train=[1, 2], locked=[50, 60]),  # row 60 is locked for the verdict
        spec(7, "outer", train=[1, 50], locked=[51]),
        spec(7, "outer", train=[1, 2], locked=[50], locked_in="test"),
    ],
)
def test_a_run_with_a_held_out_row_is_refused_and_no_other_of_its_batch_starts(refused: RunSpec) -> None:
    inner = Notes()
    fence = Fence(inner, np.array([50, 51, 60]), np.array([50, 51]), "outer")  # type: ignore[arg-type]

    with pytest.raises(TruingError, match="Run 7"):
        fence.start([spec(6, train=[1]), refused])

    assert inner.started == []


def test_all_others_pass() -> None:
    inner = Notes()
    fence = Fence(inner, np.array([50, 51, 60]), np.array([50, 51]), "outer")  # type: ignore[arg-type]

    fence.start(
        [spec(1, train=[1, 2], valid=[3]), spec(2, "outer", train=[1, 2, 3], valid=[3], locked=[50, 51]), spec(3)]
    )

    assert inner.started == [1, 2, 3]
