"""The locked rows: what may be given, what is refused, and what is divided."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from truing.data.data import Data
from truing.data.lock import lock
from truing.errors import DataError

X = np.arange(400, dtype=np.float32).reshape(200, 2)
Y = np.array(["a"] * 150 + ["b"] * 48 + ["c"] * 2)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_a_share_is_stratified_and_the_same_stream_gives_it_again() -> None:
    locked = lock(Data(X, Y), 0.2, rng(), classification=True)

    assert locked.test is not None
    assert np.array_equal(np.sort(np.concatenate([locked.development, locked.test])), np.arange(200))
    assert {c: int((Y[locked.test] == c).sum()) for c in "abc"} == {"a": 30, "b": 10, "c": 1}
    assert locked.how == "20 % of the rows, stratified by class"
    again, other = (lock(Data(X, Y), 0.2, rng(seed), classification=True).test for seed in (0, 1))
    assert np.array_equal(locked.test, again)  # type: ignore[arg-type]
    assert not np.array_equal(locked.test, other)  # type: ignore[arg-type]


def test_regression_and_no_labels_are_not_stratified() -> None:
    for data in (Data(X, X[:, 0]), Data(X)):
        locked = lock(data, 0.25, rng(), classification=data.y is None)
        assert locked.test is not None
        assert (locked.test.size, locked.how) == (50, "25 % of the rows")


def test_a_hospital_is_locked_away_whole(heart: dict[str, np.ndarray]) -> None:
    data = Data(np.zeros((920, 1)), heart["disease"], groups=heart["site"])

    locked = lock(data, 0.2, rng(), classification=True)

    assert locked.test is not None
    assert not set(heart["site"][locked.test]) & set(heart["site"][locked.development])
    assert locked.how == "about 20 % of the rows in 1 whole group, stratified by class"


@pytest.mark.parametrize(
    "test",
    [
        [5, 3, 199],
        (5, 3, 199),
        np.array([5, 3, 199], dtype=np.uint8),
        np.isin(np.arange(200), [5, 3, 199]),
        np.isin(np.arange(200), [5, 3, 199]).tolist(),
    ],
)
def test_given_rows_are_locked(test: Any) -> None:
    locked = lock(Data(X, Y), test, rng(), classification=True)

    assert locked.test is not None
    assert (locked.test.tolist(), locked.development.size) == ([3, 5, 199], 197)
    assert locked.test.dtype == locked.development.dtype == np.int64


def test_an_official_test_set_leaves_all_rows_for_development() -> None:
    official = Data(X[:120], Y[:120])

    locked = lock(Data(X, Y), official, rng(), classification=True)

    assert locked.official is official
    assert (locked.test, locked.development.size, locked.how) == (
        None,
        200,
        "an official test set of 120 rows",
    )
    assert lock(Data(X, Y), None, rng(), classification=True).how == "no test set"


@pytest.mark.parametrize(
    ("test", "sentence"),
    [
        (1.0, "test=1.0 is no share: give a number between 0 and 1"),
        (0, "test=0 is no share"),
        (-0.2, "test=-0.2 is no share"),
        (50, "test=50 is no share: give a number between 0 and 1, 0.25 for 50 rows"),
        (float("nan"), "is no share"),
        (True, "test=True is no test set"),
        ("0.2", "test='0.2' is no test set: give a share, row positions, a mask, a Data or None."),
        ([], "test names no rows"),
        ([0, 200], "test names row 200, but rows go from 0 to 199."),
        ([-1], "test names row -1"),
        ([3, 4, 3], "test names row 3 more than once"),
        ([0.5, 1.0], "no row positions: give integers"),
        (np.zeros(3, bool), "The mask test has 3 values for 200 rows"),
        (np.zeros(200, bool), "test names 0 of 200 rows: leave rows on both sides."),
        (range(200), "test names 200 of 200 rows"),
        (Data(X[:, :1], Y), r"shape (1,) and those of the data (2,)"),
        (Data(X), "The test set has no y and the data has"),
        (Data(X[:2], ["a", "d"]), "The label 'd' is not among the classes 'a', 'b', 'c'"),
    ],
)
def test_what_cannot_be_locked_is_said_in_one_sentence(test: Any, sentence: str) -> None:
    with pytest.raises(DataError) as caught:
        lock(Data(X, Y), test, rng(), classification=True)

    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_few_rows_and_absent_classes_are_warned_of() -> None:
    warned = lock(Data(X, Y), [0, 1, 198, 199], rng(), classification=True).warnings

    assert [(w.code, w.message) for w in warned] == [
        ("small_test_set", "The test set has only 4 rows: its figures will have wide intervals (under 100)."),
        ("class_missing", "The test set lacks the class 'b'."),
        ("class_missing", "The development rows lack the class 'c'."),
    ]
    assert lock(Data(X, Y), range(100, 200), rng(), classification=False).warnings == ()


def few_groups(groups: Any, test: Any) -> list[str]:
    locked = lock(Data(np.zeros((len(groups), 1)), groups=groups), test, rng(), classification=False)
    return [found.message for found in locked.warnings if found.code == "few_locked_groups"]


def test_few_locked_groups_are_said_and_named() -> None:
    four = np.repeat(["a", "b", "c", "va_long_beach"], 200)

    (one,) = few_groups(four, np.arange(600, 800))
    assert one.startswith(
        "The locked test set is 1 group of 4 (va_long_beach, 200 rows): an interval over groups is impossible; "
    )
    (two,) = few_groups(np.repeat(np.arange(40), 5), np.arange(10))
    assert two.startswith("The locked test set is 2 groups of 40 (0, 1, 10 rows): an interval over groups will be wide")
    (long,) = few_groups(np.repeat(["x" * 50, "y" * 50], 5), np.arange(5))
    assert "(5 rows)" in long
    assert few_groups(np.repeat(np.arange(40), 5), np.arange(25)) == []


def test_few_groups_of_an_official_test_set_are_said() -> None:
    official = Data(np.zeros((6, 1)), groups=[1, 1, 1, 2, 2, 2])
    locked = lock(Data(np.zeros((9, 1)), groups=np.arange(9) + 10), official, rng(), classification=False)

    (found,) = [found for found in locked.warnings if found.code == "few_locked_groups"]
    assert found.message.startswith("The locked test set is 2 groups (1, 2, 6 rows): ")
    assert (found.count, found.rows.tolist()) == (2, [0, 1, 2, 3, 4, 5])
