"""`study.evaluate`: against brute force, no row leaks, it goes on where it was, and what it tells."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import GridSearchCV, ShuffleSplit, StratifiedKFold

import truing as tr
from truing.errors import ChangedStudyError, TruingError, UsageError
from truing.record.seeds import stream
from truing.report.study import read

X, Y = load_breast_cancer(return_X_y=True)
X = ((X - X.mean(axis=0)) / X.std(axis=0))[:160]
Y = Y[:160]
SPACE = tr.Space(C=tr.Choice([0.001, 0.01, 0.1, 1.0, 10.0], default=1.0))


def logistic(run: Any) -> Callable[[Any], np.ndarray]:
    model = LogisticRegression(C=run.config["C"], max_iter=400).fit(run.train.x, run.train.y)
    run.report(model.predict_proba(run.valid.x))
    return model.predict_proba


def parts_of(study: tr.Study, procedure: Any) -> Any:
    """The parts, in positions of the whole Data."""
    rows = study._setting.plan.rows
    planned = procedure.plan(study._setting.outline()["data"], stream(study.seed, "evaluate", procedure.name))
    return [replace(part, train=rows[part.train], test=rows[part.test]) for part in planned]


# -- against brute force -----------------------------------------------------------------------------------------------


def test_nested_is_what_scikit_learn_makes_of_the_same_splits(tmp_path: Path) -> None:
    study = tr.Study(
        logistic,
        SPACE,
        data=tr.Data(X, Y),
        also=["accuracy"],
        validation=StratifiedKFold(3),
        search="grid",
        folder=tmp_path / "s",
    )

    found = study.evaluate(tr.Nested(4), workers=0).to_dict()

    expected: list[tuple[float, float, float]] = []
    for part, told in zip(parts_of(study, tr.Nested(4)), found["parts"], strict=True):
        grid = {"C": [1.0, 0.001, 0.01, 0.1, 10.0]}
        search = GridSearchCV(LogisticRegression(max_iter=400), grid, cv=StratifiedKFold(3), scoring="neg_log_loss")
        search.fit(X[part.train], Y[part.train])
        plain = LogisticRegression(max_iter=400).fit(X[part.train], Y[part.train])
        assert told["config"] == search.best_params_
        ours, theirs = search.predict_proba(X[part.test]), plain.predict_proba(X[part.test])
        right = accuracy_score(Y[part.test], ours.argmax(axis=1))
        expected.append((log_loss(Y[part.test], ours), log_loss(Y[part.test], theirs), right))
        assert told["metrics"]["log_loss"]["selected"] == pytest.approx(expected[-1][0], abs=1e-5)
        assert told["metrics"]["log_loss"]["defaults"] == pytest.approx(expected[-1][1], abs=1e-5)
    mean = np.mean(expected, axis=0)
    assert found["value"] == pytest.approx(mean[0], abs=1e-5)
    assert found["defaults"] == pytest.approx(mean[1], abs=1e-5)
    assert found["metrics"]["accuracy"]["selected"] == pytest.approx(mean[2])
    assert found["difference"]["value"] == pytest.approx(mean[0] - mean[1], abs=1e-5)
    folds = [part["metrics"]["log_loss"]["selected"] for part in found["parts"]]
    half = 3.182446 * np.std(folds, ddof=1) * np.sqrt(1 / 4 + 1 / 3)  # t with 3 degrees of freedom
    assert found["high"] == pytest.approx(np.mean(folds) + half, rel=2e-3)


def test_optimism_is_what_a_loop_over_the_same_resamples_makes_of_it(tmp_path: Path) -> None:
    study = tr.Study(
        logistic, SPACE, data=tr.Data(X, Y), metric="log_loss", validation=tr.KFold(3), folder=tmp_path / "s"
    )

    found = study.evaluate(tr.Internal(6), trials=1, workers=0).to_dict()

    def fitted(rows: np.ndarray) -> LogisticRegression:
        return LogisticRegression(C=1.0, max_iter=400).fit(X[rows], Y[rows])

    whole, *resamples = parts_of(study, tr.Internal(6))
    apparent = log_loss(Y[whole.train], fitted(whole.train).predict_proba(X[whole.train]))
    inside, outside = [], []
    for part in resamples:
        model = fitted(part.train)
        inside.append(log_loss(Y[part.train], model.predict_proba(X[part.train]), labels=[0, 1]))
        outside.append(log_loss(Y[part.test], model.predict_proba(X[part.test])))
    optimism = np.mean(inside) - np.mean(outside)
    assert optimism < 0  # of a loss
    assert found["apparent"] == pytest.approx(apparent, abs=1e-5)
    assert found["optimism"] == pytest.approx(optimism, abs=1e-5)
    assert found["value"] == pytest.approx(apparent - optimism, abs=1e-5)
    half = 2.570582 * np.std(inside, ddof=1)  # t with 5 degrees of freedom
    assert found["high"] == pytest.approx(apparent - optimism + half, abs=1e-4)


def test_a_site_left_out_is_scored_by_the_others_alone(tmp_path: Path) -> None:
    site = np.array(["north", "east", "south", "west", "island"])[np.arange(160) % 5]
    study = tr.Study(
        logistic,
        SPACE,
        data=tr.Data(X, Y, site=site),
        metric="accuracy",
        also=["sensitivity"],
        validation=tr.KFold(3),
        test=None,
        folder=tmp_path / "s",
    )

    found = study.evaluate(tr.InternalExternal(), trials=1, workers=0).to_dict()

    shares = []
    for name, told in zip(sorted(set(site)), found["parts"], strict=True):
        here = site == name
        model = LogisticRegression(C=1.0, max_iter=400).fit(X[~here], Y[~here])
        share, n, z = accuracy_score(Y[here], model.predict(X[here])), int(here.sum()), 1.959964
        shares.append(share)
        cell = told["metrics"]["accuracy"]
        middle, away = (share + z * z / (2 * n)), z * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
        assert told["name"] == name
        assert cell["selected"] == pytest.approx(share)
        assert cell["low"] == pytest.approx((middle - away) / (1 + z * z / n), abs=1e-6)  # Wilson 1927
        assert cell["high"] == pytest.approx((middle + away) / (1 + z * z / n), abs=1e-6)
    assert found["value"] == pytest.approx(np.mean(shares))
    inner = np.array([min(s, 1 - min(1 - max(t for t in shares if t < 1), 1 / 32) / 2) for s in shares])
    logit = np.log(inner / (1 - inner))
    low = logit.mean() - 2.776445 * logit.std(ddof=1) * np.sqrt(1 + 1 / 5)
    assert found["range"]["low"] == pytest.approx(1 / (1 + np.exp(-low)), rel=1e-4)


def test_where_there_is_no_signal_nested_is_at_chance_and_the_best_observed_is_not(tmp_path: Path) -> None:
    def guess(run: Any) -> Callable[[Any], np.ndarray]:
        def predict(x: np.ndarray) -> np.ndarray:
            draws = np.random.default_rng(run.config["k"]).random(60)[x[:, 0].astype(int)]
            return np.stack([1 - draws, draws], axis=1)

        run.report(predict(run.valid.x))
        return predict

    nested, best = [], []
    for seed in range(4):
        y = np.random.default_rng(seed).permutation(np.repeat([0, 1], 30))
        study = tr.Study(
            guess,
            tr.Space(k=tr.Int(0, 10**6)),
            data=tr.Data(np.arange(60.0)[:, None], y),
            metric="accuracy",
            validation=tr.Holdout(0.4),
            test=None,
            seed=seed,
            folder=tmp_path / str(seed),
        )
        found = study.evaluate(tr.Nested(4), trials=25, workers=0).to_dict()
        nested.append(found["value"])
        best += [part["as_searched"] for part in found["parts"]]

    assert abs(np.mean(nested) - 0.5) < 4 * np.sqrt(0.25 / (4 * 60))
    assert np.mean(best) > 0.65


# -- no row leaks ------------------------------------------------------------------------------------------------------

SEEN: dict[str, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))


def watchful(run: Any) -> Callable[[Any], np.ndarray]:
    """Remembers, for the folder of its study, the rows that it saw and was asked to predict."""
    where = run.folder.parents[1].name
    seen = SEEN[where]
    seen["saw"] |= set(run.train.x[:, 0].astype(int).tolist()) | set(run.valid.x[:, 0].astype(int).tolist())
    scale = run.train.x.std(axis=0) + 1

    def predict(x: np.ndarray) -> np.ndarray:
        seen["predicted"] |= set(x[:, 0].astype(int).tolist())
        p = 1 / (1 + np.exp(-run.config["w"] * (x[:, 1] / scale[1])))
        return np.stack([1 - p, p], axis=1)

    p = 1 / (1 + np.exp(-run.config["w"] * (run.valid.x[:, 1] / scale[1])))
    run.report(np.stack([1 - p, p], axis=1))
    return predict


def watched(folder: Path, **more: Any) -> tr.Study:
    SEEN.clear()
    rng = np.random.default_rng(3)
    signal = rng.normal(size=90)
    x = np.stack([np.arange(90.0), signal], axis=1)
    y = (signal + rng.normal(size=90) > 0).astype(int)
    data = tr.Data(x, y, groups=np.arange(90) // 2, site=np.arange(90) // 18)
    return tr.Study(
        watchful, tr.Space(w=tr.Float(-2, 4, default=0.5)), data=data, validation=tr.KFold(3), folder=folder, **more
    )


@pytest.mark.parametrize("procedure", [tr.Nested(3), tr.Nested(2, repeats=2), tr.InternalExternal()])
def test_no_row_of_an_outer_fold_reaches_its_search_and_no_locked_row_any(tmp_path: Path, procedure: Any) -> None:
    study = watched(tmp_path / "s")

    found = study.evaluate(procedure, trials=21, workers=0).to_dict()  # 63 runs inside, so that there is a race

    locked = set(study._setting.plan.locked.tolist())
    parts = parts_of(study, procedure)
    assert len(locked) > 10
    assert {part["name"] for part in found["parts"]} == {part.name for part in parts}
    for part in parts:
        seen = SEEN[part.folder]
        assert seen["saw"] == set(part.train.tolist())
        assert seen["predicted"] == set(part.test.tolist())
        assert not (seen["saw"] | seen["predicted"]) & locked
        assert not seen["saw"] & seen["predicted"]
        history, _ = read(tmp_path / "s" / "evaluate" / procedure.name / part.folder)
        assert "race" in {run.purpose for run in history.runs.values()}


def test_the_locked_rows_take_no_part_in_internal_validation(tmp_path: Path) -> None:
    study = watched(tmp_path / "s")

    study.evaluate(tr.Internal(3), trials=2, workers=0)

    locked = set(study._setting.plan.locked.tolist())
    for part in parts_of(study, tr.Internal(3)):
        assert SEEN[part.folder]["saw"] == set(part.train.tolist())
        assert not (SEEN[part.folder]["saw"] | SEEN[part.folder]["predicted"]) & locked


@dataclass(frozen=True)
class Leaky(tr.Nested):
    """Hands one row of the first outer fold to the search."""

    def plan(self, rows: Any, rng: Any) -> Any:
        parts = list(super().plan(rows, rng))
        return [replace(parts[0], train=np.append(parts[0].train, parts[0].test[0])), *parts[1:]]


def test_a_procedure_that_leaks_one_row_trains_nothing(tmp_path: Path) -> None:
    study = watched(tmp_path / "s")

    with pytest.raises(TruingError, match="held-out rows"):
        study.evaluate(Leaky(3), trials=2, workers=0)

    assert not SEEN["fold-1-of-3"]["saw"]


def test_copies_of_a_row_stay_on_one_side_of_the_inner_splits(tmp_path: Path) -> None:
    sides: list[tuple[set[int], set[int]]] = []

    def see(run: Any) -> Callable[[Any], np.ndarray]:
        if "resample" in run.folder.parents[1].name:
            sides.append((set(run.train.x[:, 0].tolist()), set(run.valid.x[:, 0].tolist())))
        run.report(np.full((len(run.valid), 2), 0.5))
        return lambda x: np.full((len(x), 2), 0.5)

    data = tr.Data(np.arange(40.0)[:, None], np.arange(40) % 2)
    study = tr.Study(see, SPACE, data=data, validation=tr.KFold(4), folder=tmp_path / "s")

    study.evaluate(tr.Internal(2), trials=1, workers=0)

    inner = [pair for pair in sides if not pair[1] <= pair[0]]  # the refit reports on rows that it trains on
    assert len(inner) == 8
    assert not any(train & valid for train, valid in inner)


# -- again, interrupted, changed ---------------------------------------------------------------------------------------


def test_again_is_the_stored_one_and_more_trials_go_on(tmp_path: Path) -> None:
    study = watched(tmp_path / "s")
    first = study.evaluate(tr.Nested(2), trials=3, workers=0)
    SEEN.clear()

    again = watched(tmp_path / "s").evaluate(tr.Nested(2), trials=3, workers=0)
    assert again.to_dict() == first.to_dict()
    assert not SEEN

    more = study.evaluate(tr.Nested(2), trials=4, workers=0)
    assert more.to_dict()["trials"] == 4
    assert study.evaluate(tr.Nested(2), workers=0).to_dict() == more.to_dict()
    history, _ = read(tmp_path / "s" / "evaluate" / "nested" / "fold-1-of-2")
    assert len([run for run in history.runs.values() if run.purpose == "search"]) == 12  # three folds of four trials
    assert len(read(tmp_path / "s")[0].notes["evaluated"]) == 2


def test_its_time_is_up_and_the_same_call_goes_on(tmp_path: Path) -> None:
    study = watched(tmp_path / "s")

    cut = study.evaluate(tr.Nested(2), trials=3, workers=0, minutes=1e-9)
    assert not cut.complete
    assert cut.value is None
    assert "0 of 2" in str(cut)
    whole = study.evaluate(tr.Nested(2), trials=3, workers=0)

    assert whole.complete
    other = watched(tmp_path / "other").evaluate(tr.Nested(2), trials=3, workers=0)
    assert whole.value == other.value


def test_a_stored_nested_validation_stands_among_the_verdicts_corrections(tmp_path: Path) -> None:
    study = tr.Study(logistic, SPACE, data=tr.Data(X, Y), validation=tr.KFold(3), folder=tmp_path / "s")
    study.run(trials=3, workers=0)
    first = study.evaluate(tr.Nested(2), trials=2, workers=0)
    latest = study.evaluate(tr.Nested(3), trials=2, workers=0).to_dict()
    study.evaluate(tr.Internal(2), trials=2, workers=0)  # another design, which is not taken for it

    found = {one["code"]: one for one in study.verdict(workers=0).to_dict()["corrections"]}["nested"]

    assert latest["value"] != first.value
    assert [found[key] for key in ("value", "low", "high", "method")] == [
        latest[key] for key in ("value", "low", "high", "method")
    ]
    assert found["reason"] is None
    assert f"{latest['value']:.3f} [{latest['low']:.3f}, {latest['high']:.3f}]" in found["message"]
    assert f"{latest['value']:.3f}" in str(study.verdict())


def test_trials_are_the_studys_where_none_are_given(tmp_path: Path) -> None:
    study = watched(tmp_path / "s")
    study.run(trials=3, workers=0)

    found = study.evaluate("nested", workers=0).to_dict()

    assert [part["trials"] for part in found["parts"]] == [3] * 5


def test_a_changed_function_is_evaluated_anew_and_what_there_was_is_set_aside(tmp_path: Path) -> None:
    script = tmp_path / "study.py"
    text = """
