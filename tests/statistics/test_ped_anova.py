"""PED-ANOVA against Optuna's, a known density, and chance."""

from __future__ import annotations

import numpy as np
import optuna
import pytest

import truing as tr
from truing.statistics.ped_anova import ped_anova

SPACE = tr.Space(a=tr.Float(0, 1), b=tr.Float(0, 1), kind=tr.Choice(["x", "y"]), k=tr.Int(1, 5))


def drawn(trials: int, seed: int = 0) -> tuple[list[tr.Configuration], np.random.Generator]:
    rng = np.random.default_rng(seed)
    return [SPACE.sample(rng) for _ in range(trials)], rng


def test_the_same_parameters_lead_as_with_optuna() -> None:
    configs, rng = drawn(400)
    y = np.array([c["a"] + 0.4 * (c["kind"] == "x") for c in configs])
    study = optuna.create_study()
    kinds = {
        "a": optuna.distributions.FloatDistribution(0, 1),
        "b": optuna.distributions.FloatDistribution(0, 1),
        "kind": optuna.distributions.CategoricalDistribution(["x", "y"]),
        "k": optuna.distributions.IntDistribution(1, 5),
    }
    for config, value in zip(configs, y, strict=True):
        study.add_trial(optuna.trial.create_trial(params=dict(config), distributions=kinds, value=float(value)))
    theirs = optuna.importance.get_param_importances(study, evaluator=optuna.importance.PedAnovaImportanceEvaluator())
    ours = {one.name: one.share for one in ped_anova(SPACE, configs, y, rng, goal="min").parameters}

    assert list(ours)[:2] == list(theirs)[:2] == ["a", "kind"]
    assert ours["a"] == pytest.approx(theirs["a"], abs=0.12)


def test_the_weight_of_a_choice_is_its_pearson_divergence() -> None:
    """All the best have one of two equally frequent options, and of the other as all have: nothing is left to it."""
    space = tr.Space(kind=tr.Choice(["x", "y"]), other=tr.Choice(["u", "v", "w"]))
    rng = np.random.default_rng(0)
    configs = [{"kind": "xy"[k % 2], "other": "uvw"[k % 3]} for k in range(600)]
    y = np.array([0.0 if c["kind"] == "x" else 1.0 for c in configs]) + 0.01 * rng.random(600)
    found = ped_anova(space, configs, y, rng, goal="min")

    assert found.top == 60
    assert found.parameters[0].name == "kind"
    assert found.parameters[0].share > 0.95
    assert found.parameters[0].p < 0.01 < found.parameters[1].p


def test_the_goal_turns_which_are_the_best() -> None:
    space = tr.Space(a=tr.Float(0, 1), kind=tr.Choice(["x", "y"]))
    rng = np.random.default_rng(0)
    configs = [space.sample(rng) for _ in range(300)]
    y = np.array([1.0 if c["kind"] == "x" and c["a"] > 0.5 else 0.01 * c["a"] for c in configs])
    least, most = (ped_anova(space, configs, y, rng, goal=goal).parameters for goal in ("min", "max"))

    assert least[0].name == "a"
    assert {one.name: one.p for one in most}["kind"] < 0.01


def test_chance_alone_sets_nothing_apart() -> None:
    """Of 20 studies x 4 parameters of pure noise, about one in twenty has p at most 0.05."""
    small = []
    for seed in range(20):
        configs, rng = drawn(100, seed)
        small += [one.p <= 0.05 for one in ped_anova(SPACE, configs, rng.normal(size=100), rng, goal="min").parameters]

    assert np.mean(small) <= 0.15


@pytest.mark.parametrize(
    ("trials", "y", "why"),
    [(40, 1.0, "the best 10% of 40 trials are 4, and it takes 5"), (60, 0.0, "all scores are equal")],
)
def test_what_cannot_be_told_is_said(trials: int, y: float, why: str) -> None:
    configs, rng = drawn(trials)

    assert ped_anova(SPACE, configs, y * np.arange(trials), rng, goal="min").why == why
