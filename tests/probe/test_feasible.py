"""Doubling the batch: against a machine whose memory is known."""

from __future__ import annotations

import pytest

from truing.probe.feasible import SLOWEST, DoesNotFit, doubling


@pytest.mark.parametrize(("base", "each", "room"), [(0, 100, 10_000), (500, 7, 4_000), (10, 1, 12), (0, 3, 99_999)])
def test_memory_is_never_asked_for_that_is_not_there(base: int, each: int, room: int) -> None:
    asked = []

    def tries(size: int) -> tuple[float, int]:
        asked.append(size)
        return 1e9, base + each * size

    found = doubling(tries, first=1, rows=None, room=room)

    fits = [2**power for power in range(17) if base + each * 2**power <= room]
    assert asked == fits
    assert found.largest == fits[-1]


def test_a_batch_is_never_larger_than_the_rows() -> None:
    found = doubling(lambda size: (1e9, None), first=32, rows=100, room=None)

    assert [one.rows for one in found.batches] == [32, 64]
    assert found.ended == "there are 100 rows to train on"
    assert doubling(lambda size: (1e9, None), first=32, rows=10, room=None).largest == 10


def test_it_ends_where_it_does_not_fit() -> None:
    def tries(size: int) -> tuple[float, None]:
        if size > 64:
            raise DoesNotFit("its process was ended by SIGKILL")
        return 1e9, None

    found = doubling(tries, first=32, rows=None, room=None)

    assert found.largest == 64
    assert found.ended == "128 rows do not fit: its process was ended by SIGKILL"


def test_it_ends_where_a_step_takes_too_long_or_nothing_fits() -> None:
    slow = doubling(lambda size: (100 / SLOWEST, None), first=64, rows=None, room=None)

    def never(size: int) -> tuple[float, None]:
        raise DoesNotFit("out of memory")

    assert [one.rows for one in slow.batches] == [64, 128]
    assert (doubling(never, first=32, rows=None, room=None).largest, slow.enough) == (None, 64)


def test_enough_is_the_smallest_within_five_percent() -> None:
    rates = {1: 50.0, 2: 94.0, 4: 96.0, 8: 100.0, 16: 97.0}

    found = doubling(lambda size: (rates[size], None), first=1, rows=16, room=None)

    assert found.enough == 4
