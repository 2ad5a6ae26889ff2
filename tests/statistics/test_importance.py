"""Shares of variance against closed forms, brute force, and what must not count."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

import truing as tr
from truing.statistics.importance import Shares, fences, shares

Function = Callable[[Mapping[str, Any]], float]


def told(space: tr.Space, function: Function, trials: int = 80, noise: float = 0.0, seed: int = 0) -> Shares:
    rng = np.random.default_rng(seed)
    configs = [space.sample(rng) for _ in range(trials)]
    y = np.array([function(config) for config in configs]) + noise * rng.normal(size=trials)
    return shares(space, configs, y, rng)


def own(found: Shares) -> dict[str, float]:
    return {share.names[0]: share.share for share in found.parameters}


def test_ishigami_has_its_published_indices() -> None:
    """Saltelli et al. 2008, Global Sensitivity Analysis, 4.6, with a = 7 and b = 0.1."""
    space = tr.Space({f"x{k}": tr.Float(-math.pi, math.pi) for k in (1, 2, 3)})
    found = told(
        space, lambda c: math.sin(c["x1"]) + 7 * math.sin(c["x2"]) ** 2 + 0.1 * c["x3"] ** 4 * math.sin(c["x1"]), 100
    )

    assert own(found) == pytest.approx({"x1": 0.314, "x2": 0.442, "x3": 0.0}, abs=0.06)
    assert found.pairs[0].names == ("x1", "x3")
    assert found.pairs[0].share == pytest.approx(0.244, abs=0.08)
    assert next(s for s in found.parameters if s.names == ("x1",)).total == pytest.approx(0.558, abs=0.08)
    assert found.r2 is not None
    assert found.r2 > 0.85


def test_an_additive_function_has_the_shares_of_its_weights_and_noise_has_none() -> None:
    space = tr.Space({name: tr.Float(0, 1) for name in "abcd"})
    weights = {"a": 3.0, "b": 2.0, "c": 1.0, "d": 0.0}
    spread = math.sqrt(sum(w**2 for w in weights.values()) / 12)
    found = told(space, lambda c: sum(w * c[n] for n, w in weights.items()), 100, noise=0.5 * spread)

    for share in found.parameters:
        truth = weights[share.names[0]] ** 2 / 14
        assert share.low - 0.005 <= truth <= share.high + 0.005
        assert share.share == pytest.approx(truth, abs=0.08)
    assert found.noise == pytest.approx(0.2, abs=0.1)
    assert sum(s.share for s in (*found.parameters, *found.pairs)) + (found.rest or 0.0) == pytest.approx(1.0)


def test_options_have_no_order_and_a_log_scale_counts_evenly() -> None:
    space = tr.Space(
        kind=tr.Choice(["a", "b", "c", "d"]), rate=tr.Float(1e-6, 1.0, log=True), units=tr.Int(4, 256, log=True)
    )
    heights = {"a": 0.0, "b": 1.0, "c": 0.0, "d": 1.0}
    found = told(space, lambda c: heights[c["kind"]] + math.log10(c["rate"]) / 4)
    by_kind, by_rate = 0.25, (6 / 4) ** 2 / 12

    assert own(found) == pytest.approx(
        {"kind": by_kind / (by_kind + by_rate), "rate": by_rate / (by_kind + by_rate), "units": 0.0}, abs=0.05
    )


@pytest.mark.parametrize("momentum", [0.0, 3.0])
def test_being_active_is_the_parents_effect_and_values_are_the_childs(momentum: float) -> None:
    space = tr.Space(
        optimizer=tr.Choice(["sgd", "adam", "lion"]),
        momentum=tr.Float(0, 1, when={"optimizer": "sgd"}),
        rate=tr.Float(0, 1),
    )

    def score(c: Mapping[str, Any]) -> float:
        return float(c["optimizer"] == "sgd") + c["rate"] + momentum * (c.get("momentum", 0.5) - 0.5)

    rng = np.random.default_rng(1)
    drawn = [space.sample(rng) for _ in range(20_000)]
    whole = np.var([score(c) for c in drawn])
    truth = np.mean([c["optimizer"] == "sgd" for c in drawn]) * momentum**2 / 12 / whole
    found = told(space, score, 100)

    assert own(found)["momentum"] == pytest.approx(truth, abs=0.05)
    assert own(found)["optimizer"] == pytest.approx(2 / 9 / whole, abs=0.06)


def test_a_pair_of_child_and_parent_is_told_apart_from_the_child() -> None:
    """Momentum helps with one of the two optimizers that have it and hurts with the other."""
    space = tr.Space(
        optimizer=tr.Choice(["sgd", "nesterov", "adam"]),
        momentum=tr.Float(0, 1, when={"optimizer": ["sgd", "nesterov"]}),
    )
    signs = {"sgd": 1.0, "nesterov": -1.0, "adam": 0.0}
    found = told(space, lambda c: signs[c["optimizer"]] * (c.get("momentum", 0.5) - 0.5))

    assert own(found)["momentum"] < 0.08
    assert found.pairs[0].share > 0.8


def test_units_and_goal_do_not_matter_and_the_same_seed_gives_the_same() -> None:
    space = tr.Space(a=tr.Float(0, 1), b=tr.Float(0, 1))
    first = told(space, lambda c: c["a"] + c["a"] * c["b"], 40, noise=0.05)
    rng = np.random.default_rng(0)
    configs = [space.sample(rng) for _ in range(40)]
    y = np.array([c["a"] + c["a"] * c["b"] for c in configs]) + 0.05 * rng.normal(size=40)
    turned = shares(space, configs, 5 - 1000 * y, rng)

    assert own(turned) == pytest.approx(own(first), abs=0.03)  # another sign, so other draws
    assert told(space, lambda c: c["a"] + c["a"] * c["b"], 40, noise=0.05) == first


def test_one_diverged_network_is_not_all_of_the_variance() -> None:
    space = tr.Space(a=tr.Float(0, 1), b=tr.Float(0, 1))
    rng = np.random.default_rng(0)
    configs = [space.sample(rng) for _ in range(60)]
    y = np.array([c["a"] for c in configs])
    y[7] = 1e9
    found = shares(space, configs, y, rng)

    assert found.moved == 1
    assert own(found)["a"] > 0.85


def test_noise_alone_has_no_shares_and_the_reason_is_said() -> None:
    found = told(tr.Space(a=tr.Float(0, 1), b=tr.Float(0, 1)), lambda c: 0.0, 60, noise=1.0)

    assert found.parameters == ()
    assert found.r2 is not None
    assert found.r2 < 0.3
    assert found.why.startswith("the surrogate predicts scores it has not seen with R2 ")


@pytest.mark.parametrize(
    ("trials", "value", "why"),
    [
        (14, 1.0, "14 trials are too few for 3 parameters: it takes 15"),
        (20, 0.0, "all scores are equal"),
        (0, 0.0, "no parameter varied"),
    ],
)
def test_what_cannot_be_told_is_said(trials: int, value: float, why: str) -> None:
    space = tr.Space(a=tr.Float(0, 1), b=tr.Float(0, 1), c=tr.Float(0, 1))

    assert told(space, lambda c: value * c["a"], trials).why == why


def test_a_parameter_that_had_one_value_is_named_and_counts_nothing() -> None:
    space = tr.Space(a=tr.Float(0, 1), still=tr.Float(0, 1), fixed=tr.Float(0, 1, role="fixed"))
    rng = np.random.default_rng(0)
    configs = [{**space.sample(rng), "still": 0.5} for _ in range(30)]
    found = shares(space, configs, np.array([c["a"] for c in configs]), rng)

    assert found.idle == ("still",)
    assert [s.names for s in found.parameters] == [("a",)]
    assert found.parameters[0].share == pytest.approx(1.0)


def test_equal_quartiles_move_nothing() -> None:
    assert fences(np.array([1.0, 1.0, 1.0, 1.0, 9.0])) == (-np.inf, np.inf)
