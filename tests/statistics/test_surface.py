from __future__ import annotations

import numpy as np
import pytest

import truing as tr
from truing.statistics.surface import surface

SPACE = tr.Space(
    a=tr.Float(0, 1), rate=tr.Float(1e-4, 1, log=True), other=tr.Float(0, 1), kind=tr.Choice(["x", "y", "z"])
)


def configs(n: int, seed: int = 0) -> list:
    rng = np.random.default_rng(seed)
    return [SPACE.sample(rng) for _ in range(n)]


def score(config) -> float:
    return (
        4 * (config["a"] - 0.3) ** 2 + (np.log10(config["rate"]) + 2) ** 2 + config["other"] + (config["kind"] == "z")
    )


def test_it_finds_a_known_bowl_and_its_height() -> None:
    tried = configs(90)
    y = np.array([score(c) for c in tried])

    found = surface(SPACE, tried, y, ("a", "rate"), np.random.default_rng(0))

    known = np.array([[4 * (x - 0.3) ** 2 + (4 * u - 2) ** 2 for x in found.across] for u in found.up])
    level = np.mean([c["other"] + (c["kind"] == "z") for c in tried])
    seen = ~np.isnan(found.mean)
    assert found.r2 > 0.8
    assert np.corrcoef(found.mean[seen], known[seen])[0, 1] > 0.97
    assert np.abs(found.mean[seen] - known[seen] - level).mean() < 0.35
    row, column = np.unravel_index(np.nanargmin(found.mean), found.mean.shape)
    assert found.across[column] == pytest.approx(0.3, abs=0.2)
    assert found.up[row] == pytest.approx(0.5, abs=0.1)


def test_options_have_a_column_each() -> None:
    tried = configs(90)
    y = np.array([score(c) for c in tried])

    found = surface(SPACE, tried, y, ("kind", "rate"), np.random.default_rng(0))

    assert found.mean.shape == (25, 3)
    means = np.nanmean(found.mean, axis=0)
    assert means[2] - means[:2].mean() == pytest.approx(1.0, abs=0.4)


def test_where_no_trial_is_near_nothing_is_drawn() -> None:
    tried = [c for c in configs(200) if c["a"] < 0.4][:60]
    y = np.array([score(c) for c in tried])

    found = surface(SPACE, tried, y, ("a", "rate"), np.random.default_rng(0))

    assert np.isnan(found.mean[:, found.across > 0.6]).all()
    assert not np.isnan(found.mean[:, found.across < 0.3]).all()


def test_why_there_is_none() -> None:
    rng = np.random.default_rng(0)
    tried = configs(30)

    assert "it takes 10" in surface(SPACE, tried[:9], np.arange(9.0), ("a", "rate"), rng).why
    assert surface(SPACE, tried, np.ones(30), ("a", "rate"), rng).why == "all scores are equal"
    assert "shows noise" in surface(SPACE, tried, rng.normal(size=30), ("a", "rate"), rng).why
