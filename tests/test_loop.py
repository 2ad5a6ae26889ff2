"""The loop against a simulated executor that ends runs in any order, and dies when told to."""

from __future__ import annotations

import itertools
import math
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from truing.errors import StudyFailedError
from truing.execution.job import Job
from truing.judge import Judge
from truing.loop import Limits, Session, carry_out, search
from truing.record.events import Event
from truing.record.history import History
from truing.record.interfaces import Decision, RunSpec
from truing.record.seeds import seed_of
from truing.schedule.full import Full
from truing.search.grid import GridSearch
from truing.search.random import RandomSearch
from truing.search.sequential import SequentialSearch
from truing.setting import prepare
from truing.space.parameter import Choice, Float, Int
from truing.space.space import Space
from truing.statistics.metric import Metric
from truing.storage.memory import MemoryJournal
from truing.validation.seeds import Seeds


class DeathError(BaseException):
    """The coordinator is killed: nothing after this happens."""


@dataclass
class Simulated:
    """Ends one of the running runs at each wait, whichever `order` picks; `dies_after` waits it dies."""

    workers: int
    outcome: Callable[[RunSpec], dict[str, Any]]
    order: random.Random
    dies_after: int | None = None
    running: list[RunSpec] = field(default_factory=list)
    started: list[RunSpec] = field(default_factory=list)
    most: int = 0

    def free(self) -> int:
        return self.workers - len(self.running)

    def start(self, runs: Sequence[RunSpec]) -> None:
        self.running += runs
        self.started += runs
        self.most = max(self.most, len(self.running))

    def wait(self, timeout: float, decide: Callable[[Event], Decision]) -> Sequence[Event]:
        if self.dies_after is not None:
            self.dies_after -= 1
            if self.dies_after < 0:
                raise DeathError
        spec = self.running.pop(self.order.randrange(len(self.running)))
        return [Event("finished", {"run": spec.run, "seconds": 1.0, **self.outcome(spec)})]

    def cancel(self, run: int) -> None:
        raise NotImplementedError

    def now(self) -> float:
        return 0.0

    def close(self) -> None:
        pass


@dataclass(frozen=True)
class Climber:
    """An adaptive searcher: a step away from the best it may see; remembers nothing but what it was shown."""

    shown: list[History] = field(default_factory=list, compare=False)

    def suggest(self, view: History, rng: Any) -> Any:
        self.shown.append(view)
        best = view.best()
        while True:
            config = view.space.sample(rng)
            if best is not None and rng.random() < 0.5:
                config = view.space.check({**config, "x": min(1.0, max(0.0, best.config["x"] + rng.normal() / 10))})
            if not view.used(config.key):
                return config


SPACE = Space(x=Float(0.0, 1.0, default=0.9), n=Int(1, 3, default=2))
LOSS = Metric("loss", goal="min")


def completed(loss: float, **more: Any) -> dict[str, Any]:
    return {"state": "completed", "scores": {"loss": loss}, **more}


def failed(kind: str = "ValueError", where: str = "train.py:3", state: str = "failed") -> dict[str, Any]:
    reason = {"kind": kind, "message": "no", "where": where, "tail": f"Traceback\n{kind}: no"}
    return {"state": state, "reason": reason}


def parabola(spec: RunSpec) -> dict[str, Any]:
    return completed((spec.config["x"] - 0.3) ** 2 + spec.config["n"] + (spec.seed % 1000) / 1e4)


class Study:
    """A study without a folder: its journal in memory outlives its coordinators."""

    def __init__(self, space: Space = SPACE, replicates: int = 3) -> None:
        self.space, self.journal = space, MemoryJournal()
        self.setting = prepare(
            data=None,
            primary=LOSS,
            also=(),
            positive=None,
            validation=Seeds(replicates) if replicates > 1 else None,
            test=None,
            epochs=None,
            threads=1,
            seed=7,
        )
        self.started: list[RunSpec] = []

    def history(self) -> History:
        history = History(self.space, "min")
        history.extend(self.journal.read())
        return history

    def run(
        self,
        searcher: Any = None,
        *,
        workers: int = 1,
        trials: int | None = 10,
        outcome: Callable[[RunSpec], dict[str, Any]] = parabola,
        order: int = 0,
        dies_after: int | None = None,
        lookahead: int | None = 4,
        target: float | None = None,
        stop: Callable[[], int] = lambda: 0,
    ) -> str:
        """One coordinator's life: resume, search; "died" when it was killed."""
        history = self.history()
        cut_off = [run.id for run in history.runs.values() if not run.state.ended]
        executor = Simulated(workers, outcome, random.Random(order), dies_after)
        session = Session(self.journal, history, executor, Full(), asked_to_stop=stop)
        session.record(*(Event("finished", {"run": n, "state": "superseded"}, f"finished/{n}") for n in cut_off))
        judge = Judge(self.setting, Job(Path(), self.setting.task, {}))
        try:
            return search(
                session,
                searcher or RandomSearch(),
                self.setting.plan,
                judge,
                Limits(trials, None, target),
                lookahead=lookahead,
            )
        except DeathError:
            return "died"
        finally:
            self.started += executor.started
            self.most = executor.most

    def configs(self) -> list[dict[str, Any]]:
        return [dict(trial.config) for trial in self.history().trials]

    def values(self) -> list[float | None]:
        return [trial.value for trial in self.history().trials]


