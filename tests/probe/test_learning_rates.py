"""The range test: against the known limit of stability of a quadratic, and on real digits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import truing as tr
from truing.errors import UsageError
from truing.probe.growing import Curve, growing, rates, read
from truing.probe.learning_rates import _range

torch = pytest.importorskip("torch", reason="the range test needs PyTorch")
from torch import nn  # noqa: E402


class Bowl:
    """Plain gradient descent on curvature / 2 * w^2: it converges below the rate 2 / curvature and not above."""

    def __init__(self, curvature: float) -> None:
        self.curvature, self.w, self.last = curvature, 1.0, 0.0
        self.optimizer = self
        self.param_groups = [{"lr": 0.0}]

    def step(self) -> None:
        self.last = self.curvature / 2 * self.w**2
        self.w -= self.param_groups[0]["lr"] * self.curvature * self.w


@pytest.mark.parametrize("curvature", [0.5, 20.0, 900.0])
def test_the_turn_lies_at_the_limit_of_stability(curvature: float) -> None:
    at = rates(1e-6, 100.0, 200)

    losses = growing(Bowl(curvature), 1e-6, 100.0, 200, 4.0)
    curve = read(losses, at.tolist())

    assert len(losses) < 200
    assert curve.diverges
    assert curve.turns == pytest.approx(2 / curvature, rel=0.5)
    assert curve.falls is not None
    assert curve.steepest is not None
    assert curve.falls <= curve.steepest <= 2 / curvature


def test_of_a_linear_model_the_range_ends_below_the_limit_and_not_far() -> None:
    draw = np.random.default_rng(0)
    x = draw.normal(size=(512, 4)).astype("float32") * [3, 1, 1, 1]
    y = (x @ [1.0, -2.0, 0.5, 1.0]).astype("float32")
    limit = 2 / np.linalg.eigvalsh(2 * x.T @ x / len(x)).max()

    found = tr.range_test(
        nn.Linear(4, 1, bias=False),
        data=(x.astype("float32"), y),
        config={"optimizer": "sgd", "momentum": 0.0, "batch_size": 256},
        seeds=2,
    )

    assert found.high is not None
    assert found.low is not None
    assert limit / 10 < found.high <= limit
    assert found.low <= found.high / 10


def test_on_digits_the_default_trains_and_the_parameter_is_one() -> None:
    def build(config: Any) -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))

    found = tr.range_test(build, data=tr.datasets.digits(), seeds=2)

    assert found.parameter is not None
    assert (found.parameter.log, found.parameter.group) == (True, "training")
    assert found.parameter.low < 1e-2 < found.parameter.high * 10
    assert found.low is not None
    assert found.low <= found.default <= found.high
    names: dict[str, Any] = {"tr": tr}
    exec(f"space = tr.Space(\n{found.code}\n)", names)
    assert names["space"]["learning_rate"] == found.parameter
    text = str(found)
    assert "a prior for the range and not an answer" in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= 80
    assert found.to_dict()["low"] == found.low


def test_a_curve_that_never_falls_says_so() -> None:
    at = rates(1e-3, 1.0, 30).tolist()

    assert read([1.0] * 30, at) == Curve(None, None, None, False)
    assert read([1.0] * 3, at).turns is None
    low, high, default, notes = _range([read([1.0] * 30, at)], (1e-3, 1.0))
    assert (low, high, default) == (None, None, None)
    assert notes == ["The loss fell with no rate: more steps, or other rows, may show more."]


def test_one_that_never_turns_says_that_the_end_may_lie_higher() -> None:
    at = rates(1e-4, 1.0, 40).tolist()
    curve = read(np.linspace(2, 0.1, 40).tolist(), at)

    assert not curve.diverges
    assert "The upper end may lie higher" in _range([curve], (1e-4, 1.0))[3][0].replace("the upper", "The upper")


def test_errors_are_sentences() -> None:
    with pytest.raises(UsageError, match=r"0 < low < high; got low=1, high=0\.1"):
        tr.range_test(nn.Linear(4, 2), low=1, high=0.1)
    with pytest.raises(UsageError, match="at least 20 steps and 1 seed"):
        tr.range_test(nn.Linear(4, 2), steps=3)
