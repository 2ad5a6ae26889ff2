"""Real tables that lie beside the repository; tests that need them say so where they are absent."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

REAL = Path(__file__).parents[3] / "shared" / "data"


def _rows(path: Path, delimiter: str) -> dict[str, np.ndarray]:
    if not path.exists():
        pytest.skip(f"{path.name} does not lie beside the repository")
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", newline="") as file:
        header, *rows = csv.reader(file, delimiter=delimiter)
    return {name: np.array(column) for name, column in zip(header, zip(*rows, strict=True), strict=True)}


@pytest.fixture
def heart() -> dict[str, np.ndarray]:
    """920 patients of four hospitals: columns "site" and "disease" among others."""
    return _rows(REAL / "clinical" / "heart_disease_4sites.csv", ",")


@pytest.fixture
def pmlb() -> Callable[[str], dict[str, np.ndarray]]:
    """A table of the Penn Machine Learning Benchmarks by name; its labels are the column "target"."""
    return lambda name: _rows(REAL / "pmlb" / f"{name}.tsv.gz", "\t")
