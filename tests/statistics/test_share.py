import numpy as np
import pytest

from truing.statistics.share import as_if_one_row_each, share


def test_without_groups_it_solves_the_score_equation():
    found = share(np.repeat([True, False], [7, 13]), rng=np.random.default_rng(0))
    for end in (found.low, found.high):  # |p - end| = 1.96 standard errors at the end itself
        assert abs(0.35 - end) == pytest.approx(1.959964 * np.sqrt(end * (1 - end) / 20), rel=1e-5)


def test_by_groups_it_covers_where_rows_alone_do_not():
    rng, by_rows, by_groups = np.random.default_rng(1), 0, 0
    for _ in range(150):
        rates = rng.beta(2, 2, 40)  # groups differ much; the mean is 0.5
        groups = np.repeat(np.arange(40), 10)
        hits = rng.random(400) < rates[groups]
        alone, together = share(hits, rng=rng), share(hits, rng=rng, groups=groups)
        by_rows += alone.low <= 0.5 <= alone.high
        by_groups += together.low <= 0.5 <= together.high
    assert by_rows < 120
    assert by_groups > 132


def test_groups_that_all_agree_count_as_one_row_each():
    groups = np.repeat(np.arange(6), 5)
    found = share(np.ones(30, dtype=bool), rng=np.random.default_rng(0), groups=groups)
    assert (found.low, found.high) == (share(np.ones(6, dtype=bool), rng=np.random.default_rng(0)).low, 1.0)
    assert found.method == "Wilson, each group as one row"
    assert as_if_one_row_each(1.0, 6).low == found.low


def test_one_group_has_no_interval_and_says_why() -> None:
    found = share(np.array([True, True, False]), rng=np.random.default_rng(0), groups=np.array(["a", "a", "a"]))
    assert found.value is not None
    assert found.low is None
    assert "fewer than two groups" in str(found.reason)
