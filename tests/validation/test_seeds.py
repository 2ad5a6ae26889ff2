"""Seeds: runs that differ in their seed alone, with and without data."""

from __future__ import annotations

import numpy as np
import pytest

from truing.data.data import Data
from truing.errors import DataError, UsageError
from truing.record.interfaces import ScoreTable
from truing.record.seeds import stream
from truing.validation.seeds import Seeds


def rng(seed: int = 0) -> np.random.Generator:
    return stream(seed, "test")


def test_without_data_there_are_no_rows() -> None:
    replicates = Seeds(3).plan({}, rng())

    assert [(r.index, r.repeat, r.train, r.valid) for r in replicates] == [(i, i, None, None) for i in range(3)]
    assert len(Seeds(3).fresh({}, 10, rng())) == 12
    assert (Seeds(3).block, Seeds(3).spread, Seeds(3).notes({})) == (3, 0.0, [])


def test_with_data_all_seeds_share_one_split() -> None:
    data = {"data": Data(np.zeros((50, 1)), ["a", "b"] * 25)}

    planned, fresh = Seeds(4).plan(data, rng()), Seeds(4).fresh(data, 4, rng(1))

    assert len({r.valid.tobytes() for r in planned}) == 1  # type: ignore[union-attr]
    assert planned[0].valid is not None
    assert planned[0].valid.size == 10
    assert planned[0].valid.tobytes() != fresh[0].valid.tobytes()  # type: ignore[union-attr]
    assert Seeds(4).notes(data) == []


def test_a_failed_seed_is_not_averaged_away() -> None:
    assert Seeds(2).estimate(ScoreTable({0: [1.0, None]}))[0].value is None


@pytest.mark.parametrize("n", [0, -1, 2.0, True, "3"])
def test_n_out_of_range_is_refused(n: object) -> None:
    with pytest.raises(UsageError, match="n must be a whole number of at least 1"):
        Seeds(n)  # type: ignore[arg-type]


def test_several_datasets_are_refused() -> None:
    data = Data(np.zeros((5, 1)))

    with pytest.raises(DataError, match="Seeds divides the rows of one dataset and was given 2"):
        Seeds(2).plan({"a": data, "b": data}, rng())


def test_it_is_stored_by_name() -> None:
    assert Seeds(5).to_dict() == {"name": "seeds", "n": 5}
