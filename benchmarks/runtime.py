"""`truing runtime` against a full sweep of the same settings: is what it finds as fast, and at what share of the time?

    python benchmarks/runtime.py [--turns 3]

For each network: the race of `tr.runtime`, and a sweep that times every setting for three seconds, turn and turn about.
What the race found and what the sweep found are then timed side by side, ten times in alternation, and the ratio of the
medians counts: both are measured in the same minutes, whatever else the machine does. Time is that of timing, in which
the two differ; that of the whole command is recorded too, with start, comparison of equal seeds and batch sizes.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import Any

import torch
from _record import record
from torch import nn

import truing as tr
from truing.probe import throughput
from truing.probe.children import Children
from truing.probe.machine import cores
from truing.probe.race import LONG, race, sweep
from truing.probe.settings import REFERENCE, grid
from truing.probe.workload import Work

NEAR, FIFTH = 0.95, 0.2
ALTERNATIONS, SECONDS = 10, 0.4


def mlp(config: Any) -> nn.Module:
    return nn.Sequential(nn.Linear(256, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))


def cnn(config: Any) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(4),
        nn.Flatten(),
        nn.Linear(512, 10),
    )


def transformer(config: Any) -> nn.Module:
    layer = nn.TransformerEncoderLayer(64, 4, 128, dropout=0.1, batch_first=True)
    return nn.Sequential(nn.TransformerEncoder(layer, 2), nn.Flatten(), nn.Linear(64 * 32, 10))


NETWORKS = {"mlp": (mlp, (256,)), "cnn": (cnn, (3, 32, 32)), "transformer": (transformer, (32, 64))}


def compared(name: str, seed: int) -> dict[str, Any]:
    """One race and one sweep of one network, and their finds side by side."""
    build, shape = NETWORKS[name]
    work = Work.of(build, input=shape, seed=seed)
    with Children(work) as children:
        facts = children.ask("facts")
        settings = grid(cores(), images=work.images, precisions=facts["precisions"])
        children.start(max(one.runs for one in settings))
        took: dict[str, float] = {}
        found: dict[str, Any] = {}

        def raced() -> Any:
            return race(settings, throughput.measure(children), always=REFERENCE, seed=seed)

        def swept() -> Any:
            return sweep(settings, throughput.measure(children, full=True), seed=seed)

        ways = [("race", raced), ("sweep", swept)]
        for way, run in ways if seed % 2 == 0 else ways[::-1]:
            began = time.perf_counter()
            found[way] = run()
            took[way] = time.perf_counter() - began
        chosen, best = found["race"].order[0], found["sweep"].order[0]
        rates: dict[str, list[float]] = {"race": [], "sweep": []}
        measure = throughput.measure(children)
        for turn in range(ALTERNATIONS if chosen != best else 0):
            sides = [("race", chosen), ("sweep", best)]
            for way, setting in sides if turn % 2 == 0 else sides[::-1]:
                rates[way].append(statistics.median(measure(setting, SECONDS, 5)))
    ratio = statistics.median(rates["race"]) / statistics.median(rates["sweep"]) if rates["race"] else 1.0
    return {
        "network": name,
        "seed": seed,
        "settings": len(settings),
        "chosen": str(chosen),
        "best": str(best),
        "ratio": round(ratio, 4),
        "share": round(took["race"] / took["sweep"], 4),
        "race_s": round(took["race"], 2),
        "sweep_s": round(took["sweep"], 2),
        "reference_to_chosen": round(found["race"].rate(chosen) / found["race"].rate(REFERENCE), 3),
    }


def whole(name: str) -> dict[str, float]:
    """Seconds of the parts of one call, with everything it does."""
    build, shape = NETWORKS[name]
    return {part: round(seconds, 2) for part, seconds in tr.runtime(build, input=shape).seconds.items()}


def main(turns: int) -> None:
    rows = [compared(name, seed) for seed in range(turns) for name in NETWORKS]
    for row in rows:
        print(row)
    ratios = {name: statistics.median(row["ratio"] for row in rows if row["network"] == name) for name in NETWORKS}
    lowest = min(row["ratio"] for row in rows)
    near = sum(row["ratio"] >= NEAR for row in rows)
    share = sum(row["race_s"] for row in rows) / sum(row["sweep_s"] for row in rows)
    gains = statistics.median(row["reference_to_chosen"] for row in rows)
    calls = {name: whole(name) for name in NETWORKS}
    middle = statistics.median(one["all"] for one in calls.values())
    record(
        "runtime",
        reached=min(ratios.values()) >= NEAR and share <= FIFTH,
        figure=f"{min(ratios.values()):.3f} of the sweep's best (median of {turns}, the lowest of {len(NETWORKS)} "
        f"networks; {near} of {len(rows)} races within 5 %, lowest {lowest:.3f}) in {share:.0%} of its time; "
        f"{gains:.1f} times the reference; the whole command {middle:.0f} s with start, comparison and batch sizes",
        cores=cores(),
        threads=torch.get_num_threads(),
        seconds_a_setting=LONG,
        ratios=ratios,
        share=share,
        commands=calls,
        rows=rows,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=3)
    main(parser.parse_args().turns)