def test_the_defaults_are_trial_0_whatever_searches() -> None:
    for searcher in (RandomSearch(), GridSearch(points=2), Climber()):
        study = Study()
        study.run(searcher, trials=2, workers=2)

        assert study.configs()[0] == {"x": 0.9, "n": 2}


def test_a_value_is_the_mean_over_all_replicates() -> None:
    study = Study(replicates=3)
    study.run(trials=4, workers=2, order=5)
    history = study.history()

    for trial in history.trials:
        scores = [parabola(spec)["scores"]["loss"] for spec in study.started if spec.trial == trial.number]
        mean = sum(scores) / 3
        spread = math.sqrt(sum((score - mean) ** 2 for score in scores) / 2 / 3)
        assert len(scores) == 3
        assert trial.value == pytest.approx(mean, rel=1e-12)
        assert trial.se == pytest.approx(spread, rel=1e-9)


def test_replicate_j_has_the_same_seed_in_every_trial() -> None:
    study = Study(replicates=3)
    study.run(trials=5, workers=3)

    seeds = {(spec.replicate, spec.seed) for spec in study.started}

    assert seeds == {(j, seed_of(7, "search", j)) for j in range(3)}


@pytest.mark.parametrize("searcher", [RandomSearch(), Climber()], ids=["random", "adaptive"])
def test_trials_do_not_depend_on_workers_or_on_who_ends_first(searcher: Any) -> None:
    alone = Study()
    alone.run(searcher, trials=25)

    for workers, order in itertools.product((2, 3, 5, 16), (1, 2)):
        together = Study()
        together.run(searcher, trials=25, workers=workers, order=order)
        assert together.configs() == alone.configs()
        assert together.values() == alone.values()
        assert together.most > 1


@pytest.mark.parametrize("searcher", [RandomSearch(), Climber()], ids=["random", "adaptive"])
def test_trials_do_not_depend_on_deaths(searcher: Any) -> None:
    undisturbed = Study()
    undisturbed.run(searcher, trials=15)

    for seed in range(6):
        chance = random.Random(seed)
        study, lives = Study(), 0
        while study.run(searcher, trials=15, workers=3, order=seed, dies_after=chance.randrange(12)) == "died":
            lives += 1
        assert lives > 2
        assert study.configs() == undisturbed.configs()
        assert study.values() == undisturbed.values()


GROUPED = Space(
    x=Float(0.0, 1.0, default=0.9, group="one"),
    n=Int(1, 3, default=2, group="two"),
    m=Int(1, 4, default=4, group="three"),
)


def crossed(spec: RunSpec) -> dict[str, Any]:
    x, n, m = spec.config["x"], spec.config["n"], spec.config["m"]
    return completed((x - 0.2 * n) ** 2 + 0.3 * (n - m) ** 2 + 0.1 * m + (spec.seed * m % 1000) / 2e4)


STAGED = [SequentialSearch(), SequentialSearch(inner={"one": "random", "two": "grid"}, per_group=5, joint=5)]


@pytest.mark.parametrize("searcher", STAGED, ids=["grid", "mixed"])
def test_a_search_in_stages_sees_all_before_its_stage_whatever_the_workers(searcher: Any) -> None:
    alone = Study(GROUPED)
    assert alone.run(searcher, trials=None, outcome=crossed) == "exhausted"
    trials = alone.history().trials
    first = next(t.number for t in trials if t.config["n"] != 2 or t.config["m"] != 4)

    assert [t.number for t in trials if t.seen == t.number][:3] == [0, 1, first]  # each stage began with all known
    assert any(t.seen < t.number for t in trials)  # and within it the trials did not wait for each other
    for workers, order in itertools.product((2, 4, 16), (1, 2, 3)):
        together = Study(GROUPED)
        together.run(searcher, trials=None, workers=workers, order=order, outcome=crossed)
        assert together.configs() == alone.configs()
        assert together.values() == alone.values()
        assert [t.seen for t in together.history().trials] == [t.seen for t in trials]
        assert together.most > 1


