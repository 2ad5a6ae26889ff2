"""Does a setting train as the reference does? Equal seeds, paired losses, and a margin said beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from truing.statistics.equivalence import SHARE

LEARNED = 5  # margins by which the reference's loss must fall, or a comparison says nothing
LEVEL = 0.90  # of the interval: two one-sided tests at 5 % each


@dataclass(frozen=True)
class Equivalence:
    """One setting against the reference.

    Args:
        verdict: "equivalent", "different" (the interval lies beyond the margin), "not shown" (it reaches beyond it),
            "not finite", "nothing learned" (the reference did not learn enough for a comparison to say anything) or
            "same" (the arithmetic is the reference's own).
        difference: of the losses at the end, setting less reference, mean over the seeds; None where there is none.
        low, high: ends of its 90 % interval, the widest over the steps that were compared.
        margin: differences of at most so much do not matter: 1 % of the constant prediction's loss.
        seeds: pairs of trainings.
        steps: after which the losses were compared.
    """

    verdict: str
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    margin: float | None = None
    seeds: int = 0
    steps: tuple[int, ...] = ()

    @property
    def is_shown(self) -> bool:
        return self.verdict in ("equivalent", "same")

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {"steps": list(self.steps)}


SAME = Equivalence("same")


def compared(
    reference: Sequence[Sequence[float]],
    other: Sequence[Sequence[float]],
    *,
    base: float,
    steps: Sequence[int],
    share: float = SHARE,
) -> Equivalence:
    """Two one-sided tests on paired losses (Schuirmann 1987, J. Pharmacokinet. Biopharm. 15:657), at every step.

    Equivalent only if at each of the steps the 90 % interval of the mean paired difference (Student's t over the seeds)
    lies within the margin; that all must hold needs no correction for there being several.

    Args:
        reference, other: losses, (seeds, 1 + steps): before training and after each of the steps; same seeds.
        base: loss of the constant prediction.
        share: of it, that is the margin.

    >>> curves = [[2.3, 1.0], [2.4, 1.1], [2.3, 0.9]]
    >>> compared(curves, [[a, b + 0.001 * i] for i, (a, b) in enumerate(curves)], base=2.3, steps=[50]).verdict
    'equivalent'
    >>> compared(curves, [[a, b + 0.5] for a, b in curves], base=2.3, steps=[50]).verdict
    'different'
    """
    from scipy import stats

    a, b = np.asarray(reference, dtype=float), np.asarray(other, dtype=float)
    margin, seeds = share * abs(base), len(a)
    told: dict[str, Any] = {"margin": float(margin), "seeds": seeds, "steps": tuple(steps)}
    if not np.isfinite(a).all() or a[:, 0].mean() - a[:, -1].mean() < LEARNED * margin:
        return Equivalence("nothing learned", **told)
    if not np.isfinite(b).all():
        return Equivalence("not finite", **told)
    gaps = (b - a)[:, 1:]
    mean, spread = gaps.mean(axis=0), gaps.std(axis=0, ddof=1) / seeds**0.5
    reach = stats.t.ppf((1 + LEVEL) / 2, seeds - 1) * spread
    low, high = mean - reach, mean + reach
    if (low >= -margin).all() and (high <= margin).all():
        verdict = "equivalent"
    elif (low > margin).any() or (high < -margin).any():
        verdict = "different"
    else:
        verdict = "not shown"
    return Equivalence(verdict, float(mean[-1]), float(low.min()), float(high.max()), **told)
