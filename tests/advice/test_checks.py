"""Each check of the list: studies in which it must pass, warn, or say why it cannot judge."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

import truing as tr
from truing.advice.checks import CHECKS, Check, checklist
from truing.record.events import Event
from truing.record.history import History

SPACE = tr.Space(learning_rate=tr.Float(1e-5, 1e-1, log=True), dropout=tr.Float(0.0, 0.5))
NAMES = [check.__name__ for check in CHECKS]


def made(
    configs: Sequence[dict[str, Any]],
    values: Sequence[float | None],
    *,
    se: float | None = None,
    curve: Callable[[int, float], Sequence[float]] | None = None,
    space: tr.Space = SPACE,
) -> History:
    """A study to minimise a loss; a value of None diverged."""
    history = History(space, "min")
    for number, (config, value) in enumerate(zip(configs, values, strict=True)):
        lost = value is None
        scores = list(curve(number, value)) if curve is not None and value is not None else []
        finished = {
            "run": number,
            "state": "diverged" if lost else "completed",
            "scores": {"loss": value},
            "curve": [[epoch + 1, score] for epoch, score in enumerate(scores)],
        }
        completed = {"trial": number, "state": "failed" if lost else "completed", "value": value, "se": se}
        history.extend(
            [
                Event("proposed", {"trial": number, "config": config}),
                Event("started", {"run": number, "trial": number, "purpose": "search", "replicate": 0}),
                Event("finished", finished),
                Event("judged", completed),
            ]
        )
    return history


def judged(history: History, name: str, shares: dict[str, float] | None = None) -> Check:
    return checklist(history, shares or {})[NAMES.index(name)]


def rates(*values: float) -> list[dict[str, Any]]:
    return [{"learning_rate": value, "dropout": 0.2 + 0.001 * k} for k, value in enumerate(values)]


MIDDLE = rates(1e-3, 2e-3, 5e-4, 3e-3, 1e-4, 8e-4)
LOSSES = [0.10, 0.11, 0.12, 0.13, 0.14, 0.15]


def test_the_edge_of_a_range() -> None:
    assert judged(made(MIDDLE, LOSSES), "edge").state == "pass"
    found = judged(made(rates(9e-2, 5e-2, 2e-2, 1e-3, 1e-4, 1e-5), LOSSES), "edge")
    assert found.state == "warn"
    assert "learning_rate = 0.09 at the high end" in found.evidence
    assert judged(made(MIDDLE[:4], LOSSES[:4]), "edge").state == "not judged"


def test_an_end_with_a_meaning_is_no_edge() -> None:
    configs = [{"learning_rate": 1e-3, "dropout": 0.001 * k} for k in range(6)]
    assert judged(made(configs, LOSSES), "edge").state == "pass"


def test_too_few_good_trials() -> None:
    assert judged(made(MIDDLE, LOSSES, se=0.03), "enough_good").state == "pass"
    found = judged(made(MIDDLE, LOSSES, se=0.005), "enough_good")
    assert found.state == "warn"
    assert "1 of 6 trials" in found.evidence
    assert "noise" in judged(made(MIDDLE, LOSSES), "enough_good").evidence


def test_diverged_trials_and_where_they_lie() -> None:
    assert judged(made(MIDDLE, LOSSES), "diverged").state == "pass"
    high = rates(*[10 ** (-1 - 0.05 * k) for k in range(8)])
    low = rates(*[10 ** (-3 - 0.1 * k) for k in range(12)])
    found = judged(made([*high, *low], [None] * 8 + [0.1 + 0.01 * k for k in range(12)]), "diverged")
    assert found.state == "warn"
    assert "8 of 20 trials diverged (40 % [22, 61])" in found.evidence
    assert "learning_rate is higher" in found.evidence
    assert judged(made(MIDDLE[:3], LOSSES[:3]), "diverged").state == "not judged"


def falling(number: int, value: float) -> list[float]:
    return [value + 1 - epoch / 20 for epoch in range(20)]


def flat(number: int, value: float) -> list[float]:
    return [value + 2.0**-epoch for epoch in range(20)]


def at_once(number: int, value: float) -> list[float]:
    return [value + 1, *[value] * 39]


def rising(number: int, value: float) -> list[float]:
    return [value + abs(epoch - 8) / 8 for epoch in range(24)]


def shaking(number: int, value: float) -> list[float]:
    return [value + 2.0**-epoch + 0.5 * (-1) ** epoch for epoch in range(20)]


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("still_improving", flat, falling),
        ("done_early", falling, at_once),
        ("overfitting", falling, rising),
        ("late_variance", flat, shaking),
    ],
)
def test_curves(name: str, good: Any, bad: Any) -> None:
    assert judged(made(MIDDLE, LOSSES, curve=good), name).state == "pass"
    assert judged(made(MIDDLE, LOSSES, curve=bad), name).state == "warn"
    assert judged(made(MIDDLE, LOSSES), name).state == "not judged"


def test_a_fixed_parameter_that_interacts_with_a_winner() -> None:
    space = tr.Space(
        learning_rate=tr.Float(1e-5, 1e-1, log=True), batch_size=tr.Choice([16, 32], role="fixed"), z=tr.Float(0, 1)
    )
    configs = [{"learning_rate": c["learning_rate"], "batch_size": 16, "z": 0.1 * k} for k, c in enumerate(MIDDLE)]
    history = made(configs, LOSSES, space=space)
    assert judged(history, "fixed_interacts", {"z": 0.9, "learning_rate": 0.01}).state == "pass"
    found = judged(history, "fixed_interacts", {"learning_rate": 0.8})
    assert found.state == "warn"
    assert "batch_size is fixed and interacts with learning_rate, which makes 80 %" in found.evidence
    assert judged(made(MIDDLE, LOSSES), "fixed_interacts").state == "not judged"