@pytest.mark.parametrize("searcher", STAGED, ids=["grid", "mixed"])
def test_a_search_in_stages_goes_on_after_deaths_limits_and_without_lookahead(searcher: Any) -> None:
    whole = Study(GROUPED)
    whole.run(searcher, trials=None, outcome=crossed)

    for seed in range(6):
        chance = random.Random(seed)
        study = Study(GROUPED)
        while study.run(searcher, trials=None, workers=3, order=seed, outcome=crossed, dies_after=9) == "died":
            study.run(searcher, trials=len(study.configs()) + chance.randrange(3), workers=2, outcome=crossed)
        assert study.configs() == whole.configs()
        assert study.values() == whole.values()
    free = Study(GROUPED)
    free.run(searcher, trials=None, workers=4, order=3, outcome=crossed, lookahead=None)
    assert free.configs() == whole.configs()  # neither a grid nor random draws read scores within a stage


def test_no_finished_run_is_lost_or_counted_twice_whatever_the_moment_of_death() -> None:
    for dies_after in range(30):
        study = Study(replicates=2)
        assert study.run(trials=15, workers=2, dies_after=dies_after) == "died"
        before = {run.id for run in study.history().runs.values() if run.state == "completed"}
        study.run(trials=15, workers=2)

        runs = study.history().runs.values()
        counted = Counter((run.trial, run.replicate) for run in runs if run.state == "completed")
        assert counted == Counter({(trial, j): 1 for trial in range(15) for j in range(2)})
        assert before <= {run.id for run in runs if run.state == "completed"}
        assert len(before) == dies_after


def test_a_run_cut_off_is_run_again_with_its_seed_and_attempt() -> None:
    study = Study(replicates=2)
    study.run(trials=3, workers=2, dies_after=1)
    study.run(trials=3, workers=2)

    runs = list(study.history().runs.values())
    cut_off = [run for run in runs if run.state == "superseded"]

    assert cut_off
    for run in cut_off:
        again = [r for r in runs if (r.trial, r.replicate) == (run.trial, run.replicate) and r.state == "completed"]
        assert [(r.seed, r.attempt) for r in again] == [(run.seed, run.attempt)]


def test_step_k_sees_exactly_the_complete_trials_before_k_minus_lookahead() -> None:
    searcher = Climber()
    study = Study()
    study.run(searcher, trials=12, workers=6, lookahead=3, order=3)
    truth = study.values()

    assert len(searcher.shown) == 11
    for number, view in enumerate(searcher.shown, start=1):
        # the view is shared with the history and may have grown since; its horizon has not
        seen = [trial.value for trial in view.trials][:number]
        edge = max(0, number - 3)
        assert seen[:edge] == truth[:edge]
        assert seen[edge:] == [None] * (number - edge)
        assert study.history().trial(number).seen == edge


def test_without_lookahead_a_searcher_sees_what_is_complete() -> None:
    values = []

    class Looking(RandomSearch):
        def suggest(self, view: History, rng: Any) -> Any:
            values.append([trial.value for trial in view.trials])
            return super().suggest(view, rng)

    Study(replicates=1).run(Looking(), trials=4, workers=1, lookahead=None)

    assert [sum(value is not None for value in seen) for seen in values] == [1, 2, 3]


@pytest.mark.parametrize("workers", [1, 2, 7])
@pytest.mark.parametrize("replicates", [1, 3])
def test_never_more_trials_than_asked_for(workers: int, replicates: int) -> None:
    study = Study(replicates=replicates)

    assert study.run(trials=5, workers=workers) == "trials"
    assert len(study.configs()) == 5
    assert study.run(trials=5, workers=workers) == "trials"
    assert len(study.started) == 5 * replicates
    assert study.run(trials=8, workers=workers) == "trials"
    assert len(study.configs()) == 8


def test_raised_trials_give_the_same_as_all_at_once() -> None:
    whole, parts = Study(), Study()
    whole.run(Climber(), trials=20)
    for trials in (1, 2, 7, 8, 20):
        parts.run(Climber(), trials=trials, workers=2, order=trials)

    assert parts.configs() == whole.configs()


MIXED = Space(
    optimizer=Choice(["sgd", "adam"], default="adam"),
    momentum=Float(0.0, 0.8, default=0.4, when={"optimizer": "sgd"}),
    layers=Int(1, 3, default=1),
)


