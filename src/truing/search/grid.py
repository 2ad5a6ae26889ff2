"""Grid search: every combination of a few values of each parameter, once, in order."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from numpy.random import Generator

from truing.errors import UsageError
from truing.record.history import History
from truing.space.combinations import Combinations
from truing.space.configuration import Configuration
from truing.space.space import Space


@dataclass(frozen=True)
class GridSearch:
    """Every combination of `points` values a parameter, the first parameter changing slowest.

    A `Float` takes `points` values, evenly spaced on its scale and with both ends; an `Int`, or a `Float` with a
    step, all its values if at most `points`, else `points` of them; a `Choice` all its options. Inactive parameters do not multiply the grid.

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
            raise UsageError(
                f"GridSearch needs at least 2 points, both ends of a range, but points={self.points!r}."
            )

    def suggest(self, view: History, rng: Generator) -> Configuration | None:
        """The first combination that is not yet a trial; None when there is none left."""
        space = view.space
        grid, defaults = _grid(space, self.points)
        total = int(grid.count)
        # While the trials are the defaults and then the grid in order, their number says where to go on.
        guess = len(view)
        if len(view) > 0 and (defaults is None or defaults >= len(view)):
            guess -= 1
        if guess == 0 or (guess < total and view.used(space.at(grid, guess - 1).key)):
            for rank in range(guess, min(guess + 2, total)):  # one further where no trial was the defaults
                config = space.at(grid, rank)
                if not view.used(config.key):
                    return config
        for rank in range(total):  # trials of another searcher or of a smaller space lie between
            config = space.at(grid, rank)
            if not view.used(config.key):
                return config
        return None

    def trials(self, space: Space) -> int:
        """The exact number of trials of the whole grid, the trial with the defaults included."""
        grid, defaults = _grid(space, self.points)
        return int(grid.count) + (1 if defaults is None else 0)


@lru_cache(maxsize=16)
def _grid(space: Space, points: int) -> tuple[Combinations, int | None]:
    """The grid of a space, and the number that the defaults have in it; None when they are off it."""
    grid = space.combinations_of({name: space.scale(name).spread(points) for name in space})
    return grid, grid.rank(space.defaults())
