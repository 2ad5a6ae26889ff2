"""Which of many settings is fastest, without timing all of them at length: the slow ones drop out early."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")

LONG = 3.0  # seconds for a setting, where every one is timed at length
BLOCKS = 10  # into which they are cut; the median of the blocks counts
# Of the time in which all would be timed at length; the share of the fastest that stays in; and turns, so that what
# disturbs the machine for a second disturbs all that are left.
ROUNDS = ((0.04, 0.75, 1), (0.03, 0.85, 2), (0.05, 1.0, 3))
SHORT = 3  # blocks of a turn
MOST = 0.3  # seconds of a turn


@dataclass(frozen=True)
class Timed(Generic[T]):
    """What a race found.

    Args:
        rates: setting -> rows a second, all blocks that were timed.
        order: the fastest first; those that dropped out early behind those that stayed, whatever their noise.
        failed: setting -> why it could not be timed.
    """

    rates: Mapping[T, tuple[float, ...]]
    order: tuple[T, ...]
    failed: Mapping[T, str] = field(default_factory=dict)

    def rate(self, setting: T) -> float:
        """The median of its blocks."""
        return statistics.median(self.rates[setting])


class CannotRun(Exception):
    """A setting that this machine or this network does not take."""


def race(
    settings: Sequence[T],
    measure: Callable[[T, float, int], Sequence[float]],
    *,
    rounds: Sequence[tuple[float, float, int]] = ROUNDS,
    always: T | None = None,
    seed: int = 0,
) -> Timed[T]:
    """Time all settings shortly, the faster ones longer, the fastest longest.

    Successive elimination as in sequential halving (Karnin et al. 2013, ICML): a round drops what is slower than a
    share of the fastest, and at least as many as leave a third, then three. Blocks of all rounds count together, and
    the order within a turn is drawn, so that a machine that slows down for a while does so to nobody in particular.

    Args:
        measure: (setting, seconds, blocks) -> rows a second of each block; raises CannotRun.
        rounds: (share of the time in which all would be timed at length, share of the fastest that stays in, turns).
        always: is timed in every round, for the others are compared with it; it goes on only if it is fast.
        seed: of the order.

    >>> found = race([10.0, 30.0, 29.0], lambda speed, seconds, blocks: [speed] * blocks)
    >>> found.order[0], len(found.rates[30.0]) > len(found.rates[10.0])
    (30.0, True)
    """
    draw = random.Random(seed)
    rates: dict[T, list[float]] = {}
    failed: dict[T, str] = {}
    alive = list(settings)
    lasted: dict[T, int] = {}
    for number, (part, share, turns) in enumerate(rounds):
        entered = alive if always is None or always in alive or always not in rates else [*alive, always]
        decided = number > 0 and len(alive) == 1
        if decided:  # once more, beside the one that it is compared with
            turns = 1
        seconds = min(MOST, part * LONG * len(settings) / len(entered) / turns)
        for turn in range(turns):
            for setting in draw.sample(entered, len(entered)):
                if setting in failed:
                    continue
                try:
                    rates.setdefault(setting, []).extend(measure(setting, seconds, SHORT))
                    if setting in alive and turn == 0:
                        lasted[setting] = number
                except CannotRun as why:
                    failed[setting] = str(why)
                    rates.pop(setting, None)
        ranked = sorted((one for one in alive if one in rates), key=lambda one: -statistics.median(rates[one]))
        if not ranked:
            break
        best = statistics.median(rates[ranked[0]])
        room = max(3, math.ceil(len(settings) / 3)) if number == 0 else 3
        alive = [one for one in ranked if statistics.median(rates[one]) >= share * best][:room]
        if decided or (len(alive) == 1 and always in (None, alive[0])):
            break
    order = sorted(rates, key=lambda one: (-lasted[one], -statistics.median(rates[one])))
    return Timed({one: tuple(found) for one, found in rates.items()}, tuple(order), failed)


def sweep(
    settings: Sequence[T], measure: Callable[[T, float, int], Sequence[float]], *, seconds: float = LONG, seed: int = 0
) -> Timed[T]:
    """Time every setting at length; what a race saves, and the yardstick for it.

    >>> sweep([1.0, 2.0], lambda speed, seconds, blocks: [speed] * blocks).order
    (2.0, 1.0)
    """
    rates: dict[T, tuple[float, ...]] = {}
    failed: dict[T, str] = {}
    for setting in random.Random(seed).sample(list(settings), len(settings)):
        try:
            rates[setting] = tuple(measure(setting, seconds, BLOCKS))
        except CannotRun as why:
            failed[setting] = str(why)
    return Timed(rates, tuple(sorted(rates, key=lambda one: -statistics.median(rates[one]))), failed)
