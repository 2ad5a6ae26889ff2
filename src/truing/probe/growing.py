"""One training whose learning rate grows from step to step, and what its curve says; pure but for the training."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

WINDOW = 5  # steps over which the losses are averaged, about each
FALLEN = 0.1  # of the whole fall, from which on it has begun
BELOW = 2.0  # factor between where the loss turns and the upper end
EARLY = 10.0  # factor between where it begins to fall and the lower end: a training has more steps at one rate
FALL = 0.05  # least fall, as a share of the first loss, that says anything


@dataclass(frozen=True)
class Curve:
    """One curve's three places on the axis of learning rates; None = there is no such place.

    Args:
        falls: a tenth of the fall is done.
        steepest: the loss falls fastest over the logarithm of the rate.
        turns: the loss is lowest; beyond it rises.
        diverges: it rises at all before the end.
    """

    falls: float | None
    steepest: float | None
    turns: float | None
    diverges: bool


def rates(low: float, high: float, steps: int) -> np.ndarray:
    """Learning rates that grow by the same factor from step to step.

    >>> rates(1e-3, 1e1, 5).round(6).tolist()
    [0.001, 0.01, 0.1, 1.0, 10.0]
    """
    return np.geomspace(low, high, steps)


def growing(training: Any, low: float, high: float, steps: int, stop: float) -> list[float]:
    """The loss at each step, before its update; ends when it is not finite or `stop` times its first and lowest."""
    found: list[float] = []
    for rate in rates(low, high, steps):
        for group in training.optimizer.param_groups:
            group["lr"] = float(rate)
        training.step()
        loss = float(training.last)
        if not math.isfinite(loss):
            break
        found.append(loss)
        if loss > stop * max(found[0], min(found)):
            break
    return found


def read(losses: Sequence[float], at: Sequence[float]) -> Curve:
    """Where a curve falls, falls fastest, and turns.

    Args:
        losses: one for each step that was taken.
        at: the learning rates of all steps, also of those not taken.

    >>> at = rates(1e-3, 1.0, 31)
    >>> curve = read([2 - 1.5 * (rate > 0.009) + 9 * (rate > 0.49) for rate in at], at)
    >>> 0.005 < curve.falls <= curve.turns < 0.5, curve.diverges
    (True, True)
    """
    if len(losses) < 2 * WINDOW:
        return Curve(None, None, None, True)
    smooth = _averaged(np.asarray(losses, dtype=float))
    lowest = int(smooth.argmin())
    first = float(np.median(smooth[:WINDOW]))
    fall = first - smooth[lowest]
    if fall < FALL * abs(first):
        return Curve(None, None, None, len(losses) < len(at))
    begun = int(np.argmax(smooth <= first - FALLEN * fall))
    slope = np.gradient(smooth[: lowest + 1]) if lowest else np.zeros(1)
    rises = len(losses) < len(at) or smooth[-1] > smooth[lowest] + FALLEN * fall
    return Curve(float(at[begun]), float(at[int(slope.argmin())]), float(at[lowest]), bool(rises))


def _averaged(losses: np.ndarray) -> np.ndarray:
    """Means over a window about each step, shorter at the ends."""
    half = WINDOW // 2
    return np.array([losses[max(0, i - half) : i + half + 1].mean() for i in range(len(losses))])
