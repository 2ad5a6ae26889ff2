"""Random search: every trial drawn on its own, and no configuration twice."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from truing.arguments import spelled_class
from truing.record.history import History
from truing.space.configuration import Configuration

if TYPE_CHECKING:  # numpy loads numpy.random on first use; importing it here would slow every start
    from numpy.random import Generator

_TRIES = 64  # draws before the search looks at what remains instead
_FEW = 1024  # so few configurations are listed in milliseconds


@spelled_class("; the number of trials goes to run(trials=20), a seed to Study(seed=7)")
@dataclass(frozen=True)
class RandomSearch:
    """Draws uniformly on every parameter's scale; never gives a configuration that is already a trial.

    Once half of a countable space is used, it draws uniformly among the configurations that remain; when none
    does, `suggest` gives None.

    Source: J. Bergstra, Y. Bengio, Random search for hyper-parameter optimization, JMLR 13 (2012).

    >>> from truing.record.history import History
    >>> from truing.record.seeds import stream
    >>> from truing.space.parameter import Float
    >>> from truing.space.space import Space
    >>> view = History(Space(learning_rate=Float(1e-4, 1e-1, log=True)), "min")
    >>> config = RandomSearch().suggest(view, stream(0, "search", 1))
    >>> 1e-4 <= config["learning_rate"] <= 1e-1
    True
    """

    adaptive: ClassVar[bool] = False
    draws: ClassVar[bool] = True

    def suggest(self, view: History, rng: Generator) -> Configuration | None:
        """The next configuration; None when every one has been a trial."""
        size = view.space.size
        if size == math.inf:
            while view.used((config := view.space.sample(rng)).key):
                pass  # ends: there is always a value left, and draws reach it
            return config
        if 2 * len(view) < size:
            for _ in range(_TRIES):
                config = view.space.sample(rng)
                if not view.used(config.key):
                    return config
        return _remaining(view, int(size), rng)


def _remaining(view: History, size: int, rng: Generator) -> Configuration | None:
    """A uniform draw among the configurations of a countable space that are not yet trials."""
    space = view.space
    if size > max(_FEW, len(view)):  # then some remain, and numbers drawn at random find one
        while True:
            config = space.at(space.combinations, int(rng.integers(size)))
            if not view.used(config.key):
                return config
    every = (space.at(space.combinations, rank) for rank in range(size))
    left = [config for config in every if not view.used(config.key)]
    return left[int(rng.integers(len(left)))] if left else None