def every_combination(points: int) -> set[tuple[Any, ...]]:
    """By hand: with sgd every momentum, with adam none."""
    momenta = [0.8 * k / (points - 1) for k in range(points)]
    found = {("sgd", round(m, 9), layers) for m in momenta for layers in (1, 2, 3)}
    return found | {("adam", None, layers) for layers in (1, 2, 3)}


def as_tuples(study: Study) -> list[tuple[Any, ...]]:
    return [
        (c["optimizer"], None if "momentum" not in c else round(c["momentum"], 9), c["layers"]) for c in study.configs()
    ]


@pytest.mark.parametrize("workers", [1, 2, 5])
@pytest.mark.parametrize("trials", [None, 100])
def test_a_grid_runs_every_combination_once_over_any_restarts(workers: int, trials: int | None) -> None:
    study = Study(MIXED, replicates=2)
    chance = random.Random(workers)
    flat = lambda spec: completed(1.0)  # noqa: E731
    study.run(GridSearch(points=3), workers=workers, trials=5, outcome=flat)
    for _ in range(4):
        moment = chance.randrange(8)
        study.run(GridSearch(points=3), workers=workers, trials=trials, outcome=flat, dies_after=moment)

    assert study.run(GridSearch(points=3), workers=workers, trials=trials, outcome=flat) == "exhausted"

    tried = as_tuples(study)
    assert len(tried) == len(set(tried)) == 12 == GridSearch(points=3).trials(MIXED)
    assert set(tried) == every_combination(3)
    assert all(trial.state == "completed" for trial in study.history().trials)


def test_a_grid_after_another_search_leaves_no_gap() -> None:
    study = Study(MIXED, replicates=1)
    flat = lambda spec: completed(1.0)  # noqa: E731
    study.run(RandomSearch(), trials=6, outcome=flat)
    before = as_tuples(study)
    expected = GridSearch(points=4).trials(MIXED, [trial.config for trial in study.history().trials])
    study.run(GridSearch(points=4), trials=None, outcome=flat, workers=2)

    tried = as_tuples(study)
    assert len(tried) == len(set(tried)) == expected
    assert set(tried) == every_combination(4) | set(before)


def test_random_search_ends_cleanly_when_everything_has_been_tried() -> None:
    space = Space(a=Int(1, 4), b=Choice(["x", "y", "z"]))
    for workers in (1, 4):
        study = Study(space, replicates=2)

        assert study.run(trials=50, workers=workers, outcome=lambda spec: completed(1.0)) == "exhausted"
        assert {(c["a"], c["b"]) for c in study.configs()} == set(itertools.product(range(1, 5), "xyz"))
        assert len(study.configs()) == 12


def test_a_target_ends_the_search_when_a_trial_reaches_it() -> None:
    study = Study(replicates=1)
    losses = iter([5.0, 4.0, 3.0, 2.0, 1.0])

    assert study.run(trials=50, outcome=lambda spec: completed(next(losses)), target=3.0) == "target"
    assert study.values() == [5.0, 4.0, 3.0]
    assert study.run(trials=50, target=3.0) == "target"
    assert len(study.configs()) == 3


def test_a_failed_fold_fails_its_trial_and_is_never_averaged() -> None:
    study = Study(replicates=4)
    bad = lambda spec: failed() if (spec.trial, spec.replicate) == (1, 2) else completed(1.0)  # noqa: E731
    study.run(trials=3, outcome=bad)

    states = [(trial.state, trial.value) for trial in study.history().trials]

    assert states == [("completed", 1.0), ("failed", None), ("completed", 1.0)]
    assert study.history().trial(1).reason == "ValueError: no (train.py:3)"
    assert [spec.replicate for spec in study.started if spec.trial == 1] == [0, 1, 2]  # the last need not start


@pytest.mark.parametrize("workers", [1, 4])
def test_five_failures_in_a_row_of_one_kind_stop_the_study(workers: int) -> None:
    study = Study(replicates=2)

    with pytest.raises(StudyFailedError, match=r"5 trials in a row .* ValueError: no \(train.py:3\)"):
        study.run(trials=40, workers=workers, outcome=lambda spec: failed())

    assert 5 <= len(study.configs()) <= 5 + workers
    assert not any(trial.state == "running" for trial in study.history().trials)


@pytest.mark.parametrize(
    "kind_of",
    [
        lambda n: failed(where=f"train.py:{n % 2}"),
        lambda n: failed(kind=("KeyError", "ValueError")[n % 2]),
        lambda n: completed(1.0) if n % 5 == 4 else failed(),
    ],
    ids=["lines differ", "kinds differ", "one completes between"],
)
def test_other_failures_do_not_stop_it(kind_of: Callable[[int], dict[str, Any]]) -> None:
    study = Study(replicates=1)

    assert study.run(trials=20, outcome=lambda spec: kind_of(spec.trial)) == "trials"
    assert len(study.configs()) == 20


