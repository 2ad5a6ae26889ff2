"""Which batch sizes fit, by doubling, and how many rows a second each gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

LARGEST = 65_536
SLOWEST = 1.0  # seconds of a step, from which on larger batches are forecast and not tried
ENOUGH = 0.95  # of the highest rate


@dataclass(frozen=True)
class Batch:
    """One batch size that fitted.

    Args:
        rows: of the batch.
        rate: rows a second.
        memory: bytes that the training took at most, over what the process had before; None = not known.
    """

    rows: int
    rate: float
    memory: int | None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Feasible:
    """The batch sizes that fit.

    Args:
        batches: from the smallest up.
        ended: why none larger was tried, in words.
        room: bytes that one run may take; None = not known.
    """

    batches: tuple[Batch, ...]
    ended: str
    room: int | None = None

    @property
    def largest(self) -> int | None:
        return self.batches[-1].rows if self.batches else None

    @property
    def enough(self) -> int | None:
        """The smallest that has 95 % of the highest rate."""
        top = max((one.rate for one in self.batches), default=0.0)
        return next((one.rows for one in self.batches if one.rate >= ENOUGH * top), None)

    def to_dict(self) -> dict[str, Any]:
        return {
            "batches": [one.to_dict() for one in self.batches],
            "largest": self.largest,
            "enough": self.enough,
            "ended": self.ended,
            "room": self.room,
        }


class DoesNotFit(Exception):
    """Out of memory, or the process that tried is gone."""


def doubling(
    tries: Callable[[int], tuple[float, int | None]],
    *,
    first: int,
    rows: int | None,
    room: int | None,
    largest: int = LARGEST,
) -> Feasible:
    """Double the batch until it does not fit, would not fit, or makes no sense.

    Args:
        tries: batch -> (rows a second, bytes taken); raises DoesNotFit.
        first: where to begin.
        rows: that there are to train on; None = any number. A batch is never larger.
        room: bytes. A batch that by the last step of memory would need more is not tried at all.

    >>> def tries(batch):
    ...     if batch > 100: raise DoesNotFit("out of memory")
    ...     return 1000.0, None
    >>> found = doubling(tries, first=8, rows=None, room=None)
    >>> found.largest, found.enough, found.ended
    (64, 8, '128 rows do not fit: out of memory')
    """
    found: list[Batch] = []
    size = first if rows is None else min(first, rows)
    while True:
        if found and rows is not None and size > rows:
            return Feasible(tuple(found), f"there are {rows} rows to train on", room)
        if size > largest:
            return Feasible(tuple(found), f"none above {largest:,} was tried", room)
        if room is not None and found and (needed := _needed(found)) > room:
            return Feasible(tuple(found), f"{size:,} rows would need about {needed / 2**30:.1f} GiB", room)
        try:
            rate, memory = tries(size)
        except DoesNotFit as why:
            return Feasible(tuple(found), f"{size:,} rows do not fit: {why}", room)
        if room is not None and memory is not None and memory > room:
            return Feasible(tuple(found), f"{size:,} rows took {memory / 2**30:.1f} GiB, more than a run may", room)
        found.append(Batch(size, rate, memory))
        if rate > 0 and size / rate > SLOWEST:
            return Feasible(tuple(found), f"a step of {size:,} rows takes {size / rate:.1f} s", room)
        size *= 2


def _needed(found: list[Batch]) -> float:
    """Bytes of a batch twice as large as the last, from what the last doubling added; the last's own before that."""
    last, before = found[-1].memory, found[-2].memory if len(found) > 1 else None
    if last is None:
        return 0.0
    return last if before is None else last + 2.0 * max(0, last - before)
