"""Truing's own searchers on tables of real trainings: what each has found after 10, 20, 40 and 80 trials.

Four tables of all configurations of a network (5 and 9 hyperparameters); the mean over their repeated trainings is the
score, so that it is the search alone. The figure is the normalised regret (0 = the best known, 1 = the median
configuration), its median over problems and seeds. Groups of the sequential search: architecture first, then training.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from _record import record

import truing as tr
from truing.record.events import Event
from truing.record.history import History
from truing.record.seeds import stream

SHARED = Path(__file__).parents[2] / "shared" / "bench"
AFTER, SEEDS = (10, 20, 40, 80), 10
ARCHITECTURE = ("layer", "unit", "depth", "width", "activation", "hidden")
SEARCHERS: dict[str, Any] = {
    "random": tr.RandomSearch(),
    "sobol": tr.SobolSearch(),
    "sequential": tr.SequentialSearch(inner="random"),
    "grid cut short": tr.GridSearch(),
}


def space_of(dims: Any, seed: int) -> tr.Space:
    """The same space in Truing's words, its parameters in an order by the seed: a grid that is cut short rests on it.

    The defaults are the middle of each scale, as where none are given.
    """
    found = {}
    for place in np.random.default_rng(seed).permutation(len(dims)):
        d = dims[place]
        group = "architecture" if any(word in d.name for word in ARCHITECTURE) else "training"
        if d.choices:
            found[d.name] = tr.Choice(list(d.choices), ordered=d.kind == "ordinal", group=group)
        elif d.kind == "int":
            found[d.name] = tr.Int(int(d.low), int(d.high), log=d.log, group=group)
        else:
            found[d.name] = tr.Float(d.low, d.high, log=d.log, group=group)
    return tr.Space(found)


def regrets(problem: Any, searcher: Any, seed: int) -> list[float]:
    """The best so far after each of `AFTER`; a searcher that has come to its end stays where it is."""
    view, best, found = History(space_of(problem.space, seed), "min"), np.inf, []
    view.seed = seed
    for number in range(AFTER[-1]):
        config = view.space.defaults() if number == 0 else searcher.suggest(view, stream(seed, "search", number))
        if config is not None:
            value = problem.value(dict(config))
            view.extend(
                [
                    Event("proposed", {"trial": number, "config": dict(config)}),
                    Event("judged", {"trial": number, "state": "completed", "value": value}),
                ]
            )
            best = min(best, (value - problem.best) / (problem.median - problem.best))
        found.append(float(best))
    return [found[after - 1] for after in AFTER]


def main() -> None:
    sys.path.insert(0, str(SHARED))
    from problems import DEVELOPMENT, problem

    result: dict[str, Any] = {"after": list(AFTER), "seeds": SEEDS, "searchers": {}}
    names = [name for name in DEVELOPMENT if not name.startswith("lcbench/")]  # those are surrogates
    problems = [problem(name) for name in names]
    result["grid_trials"] = [int(SEARCHERS["grid cut short"].trials(space_of(one.space, 0))) for one in problems]
    for name, searcher in SEARCHERS.items():
        table = np.array([[regrets(one, searcher, seed) for seed in range(SEEDS)] for one in problems])
        found = {"median": np.median(table, axis=(0, 1)), "mean_log10": np.log10(np.maximum(table, 1e-3)).mean((0, 1))}
        found["worst_problem"] = np.median(table, axis=1).max(axis=0)
        result["searchers"][name] = {key: [round(float(v), 4) for v in values] for key, values in found.items()}
        print(name, result["searchers"][name], flush=True)
    found = {name: one["median"][2] for name, one in result["searchers"].items()}
    figure = ", ".join(f"{name} {value:.3f}" for name, value in found.items())
    record(
        "which_search",
        reached=max(found["random"], found["sobol"]) < found["grid cut short"],
        figure=f"regret after 40 trials on four tables, median: {figure}",
        **result,
    )


if __name__ == "__main__":
    main()