@pytest.mark.parametrize("state", ["diverged", "out_of_memory", "timed_out"])
def test_what_a_configuration_brings_about_stops_a_study_only_while_nothing_completed(state: str) -> None:
    """On a grid the configurations with the largest learning rate are neighbours, and all of them diverge."""
    bad = failed(kind="DivergedError", state=state)
    study = Study(replicates=1)

    assert study.run(trials=20, outcome=lambda spec: completed(1.0) if spec.trial == 0 else bad) == "trials"
    with pytest.raises(StudyFailedError):
        Study(replicates=1).run(trials=20, outcome=lambda spec: bad)


def test_a_run_killed_from_outside_is_run_again_at_most_twice() -> None:
    study = Study(replicates=2)
    gone = failed(kind="SIGKILL", where="", state="lost")
    study.run(trials=3, outcome=lambda spec: gone if (spec.trial, spec.replicate) == (1, 0) else completed(1.0))
    lost = [run for run in study.history().runs.values() if run.state == "lost"]

    assert [run.attempt for run in lost] == [0, 1, 2]
    assert len({run.seed for run in lost}) == 1
    assert [trial.state for trial in study.history().trials] == ["completed", "failed", "completed"]


def test_a_lost_run_that_then_completes_counts_once() -> None:
    study = Study(replicates=2)
    gone = failed(kind="SIGKILL", where="", state="lost")
    study.run(
        trials=2,
        outcome=lambda spec: gone if spec.attempt == 0 and spec.trial == 1 else completed(float(spec.replicate)),
    )

    assert study.values() == [0.5, 0.5]


def test_attempts_are_counted_over_deaths() -> None:
    """A run killed from outside in each life of the coordinator is not run for ever."""
    study = Study(replicates=1)
    gone = failed(kind="SIGKILL", where="", state="lost")
    for _ in range(10):
        if study.run(trials=1, outcome=lambda spec: gone, dies_after=1) != "died":
            break

    assert [spec.attempt for spec in study.started if study.history().runs[spec.run].state == "lost"] == [0, 1, 2]
    assert study.history().trial(0).state == "failed"


def test_asked_to_stop_finishes_what_runs_and_goes_on_later() -> None:
    study = Study(replicates=3)
    presses = iter([0] * 6)

    assert study.run(trials=10, workers=2, stop=lambda: next(presses, 1)) == "interrupted"
    states = Counter(run.state for run in study.history().runs.values())
    assert set(states) == {"completed"}
    assert {trial.state for trial in study.history().trials} <= {"completed", "cancelled"}

    study.run(trials=10, workers=2)
    undisturbed = Study(replicates=3)
    undisturbed.run(trials=10)
    assert study.configs() == undisturbed.configs()
    assert study.values() == undisturbed.values()


def test_an_adaptive_search_goes_on_after_an_interrupt_as_if_nothing_had_been() -> None:
    """Trials left half done must be complete again before a searcher is shown them."""
    undisturbed = Study()
    undisturbed.run(Climber(), trials=14)
    study = Study()
    for _ in range(5):
        presses = iter([0] * 7)
        study.run(Climber(), trials=14, workers=5, stop=lambda presses=presses: next(presses, 1))
    study.run(Climber(), trials=14, workers=5)

    assert study.configs() == undisturbed.configs()


def test_the_journal_alone_tells_what_the_coordinator_knows() -> None:
    """Every finished run is in the journal the moment it is known, and what was only noted follows."""
    study = Study(replicates=2)
    written: list[int] = []

    def outcome(spec: RunSpec) -> dict[str, Any]:
        history = study.history()
        written.append(sum(run.state == "completed" for run in history.runs.values()))
        return completed(1.0, seconds=0.0)  # so quick that starts may be written with the end

    study.run(trials=5, outcome=outcome)

    assert written == list(range(10))
    assert [trial.state for trial in study.history().trials] == ["completed"] * 5


def test_carry_out_runs_all_and_says_when_it_was_stopped() -> None:
    study = Study()
    study.run(trials=1)
    spec = study.setting.plan.spec(0, 0, study.history().trial(0).config, "race", study.setting.plan.replicates[0])
    for stop, done in ((lambda: 0, True), (lambda: 1, False)):
        executor = Simulated(2, lambda spec: completed(1.0), random.Random(0))
        session = Session(study.journal, study.history(), executor, Full(), asked_to_stop=stop)

        assert carry_out(session, [spec] * 3) is done
        assert len(executor.started) == (3 if done else 0)