import numpy as np, truing as tr
def train(run):
    p = 1 / (1 + np.exp(-run.config["w"] * run.valid.x[:, 0] * FACTOR))
    run.report(np.stack([1 - p, p], 1))
    return lambda x: np.stack([1 - x[:, 0] * 0 - 0.5, x[:, 0] * 0 + 0.5], 1)
x = np.linspace(-1, 1, 40)[:, None]
study = tr.Study(train, tr.Space(w=tr.Float(0, 2)), data=tr.Data(x, (x[:, 0] > 0).astype(int)), folder="s")
study.run(trials=2, workers=0, accept_change=True)
print(study.evaluate(tr.Nested(2), workers=0).to_dict()["parts"][0]["as_searched"])
"""
    told = []
    for factor in ("1", "2"):
        script.write_text(text.replace("FACTOR", factor))
        command = [sys.executable, str(script)]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100)
        assert done.returncode == 0, done.stderr
        told.append(done.stdout)

    assert told[0] != told[1]
    told_of = "".join(done.stderr.split())
    assert (
        f"itissetasidein{tmp_path}/s/evaluate/nested/fold-1-of-2.old-1." in told_of
    )  # as a path, however it is broken
    assert (tmp_path / "s" / "evaluate" / "nested" / "fold-1-of-2.old-1").is_dir()


KILLED = """
import os, time
import numpy as np, truing as tr
def train(run):
    with open("trained.txt", "a") as log:
        log.write("x\\n")
    time.sleep(0.02)
    p = 1 / (1 + np.exp(-run.config["w"] * run.valid.x[:, 0]))
    run.report(np.stack([1 - p, p], 1))
    def predict(x):
        p = 1 / (1 + np.exp(-run.config["w"] * x[:, 0]))
        return np.stack([1 - p, p], 1)
    return predict
