"""Duplicates against a comparison of all pairs, and groups on both sides."""

from __future__ import annotations

import numpy as np
import pytest

from truing.data import duplicates as module
from truing.data.data import Data
from truing.data.duplicates import duplicates

DEV, TEST = "development rows", "locked test set"


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64", "bool", "<U3"])
@pytest.mark.parametrize("shape", [(1,), (3,), (2, 5)])
def test_the_same_rows_as_comparing_all_pairs(dtype: str, shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 3, (300, *shape)).astype(dtype)
    x[:150] = x[rng.integers(150, 300, 150)] if np.prod(shape) > 5 else x[:150]
    order = rng.permutation(300)
    dev, test = order[:200], order[200:]
    flat = x.reshape(300, -1)
    expected = {int(t) for t in test if any(np.array_equal(flat[t], flat[d]) for d in dev)}

    found = duplicates(Data(x), {DEV: dev, TEST: test})

    assert expected
    assert {int(row) for finding in found for row in finding.rows} == expected
    assert [(f.code, f.count) for f in found] == [("duplicates", len(expected))]
    plural = f"{len(expected)} rows of the locked test set are exact copies of development rows."
    assert len(expected) == 1 or found[0].message == plural


def test_rows_that_differ_in_one_bit_are_not_copies() -> None:
    x = np.zeros((2, 1000), np.float64)
    x[1, 999] = np.nextafter(0, 1)

    assert duplicates(Data(x), {DEV: np.array([0]), TEST: np.array([1])}) == []


def test_equal_hashes_alone_are_no_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a hash that is the same for all rows the comparison of the rows still decides."""
    monkeypatch.setattr(module, "_hashes", lambda array, rows, dtype: np.zeros(len(rows), np.uint64))
    x = np.array([[1], [2], [1]])

    found = duplicates(Data(x), {DEV: np.array([0, 1]), TEST: np.array([2])})

    assert [finding.rows.tolist() for finding in found] == [[2]]


def test_permuted_columns_and_swapped_words_hash_apart() -> None:
    """A plain sum of words would confuse these."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 2**62, (2000, 4))
    both = np.concatenate([x, x[:, ::-1], np.roll(x, 1, axis=1)])

    hashes = module._hashes(both, np.arange(len(both)), both.dtype)

    assert len(np.unique(hashes)) == len(both)


def test_small_integers_as_floats_hash_apart() -> None:
    """Images as floats differ in few bits; 60,000 distinct rows have 60,000 distinct hashes."""
    x = np.unique(np.random.default_rng(0).integers(0, 17, (60_000, 16)), axis=0).astype(np.float32)

    assert len(np.unique(module._hashes(x, np.arange(len(x)), x.dtype))) == len(x)


def test_an_official_set_of_another_type_is_compared_by_value() -> None:
    official = Data(np.array([[5.0, 6.0], [1.0, 2.0]], np.float64))
    data = Data(np.array([[1, 2], [3, 4]], np.float32))

    (found,) = duplicates(data, {DEV: np.arange(2)}, {"official test set": official})

    assert found.rows.tolist() == [1]
    assert found.message == "1 row of the official test set is an exact copy of development rows."


def test_groups_on_both_sides_are_named() -> None:
    data = Data(np.arange(6.0).reshape(6, 1), groups=[1, 1, 12, 12, 3, 3])
    official = Data(np.arange(10.0, 12.0).reshape(2, 1), groups=[12, 99])

    found = duplicates(data, {DEV: np.array([0, 2, 4]), TEST: np.array([1, 5])}, {"official test set": official})

    assert [(f.code, f.message, f.count, f.rows.tolist()) for f in found] == [
        (
            "groups_on_both_sides",
            "2 groups (1, 3) are on both sides: in development rows and in the locked test set.",
            2,
            [1, 5],
        ),
        (
            "groups_on_both_sides",
            "Group 12 is on both sides: in development rows and in the official test set.",
            1,
            [0],
        ),
    ]
    assert found[0].to_dict().keys() == {"code", "message"}


def test_a_dataset_is_not_searched_and_that_is_said() -> None:
    class Unread:
        def __len__(self) -> int:
            return 4

        def __getitem__(self, row: int) -> None:
            raise RuntimeError("read")

    found = duplicates(Data(Unread(), groups=[1, 2, 2, 3]), {DEV: np.array([0, 1]), TEST: np.array([2, 3])})

    assert [f.code for f in found] == ["duplicates_not_sought", "groups_on_both_sides"]


def test_tensors_are_searched_too() -> None:
    torch = pytest.importorskip("torch")
    x = torch.tensor([[1.5], [2.5], [1.5]], dtype=torch.bfloat16)

    (found,) = duplicates(Data(x), {DEV: np.array([0, 1]), TEST: np.array([2])})

    assert found.rows.tolist() == [2]


def test_one_part_alone_has_nothing_to_find() -> None:
    assert duplicates(Data(np.zeros((3, 1))), {DEV: np.arange(3)}) == []


@pytest.mark.parametrize(("own", "other"), [("float64", "float32"), ("float32", "float64"), ("float64", "float16")])
def test_the_same_rows_in_a_narrower_dtype_are_copies(own: str, other: str) -> None:
    x = np.random.default_rng(0).standard_normal((50, 3))
    x[40] = 1e30  # which float16 does not hold
    data, official = Data(x.astype(own)), Data(x[10:20].astype(other))

    (found,) = duplicates(data, {DEV: np.arange(50)}, {TEST: official})

    assert (found.code, found.count) == ("duplicates", 10)


def test_fractions_are_not_cut_down_to_whole_numbers() -> None:
    data, official = Data(np.arange(6).reshape(3, 2)), Data(np.arange(6).reshape(3, 2) + 0.25)

    assert duplicates(data, {DEV: np.arange(3)}, {TEST: official}) == []
