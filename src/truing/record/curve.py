"""The learning curve of a run, small in memory: a study of 10,000 trials has a million points."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, overload

from truing.errors import JournalError
from truing.record.events import decode

Point = tuple[int, float | None]
_KEY = ',"curve":'


class Curve(Sequence[Point]):
    """(epoch, primary score) of each report, in order; a score is None where it is undefined.

    Eight bytes a point where the epochs follow each other. One made of a journal's text is read when somebody looks.

    >>> curve = Curve([(1, 0.5), (2, None)])
    >>> curve[-1], list(curve), curve == ((1, 0.5), (2, None))
    ((2, None), [(1, 0.5), (2, None)], True)
    """

    __slots__ = ("_epochs", "_scores")

    _epochs: Sequence[int]
    _scores: array[float] | str

    def __init__(self, points: Iterable[Sequence[Any]] = ()) -> None:
        self._take(points)

    @classmethod
    def of_text(cls, text: str) -> Curve:
        """The curve that a journal wrote as `text`."""
        new = cls.__new__(cls)
        new._epochs, new._scores = (), text
        return new

    def _take(self, points: Iterable[Sequence[Any]]) -> array[float]:
        pairs = list(points)
        epochs = [epoch for epoch, _ in pairs]
        scores = array("d", [math.nan if score is None else score for _, score in pairs])  # NaN is never a score
        self._epochs, self._scores = _epochs(epochs), scores
        return scores

    def _read(self) -> array[float]:
        if not isinstance(self._scores, str):
            return self._scores
        try:
            return self._take(decode(self._scores))
        except (LookupError, OverflowError, RecursionError, TypeError, ValueError) as error:
            raise JournalError(
                f"A learning curve in the journal cannot be read ({error}): put back a copy of the study's folder."
            ) from error

    def __len__(self) -> int:
        return len(self._read())

    def __iter__(self) -> Iterator[Point]:
        scores = self._read()
        for epoch, score in zip(self._epochs, scores, strict=True):
            yield epoch, None if math.isnan(score) else score

    @overload
    def __getitem__(self, place: int) -> Point: ...
    @overload
    def __getitem__(self, place: slice) -> Curve: ...
    def __getitem__(self, place: int | slice) -> Point | Curve:
        if isinstance(place, slice):
            return Curve(tuple(self)[place])
        score = self._read()[place]
        return self._epochs[place], None if math.isnan(score) else score

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, str):
            return NotImplemented
        return tuple(self) == tuple(tuple(point) if isinstance(point, list) else point for point in other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return repr(tuple(self))

    def __reduce__(self) -> tuple[Any, ...]:
        return Curve, (tuple(self),)


def parted(text: str) -> tuple[str, Curve] | None:
    """The text of a `finished` event without its curve, and the curve; None without one.

    In JSON no string holds the key unescaped, so what is found is the key.

    >>> parted('{"run":3,"curve":[[1,0.5],[2,0.25]],"epochs":2}')
    ('{"run":3,"epochs":2}', ((1, 0.5), (2, 0.25)))
    """
    start = text.find(_KEY + "[[")
    end = text.find("]]", start)
    if start < 0 or end < 0:
        return None
    return text[:start] + text[end + 2 :], Curve.of_text(text[start + len(_KEY) : end + 2])


def _epochs(epochs: list[int]) -> Sequence[int]:
    first = epochs[0] if epochs else 1
    following = _range(first, first + len(epochs))
    return following if all(a == b for a, b in zip(epochs, following, strict=True)) else array("q", epochs)


@lru_cache(maxsize=64)
def _range(first: int, end: int) -> range:
    return range(first, end)
