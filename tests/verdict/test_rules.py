"""The rules by which a study chooses: worked by hand, and their regret in studies whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

import truing as tr
from truing.errors import ChangedStudyError, MetricError, UsageError
from truing.record.trial import Trial
from truing.space.configuration import Configuration
from truing.verdict.select import Candidate, choose, standing


def candidate(number: int, scores: list[float], raced: list[float] | None = None, **more) -> Candidate:
    trial = Trial(number, Configuration({}), "completed", float(np.mean(scores)))
    race = None if raced is None else (None if None in raced else float(np.mean(raced)), len(raced))
    return Candidate(trial, [*scores, *(raced or [])], len(scores), race, **more)


def test_each_rule_by_hand() -> None:
    """Means 0.90, 0.895, 0.88, 0.80; the best has SE 0.01; the region is 0.006."""
    field = [
        candidate(0, [0.88, 0.92], [0.90, 0.90], seconds=9, distance=3),
        candidate(1, [0.89, 0.90], [0.895, 0.895], seconds=5, distance=1),
        candidate(2, [0.88, 0.88], [0.88, 0.88], seconds=2, distance=0.5),
        candidate(3, [0.80, 0.80], [0.80, 0.80], seconds=1, distance=0),
    ]
    assert field[0].error == pytest.approx(np.std([0.88, 0.92, 0.9, 0.9], ddof=1) / 2)
    assert choose(field, "max") == 0
    assert choose(field, "max", rule="one_se") == 1
    assert choose(field, "max", rule="cheapest", rope=0.006) == 1
    assert choose(field, "max", rule="cheapest", rope=0.02001) == 2
    assert choose(field, "max", rule="nearest", rope=0.006) == 1
    assert choose(field, "max", rule="nearest", rope=0.0) == 0
    assert choose(field, "min") == 3


def test_search_and_race_count_by_their_runs_and_a_failed_race_is_out() -> None:
    field = [candidate(0, [1.0] * 5, [0.0] * 5), candidate(1, [0.4] * 5, [0.4] * 10), candidate(2, [0.9], [None])]
    assert field[1].mean == pytest.approx(0.4)
    assert choose(field, "max") == 0
    assert choose(field[1:], "max") == 0
    assert choose([field[2]], "max", rule="nearest") == 0  # all are out: the best by the search


def test_the_surrogate_has_three_tenths_of_a_standard_score() -> None:
    """By hand: own z = (1, 0, -1), surface z = (-1, 1, 0)."""
    field = [candidate(n, [v], surface=s) for n, (v, s) in enumerate([(3.0, 1.0), (2.0, 3.0), (1.0, 2.0)])]
    assert [-v for v in standing(field, "max")] == pytest.approx([1 - 0.3, 0 + 0.3, -1])
    assert standing(field, "min") == pytest.approx([1 - 0.3, 0.3, -1])
    flat = [candidate(n, [v], surface=1.0) for n, v in enumerate([3.0, 2.0])]
    assert choose(flat, "max") == 0


def test_a_race_with_the_surrogate_loses_less_than_the_best_observed() -> None:
    """Forty noisy scores of a known truth: racing eight more than halves the regret, and the surrogate adds to it."""
    rng, regret = np.random.default_rng(0), {"observed": [], "race": [], "surface": []}
    for _ in range(400):
        truth = rng.normal(size=40)
        search = truth + rng.normal(size=40)
        first = np.argsort(-search)[:8]
        again, says = truth[first] + rng.normal(size=8), truth[first] + 0.7 * rng.normal(size=8)
        plain = [candidate(int(n), [search[n]], [a]) for n, a in zip(first, again, strict=True)]
        helped = [candidate(int(n), [search[n]], [a], surface=s) for n, a, s in zip(first, again, says, strict=True)]
        for name, chosen in (
            ("observed", first[0]),
            ("race", first[choose(plain, "max")]),
            ("surface", first[choose(helped, "max")]),
        ):
            regret[name].append(truth.max() - truth[chosen])
    observed, race, surface = (np.mean(v) for v in regret.values())
    assert surface < race < 0.8 * observed


@pytest.mark.parametrize("rule", ["one_se", "cheapest", "nearest"])
def test_a_study_goes_by_its_rule_and_says_so(judged, reward, rule: str) -> None:
    """Recomputed from what the verdict says of the candidates; with 60 runs three race."""
    done = judged(reward, trials=12, validation=tr.Seeds(5), rule=rule, rope=30.0, seed=3)
    found = done.verdict.to_dict()["selection"]
    rows = found["candidates"]
    best = next(c for c in rows if c["trial"] == found["best"])
    within = best["se"] if rule == "one_se" else 30.0
    plateau = [c for c in rows if best["mean"] - c["mean"] <= within]
    key = "distance" if rule == "nearest" else "seconds"
    assert done.verdict.to_dict()["selected_trial"] == min(plateau, key=lambda c: c[key])["trial"]
    assert found["rule"] == rule
    assert found["rope"] == {"value": 30.0, "how": "as given", "given": True}
    assert {"one_se": "one standard error", "cheapest": "cheapest within", "nearest": "nearest to the"}[rule] in str(
        done.verdict
    ).replace("\n", " ").replace("           ", "")


def test_without_a_race_a_rule_has_all_trials_to_choose_from(judged, reward) -> None:
    """Six trials are too few to race; within 1,000 of the best the defaults themselves are nearest to the defaults."""
    done = judged(reward, trials=6, validation=tr.Seeds(3), rule="nearest", rope=1000.0)
    assert len(done.verdict.to_dict()["selection"]["candidates"]) == 6
    assert done.verdict.to_dict()["selected_trial"] == 0


def test_the_region_is_journalled_before_the_search_and_then_fixed(judged, tmp_path, logistic, rows) -> None:
    x, y = rows()
    done = judged(trials=2, folder=tmp_path / "s")
    study = done.told.of("study")[0].data
    share = y.mean()
    entropy = -(share * np.log(share) + (1 - share) * np.log(1 - share))
    assert study["rope"]["value"] == pytest.approx(0.01 * entropy, rel=0.02)  # of the development rows' shares
    assert study["rule"] == "best"
    space = tr.Space(l2=tr.Float(1e-2, 1e4, log=True, default=300.0))
    again = tr.Study(done.objective, space, data=tr.Data(x, y), folder=tmp_path / "s", rope=0.5)
    with pytest.raises(ChangedStudyError, match=r"rope was none and is now 0\.5"):
        again.run(trials=3, workers=0)


def test_what_is_no_rule_or_region_is_refused_at_once(reward) -> None:
    space, metric = tr.Space(x=tr.Float(0, 1)), tr.Metric("reward", goal="max")
    with pytest.raises(UsageError, match="'best', 'one_se', 'cheapest', 'nearest', got 'luckiest'"):
        tr.Study(reward, space, metric=metric, rule="luckiest")
    with pytest.raises(MetricError, match="at least 0"):
        tr.Study(reward, space, metric=metric, rope=-1)
