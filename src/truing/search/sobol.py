"""Sobol search: points that cover the space evenly at any number of trials."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

from truing.arguments import spelled_class
from truing.record.history import History
from truing.record.seeds import stream
from truing.search.random import RandomSearch
from truing.space.configuration import Configuration
from truing.space.space import Space

if TYPE_CHECKING:  # numpy loads numpy.random on first use; importing it here would slow every start
    from numpy.random import Generator
    from numpy.typing import NDArray

_BLOCK = 256  # points made at a time; a power of two, as the balance of the sequence asks for
_LATE = 16  # points a trial: where so many bring nothing new, nearly all of a countable space has been tried
_BITS = 30


@spelled_class("; the number of trials goes to run(trials=20), a seed to Study(seed=7)")
@dataclass(frozen=True)
class SobolSearch:
    """The points of one scrambled Sobol sequence, in order; a point whose configuration is a trial is passed over.

    Every parameter that can vary is one coordinate, decoded on its scale (`log`, steps and options included); the
    coordinates of inactive parameters are not read. The scramble comes from the study's seed and is the same at every
    step, so more trials go on with the same sequence. Once a countable space is nearly used up, what remains is drawn
    at random; when nothing does, `suggest` gives None. In a space that grew the sequence of the new space begins.

    Sources: I. M. Sobol', USSR Comput. Math. Math. Phys. 7 (1967); direction numbers of S. Joe and F. Y. Kuo, SIAM J.
    Sci. Comput. 30 (2008); scrambled as in A. B. Owen (1995) by J. Matousek's linear matrices and a digital shift,
    J. Complexity 14 (1998): the sequence of `scipy.stats.qmc.Sobol`.

    >>> from truing.space.parameter import Choice, Float
    >>> from truing.record.events import Event
    >>> view = History(Space(rate=Float(1e-4, 1.0, log=True), kind=Choice(["a", "b"])), "min")
    >>> for number in range(8):
    ...     config = SobolSearch().suggest(view, stream(0, "search", number))
    ...     view.extend([Event("proposed", {"trial": number, "config": dict(config)})])
    >>> sum(trial.config["rate"] < 1e-2 for trial in view), sum(trial.config["kind"] == "a" for trial in view)
    (4, 4)
    """

    adaptive: ClassVar[bool] = False
    draws: ClassVar[bool] = True

    def suggest(self, view: History, rng: Generator) -> Configuration | None:
        """The configuration of the first point that is not yet a trial; None when every one has been."""
        space = view.space
        for block in range(-(-max(1024, _LATE * len(view)) // _BLOCK)):
            keys = _keys(space, view.seed, block)
            if frozenset(keys) <= view.keys:  # at the speed of a set: this is most of a long search
                continue
            place = next(place for place, key in enumerate(keys) if not view.used(key))
            return space.decode(_units(space, view.seed, block)[place])
        return RandomSearch().suggest(view, rng)


@lru_cache(maxsize=1024)
def _keys(space: Space, seed: int, block: int) -> tuple[str, ...]:
    return tuple(space.decode(unit).key for unit in _units(space, seed, block))


@lru_cache(maxsize=4)
def _units(space: Space, seed: int, block: int) -> NDArray[Any]:
    """One block of the sequence as points of the space's unit cube, shape (256, parameters)."""
    import numpy as np

    units = np.full((_BLOCK, len(space)), 0.5)
    varied = [place for place, name in enumerate(space) if space.scale(name).count > 1]
    if varied:
        units[:, varied] = points(len(varied), seed, block)
    return units


def points(dimensions: int, seed: int, block: int) -> NDArray[Any]:
    """256 points of the sequence from number 256 * block on, shape (256, dimensions), in [0, 1)."""
    from scipy.stats import qmc  # a second to import

    # the argument for the random stream was called seed before SciPy 1.15
    name = "rng" if "rng" in inspect.signature(qmc.Sobol).parameters else "seed"
    source: Any = {name: stream(seed, "search", "sobol")}
    sequence = qmc.Sobol(dimensions, scramble=True, bits=_BITS, **source)
    if block:  # SciPy cannot go forward by nothing
        sequence.fast_forward(_BLOCK * block)
    return sequence.random(_BLOCK)
