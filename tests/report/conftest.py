"""A realistic study of 40 trials, made of events as a journal would hold them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from truing.record.events import Event
from truing.record.history import History, fold
from truing.space.parameter import Choice, Float, Int
from truing.space.space import Space

FOLDS = 5


@dataclass(frozen=True)
class Told:
    """A study and the events that tell it."""

    history: History
    study: dict[str, Any]
    verdict: dict[str, Any]
    verdict_text: str
    events: list[Event]


def digits_space() -> Space:
    return Space(
        kernel_size=Choice([1, 3, 5, 7], default=3, group="architecture"),
        channels=Int(8, 32, log=True, default=16, group="architecture"),
        learning_rate=Float(1e-4, 1e-1, log=True, default=1e-2, group="training"),
        momentum=Float(0.0, 0.98, default=0.9, group="training"),
        batch_size=Choice([32, 64, 128], default=64, group="training"),
    )


def loss_of(config: Any) -> float:
    """A bowl around learning_rate 0.02, kernel 5 and many channels."""
    return (
        0.06
        + 0.09 * (math.log10(config["learning_rate"]) + 1.7) ** 2
        + {1: 0.3, 3: 0.05, 5: 0.0, 7: 0.03}[config["kernel_size"]]
        + 0.4 / config["channels"]
    )


def tell(space: Space, trials: int = 40, *, seed: int = 0, goal: str = "min") -> list[Event]:
    """Events of a search of `trials` trials; high learning rates with high momentum diverge."""
    rng = np.random.default_rng(seed)
    events, run = [], 0
    for number in range(trials):
        config = dict(space.defaults() if number == 0 else space.sample(rng))
        events.append(Event("proposed", {"trial": number, "config": config, "seen": max(0, number - 4)}))
        bad = config["learning_rate"] > 0.04 and config["momentum"] > 0.55
        scores = []
        for fold_number in range(FOLDS):
            run += 1
            base = {"run": run, "trial": number, "purpose": "search", "replicate": fold_number, "seed": run}
            events.append(Event("started", base))
            seconds = float(rng.uniform(0.4, 1.4))
            if bad and fold_number == 2:
                reason = {
                    "kind": "FloatingPointError",
                    "message": "loss is NaN",
                    "where": "train.py:31",
                    "tail": "",
                }
                events.append(
                    Event("finished", {"run": run, "state": "diverged", "seconds": seconds, "reason": reason})
                )
                break
            scores.append(loss_of(config) * float(rng.lognormal(0.0, 0.15)))
            events.append(
                Event(
                    "finished",
                    {
                        "run": run,
                        "state": "completed",
                        "scores": {"log_loss": scores[-1]},
                        "seconds": seconds,
                    },
                )
            )
        if bad:
            word = "FloatingPointError: loss is NaN (train.py:31) in fold 2 of 5"
            events.append(Event("judged", {"trial": number, "state": "failed", "reason": word}))
        else:
            value, se = float(np.mean(scores)), float(np.std(scores, ddof=1) / math.sqrt(FOLDS))
            events.append(Event("judged", {"trial": number, "state": "completed", "value": value, "se": se}))
    return events


def study_data(space: Space) -> dict[str, Any]:
    return {
        "schema": 1,
        "name": "digits",
        "source": {"train": "def train(run): ..."},
        "assumed_defaults": [],
        "metric": "log_loss",
        "goal": "min",
        "also": ["accuracy", "sensitivity", "specificity", "precision"],
        "validation_text": "5-fold, stratified",
        "validation": {"name": "kfold", "folds": 5, "repeats": 1, "stratified": True, "groups": None},
        "test": "share 0.2",
        "rows": 1437,
        "test_rows": 360,
        "data": {"data": "sha256:5f2c"},
        "findings": [],
        "decision": "argmax",
        "search": {"name": "random"},
        "epochs": 15,
        "seed": 0,
        "threads": 1,
        "space": space.to_dict(),
        "versions": {"truing": "0.1.0", "python": "3.11.7", "numpy": "2.3.0", "torch": "2.13.0"},
        "git": "0a1b2c3",
        "machine": {"system": "Linux", "cores": 2, "host": "secret-host"},
    }


def verdict_data(space: Space) -> dict[str, Any]:
    best = {"kernel_size": 5, "channels": 22, "learning_rate": 0.031, "momentum": 0.94, "batch_size": 64}
    t = "corrected resampled t (Nadeau and Bengio 2003), 10 fresh runs"
    wilson = "Wilson score interval (Wilson 1927)"
    return {
        "schema": 1,
        "metric": "log_loss",
        "goal": "min",
        "selected": best,
        "defaults": dict(space.defaults()),
        "gain": True,
        "headline": "Tuning helped: on rows never seen, log loss 0.074 against 0.139 with the defaults "
        "(-0.065, 95 % interval -0.101 to -0.031).",
        "validation": {
            "selected": 0.071,
            "low": 0.058,
            "high": 0.084,
            "defaults": 0.142,
            "as_searched": 0.066,
            "estimand": "the mean log_loss, on new rows, of networks trained on 4/5 of the development rows",
            "rows_trained": 1150,
            "difference": {"value": -0.071, "low": -0.089, "high": -0.053, "method": t},
        },
        "test": {
            "log_loss": {
                "selected": 0.074,
                "defaults": 0.139,
                "difference": {"value": -0.065, "low": -0.101, "high": -0.031},
                "delivered": {"value": 0.072, "low": 0.05, "high": 0.094, "method": "t interval over rows"},
            },
            "accuracy": {
                "selected": 0.978,
                "defaults": 0.956,
                "difference": {"value": 0.022, "low": 0.004, "high": 0.04},
                "delivered": {"value": 0.978, "low": 0.957, "high": 0.989, "method": wilson},
            },
        },
        "looks": 1,
        "generalization": {"train": 0.002, "validation": 0.071, "test": 0.074, "retained": 1.0},
        "trials": 40,
        "runs": 200,
        "verdict_runs": 66,
        "seconds": 132.4,
        "warnings": [{"code": "assumed_default", "message": "The default of momentum was not given."}],
    }


TEXT = """\
Tuning helped: on rows never seen, log loss 0.074 against 0.139 with the defaults (-0.065, 95 % interval
-0.101 to -0.031).
Accuracy there: 97.8 % against 95.6 %. Always guessing the commonest class: 10 %.

Selected   kernel_size 5 · channels 22 · learning_rate 0.031 · momentum 0.94 · batch_size 64
                              defaults     selected     difference (95 %)
validation log_loss (5-fold)    0.142        0.071       -0.071 [-0.089, -0.053]   fresh splits and seeds
"""


@pytest.fixture(scope="session")
def told() -> Told:
    space = digits_space()
    events = tell(space)
    return Told(fold(events, space, "min"), study_data(space), verdict_data(space), TEXT, events)
