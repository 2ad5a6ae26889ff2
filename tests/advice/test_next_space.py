"""The space for a next study: what is kept, what is widened, what is dropped."""

from __future__ import annotations

import numpy as np
import pytest

import truing as tr
from truing.advice.next_space import by_chance, next_space
from truing.space.code import space_code


def drawn(space: tr.Space, loss, n: int = 40, seed: int = 0) -> list:
    rng = np.random.default_rng(seed)
    return sorted((space.sample(rng) for _ in range(n)), key=loss)


def test_it_keeps_the_good_region_and_what_makes_no_difference() -> None:
    space = tr.Space(x=tr.Float(0, 10), idle=tr.Float(0, 10))
    ranked = drawn(space, lambda c: abs(c["x"] - 5))
    found = next_space(space, ranked).space
    assert 2 < found["x"].low < 5 < found["x"].high < 8
    kept = []
    for seed in range(40):  # the chance of a cut is a fifth
        other = next_space(space, drawn(space, lambda c: abs(c["x"] - 5), seed=seed)).space["idle"]
        kept.append((other.low, other.high) == (0, 10) or other.high - other.low > 10)
    assert sum(kept) >= 24
    assert found.defaults()["x"] == ranked[0]["x"]


def test_it_goes_beyond_an_end_only_where_that_makes_sense() -> None:
    space = tr.Space(rate=tr.Float(1e-4, 1e-2, log=True), dropout=tr.Float(0, 0.5), n=tr.Int(1, 8))
    ranked = drawn(space, lambda c: -np.log(c["rate"]) + 9 * c["dropout"] + c["n"], n=200)
    best = {"rate": 9.9e-3, "dropout": 0.0, "n": 1}
    found = next_space(space, [best, *ranked]).space
    assert found["rate"].high == pytest.approx(1e-2 * 10**0.5, rel=0.05)
    assert (found["dropout"].low, found["n"].low) == (0.0, 1)
    inside = next_space(space, [best, *ranked], extend=False).space
    assert inside["rate"].high == 1e-2


def test_of_few_whole_numbers_the_next_one_is_tried_and_no_bound_is_crossed() -> None:
    space = tr.Space(
        layers=tr.Int(1, 4), share=tr.Float(0.0, 0.5, step=0.25), flag=tr.Int(0, 1), low=tr.Int(2, 4, log=True)
    )
    ranked = drawn(space, lambda c: -c["layers"] - c["share"] - c["flag"] + c["low"], n=100)
    best = {"layers": 4, "share": 0.5, "flag": 1, "low": 2}
    found = next_space(space, [best, *ranked]).space
    assert (found["layers"].high, found["share"].high, found["flag"].high, found["low"].low) == (5, 0.75, 1, 1)


def test_an_option_is_dropped_when_clearly_worse_with_what_depends_on_it() -> None:
    space = tr.Space(
        kind=tr.Choice(["a", "b", "c"]),
        only_c=tr.Float(0, 1, when={"kind": "c"}),
        both=tr.Float(0, 1, when={"kind": ["b", "c"]}),
        x=tr.Float(0, 1),
    )
    ranked = drawn(space, lambda c: (c["kind"] == "c") + c["x"], n=120)
    found = next_space(space, ranked)
    assert list(found.space["kind"].options) == ["a", "b"]
    assert "only_c" not in found.space
    assert found.space["both"].when == {"kind": ("b",)}
    few = [*ranked[:5], next(c for c in ranked if c["kind"] == "c")]
    assert "c" in next_space(space, few).space["kind"].options


def test_many_spaces_give_code_that_makes_them_again() -> None:
    space = tr.Space(
        tr.Repeat("layer", count="layers", kind=tr.Choice(["x", "y"]), w=tr.Int(8, 64, log=True, when={"kind": "x"})),
        {"lambda": tr.Float(1e-6, 1, log=True, role="nuisance")},
        layers=tr.Int(1, 3, group="architecture"),
        size=tr.Choice([1, 3, 5, 7, 9], ordered=True),
        step=tr.Float(0, 1, step=0.1),
        held=tr.Int(1, 9, role="fixed"),
        f=tr.Choice({"size": abs, "near": round}),
    )
    for seed in range(20):
        rng = np.random.default_rng(seed)
        ranked = [space.sample(rng) for _ in range(12)]
        found = next_space(space, ranked).space
        names = {"tr": tr}
        exec(space_code(found), names)
        assert names["space"] == found
        assert found.check(found.defaults())
        assert found["held"] == space["held"]
        own = {name: group for name, group in found.groups.items() if not name.startswith("layer.3.")}
        assert own.items() <= space.groups.items()  # a fourth layer where three were best


def test_how_close_uniform_draws_lie_by_chance() -> None:
    draws = np.random.default_rng(0).random((20000, 5))
    assert by_chance(0.6, 5) == pytest.approx((np.ptp(draws, axis=1) <= 0.6).mean(), abs=0.015)


def test_too_few_trials_propose_nothing() -> None:
    assert next_space(tr.Space(x=tr.Float(0, 1)), [{"x": 0.5}] * 4) is None


def test_a_range_that_can_hardly_be_narrower_stays() -> None:
    space = tr.Space(x=tr.Float(1.0, 1.000002))
    found = next_space(space, drawn(space, lambda c: abs(c["x"] - 1.000001))).space
    assert (found["x"].low, found["x"].high) == (1.0, 1.000002)


@pytest.mark.parametrize(("low", "high"), [(0.999, 0.9999), (1000.0, 1018.0), (1.0, 1.001), (-273.15, -273.0)])
@pytest.mark.parametrize("at", [0.03, 0.3, 0.98])
def test_a_range_that_is_narrow_for_its_place_keeps_the_best_inside(low: float, high: float, at: float) -> None:
    space, best = tr.Space(b=tr.Float(low, high)), low + at * (high - low)
    found = next_space(space, drawn(space, lambda c: abs(c["b"] - best), n=60)).space["b"]
    assert found.low <= best <= found.high
    assert found.high - found.low < 1.1 * (high - low)  # not rounded to something else
