"""Holdout: its share, repeats and groups; its spread is that of the rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from truing.data.data import Data
from truing.data.outline import Outline
from truing.errors import DataError, UsageError
from truing.record.seeds import stream
from truing.validation.holdout import Holdout


def rng(seed: int = 0) -> np.random.Generator:
    return stream(seed, "test")


def test_each_repeat_is_a_split_of_its_own() -> None:
    replicates = Holdout(0.3, repeats=4).plan({"data": Outline(100)}, rng())

    assert [(r.index, r.repeat, r.fold) for r in replicates] == [(i, i, 0) for i in range(4)]
    assert {(r.train.size, r.valid.size) for r in replicates} == {(70, 30)}  # type: ignore[union-attr]
    assert len({r.valid.tobytes() for r in replicates}) == 4  # type: ignore[union-attr]
    assert len(Holdout(0.3).fresh({"data": Outline(100)}, 7, rng())) == 7


@pytest.mark.parametrize("share", [0.1, 0.2, 1 / 3, 0.5])
def test_spread_is_the_ratio_of_rows(share: float) -> None:
    (replicate,) = Holdout(share).plan({"data": Outline(3000)}, rng())

    assert replicate.train is not None
    assert replicate.valid is not None
    assert Holdout(share).spread == pytest.approx(replicate.valid.size / replicate.train.size, rel=1e-3)


def test_real_classes_keep_their_share(pmlb: Callable[[str], dict[str, np.ndarray]]) -> None:
    quality = pmlb("wine_quality_red")["target"]

    (replicate,) = Holdout(0.2).plan({"data": Data(np.zeros((len(quality), 1)), quality)}, rng())

    for value, count in zip(*np.unique(quality, return_counts=True), strict=True):
        assert abs(int((quality[replicate.valid] == value).sum()) - 0.2 * count) <= 1


def test_hospitals_stay_whole(heart: dict[str, np.ndarray]) -> None:
    data = Data(np.zeros((920, 1)), heart["disease"], groups=heart["site"])

    for replicate in Holdout(0.4, repeats=3).plan({"data": data}, rng()):
        sites = heart["site"]
        assert not set(sites[replicate.train]) & set(sites[replicate.valid])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((0,), "share must lie between 0 and 1, not 0"),
        ((1.0,), "share must lie between 0 and 1, not 1.0"),
        ((20,), "not 20: use for example Holdout(0.2)."),
        (("0.2",), "not '0.2'"),
        ((float("nan"),), "not nan"),
        ((0.2, 0), "repeats must be a whole number of at least 1"),
    ],
)
def test_settings_out_of_range_are_refused(arguments: tuple[Any, ...], sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        Holdout(*arguments)

    assert sentence in str(caught.value)


def test_data_that_cannot_be_split_is_refused() -> None:
    with pytest.raises(DataError, match="All rows are in one group"):
        Holdout().plan({"data": Outline(9, group_labels=np.ones(9))}, rng())
    with pytest.raises(DataError, match="1 row cannot be split in two"):
        Holdout().plan({"data": Outline(1)}, rng())
    with pytest.raises(DataError, match="Holdout divides the rows of one dataset and was given 0"):
        Holdout().plan({}, rng())


def test_a_class_of_one_row_trains_and_is_named() -> None:
    labels = np.array(["a"] * 9 + ["b"])

    (replicate,) = Holdout(0.2).plan({"data": Outline(10, labels)}, rng())

    assert replicate.train is not None
    assert 9 in replicate.train
    assert Holdout(0.2).notes({"data": Outline(10, labels)}) == [
        "The class 'b' has only 1 row for 2 parts, so some part lacks it and figures there may be undefined."
    ]


def test_it_is_stored_by_name() -> None:
    assert Holdout(0.2).to_dict() == {"name": "holdout", "share": 0.2, "repeats": 1}