x = np.random.default_rng(0).normal(size=(60, 1))
y = (x[:, 0] + np.random.default_rng(1).normal(size=60) > 0).astype(int)
study = tr.Study(train, tr.Space(w=tr.Float(-1, 3)), data=tr.Data(x, y), folder="s", validation=tr.KFold(3))
print(study.evaluate(tr.Nested(3), trials=4, workers=1).to_dict()["value"])
"""


def test_a_killed_evaluation_goes_on_and_loses_no_finished_run(tmp_path: Path) -> None:
    values, trained = [], []
    for name, kill in (("whole", False), ("cut", True)):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "script.py").write_text(KILLED)
        command = [sys.executable, "script.py"]
        if kill:
            first = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            deadline, second = time.monotonic() + 100, folder / "s" / "evaluate" / "nested" / "fold-2-of-3"
            while not list(second.glob("output/run-000003*")) and time.monotonic() < deadline:
                time.sleep(0.01)
            os.kill(first.pid, signal.SIGKILL)
            first.wait()
            assert list(second.glob("output/run-000003*"))
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100)
        assert done.returncode == 0, done.stderr
        values.append(done.stdout.splitlines()[-1])
        trained.append(len((folder / "trained.txt").read_text().splitlines()))

    assert values[0] == values[1]
    assert trained[1] <= trained[0] + 2  # the run that was cut off, and a second rehearsal


# -- what the function gives -------------------------------------------------------------------------------------------


def test_a_function_without_predict_gets_the_outer_rows_without_labels(tmp_path: Path) -> None:
    locked: list[int] = []

    def plain(run: Any) -> None:
        model = LogisticRegression(C=run.config["C"], max_iter=400).fit(run.train.x, run.train.y)
        if type(run.valid).__name__ == "LockedRows":
            locked.append(len(run.valid))
        run.report(model.predict_proba(run.valid.x))

    arguments: dict[str, Any] = {"data": tr.Data(X, Y), "validation": tr.KFold(3), "test": None}
    with_it = tr.Study(logistic, SPACE, folder=tmp_path / "a", **arguments).evaluate(tr.Nested(2), trials=2, workers=0)
    without = tr.Study(plain, SPACE, folder=tmp_path / "b", **arguments).evaluate(tr.Nested(2), trials=2, workers=0)

    assert without.value == pytest.approx(with_it.value, abs=1e-6)
    assert 80 in locked


def test_numbers_alone_are_scored_by_the_function_and_it_is_said(tmp_path: Path) -> None:
    def numbers(run: Any) -> None:
        model = LogisticRegression(C=run.config["C"], max_iter=400).fit(run.train.x, run.train.y)
        run.report(hits=float((model.predict(run.valid.x) == run.valid.y).mean()))

    study = tr.Study(
        numbers, SPACE, data=tr.Data(X, Y), metric=tr.Metric("hits", goal="max"), folder=tmp_path / "s", test=None
    )

    found = study.evaluate(tr.Nested(2), trials=2, workers=0).to_dict()
    expected = []
    for part in parts_of(study, tr.Nested(2)):
        told = found["parts"][len(expected)]["config"]["C"]
        model = LogisticRegression(C=told, max_iter=400).fit(X[part.train], Y[part.train])
        expected.append(model.score(X[part.test], Y[part.test]))

    assert found["value"] == pytest.approx(np.mean(expected))
    assert any("could have used them" in note for note in found["notes"])
    internal = study.evaluate(tr.Internal(2), trials=1, workers=0).to_dict()
    assert internal["value"] is None
    assert "only numbers" in internal["reason"]


def test_a_ready_trainer_on_a_dataset(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")

    class Pairs:
        def __len__(self) -> int:
            return 80

        def __getitem__(self, row: int) -> Any:
            return torch.tensor(X[row], dtype=torch.float32), int(Y[row])

    def build(config: Any) -> Any:
        return torch.nn.Linear(30, 2)

    study = tr.Study(
        tr.TorchTrainer(build),
        tr.Space(learning_rate=tr.Float(1e-3, 1e-1, log=True, default=1e-2)),
        data=tr.Data(Pairs(), y=Y[:80]),
        metric="accuracy",
        epochs=2,
        validation=tr.Holdout(0.3),
        folder=tmp_path / "s",
    )

    found = study.evaluate(tr.Nested(2), trials=2, workers=0)

    assert 0.6 < found.value <= 1


def test_a_configuration_that_fails_on_the_outer_rows_is_not_averaged_away(tmp_path: Path) -> None:
    def fragile(run: Any) -> Callable[[Any], np.ndarray]:
        predict = logistic(run)

        def sometimes(x: np.ndarray) -> np.ndarray:
            if float(x[0, 0]) == float(X[int(first), 0]):
                raise ValueError("no luck")
            return predict(x)

        return sometimes

    study = tr.Study(fragile, SPACE, data=tr.Data(X, Y), folder=tmp_path / "s", test=None)
    first = parts_of(study, tr.Nested(3))[1].test[0]

    found = study.evaluate(tr.Nested(3), trials=1, workers=0)

    assert found.value is None
    assert "fold 2" in found.to_dict()["reason"]
    assert "no luck" in str(found)


# -- refusals, and what a person sees ----------------------------------------------------------------------------------


def test_refusals_say_what_to_do(tmp_path: Path) -> None:
    def reward(run: Any) -> None:
        run.report(reward=run.config["C"])

    bare = tr.Study(reward, SPACE, metric=tr.Metric("reward", goal="max"), folder=tmp_path / "bare")
    with pytest.raises(UsageError, match=r"Nested divides rows, and there is no data=: use tr\.Seeds\(5\)"):
        bare.evaluate(tr.Nested(5))
    plain = tr.Study(logistic, SPACE, data=tr.Data(X, Y), folder=tmp_path / "plain")
    with pytest.raises(UsageError, match=r"tr\.Data\(\.\.\., site=\)"):
        plain.evaluate(tr.InternalExternal(), trials=1, workers=0)
    with pytest.raises(UsageError, match="did you mean 'nested'"):
        plain.evaluate("nestd")
    with pytest.raises(UsageError, match=r"evaluate\(\) takes tr\.Nested\(5\)"):
        plain.evaluate(tr.Nested)
    with pytest.raises(UsageError, match="trials must be a whole number"):
        plain.evaluate(tr.Nested(2), trials=0)


def test_a_stored_one_is_not_given_for_another_study(tmp_path: Path) -> None:
    study = watched(tmp_path / "s")
    study.run(trials=1, workers=0)
    study.evaluate(tr.Nested(2), workers=0)

    with pytest.raises(ChangedStudyError, match="seed"):
        watched(tmp_path / "s", seed=1).evaluate(tr.Nested(2), workers=0)


def test_what_is_told_fits_the_terminal_and_stands_in_show_and_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from truing.report.show import study_dict, study_text

    study = watched(tmp_path / "s", also=["accuracy", "balanced_accuracy"])
    study.run(trials=2, workers=0)
    capsys.readouterr()
    found = study.evaluate(tr.InternalExternal(), workers=0)
    said = capsys.readouterr().err

    assert max(map(len, str(found).splitlines())) <= 80
    assert max(map(len, said.splitlines())) <= 80
    assert "5 tunings of 2 trials x 3 runs and refits, at most 60 runs, about" in said.replace("\n  ", " ")  # the price
    assert "0 (1 of 5): trial" in said
    assert "range for a new site" in str(found)
    folder = tmp_path / "s"
    history, event = read(folder)
    assert study_dict(folder, history, event)["evaluations"][0]["procedure"] == "internal-external"
    assert found.headline.split(":")[0] in study_text(folder, history, event, 80)
    assert "Tuning repeated inside" in (folder / "report.html").read_text(encoding="utf-8")
    assert found.headline.split("(")[0] in found._repr_html_()
    assert history.last("evaluated")["procedure"] == "internal-external"
    assert history.last("evaluated")["result"] == found.to_dict()


def test_the_price_goes_by_the_rows_inside_and_what_takes_no_part_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = np.array(["north", "east", "south", "west", "island"])[np.arange(160) % 5]
    study = tr.Study(
        logistic,
        SPACE,
        data=tr.Data(X, Y, site=site),
        metric="accuracy",
        also=["sensitivity"],
        validation=tr.LeaveOneGroupOut(by="site"),
        test=0.2,
        threshold="youden",
        folder=tmp_path / "s",
    )

    found = study.evaluate(tr.InternalExternal(), trials=2, workers=0).to_dict()
    said = " ".join(capsys.readouterr().err.split())

    assert len(found["parts"]) == 4
    assert "4 tunings of 2 trials x 3 runs and refits, at most 48 runs" in said
    assert sum(part["runs"] for part in found["parts"]) <= 48
    missing = (set(site) - {part["name"] for part in found["parts"]}).pop()
    notes = " ".join(found["notes"])
    assert f"1 site, {missing}, is locked in the test set and takes no part; test=None uses all." in notes
    assert "threshold= (" in notes
    assert "at 0.5" in notes
    told = found["parts"][0]["metrics"]["sensitivity"]
    shown = study.evaluate(tr.InternalExternal(), trials=2, workers=0).text
    assert f"{told['selected']:.3f} [{told['low']:.3f}, {told['high']:.3f}]" in shown
    assert max(map(len, shown.splitlines())) <= 80


# -- beside the study --------------------------------------------------------------------------------------------------


def test_a_verdict_of_before_shows_the_nested_validation_that_was_made_since(tmp_path: Path) -> None:
    study = tr.Study(logistic, SPACE, data=tr.Data(X, Y), validation=tr.KFold(3), search="grid", folder=tmp_path / "s")
    study.run(workers=0)
    before = {one["code"]: one for one in study.verdict(workers=0).to_dict()["corrections"]}
    assert before["nested"]["value"] is None
    assert "not asked for" in before["nested"]["reason"]

    nested = study.evaluate(tr.Nested(2), trials=2, workers=0).to_dict()

    after = {one["code"]: one for one in study.verdict().to_dict()["corrections"]}
    assert after["nested"]["value"] == nested["value"]
    assert after["nested"]["name"] == "nested validation, made since"
    assert {code: one for code, one in after.items() if code != "nested"} == {
        code: one for code, one in before.items() if code != "nested"
    }
    report = (tmp_path / "s" / "report.html").read_text(encoding="utf-8")
    assert "nested validation, made since" in report
    assert "not asked for" not in report
    stored = read(tmp_path / "s")[0].last("verdict")["verdict"]["corrections"]
    assert {one["code"]: one for one in stored} == before  # the journal is as it was


@pytest.mark.parametrize("splitter", [ShuffleSplit(3, random_state=0), StratifiedKFold(3)])
def test_internal_refuses_a_splitter_that_parts_copies_before_anything_runs(tmp_path: Path, splitter: Any) -> None:
    study = tr.Study(logistic, SPACE, data=tr.Data(X, Y), validation=splitter, search="grid", folder=tmp_path / "s")

    with pytest.raises(UsageError, match=r"draws rows with replacement, and validation= .* cannot keep the copies"):
        study.evaluate(tr.Internal(2), trials=1, workers=0)

    assert not (tmp_path / "s").exists()
