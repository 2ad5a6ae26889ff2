"""One study by the product, and the truth of everything it says."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import truing as tr
from _honesty.climber import Climber
from _honesty.executor import DOES_NOTHING, Batch, Trained, training, whole
from _honesty.kinds import Kind, Rows, Source, source
from _honesty.networks import Network, train
from truing.judge import Judge
from truing.loop import Limits, Session, search
from truing.record.events import Event
from truing.record.history import History
from truing.record.seeds import seed_of, stream
from truing.registry import SCHEDULES
from truing.statistics.score import score
from truing.storage.memory import MemoryJournal
from truing.verdict import reach

FOLDS = 5
SCREEN, CLOSE, FINALISTS = 4, 16, 8  # samples for all configurations, further ones for the best of them
SCORED, MANY = 3000, 20_000  # fresh rows a sample, and for a single network


def space(kind: Kind) -> tr.Space:
    """What may vary: what makes a small network good or bad, and two parameters that do nothing."""
    nothing = {
        "placebo": tr.Float(0.0, 1.0, default=0.5),
        "placebo_kind": tr.Choice(["a", "b", "c"], default="a"),
    }
    if kind.placebo:
        return tr.Space(**nothing)
    return tr.Space(
        learning_rate=tr.Float(0.002, 0.3, log=True, default=0.01 if kind.careful else 0.05),
        momentum=tr.Float(0.0, 0.95, default=0.9),
        weight_decay=tr.Float(1e-5, 0.1, log=True, default=1e-4),
        dropout=tr.Float(0.0, 0.6, default=0.1),
        width=tr.Int(2, 64, log=True, default=16),
        batch_size=tr.Choice([16, 48], default=16),
        epochs=tr.Int(3, 40, log=True, default=12),
        **nothing,
    )


def conduct(kind: Kind, number: int, seed: int, trials: int, scale: float = 1.0) -> dict[str, Any]:
    """Study `number` of a kind: what the verdict says, and the truth.

    Args:
        scale: of the effort put into the truth; below 1 for a quick look.
    """
    began = time.perf_counter()
    origin = source(kind, stream(seed, kind.name, number, "source"))
    adaptive = number % 3 == 2
    with tempfile.TemporaryDirectory(prefix="truing-honesty-") as folder:
        done = _Study(kind, origin, seed_of(seed, kind.name, number, "study"), adaptive, trials, Path(folder))
        found = done.found()
    studied = time.perf_counter() - began
    truth = _Truth(origin, stream(seed, kind.name, number, "truth"), scale)
    return {
        "kind": kind.name,
        "number": number,
        "facts": kind.facts(),
        "adaptive": adaptive,
        "trials": trials,
        **found,
        "truth": truth.of(done),
        "seconds": {"study": round(studied, 2), "truth": round(time.perf_counter() - began - studied, 2)},
    }


class _Study:
    """The product from the first trial to the verdict."""

    def __init__(self, kind: Kind, origin: Source, seed: int, adaptive: bool, trials: int, folder: Path) -> None:
        x, y, groups = origin.study()
        self.classes = kind.classes
        also = [] if kind.metric == "accuracy" else ["accuracy"]
        study = tr.Study(
            Trained(),
            space(kind),
            data=tr.Data(x, y, groups=groups),
            metric=kind.metric,
            also=also,
            validation=tr.KFold(FOLDS),
            search=Climber() if adaptive else "random",
            seed=seed,
            folder=folder,
        )
        self.setting, self.job = study._setting, study._job
        self.batch = Batch(self.job)
        self.history = History(study.space, self.setting.task.goal)
        session = Session(MemoryJournal(), self.history, self.batch, SCHEDULES.get("full")())
        described = study._describe(*study._sources)
        session.record(Event("study", described))
        judge = Judge(self.setting, self.job)
        search(session, study.searcher, self.setting.plan, judge, Limits(trials), lookahead=study.lookahead)
        self.verdict = reach(
            session, self.setting, self.job, described, say=lambda line: None, phase=lambda name, runs: None
        ).to_dict()

    @property
    def best(self) -> Any:
        """The winner of the search, as everybody would take it."""
        return self.history.best()

    def found(self) -> dict[str, Any]:
        verdict = self.verdict
        names = (
            "metric",
            "goal",
            "gain",
            "selected_trial",
            "validation",
            "test",
            "corrections",
            "runs",
            "verdict_runs",
        )
        return {
            **{name: verdict[name] for name in names},
            "best_observed": {"trial": self.best.number, "value": self.best.value},
            "defaults_observed": self.history.trial(0).value,
            "corrected_t": (verdict["comparison"] or {}).get("corrected_t"),
        }


class _Truth:
    """What the figures of a verdict are about, by fresh rows."""

    def __init__(self, origin: Source, rng: np.random.Generator, scale: float) -> None:
        self._origin, self._rng = origin, rng
        self._screen, self._close = max(2, round(SCREEN * scale)), max(4, 2 * round(CLOSE * scale / 2))
        self._scored, self._many = max(500, round(SCORED * scale)), max(2000, round(MANY * scale))

    def of(self, study: _Study) -> dict[str, Any]:
        history, verdict = study.history, study.verdict
        chosen, lucky = verdict["selected_trial"], study.best.number
        trained = verdict["validation"]["rows_trained"]
        known = [t.number for t in history.completed]
        configs = {number: whole(history.trial(number).config) for number in known}
        names = sorted({study.setting.task.primary.name, "accuracy"})
        primary = study.setting.task.primary
        sign = 1.0 if primary.goal == "max" else -1.0
        first = self._means(study, configs, trained, self._screen, names)
        early = {number: sign * first[number][:, names.index(primary.name)].mean() for number in known}
        last = sorted(known, key=lambda number: -early[number])[:FINALISTS]
        last = sorted({*last, chosen, lucky, 0})
        second = self._means(study, {n: configs[n] for n in last}, trained, self._close, names)
        by = {name: {n: second[n][:, j] for n in last} for j, name in enumerate(names)}
        own = by[primary.name]
        found = {
            name: {
                "selected": float(each[chosen].mean()),
                "best_observed": float(each[lucky].mean()),
                "defaults": float(each[0].mean()),
                "difference": float((each[chosen] - each[0]).mean()),
                "difference_se": float((each[chosen] - each[0]).std(ddof=1) / np.sqrt(self._close)),
            }
            for name, each in by.items()
        }
        regrets = []
        for half in (0, 1):  # the best is chosen on one half of the samples and valued on the other
            picked = max(last, key=lambda n: sign * own[n][half::2].mean())
            other = {n: sign * own[n][1 - half :: 2].mean() for n in last}
            regrets.append((other[picked] - other[chosen], other[picked] - other[lucky]))
        regret = np.mean(regrets, axis=0)
        return {
            "rows_trained": trained,
            **found,
            "regret": {"selected": float(regret[0]), "best_observed": float(regret[1])},
            "test": self._locked(study, configs, names),
        }

    def _means(
        self, study: _Study, configs: Mapping[int, Mapping[str, Any]], rows: int, samples: int, names: Sequence[str]
    ) -> dict[int, np.ndarray]:
        """Configuration -> its scores (samples, metrics); configurations that are the same but for placebos share."""
        same: dict[tuple, list[int]] = {}
        for number, config in configs.items():
            same.setdefault(tuple(v for k, v in config.items() if k not in DOES_NOTHING), []).append(number)
        draws = [self._origin.fresh(rows, self._scored, self._rng) for _ in range(samples)]
        seeds = [int(s) for s in self._rng.integers(2**31, size=samples)]
        work, where = [], []
        for numbers in same.values():
            for s, (sample, _) in enumerate(draws):
                work.append(training(sample[0], sample[1], study.classes, configs[numbers[0]], seeds[s]))
                where.append((numbers, s))
        found = {number: np.empty((samples, len(names))) for number in configs}
        for (numbers, s), network in zip(where, train(work), strict=True):
            scores = self._scores(network, draws[s][1], names)
            for number in numbers:
                found[number][s] = scores
        return found

    def _locked(self, study: _Study, configs: Mapping[int, Mapping[str, Any]], names: Sequence[str]) -> dict[str, Any]:
        """The delivered network, and both sides trained on these development rows with further seeds."""
        rows, data = study.setting.plan.rows, study.setting.data
        x, y = data.x[rows], study.setting.truth(rows)
        sides = sorted({study.verdict["selected_trial"], 0})
        _, fresh = self._origin.fresh(0, self._many, self._rng)
        seeds = [int(s) for s in self._rng.integers(2**31, size=self._close)]
        work = [training(x, y, study.classes, configs[side], seed) for side in sides for seed in seeds]
        scores = np.array([self._scores(network, fresh, names) for network in train(work)])
        scores = scores.reshape(len(sides), len(seeds), len(names))
        delivered = self._scores(study.batch.delivered, fresh, names)
        apart = scores[-1] - scores[0]
        return {
            name: {
                "delivered": float(delivered[j]),
                "selected": float(scores[-1, :, j].mean()),
                "defaults": float(scores[0, :, j].mean()),
                "difference": float(apart[:, j].mean()),
            }
            for j, name in enumerate(names)
        }

    def _scores(self, network: Network, rows: Rows, names: Sequence[str]) -> list[float]:
        p = network.predict(rows[0]).astype(float)
        values = [score(name, rows[1], p).value for name in names]
        return [float("nan") if value is None else value for value in values]
