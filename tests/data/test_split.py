"""Divisions of rows against counting by hand, against scikit-learn's splitters, and on real tables."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from truing.data.split import folds_of_groups, folds_of_rows, share_of_groups, share_of_rows
from truing.errors import DataError

strata_of = st.lists(st.integers(0, 5), min_size=2, max_size=60).map(
    lambda values: np.unique(np.array(values), return_inverse=True)[1]
)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@settings(max_examples=150, deadline=None)
@given(strata=strata_of, share=st.floats(0.05, 0.95), seed=st.integers(0, 99))
def test_a_share_holds_each_class_within_one_row(strata: np.ndarray, share: float, seed: int) -> None:
    rows = share_of_rows(len(strata), share, strata, rng(seed))

    sizes = np.bincount(strata)
    taken = np.bincount(strata[rows], minlength=len(sizes))
    assert np.array_equal(rows, np.unique(rows))
    assert 0 < len(rows) < len(strata)
    if (sizes >= 2).any():
        assert (np.abs(taken - share * sizes) <= 1 + 1e-9).all()
        assert (taken[sizes >= 2] >= 1).all()
        assert (taken[sizes >= 2] < sizes[sizes >= 2]).all()


@settings(max_examples=150, deadline=None)
@given(strata=strata_of, k=st.integers(2, 7), seed=st.integers(0, 99))
def test_folds_differ_by_one_row_in_all_and_in_each_class(strata: np.ndarray, k: int, seed: int) -> None:
    if k > len(strata):
        with pytest.raises(DataError, match="rows cannot fill"):
            folds_of_rows(len(strata), k, strata, rng(seed))
        return

    fold = folds_of_rows(len(strata), k, strata, rng(seed))

    assert np.ptp(np.bincount(fold, minlength=k)) <= 1
    for code in np.unique(strata):
        assert np.ptp(np.bincount(fold[strata == code], minlength=k)) <= 1


@settings(max_examples=150, deadline=None)
@given(
    groups=st.lists(st.integers(0, 12), min_size=2, max_size=60),
    k=st.integers(2, 6),
    share=st.floats(0.05, 0.95),
    seed=st.integers(0, 99),
)
def test_groups_stay_whole_and_no_part_is_empty(groups: list[int], k: int, share: float, seed: int) -> None:
    codes = np.unique(np.array(groups), return_inverse=True)[1]
    strata = rng(seed).integers(0, 3, len(codes))
    count = codes.max() + 1

    if count < k:
        with pytest.raises(DataError, match=f"{count} groups cannot fill {k} folds: use at most {count} folds"):
            folds_of_groups(codes, k, strata, rng(seed))
    else:
        fold = folds_of_groups(codes, k, strata, rng(seed))
        assert all(len(np.unique(fold[codes == group])) == 1 for group in range(count))
        assert np.bincount(fold, minlength=k).min() > 0
    if count < 2:
        with pytest.raises(DataError, match="All rows are in one group"):
            share_of_groups(codes, share, strata, rng(seed))
    else:
        rows = share_of_groups(codes, share, strata, rng(seed))
        assert 0 < len(rows) < len(codes)
        assert not set(codes[rows]) & set(np.delete(codes, rows))


def test_every_row_is_as_likely_as_any_other_to_be_taken() -> None:
    """2,000 draws of 4 of 20 rows: each count is binomial with mean 400 and sd 17.9."""
    strata = np.repeat([0, 1], [15, 5])
    counts = np.zeros(20)
    dealt = np.zeros((20, 5))
    stream = rng(1)
    for _ in range(2000):
        counts[share_of_rows(20, 0.2, strata, stream)] += 1
        dealt[np.arange(20), folds_of_rows(20, 5, strata, stream)] += 1

    assert np.abs(counts - 400).max() < 4.5 * 17.9
    assert np.abs(dealt - 400).max() < 4.5 * 17.9


def test_rows_are_drawn_independently_of_their_order() -> None:
    """Neighbours in a class share a fold one time in k, not never: (5 - 1) / (25 - 1) here."""
    together = sum(len(np.unique(folds_of_rows(25, 5, None, rng(seed))[[3, 4]])) == 1 for seed in range(2000)) / 2000

    assert abs(together - 4 / 24) < 4.5 * np.sqrt(4 / 24 * 20 / 24 / 2000)


def unevenness(fold: np.ndarray, strata: np.ndarray, k: int) -> float:
    """Mean over the classes of the standard deviation of their shares over the folds."""
    shares = [np.bincount(fold[strata == c], minlength=k) / (strata == c).sum() for c in np.unique(strata)]
    return float(np.mean([np.std(share) for share in shares]))


@pytest.mark.parametrize("name", ["hypothyroid", "wine_quality_red", "vowel"])
def test_real_classes_are_as_even_as_in_scikit_learn(name: str, pmlb: Callable[[str], dict[str, np.ndarray]]) -> None:
    strata = np.unique(pmlb(name)["target"], return_inverse=True)[1]
    theirs = np.empty(len(strata), dtype=int)
    for number, (_, valid) in enumerate(StratifiedKFold(5, shuffle=True, random_state=0).split(strata, strata)):
        theirs[valid] = number

    fold = folds_of_rows(len(strata), 5, strata, rng())

    assert unevenness(fold, strata, 5) == pytest.approx(unevenness(theirs, strata, 5), abs=1e-12)


def test_real_groups_are_as_even_as_in_scikit_learn(
    pmlb: Callable[[str], dict[str, np.ndarray]],
) -> None:
    """`vowel` is grouped by speaker; the median of 20 divisions is at most a tenth less even than theirs."""
    table = pmlb("vowel")
    speakers = np.unique(table["Speaker Number"], return_inverse=True)[1]
    strata = np.unique(table["target"], return_inverse=True)[1]
    patients = rng(5).integers(0, 120, 600)  # and unequal groups of unequal classes
    outcome = (rng(6).random(600) < 0.1 + 0.5 * (patients % 3 == 0)).astype(int)

    for groups, classes in ((speakers, strata), (patients, outcome)):
        ours, theirs = [], []
        for seed in range(20):
            ours.append(unevenness(folds_of_groups(groups, 5, classes, rng(seed)), classes, 5))
            fold = np.empty(len(groups), dtype=int)
            splitter = StratifiedGroupKFold(5, shuffle=True, random_state=seed)
            for number, (_, valid) in enumerate(splitter.split(classes, classes, groups)):
                fold[valid] = number
            theirs.append(unevenness(fold, classes, 5))
        assert np.median(ours) <= 1.1 * np.median(theirs) + 1e-12


def test_four_hospitals_are_four_folds(heart: dict[str, np.ndarray]) -> None:
    sites = np.unique(heart["site"], return_inverse=True)[1]
    strata = np.unique(heart["disease"], return_inverse=True)[1]

    fold = folds_of_groups(sites, 4, strata, rng())

    assert sorted(np.bincount(fold).tolist()) == [123, 200, 294, 303]
    rows = share_of_groups(sites, 0.2, strata, rng())
    assert len(np.unique(sites[rows])) == 1
    assert len(rows) in (123, 200)


def test_a_share_of_many_groups_is_near_the_share() -> None:
    groups = np.repeat(np.arange(80), rng(3).integers(1, 9, 80))
    strata = rng(4).integers(0, 2, len(groups))

    for share in (0.1, 0.3, 0.5):
        rows = share_of_groups(groups, share, strata, rng())
        assert abs(len(rows) / len(groups) - share) < 0.02
        assert abs(strata[rows].mean() - strata.mean()) < 0.03


def test_one_row_cannot_be_divided() -> None:
    with pytest.raises(DataError, match="1 row cannot be split in two"):
        share_of_rows(1, 0.2, None, rng())


def test_classes_of_one_row_are_divided_all_the_same() -> None:
    rows = share_of_rows(5, 0.4, np.arange(5), rng())

    assert len(rows) == 2
