"""The functions of one parameter: mean zero, uncorrelated, of variance one, under `space.sample`."""

from __future__ import annotations

import numpy as np
import pytest

import truing as tr
from truing.statistics.anova_basis import axes_of

SPACE = tr.Space(
    rate=tr.Float(1e-5, 1e-1, log=True),
    units=tr.Int(1, 9, log=True),
    layers=tr.Int(1, 4),
    kind=tr.Choice(["a", "b", "c"]),
    flag=tr.Choice([False, True]),
    size=tr.Choice([1, 3, 7], ordered=True),
    momentum=tr.Float(0, 1, when={"kind": ["a", "b"]}),
)


@pytest.mark.parametrize("name", list(SPACE))
def test_functions_are_orthonormal_over_the_space(name: str) -> None:
    rng = np.random.default_rng(0)
    configs = [SPACE.sample(rng) for _ in range(20_000)]
    axes = axes_of(SPACE, configs, [name])
    (axis,) = axes.axes

    assert axis.share == pytest.approx(2 / 3 if name == "momentum" else 1.0, abs=0.03)
    for basis in axis.bases:
        at = basis.at[axis.active]
        some = min(4, at.shape[1])  # rougher ones need more draws
        assert at.mean(axis=0)[:some] == pytest.approx(np.zeros(some), abs=0.04)
        assert (at.T @ at / len(at))[:some, :some] == pytest.approx(np.eye(some), abs=0.1)
        assert basis.power.sum() == pytest.approx(1.0)


def test_an_inactive_parameter_has_no_value() -> None:
    axes = axes_of(SPACE, [{**SPACE.defaults(), "kind": "c"}], ["momentum"])

    assert not axes.axes[0].active.any()
    assert not axes.axes[0].bases[0].at.any()
