"""What names several datasets, and what does not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from truing.data.data import Data
from truing.data.several import datasets_of, refuse_same
from truing.errors import DataError

ONE, OTHER = Data(np.zeros((3, 1)), [0, 1, 0]), Data(np.ones((3, 1)), [0, 1, 0])


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "names no dataset"),
        ({"a": ONE}, "give it alone"),
        ({"a": ONE, "b": np.zeros(3)}, r"data\['b'\] must be a tr.Data"),
        ({"a/b": ONE, "b": OTHER}, "cannot be a folder's"),
        ({"..": ONE, "b": OTHER}, "cannot be a folder's"),
        ({"": ONE, "b": OTHER}, "cannot be a folder's"),
        ({"a b": ONE, "b": OTHER}, "cannot be a folder's"),
        ({"a" * 41: ONE, "b": OTHER}, "cannot be a folder's"),
        ({1: ONE, "b": OTHER}, "cannot be a folder's"),
        ({"A": ONE, "a": OTHER}, "differ in case alone"),
    ],
)
def test_refused(given: Any, words: str) -> None:
    with pytest.raises(DataError, match=words):
        datasets_of(given)


def test_the_order_is_kept_and_a_data_is_no_mapping() -> None:
    assert [one.name for one in datasets_of({"b": ONE, "a": OTHER})] == ["b", "a"]
    assert datasets_of(ONE) == datasets_of(None) == ()


def test_the_same_rows_under_two_names_are_refused() -> None:
    again = Data(np.zeros((3, 1)), [0, 1, 0], groups=[1, 2, 3])

    with pytest.raises(DataError, match="'a' and 'c' have the same rows"):
        refuse_same(datasets_of({"a": ONE, "b": OTHER, "c": again}))
