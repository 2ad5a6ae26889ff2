"""A small adaptive searcher: it looks at the scores and tries again near the best, which no correction can know of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.random import Generator

from truing.record.history import History
from truing.space.configuration import Configuration

STEP = 0.12  # of a parameter's range


@dataclass(frozen=True)
class Climber:
    """Ten random trials, then steps away from one of the best `parents`.

    Args:
        random: how many of the later trials are random all the same.
    """

    parents: int = 3
    random: float = 0.2

    adaptive: ClassVar[bool] = True

    def suggest(self, view: History, rng: Generator) -> Configuration | None:
        """A step from a good configuration in half of its parameters; far from it now and then."""
        seen = view.ranked()
        if len(view) < 10 or not seen or rng.random() < self.random:
            return view.space.sample(rng)
        place, _ = view.space.encode(seen[int(rng.integers(min(self.parents, len(seen))))].config)
        stepped = place + STEP * rng.standard_normal(len(place)) * (rng.random(len(place)) < 0.5)
        found = view.space.decode(np.clip(stepped, 0, 1))
        return found if not view.used(found.key) else view.space.sample(rng)
