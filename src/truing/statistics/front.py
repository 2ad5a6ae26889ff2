"""What no other is better than in both, score and cost: the Pareto front."""

from __future__ import annotations

import numpy as np


def front(cost: np.ndarray, score: np.ndarray, goal: str) -> list[int]:
    """Positions of those that nothing beats: as good and cheaper, or as cheap and better; the cheapest first.

    Args:
        cost: float (n,), lower is better.
        score: float (n,).
        goal: of the score, "min" or "max".

    Returns:
        Of equals in both, the first.

    >>> front(np.array([1.0, 2.0, 3.0, 2.0]), np.array([0.5, 0.4, 0.4, 0.9]), "min")
    [0, 1]
    """
    loss = np.asarray(score, dtype=float) * (1.0 if goal == "min" else -1.0)
    found: list[int] = []
    for place in np.lexsort((np.arange(len(loss)), loss, np.asarray(cost, dtype=float))):
        if not found or loss[place] < loss[found[-1]]:
            found.append(int(place))
    return found
