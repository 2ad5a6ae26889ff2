"""Importance on twenty functions with known shares and on the tables of real trainings: 100 random trials each.

A case is right at the top when the parameter said to have the largest share has it in truth (or one within 0.01 of
it). Errors and coverage are of all shares, of one parameter or two together, that are at least 5 % in truth. Optuna's
evaluators get the same trials; they tell no share of two together and no interval. PED-ANOVA is no share of variance
and is judged against its own target: the same computation on 20,000 evenly drawn trials without noise.
"""

from __future__ import annotations

import sys
import time
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np
from _importance.functions import functions
from _importance.peers import NAMES, evaluated
from _importance.tables import tables
from _record import record
from threadpoolctl import threadpool_limits

from truing.statistics.importance import shares
from truing.statistics.ped_anova import ped_anova

TRIALS, REPEATS, LARGE, TIE = 100, 8, 0.05, 0.01
MANY = 20_000


def case(number: int, repeats: int) -> dict[str, Any]:
    """All that was measured on one function or table."""
    known = [*functions(), *tables()][number]
    main, pair = known.truth
    found: dict[str, Any] = {"name": known.name, "table": number >= 20, "hidden": 0, "seconds": []}
    keys = ("truing", "truing PED-ANOVA", *NAMES)
    found |= {"top": {key: [] for key in keys}, "error": {key: [] for key in keys}}
    found |= {"own": [], "covered_best": [], "covered": [], "covered_pairs": [], "small": [], "r2": []}
    with threadpool_limits(1):
        target = _target(known)
        for repeat in range(repeats):
            rng = np.random.default_rng([repeat, number])
            configs, y = known.drawn(TRIALS, rng)
            start = time.perf_counter()
            ours = shares(known.space, configs, y, rng)
            found["seconds"].append(time.perf_counter() - start)
            found["r2"].append(ours.r2)
            if ours.why:
                found["hidden"] += 1
                found["top"]["truing"].append(False)  # not told, so not right
            else:
                _shares(found, ours, main, pair)
            apart = ped_anova(known.space, configs, y, rng, goal="min").parameters
            found["covered_best"] += [o.low <= target[o.name] <= o.high for o in apart if target[o.name] >= LARGE]
            best = {one.name: one.share for one in apart}
            for name, values in {"truing PED-ANOVA": best, **evaluated(known.space, configs, y, repeat)}.items():
                truth = target if "PED" in name else main
                found["top"][name].append(_right(values, truth))
                found["error"][name] += [abs(values.get(n, 0.0) - v) for n, v in truth.items() if v >= LARGE]
    return found


def _shares(found: dict[str, Any], ours: Any, main: dict[str, float], pair: dict[tuple[str, str], float]) -> None:
    values = {share.names[0]: share.share for share in ours.parameters}
    found["top"]["truing"].append(_right(values, main))
    for share in (*ours.parameters, *ours.pairs):
        truth = main[share.names[0]] if len(share.names) == 1 else pair[share.names]
        if truth < LARGE:
            if len(share.names) == 1:  # to the whole per cent, as it is printed
                found["small"].append(round(share.low, 2) <= truth + 0.005 and truth <= round(share.high, 2) + 0.005)
            continue
        found["error"]["truing"].append(abs(share.share - truth))
        found["own"] += [abs(share.share - truth)] if len(share.names) == 1 else []
        found["covered" if len(share.names) == 1 else "covered_pairs"].append(share.low <= truth <= share.high)


def _right(values: dict[str, float], truth: dict[str, float]) -> bool:
    return truth[max(values, key=lambda name: values[name])] >= max(truth.values()) - TIE


def _target(known: Any) -> dict[str, float]:
    rng = np.random.default_rng(0)
    if hasattr(known, "exact_at"):
        configs, y = known.exact_at(MANY, rng)
    else:
        configs = [known.space.sample(rng) for _ in range(MANY)]
        y = np.array([known.exact(config) for config in configs])
    found = ped_anova(known.space, configs, y, rng, goal="min")
    return {one.name: one.share for one in found.parameters}


def main() -> None:
    repeats = 2 if "--fast" in sys.argv else REPEATS
    count = len(functions()) + len(tables())
    with ProcessPoolExecutor() as pool:
        found = []
        for one in pool.map(case, range(count), [repeats] * count):
            found.append(one)
            print(
                f"{one['name']:32} top {np.mean(one['top']['truing'] or [0]):.2f} "
                f"error {np.median(one['error']['truing'] or [0]):.3f} hidden {one['hidden']}",
                flush=True,
            )
    rows = {key: _row(found, key) for key in ("truing", "truing PED-ANOVA", *NAMES)}
    covered = [hit for one in found for hit in (*one["covered"], *one["covered_pairs"])]
    own, pairs = ([hit for one in found for hit in one[key]] for key in ("covered", "covered_pairs"))
    small = [hit for one in found for hit in one["small"]]
    hidden = sum(one["hidden"] for one in found)
    alone = np.median([error for one in found for error in one["own"]])
    apart = np.mean([hit for one in found for hit in one["covered_best"]])
    ours, seconds = rows["truing"], np.median([s for one in found for s in one["seconds"]])
    studies = repeats * count
    record(
        "importance",
        reached=bool(ours["top"] >= 0.9 and ours["error"] <= 0.05 and np.mean(covered) >= 0.9),
        figure=(
            f"most important one right in {ours['top']:.0%} of {studies} studies of {count} problems; median error of "
            f"shares {ours['error']:.3f} (of one parameter {alone:.3f}); 95 % intervals cover "
            f"{np.mean(covered):.1%} of the shares of at least 5 % (of one parameter "
            f"{np.mean(own):.1%}, of two {np.mean(pairs):.1%}; on the tables "
            f"{_on_tables(found):.1%}); shares withheld (R2 < 0.3) in {hidden}, not right then; "
            f"median {seconds:.1f} s. "
            + "Optuna on the same trials: "
            + ", ".join(f"{name} right in {rows[name]['top']:.0%}, error {rows[name]['error']:.3f}" for name in NAMES)
            + f"; Truing's PED-ANOVA {rows['truing PED-ANOVA']['top']:.0%}, {rows['truing PED-ANOVA']['error']:.3f}, "
            f"its 95 % intervals cover {apart:.1%}"
        ),
        rows=rows,
        small_covered=round(float(np.mean(small)), 4),
        problems=[
            {
                "name": one["name"],
                "top": {key: round(float(np.mean(v)), 3) for key, v in one["top"].items() if v},
                "error": {key: round(float(np.median(v)), 4) for key, v in one["error"].items() if v},
                "covered": round(float(np.mean([*one["covered"], *one["covered_pairs"]])), 3)
                if one["covered"]
                else None,
                "r2": round(float(np.mean(one["r2"])), 3),
                "hidden": one["hidden"],
            }
            for one in found
        ],
    )


def _on_tables(found: list[dict[str, Any]]) -> float:
    hits = [hit for one in found if one["table"] for hit in (*one["covered"], *one["covered_pairs"])]
    return float(np.mean(hits)) if hits else float("nan")


def _row(found: list[dict[str, Any]], key: str) -> dict[str, float]:
    top = [right for one in found for right in one["top"][key]]
    return {
        "top": round(float(np.mean(top)), 4),
        "error": round(float(np.median([e for one in found for e in one["error"][key]])), 4),
        "largest_error": round(float(np.max([e for one in found for e in one["error"][key]])), 4),
    }


if __name__ == "__main__":
    main()
