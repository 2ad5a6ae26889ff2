"""20 trials in the proposed next space against 20 more in the old one, on the development problems.

Both go on from the same random trials (20 or 40) of the old space; all that follow are random too, so only the space
differs. On the tables a trial is one noisy training, and the trial that looks best of all so far counts by its mean
over the repeats; the surrogates are without noise. The gain is the old space's normalised regret minus the new one's,
mean over seeds, then over problems, with the 95 % t interval over problems. The new space never leaves the old one
here, for nothing is known beyond it. The rule (share of the trials, margin) is chosen on other seeds.

Eight of the twelve problems are surrogates that need onnxruntime (python -m pip install onnxruntime); without it
nothing is measured.
"""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from _record import record
from scipy.stats import t

import truing as tr
from truing.advice.next_space import MARGIN, TOP, next_space

BENCH = Path(__file__).resolve().parents[1].parent / "shared" / "bench"
sys.path.insert(0, str(BENCH))
FIRST, MORE = (20, 40), 20
RULES = [(top, margin) for top in (0.1, 0.15) for margin in (0.05, 0.1, 0.2)]
CHOSEN, REPORTED = range(30), range(200, 280)  # 100 to 139 served to see that a margin of 0.05 was too narrow


def space_of(problem: Any) -> tr.Space:
    made: dict[str, Any] = {}
    for dim in problem.space:
        if dim.choices:
            made[dim.name] = tr.Choice(list(dim.choices), ordered=dim.kind == "ordinal")
        else:
            kind = tr.Int if dim.kind == "int" else tr.Float
            made[dim.name] = kind(dim.low, dim.high, log=dim.log)
    return tr.Space(made)


def gains(name: str, seed: int, rules: list[tuple[float, float]]) -> dict[tuple[int, float, float], float]:
    """(first trials, rule) -> regret in the old space minus regret in the new one."""
    from problems import problem  # type: ignore[import-not-found]

    p = problem(name)
    space, noisy = space_of(p), hasattr(p, "_table")

    def trial(where: tr.Space, rng: np.random.Generator) -> tuple[float, float, Any]:
        config = dict(where.sample(rng))
        true = (p.value(config) - p.best) / (p.median - p.best)
        seen = p.value(config, repeat=int(rng.integers(4))) if noisy else true
        return seen, true, config

    rng = np.random.default_rng([seed, 1])
    begun = [trial(space, rng) for _ in range(max(FIRST))]
    found = {}
    for first in FIRST:
        part = begun[:first]
        old = [trial(space, np.random.default_rng([seed, 2, first, k])) for k in range(MORE)]
        ranked = [config for _, _, config in sorted(part, key=lambda one: one[0])]
        for top, margin in rules:
            made = next_space(space, ranked, top=top, margin=margin, extend=False)
            if made is None:
                raise RuntimeError(f"{first} trials on {name} gave no proposal")
            new = [trial(made.space, np.random.default_rng([seed, 3, first, k])) for k in range(MORE)]
            ends = [min([*part, *more], key=lambda one: one[0])[1] for more in (old, new)]
            found[first, top, margin] = float(ends[0] - ends[1])
    return found


def _task(task: tuple[str, int, list[tuple[float, float]]]) -> tuple[str, dict[tuple[int, float, float], float]]:
    return task[0], gains(*task)


def measured(names: list[str], seeds: range, rules: list[tuple[float, float]], pool: Any) -> dict[Any, Any]:
    """(first, top, margin) -> problem -> gains over the seeds."""
    found: dict[Any, Any] = {}
    for name, one in pool.map(_task, [(n, s, rules) for n in names for s in seeds], chunksize=4):
        for key, gain in one.items():
            found.setdefault(key, {}).setdefault(name, []).append(gain)
    return found


def summed(by_problem: dict[str, list[float]]) -> dict[str, Any]:
    means = {name: fmean(values) for name, values in by_problem.items()}
    every, values = list(means.values()), [v for one in by_problem.values() for v in one]
    half = float(t.ppf(0.975, len(every) - 1) * np.std(every, ddof=1) / np.sqrt(len(every)))
    mean, moved = fmean(every), [v for v in values if v != 0]
    return {
        "gain": round(mean, 4),
        "low": round(mean - half, 4),
        "high": round(mean + half, 4),
        "wins": round(sum(v > 0 for v in moved) / max(1, len(moved)), 3),
        "ties": round(1 - len(moved) / len(values), 3),
        "problems": {name: round(value, 4) for name, value in means.items()},
        "lost": [name for name, value in means.items() if value < 0],
    }


def main() -> None:
    from problems import DEVELOPMENT

    if find_spec("onnxruntime") is None:
        print("next_space: not measured; eight of its problems need onnxruntime: python -m pip install onnxruntime")
        return
    with ProcessPoolExecutor(2) as pool:
        if "--rules" in sys.argv:
            for key, by_problem in sorted(measured(DEVELOPMENT, CHOSEN, RULES, pool).items()):
                one = summed(by_problem)
                print(key, one["gain"], one["low"], one["high"], one["wins"], one["lost"], flush=True)
            return
        found = measured(DEVELOPMENT, REPORTED, [(TOP, MARGIN)], pool)
    rows = {first: summed(found[first, TOP, MARGIN]) for first in FIRST}
    told = "; ".join(
        f"after {first}: {row['gain']:.3f} [{row['low']:.3f}, {row['high']:.3f}] of normalised regret, ahead in "
        f"{row['wins']:.0%} of the {1 - row['ties']:.0%} of pairs that differ, behind on "
        + (", ".join(row["lost"]) if row["lost"] else "no problem")
        for first, row in rows.items()
    )
    record(
        "next_space",
        reached=all(row["low"] > 0 for row in rows.values()),
        figure=f"gain, mean over {len(DEVELOPMENT)} problems x {len(REPORTED)} seeds, 95 % interval over problems, "
        f"{told}",
        rows={str(first): row for first, row in rows.items()},
        rule={"top": TOP, "margin": MARGIN},
    )


if __name__ == "__main__":
    main()
