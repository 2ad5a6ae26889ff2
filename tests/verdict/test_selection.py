"""Who races, who is selected, and how many runs that takes; recomputed from the journal."""

from __future__ import annotations

import numpy as np
import pytest

import truing as tr
from truing.record.seeds import seed_of


@pytest.mark.parametrize(("trials", "racers"), [(40, 8), (39, 3), (12, 3), (11, 0)])
def test_race_and_choice_are_those_of_the_journal(judged, reward, trials: int, racers: int) -> None:
    """200, 195, 60 and 55 runs; every racer gets one fresh fold set, and the best mean of all its runs wins."""
    done = judged(reward, trials=trials, validation=tr.Seeds(5))
    told = done.told

    searched = {t: told.scores("search", t, "reward") for t in told.configs}
    best = sorted(searched, key=lambda t: -np.mean(searched[t]))
    raced = {run["trial"] for run in told.purpose("race")}
    assert raced == set(best[:racers])
    together = {t: np.mean(searched[t] + told.scores("race", t, "reward")) for t in raced}
    assert all(len(told.scores("race", t, "reward")) == 5 for t in raced)
    chosen = max(together, key=lambda t: together[t] + surface(done, t)) if racers else best[0]
    assert done.verdict.selected == told.configs[chosen]
    assert done.verdict.to_dict()["verdict_runs"] == 5 * racers + 2 * 10 + 1


def surface(done, trial: int) -> float:
    """What the surrogate adds to a racer's mean, in the unit of the means: 0.3 standard deviations a standard score."""
    found = done.verdict.to_dict()["selection"]
    rows = {c["trial"]: c for c in found["candidates"]}
    assert found["surrogate"]["used"] == (found["surrogate"]["r2"] > 0.3)
    if not found["surrogate"]["used"]:
        return 0.0
    means, said = (np.array([c[key] for c in rows.values()]) for key in ("mean", "surrogate"))
    return 0.3 * (rows[trial]["surrogate"] - said.mean()) / said.std() * means.std()


def test_race_is_not_merely_the_search_again(judged, reward) -> None:
    """In this study the race changes the choice; were it ignored, the test above could not see it."""
    changed = 0
    for seed in range(6):
        done = judged(reward, trials=12, validation=tr.Seeds(5), seed=seed)
        searched = {t: np.mean(done.told.scores("search", t, "reward")) for t in done.told.configs}
        changed += done.verdict.selected != done.told.configs[max(searched, key=searched.__getitem__)]
    assert changed >= 1


def test_a_failed_trial_counts_no_runs_towards_the_race(judged, reward) -> None:
    """12 trials of 5 are 60 runs; one that fails in its last fold leaves 55 that say anything."""

    def objective(run):
        if 0.4 < run.config["x"] < 0.75 and run.seed == seed_of(0, "search", 4):
            raise ValueError("unlucky")
        reward(run)

    done = judged(
        objective,
        trials=12,
        data=None,
        validation=tr.Seeds(5),
        metric=tr.Metric("reward", goal="max"),
        space=tr.Space(x=tr.Float(0.0, 1.0, default=0.1)),
    )
    states = [t["state"] for t in done.told.judged.values()]
    assert "failed" in states
    assert not done.told.purpose("race")


def test_one_whose_race_fails_is_out_and_that_is_said(judged, reward) -> None:
    """A racer that fails on a fresh split is not judged by its search score alone."""

    def objective(run):
        if run.config["x"] > 0.55 and run.seed == seed_of(0, "race", 2):
            raise ValueError("only here")
        reward(run)

    done = judged(
        objective,
        trials=12,
        data=None,
        validation=tr.Seeds(5),
        metric=tr.Metric("reward", goal="max"),
        space=tr.Space(x=tr.Float(0.0, 1.0, default=0.1)),
    )
    racers = {run["trial"] for run in done.told.runs if run["purpose"] == "race"}
    configs = [done.told.configs[t]["x"] for t in racers]
    assert any(x > 0.55 for x in configs)
    if any(x <= 0.55 for x in configs):
        assert done.verdict.selected["x"] <= 0.55
    (warning,) = [w["message"] for w in done.verdict.warnings if w["code"] == "race_failed"]
    assert "ValueError: only here" in warning


def test_search_race_and_estimate_use_other_seeds_and_other_splits(judged, reward) -> None:
    """Three disjoint sets of seeds, and of divisions of the rows; the two sides share theirs."""
    done = judged(trials=12)
    told = done.told

    def splits(purpose: str) -> set[tuple[int, bytes]]:
        return {
            (r["seed"], done.seen(r["seed"], told.configs[r["trial"]])["valid"].tobytes())
            for r in told.purpose(purpose)
        }

    search, race, estimate = splits("search"), splits("race"), splits("estimate")
    assert (len(search), len(race), len(estimate)) == (5, 5, 10)
    for one, other in ((search, race), (search, estimate), (race, estimate)):
        assert not {seed for seed, _ in one} & {seed for seed, _ in other}
        assert not {rows for _, rows in one} & {rows for _, rows in other}


def test_cost_is_said_before_it_is_spent(judged, capsys) -> None:
    """66 runs after 200 are 33 %, as the printed line says, and as the verdict then counts."""
    done = judged(trials=40)
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("Verdict:")]
    assert said == ["Verdict: 66 runs (race of 8, fresh runs, refits), 33 % of the search's 200."]
    found = done.verdict.to_dict()
    assert (found["trials"], found["runs"], found["verdict_runs"]) == (40, 200, 66)
