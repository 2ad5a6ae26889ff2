"""The way from one configuration to another, a parameter at a time. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from truing.space.configuration import Configuration
from truing.space.space import Space
from truing.statistics.surrogate import predicted


@dataclass(frozen=True)
class Move:
    """One parameter takes its new value; what that makes active has its default.

    Args:
        before: its value until then.
        after: its value from then on.
        config: the configuration after the move.
    """

    parameter: str
    before: Any
    after: Any
    config: Configuration


def moves(space: Space, here: Configuration, there: Mapping[str, Any]) -> list[Move]:
    """The moves that lead nearer: each parameter that both have and that differs.

    >>> import truing as tr
    >>> space = tr.Space(kind=tr.Choice(["a", "b"]), rate=tr.Float(0, 1, default=0.5, when={"kind": "b"}))
    >>> [move.parameter for move in moves(space, space.defaults(), {"kind": "b", "rate": 0.1})]
    ['kind']
    """
    return [
        Move(name, here[name], there[name], space.moved(here, name, there[name]))
        for name in here
        if name in there and here[name] != there[name]
    ]


def path(
    space: Space,
    start: Configuration,
    end: Mapping[str, Any],
    trials: Sequence[Mapping[str, Any]] = (),
    y: np.ndarray | None = None,
    goal: str = "min",
) -> tuple[list[Move], bool]:
    """The moves from `start` to `end`, and whether the scores told their order.

    At each step the move that gains most by a surrogate of the trials' scores comes first (Biedenkapp et al. 2017,
    AAAI 31: ablation with surrogates, after Fawcett & Hoos 2016, J Heuristics 22:431); with fewer than ten trials, the
    space's order.

    Args:
        trials, y: configurations and their scores, float (n,).

    >>> import truing as tr
    >>> space = tr.Space(a=tr.Float(0, 1, default=0.0), b=tr.Float(0, 1, default=0.0))
    >>> rng = np.random.default_rng(0)
    >>> trials = [space.sample(rng) for _ in range(40)]
    >>> y = np.array([-c["a"] - 5 * c["b"] for c in trials])
    >>> found, told = path(space, space.defaults(), {"a": 1.0, "b": 1.0}, trials, y)
    >>> [move.parameter for move in found], told
    (['b', 'a'], True)
    """
    sign, here, made, told = (1.0 if goal == "min" else -1.0), start, [], False
    while open_moves := moves(space, here, end):
        scores = None if y is None else predicted(space, trials, y, [move.config for move in open_moves])
        told = told or scores is not None
        chosen = open_moves[0 if scores is None else int(np.argmin(sign * scores))]
        made.append(chosen)
        here = chosen.config
    return made, told
