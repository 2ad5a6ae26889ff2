"""Small studies with objectives that cost next to nothing, and the journal they leave."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import truing as tr
from truing.record.events import Event
from truing.storage.sqlite import SqliteJournal


@dataclass
class Logistic:
    """Ridge logistic regression by Newton's method; `noise` moves the weights by the run's seed.

    `seen` remembers what each run was given, which a study itself does not tell.
    """

    noise: float = 0.0
    predicts: bool = True
    numbers: bool = False
    seen: deque[dict[str, Any]] = field(default_factory=deque)  # a list would be a constant of the function
    refuse: Callable[[Any], None] = lambda run: None

    def __call__(self, run: Any) -> Any:
        self.refuse(run)
        x, target = self._columns(run.train.x), (run.train.labels == run.classes[1]).astype(float)
        weights = np.zeros(x.shape[1])
        for _ in range(4):
            p = self._sigmoid(x @ weights)
            slope = x.T @ (p - target) + run.config["l2"] * weights
            curve = (x.T * (p * (1 - p) + 1e-9)) @ x + run.config["l2"] * np.eye(len(weights))
            weights = weights - np.linalg.solve(curve, slope)
        weights = weights + self.noise * np.random.default_rng(run.seed).normal(size=len(weights))

        def predict(rows: Any) -> np.ndarray:
            return self._sigmoid(self._columns(rows) @ weights)

        self.seen.append(
            {
                "seed": run.seed,
                "config": dict(run.config),
                "train": np.array(run.train.rows),
                "valid": np.array(run.valid.rows),
                "valid_kind": type(run.valid).__name__,
                "train_p": predict(run.train.x),
                "predict": predict,
            }
        )
        if self.numbers:
            p = predict(run.valid.x)
            run.report(accuracy=float(np.mean((p >= 0.5) == (run.valid.labels == run.classes[1]))))
        else:
            run.report(predict(run.valid.x))
        run.keep("weights.bin", weights.tobytes())
        return predict if self.predicts else None

    @staticmethod
    def _columns(x: Any) -> np.ndarray:
        return np.c_[np.ones(len(x)), x]

    @staticmethod
    def _sigmoid(z: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-np.clip(z, -30, 30)))


def noisy_reward(run: Any) -> None:
    """Highest at x = 0.7; the noise depends on configuration and seed, so that ranks change between runs."""
    noise = np.random.default_rng([run.seed, int(1e6 * run.config["x"])]).normal()
    run.report(reward=100 - 50 * (run.config["x"] - 0.7) ** 2 + noise)


def table(n: int = 160, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 4))
    return x, (x[:, 0] + 0.6 * x[:, 1] + rng.normal(size=n) > 0.4).astype(int)


@pytest.fixture
def reward() -> Callable[[Any], None]:
    return noisy_reward


@pytest.fixture
def logistic() -> type[Logistic]:
    return Logistic


@pytest.fixture
def rows() -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    return table


class Told:
    """What the journal of a study says, read without the product's own fold."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        journal = SqliteJournal(folder / "journal.db", readonly=True)
        self.events: list[Event] = list(journal.read())
        journal.close()
        self.configs = {e.data["trial"]: e.data["config"] for e in self.of("proposed")}
        self.judged = {e.data["trial"]: e.data for e in self.of("judged")}
        ended = {e.data["run"]: e.data for e in self.of("finished")}
        self.runs = [{**e.data, **ended.get(e.data["run"], {})} for e in self.of("started")]

    def of(self, kind: str) -> list[Event]:
        return [event for event in self.events if event.kind == kind]

    def purpose(self, purpose: str, trial: int | None = None) -> list[dict[str, Any]]:
        """The completed runs of a purpose, by replicate."""
        found = [r for r in self.runs if r["purpose"] == purpose and r.get("state") == "completed"]
        return sorted((r for r in found if trial is None or r["trial"] == trial), key=lambda r: r["replicate"])

    def scores(self, purpose: str, trial: int, metric: str) -> list[float]:
        return [r["scores"][metric] for r in self.purpose(purpose, trial)]

    def predictions(self, run: dict[str, Any], what: str = "") -> np.ndarray:
        """Kept as float32; probabilities then miss one by rounding, which scikit-learn would warn of."""
        found = np.load(self.folder / "predictions" / f"run-{run['run']:06d}{what}.npy").astype(float)
        return found / found.sum(1, keepdims=True) if found.ndim == 2 else found


@dataclass
class Done:
    """A study that was run and judged."""

    study: tr.Study
    objective: Any
    verdict: Any

    @property
    def told(self) -> Told:
        return Told(self.study.folder)

    def seen(self, seed: int, config: dict[str, Any]) -> dict[str, Any]:
        """What the run with this seed and configuration was given."""
        (found,) = [s for s in self.objective.seen if s["seed"] == seed and s["config"] == config]
        return found


@pytest.fixture
def judged(tmp_path: Path) -> Callable[..., Done]:
    """Run a study inline and reach its verdict."""
    count = itertools.count()

    def make(objective: Any = None, *, trials: int = 6, target: float | None = None, **settings: Any) -> Done:
        objective = Logistic() if objective is None else objective
        if objective is not noisy_reward and "data" not in settings:
            settings["data"] = tr.Data(*table())
        if objective is noisy_reward:
            settings.setdefault("metric", tr.Metric("reward", goal="max"))
            settings.setdefault("space", tr.Space(x=tr.Float(0.0, 1.0, default=0.1)))
        settings.setdefault("space", tr.Space(l2=tr.Float(1e-2, 1e4, log=True, default=300.0)))
        settings.setdefault("folder", tmp_path / f"study-{next(count)}")
        study = tr.Study(objective, **settings)
        study.run(trials=trials, workers=0, target=target)
        return Done(study, objective, study.verdict(workers=0))

    return make
