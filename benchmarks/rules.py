"""The true regret of each rule of choice, on simulated scores: forty configurations, five folds, a race of eight.

The score of a run is a smooth surface of two of four parameters, in points of accuracy, plus the luck that a
configuration has with these rows (it stays in fresh runs) and the luck of the run. Truth is the surface alone.
The rules are the product's own: `truing.verdict.select.choose` and the surrogate as the verdict makes it.
"""

from __future__ import annotations

import sys

import numpy as np
from _record import record

import truing as tr
from truing.record.trial import Trial
from truing.statistics.surrogate import distances, surrogate
from truing.verdict.select import SURROGATE_R2, Candidate, choose

STUDIES, TRIALS, FOLDS, RACED = 400, 40, 5, 8
ROWS, RUN = 1.0, 3.0  # standard deviations of the luck with these rows and of a run, in points
SPACE = tr.Space(a=tr.Float(0, 1), b=tr.Float(0, 1), c=tr.Float(0, 1), width=tr.Float(0, 1))
RULES = ("one_se", "cheapest", "nearest")


def study(rng: np.random.Generator) -> dict[str, float]:
    configs = [SPACE.defaults(), *(SPACE.sample(rng) for _ in range(TRIALS - 1))]
    centre, depth = rng.uniform(0.2, 0.8, 2), rng.uniform(5, 30, 2)
    truth = np.array([-depth[0] * (c["a"] - centre[0]) ** 2 - depth[1] * (c["b"] - centre[1]) ** 2 for c in configs])
    rows = ROWS * rng.normal(size=TRIALS)
    runs = truth[:, None] + rows[:, None] + RUN * rng.normal(size=(TRIALS, FOLDS))
    searched = runs.mean(axis=1)
    best = np.argsort(-searched)[:RACED]
    again = truth[best, None] + rows[best, None] + RUN * rng.normal(size=(RACED, FOLDS))
    fit = surrogate(SPACE, configs, searched, rng)
    says = fit.mean(searched) if fit is not None and fit.r2 is not None and fit.r2 > SURROGATE_R2 else None
    away = np.sqrt(distances(SPACE, configs)[:, 0, :].sum(axis=0))

    def field(helped: bool) -> list[Candidate]:
        return [
            Candidate(
                Trial(int(n), configs[n], "completed", float(searched[n])),
                [*runs[n], *again[place]],
                FOLDS,
                (float(again[place].mean()), FOLDS),
                float(says[n]) if helped and says is not None else None,
                configs[n]["width"],
                float(away[n]),
            )
            for place, n in enumerate(best)
        ]

    chosen = {"best observed": 0, "race alone": choose(field(False), "max")}
    chosen["best"] = choose(field(True), "max", rule="best", rope=1.0)
    chosen |= {rule: choose(field(True), "max", rule=rule, rope=1.0) for rule in RULES}
    return {name: float(truth.max() - truth[best[place]]) for name, place in chosen.items()}


def main() -> None:
    rng = np.random.default_rng(0)
    number = 40 if "--fast" in sys.argv else STUDIES
    found = [study(rng) for _ in range(number)]
    regret = {name: np.array([one[name] for one in found]) for name in found[0]}
    for name, values in regret.items():
        print(f"{name:15} {values.mean():.2f} +- {values.std(ddof=1) / number**0.5:.2f}")
    gained = regret["best observed"] - regret["best"]
    half = 1.96 * gained.std(ddof=1) / number**0.5
    record(
        "rules",
        reached=bool(gained.mean() - half > 0),
        figure=f"regret {regret['best'].mean():.2f} points against {regret['best observed'].mean():.2f} of the best "
        f"observed (less by {gained.mean():.2f} ± {half:.2f}), {number} simulated studies",
        regret={name: round(float(values.mean()), 3) for name, values in regret.items()},
    )


if __name__ == "__main__":
    main()
