"""Grid search: every combination of a few values of each parameter, once, in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

from truing.arguments import spelled_class
from truing.errors import UsageError
from truing.record.history import History
from truing.space.combinations import Combinations
from truing.space.configuration import Configuration
from truing.space.space import Space

if TYPE_CHECKING:  # numpy loads numpy.random on first use; importing it here would slow every start
    from numpy.random import Generator

_FEW = 32  # combinations that are looked through each time


@spelled_class(", as in GridSearch(points=3)")
@dataclass(frozen=True)
class GridSearch:
    """Every combination of `points` values a parameter, the first parameter changing slowest.

    A `Float` takes `points` values, evenly spaced on its scale and with both ends; an `Int`, or a `Float`
    with a step, takes all its values if at most `points`, else `points`; a `Choice` takes all its options.
    Inactive parameters do not multiply the grid.

    Args:
        points: values a number, at least 2.

    Raises:
        UsageError: points is no whole number or less than 2.

    >>> from truing.space.parameter import Choice, Float
    >>> space = Space(
    ...     optimizer=Choice(["sgd", "adam"]),
    ...     momentum=Float(0.0, 0.9, when={"optimizer": "sgd"}),
    ...     learning_rate=Float(1e-4, 1e-2, log=True),
    ... )
    >>> GridSearch(points=3).trials(space)  # 3 x 3 with sgd, 3 with adam; the defaults are among them
    12
    """

    points: int = 5

    adaptive: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if not isinstance(self.points, int) or isinstance(self.points, bool) or self.points < 2:
            raise UsageError(f"GridSearch needs at least 2 points, both ends of a range, but points={self.points!r}.")

    def suggest(self, view: History, rng: Generator) -> Configuration | None:
        """The first combination that is not yet a trial; None when there is none left."""
        space = view.space
        grid, defaults = _grid(space, self.points)
        total = int(grid.count)
        for rank in range(_start(view, grid, defaults), total):
            config = space.at(grid, rank)
            if not view.used(config.key):
                return config
        for rank in range(total):  # none follows: trials of another searcher may have left a gap before
            config = space.at(grid, rank)
            if not view.used(config.key):
                return config
        return None

    def trials(self, space: Space, before: Sequence[Configuration] = ()) -> int:
        """The exact number of trials of the whole grid, the trial with the defaults included.

        Args:
            before: what is a trial already; of it, what lies off the grid comes on top.
        """
        grid, defaults = _grid(space, self.points)
        if not before:
            return int(grid.count) + (1 if defaults is None else 0)
        return int(grid.count) + sum(grid.rank(config) is None for config in before)


def _start(view: History, grid: Combinations, defaults: int | None) -> int:
    """A number before which no combination is left.

    While the trials are the defaults and then the grid in order, their number says it. Whether they are is
    seen by looking 1, 2, 4, 8 ... combinations back; where one of these is no trial, the first is the start.
    """
    guess = len(view)
    if defaults is None or defaults >= guess:
        guess -= 1
    if guess <= _FEW or guess > grid.count:
        return 0
    back = (guess - 2**k for k in range(guess.bit_length()))
    return guess if all(view.used(view.space.at(grid, rank).key) for rank in back if rank >= 0) else 0


@lru_cache(maxsize=16)
def _grid(space: Space, points: int) -> tuple[Combinations, int | None]:
    """The grid of a space, and the number that the defaults have in it; None when they are off it."""
    grid = space.combinations_of({name: space.scale(name).spread(points) for name in space})
    return grid, grid.rank(space.defaults())
