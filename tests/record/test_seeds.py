"""Named random streams and the seeds of runs."""

from __future__ import annotations

import subprocess
import sys

import numpy as np

from truing.record.plan import Plan
from truing.record.seeds import seed_of, stream
from truing.record.trial import Replicate

NAMES = [(seed, *names) for seed in (0, 1, 2**40) for names in (("search", 0), ("search", 1), ("race", 0), ("test",))]


def test_a_name_is_a_stream_of_its_own() -> None:
    draws = [tuple(stream(*name).random(4)) for name in NAMES]

    assert len(set(draws)) == len(NAMES)
    assert draws == [tuple(stream(*name).random(4)) for name in NAMES]


def test_names_do_not_run_together() -> None:
    """ "a", 11 is not "a1", 1; and 1 is not "1"."""
    assert len({seed_of(0, "a", 11), seed_of(0, "a1", 1), seed_of(0, "a", 1, 1), seed_of(0, "a", "11")}) == 4


def test_seeds_fit_every_library() -> None:
    seeds = [seed_of(0, "search", number) for number in range(2000)]

    assert all(0 <= seed < 2**31 for seed in seeds)
    assert len(set(seeds)) == 2000
    assert abs(np.mean(seeds) / 2**31 - 0.5) < 0.03


def test_streams_are_the_same_in_every_process() -> None:
    code = "from truing.record.seeds import seed_of, stream; print(seed_of(3, 'x', 1), stream(3, 'x').random())"
    printed = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": hashing}, capture_output=True, text=True, check=True
        ).stdout
        for hashing in ("0", "1")
    }

    assert printed == {f"{seed_of(3, 'x', 1)} {stream(3, 'x').random()}\n"}


def test_a_run_is_given_rows_of_the_data_and_a_seed_that_pairs_trials() -> None:
    rows = np.array([10, 20, 30, 40])
    plan = Plan(5, (Replicate(0, np.array([0, 1]), np.array([2, 3])), Replicate(1)), rows=rows, epochs=7, threads=2)
    one = plan.spec(1, 0, {"x": 1}, "search", plan.replicates[0])
    two = plan.spec(2, 9, {"x": 2}, "search", plan.replicates[0])

    assert (one.train.tolist(), one.valid.tolist()) == ([10, 20], [30, 40])
    assert one.seed == two.seed == seed_of(5, "search", 0)
    assert one.seed != plan.spec(3, 0, {"x": 1}, "search", plan.replicates[1]).seed
    assert one.seed != plan.spec(3, 0, {"x": 1}, "race", plan.replicates[0]).seed
    assert (one.epochs, one.threads) == (7, 2)
    assert plan.spec(3, 0, {"x": 1}, "search", plan.replicates[1]).train is None
