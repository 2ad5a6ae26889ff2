"""K-fold: order, sizes, groups and small classes; on real tables and through torch's DataLoader."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from truing.data.data import Data
from truing.data.outline import Outline
from truing.errors import DataError, UsageError
from truing.record.seeds import stream
from truing.validation.kfold import KFold


def rng(seed: int = 0) -> np.random.Generator:
    return stream(seed, "test")


def test_replicates_come_in_buying_order() -> None:
    replicates = KFold(3, repeats=2).plan({"digits": Outline(9)}, rng())

    order = [(r.index, r.repeat, r.fold, r.dataset) for r in replicates]
    assert order == [(i, i // 3, i % 3, "digits") for i in range(6)]
    assert [r.valid.size for r in replicates] == [3] * 6  # type: ignore[union-attr]
    first, second = ({tuple(r.valid) for r in replicates if r.repeat == k} for k in (0, 1))  # type: ignore[arg-type]
    assert first != second


@pytest.mark.parametrize("n", [1, 5, 6, 10])
def test_fresh_replicates_are_bought_in_whole_repeats(n: int) -> None:
    replicates = KFold(5, repeats=3).fresh({"data": Outline(20)}, n, rng())

    assert len(replicates) == -(-n // 5) * 5
    assert [r.repeat for r in replicates] == [i // 5 for i in range(len(replicates))]


def test_block_and_spread_follow_the_folds() -> None:
    assert (KFold(5, repeats=2).block, KFold(5).spread, KFold(2).spread) == (5, 0.25, 1.0)


def test_hospitals_are_left_out_one_by_one(heart: dict[str, np.ndarray]) -> None:
    data = Data(np.zeros((920, 1)), heart["disease"], groups=heart["site"])

    replicates = KFold(4).plan({"data": data}, rng())

    left_out = [np.unique(heart["site"][r.valid]).tolist() for r in replicates]
    assert sorted(left_out) == [["cleveland"], ["hungarian"], ["switzerland"], ["va_long_beach"]]
    with pytest.raises(
        DataError, match=r"4 groups are all there are, too few for 5 folds: use validation=tr.KFold\(4\)"
    ):
        KFold(5).plan({"data": data}, rng())


def test_a_rare_class_keeps_its_share_in_each_fold(pmlb: Callable[[str], dict[str, np.ndarray]]) -> None:
    target = pmlb("hypothyroid")["target"]
    values, counts = np.unique(target, return_counts=True)
    rare = values[counts.argmin()]

    replicates = KFold(10).plan({"data": Data(np.zeros((len(target), 1)), target)}, rng())

    there = [int((target[r.valid] == rare).sum()) for r in replicates]
    assert set(there) == {counts.min() // 10, counts.min() // 10 + 1}


def test_floats_are_dealt_without_classes() -> None:
    """With y that is 20 values twice, stratifying would part the twins; at random some meet."""
    y = np.repeat(np.arange(20.0), 2)

    valid = KFold(2).plan({"data": Data(np.zeros((40, 1)), y)}, rng())[0].valid

    assert max(np.unique(y[valid], return_counts=True)[1]) == 2
    stratified = KFold(2).plan({"data": Outline(40, y)}, rng())[0].valid
    assert max(np.unique(y[stratified], return_counts=True)[1]) == 1


def test_a_class_that_is_too_small_is_dealt_and_named() -> None:
    labels = np.array(["a"] * 17 + ["b"] * 3 + ["c"])
    data = {"data": Outline(21, labels)}

    replicates = KFold(5).plan(data, rng())

    assert sum((labels[r.valid] == "b").any() for r in replicates) == 3
    notes = KFold(5).notes(data)
    assert [note.split(",")[0] for note in notes] == [
        "The class 'b' has only 3 rows for 5 parts",
        "The class 'c' has only 1 row for 5 parts",
    ]
    grouped = {"data": Outline(21, labels, np.arange(21) // 7)}
    assert KFold(3).notes(grouped)[0].startswith("The class 'b' has only 1 group for 3 parts")
    assert KFold(5).notes({"data": Outline(21)}) == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((1,), "folds must be a whole number of at least 2, not 1"),
        ((5.0,), "folds must be a whole number of at least 2, not 5.0"),
        ((True,), "folds must be a whole number"),
        (("5",), "not '5'"),
        ((5, 0), "repeats must be a whole number of at least 1, not 0"),
    ],
)
def test_settings_out_of_range_are_refused(arguments: tuple[Any, ...], sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        KFold(*arguments)

    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"data": Outline(4)}, "4 rows cannot fill 5 folds: use at most 4 folds."),
        ({}, "KFold divides the rows of one dataset and was given 0: use Seeds(n) without data."),
        ({"a": Outline(9), "b": Outline(9)}, "was given 2: give one."),
    ],
)
def test_data_that_cannot_be_dealt_is_refused(data: Mapping[str, Outline], sentence: str) -> None:
    with pytest.raises(DataError) as caught:
        KFold(5).plan(data, rng())

    assert sentence in str(caught.value)


def test_it_is_stored_by_name() -> None:
    assert KFold(5, repeats=2).to_dict() == {"name": "kfold", "folds": 5, "repeats": 2}


def test_a_dataset_is_planned_unread_and_loaded_by_its_rows() -> None:
    torch = pytest.importorskip("torch")
    read: list[int] = []

    class Images(torch.utils.data.Dataset):  # type: ignore[misc, name-defined]
        def __len__(self) -> int:
            return 30

        def __getitem__(self, row: int) -> Any:
            read.append(row)
            return torch.full((1, 2, 2), float(row)), row % 3

    data = Data(Images(), y=[row % 3 for row in range(30)])

    replicate = KFold(5).plan({"data": data}, rng())[0]
    assert read == []
    assert replicate.valid is not None
    loader = torch.utils.data.DataLoader(data.take(replicate.valid).dataset(), batch_size=4)
    images = torch.cat([x for x, _ in loader])[:, 0, 0, 0]
    assert images.tolist() == replicate.valid.tolist() == read
    assert np.bincount(replicate.valid % 3).tolist() == [2, 2, 2]


@pytest.mark.parametrize(
    ("left", "message"),
    [
        ("abc", "3 groups are left (1 of 4 is locked by test=), too few for 5 folds: use validation=tr.KFold(3)."),
        ("a", "1 group is left (3 of 4 are locked by test=), too few for 5 folds: give finer groups."),
        ("abcd", "4 groups are all there are, too few for 5 folds: use validation=tr.KFold(4)."),
    ],
)
def test_too_few_groups_are_counted_before_and_after_the_locked_ones(left: str, message: str) -> None:
    groups = np.repeat(list("abcd"), 5)
    outline = Data(np.zeros((20, 1)), groups=groups).outline(np.flatnonzero(np.isin(groups, list(left))))

    with pytest.raises(DataError) as caught:
        KFold(5).plan({"data": outline}, rng())

    assert str(caught.value) == message
