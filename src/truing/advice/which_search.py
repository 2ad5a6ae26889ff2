"""One line on whether the search fits the space and the plan; only where it says something useful. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from truing.errors import UsageError
from truing.knowledge import card
from truing.search.order import groups_of
from truing.space.space import Space

FEW = 20  # random trials below which the best of them is hardly among the best of the space
TOP = 0.05  # of the space
MANY = 200  # trials of a grid that are worth a word
FEWEST_EACH = 7  # trials of an architecture: its defaults, and six for two tries (statistics/equal_tries.py)
ALONE = 10  # trials from which on the order of a single parameter's values matters


def which_search(
    space: Space,
    searcher: Any,
    trials: int | None,
    seconds: float | None = None,
    *,
    says: Callable[[float | None], str] = lambda s: f"{s:.0f} s",
) -> str:
    """What a person should know of this search in this space, in one sentence; empty where there is nothing to say.

    Args:
        searcher: one of Truing's own; of others nothing is known.
        trials: how many there will be in all, the defaults included; None = as many as there is time for.
        seconds: of one whole trial; None = not known.
        says: seconds in words.

    >>> from truing.search.random import RandomSearch
    >>> from truing.space.parameter import Choice, Float
    >>> space = Space(kernel=Choice([1, 3, 5]), pool=Choice([2, 3, 4]))
    >>> which_search(space, RandomSearch(), 40)
    'Search: 2 parameters with 9 configurations in all; search="grid" tries them all, in fewer trials than the 40 here.'
    >>> which_search(Space(rate=Float(1e-4, 1.0), width=Float(8.0, 64.0)), RandomSearch(), 40)
    ''
    """
    told = {
        "RandomSearch": _drawn,
        "SobolSearch": _drawn,
        "GridSearch": _grid,
        "SequentialSearch": _sequential,
    }.get(type(searcher).__name__)
    varied = [name for name in space if space.scale(name).count > 1]
    if told is None or not varied:
        return ""
    text = told(space, searcher, varied, trials, seconds, says)
    return f"Search: {text}" if text else ""


def _drawn(
    space: Space,
    searcher: Any,
    varied: list[str],
    trials: int | None,
    seconds: float | None,
    says: Callable[[float | None], str],
) -> str:
    """Random or Sobol: a space with an end, one parameter alone, or too few draws."""
    if space.size != math.inf and trials is not None and space.size <= trials:
        fewer = f", in fewer trials than the {trials:,} here" if space.size < trials else ""
        what = f"{_parameters(varied)} with {int(space.size):,} configurations in all"
        return f'{what}; search="grid" tries them all{fewer or ", in order"}.'
    if trials is None:
        return ""
    if len(varied) == 1 and trials >= ALONE and type(searcher).__name__ == "RandomSearch":
        return (
            f'one parameter alone; search="sobol" spaces {trials:,} values evenly, where random ones leave a gap of '
            f"about {100 * largest_gap(trials - 1):.0f} % of its range somewhere."
        )
    if 2 < trials < FEW:
        found, wanted = (100 * chance(number - 1) for number in (trials, 60))
        return (
            f"the best of {trials - 1} {'random' if type(searcher).__name__ == 'RandomSearch' else 'spread'} "
            f"configurations is among the top 5 % of the space with a probability of {found:.0f} %; of 59 it is "
            f"{wanted:.0f} %."
        )
    return ""


def _grid(
    space: Space,
    searcher: Any,
    varied: list[str],
    trials: int | None,
    seconds: float | None,
    says: Callable[[float | None], str],
) -> str:
    """A grid that is cut short, or that is dear."""
    whole = searcher.trials(space)
    if trials is not None and trials < whole:
        still = unmoved(space, searcher, trials)
        if not still:
            return (
                f'only the first {trials:,} of the grid\'s {whole:,} configurations are tried; search="sobol" covers '
                "the whole space at any number of trials."
            )
        one = "one value beside its default" if len(still) == 1 else "one value each beside their defaults"
        never = f"{_listed(still)} would keep {one}"
        return (
            f"only the first {trials:,} of the grid's {whole:,} configurations are tried, in which {never}; "
            'search="random" or "sobol" varies every parameter.'
        )
    if whole > MANY and len(varied) > 2:
        took = f" and take {says(whole * seconds)}" if seconds is not None else ""
        values = max(len(space.scale(name).spread(searcher.points)) for name in varied)
        return (
            f"the grid's {whole:,} trials try at most {values} values of a parameter{took}; 60 random ones try up to "
            "60 of each."
        )
    return ""


def _sequential(
    space: Space,
    searcher: Any,
    varied: list[str],
    trials: int | None,
    seconds: float | None,
    says: Callable[[float | None], str],
) -> str:
    """Groups of which there is one only, or that are known to depend on each other."""
    if searcher.nested:
        return _nested(space, searcher, trials)
    groups = {n: label for label, names in groups_of(space, searcher.order).items() for n in names if n in varied}
    if len(set(groups.values())) < 2:
        return (
            "a sequential search takes one group at a time, and all parameters that vary are in one; give them group=, "
            'or use search="random".'
        )
    for first in groups:
        for second in _interacting(first):
            other = next((n for n in groups if _called(n) == second and groups[n] != groups[first]), None)
            if other is not None:
                return (
                    f"{first} and {other} depend on each other and are in different groups, of which a sequential "
                    "search moves one at a time; its joint trials at the end look whether that cost anything."
                )
    return ""


def _nested(space: Space, searcher: Any, trials: int | None) -> str:
    """So few trials for each architecture that nothing is tuned for it."""
    whole, many = searcher.trials(space), searcher.architectures(space)
    each = (whole if trials is None else min(trials, whole)) // many
    if each >= FEWEST_EACH:
        return ""
    what = f"{trials:,} trials are {each}" if trials is not None and trials < whole else f"there are {each} trials"
    return (
        f"{what} for each of {many:,} architectures, and {FEWEST_EACH} are needed to compare the best of several; take "
        "more trials or fewer architectures."
    )


def unmoved(space: Space, searcher: Any, trials: int) -> list[str]:
    """The parameters that have one value in the first trials of a grid, where the whole grid has several."""
    grid = space.combinations_of({name: space.scale(name).spread(searcher.points) for name in space})
    seen: dict[str, set[str]] = {name: set() for name in space}
    for rank in range(min(trials, 10_000)):
        for name, value in space.at(grid, rank).items():
            seen[name].add(repr(value))
    several = [name for name in space if len(space.scale(name).spread(searcher.points)) > 1]
    return [name for name in several if len(seen[name]) < 2]


def chance(draws: int, top: float = TOP) -> float:
    """That the best of independent draws is among the top share of the space: 1 - (1 - top)^draws.

    >>> round(chance(59), 3)
    0.952
    """
    return 1 - (1 - top) ** draws


def largest_gap(draws: int) -> float:
    """Expected largest gap between so many uniform draws on the unit interval, its ends included: H(n + 1) / (n + 1).

    (David & Nagaraja 2003, Order Statistics, 3rd ed., section 6.4.)

    >>> round(largest_gap(39), 3)
    0.107
    """
    return sum(1 / k for k in range(1, draws + 2)) / (draws + 1)


def _interacting(name: str) -> tuple[str, ...]:
    """Cards that a parameter must be re-tuned with; none where it has no card."""
    try:
        return card(name).interacts
    except UsageError:
        return ()


def _called(name: str) -> str:
    try:
        return card(name).name
    except UsageError:
        return ""


def _parameters(varied: list[str]) -> str:
    return "one parameter" if len(varied) == 1 else f"{len(varied)} parameters"


def _listed(names: list[str]) -> str:
    if len(names) > 4:
        return f"{', '.join(names[:3])} and {len(names) - 3} more"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
