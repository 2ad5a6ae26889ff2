"""A study over several datasets from its first run to its verdict."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import truing as tr
from truing.errors import ChangedStudyError, StudyFailedError, UsageError
from truing.report.study import read
from truing.storage.sqlite import SqliteJournal

SPACE = tr.Space(l2=tr.Float(1e-2, 1e4, log=True, default=1e3), sharp=tr.Float(0.5, 20, log=True, default=4.0))


def rows(n: int, columns: int, classes: int, seed: int) -> tr.Data:
    rng = np.random.default_rng(seed)
    y = rng.integers(classes, size=n)
    return tr.Data(rng.normal(size=(n, columns)) + rng.normal(size=(classes, columns))[y], y)


DATA = {"a": rows(120, 3, 2, 0), "b": rows(150, 5, 3, 1), "c": rows(100, 4, 2, 2)}


def train(run: Any) -> Any:
    x, target = run.train.x, np.eye(len(run.classes))[run.train.y]
    weights = np.linalg.solve(x.T @ x + run.config["l2"] * np.eye(x.shape[1]), x.T @ (target - 1 / len(run.classes)))

    def predict(x: Any) -> np.ndarray:
        e = np.exp(run.config["sharp"] * x @ weights)
        return e / e.sum(1, keepdims=True)

    run.report(predict(run.valid.x))
    run.keep("about.json", json.dumps({"dataset": run.dataset, "columns": x.shape[1]}).encode())
    return predict


def study(folder: Path, objective: Any = train, **more: Any) -> tr.Study:
    given: dict[str, Any] = {"data": DATA, "metric": "log_loss", "also": ["accuracy"], "folder": folder} | more
    return tr.Study(objective, SPACE, **given)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[tr.Study, dict[str, Any]]:
    made = study(tmp_path_factory.mktemp("several") / "s")
    made.run(trials=8, workers=0)
    return made, made.verdict(workers=0).to_dict()


def test_values_are_the_mean_gain_by_hand(done: tuple[tr.Study, dict[str, Any]]) -> None:
    history, _ = read(done[0].folder)
    scores: dict[tuple[int, str], list[float]] = {}
    for run in history.runs.values():
        if run.purpose == "search":
            scores.setdefault((run.trial, "abc"[run.replicate // 5]), []).append(run.scores["log_loss"])

    for trial in history.trials:
        gains = [
            (np.mean(scores[0, n]) - np.mean(scores[trial.number, n])) / max(np.std(scores[0, n], ddof=1), 0.0068)
            for n in DATA
        ]
        assert trial.value == pytest.approx(np.mean(gains), rel=0.02)
    assert history.trial(0).value == 0


def test_each_run_has_the_rows_of_its_dataset_and_no_locked_one() -> None:
    seen: dict[str, set[int]] = {name: set() for name in DATA}

    def looks(run: Any) -> Any:
        for part in (run.train, run.valid):
            assert np.array_equal(part.x, DATA[run.dataset].x[part.rows])
            seen[run.dataset] |= set(part.rows.tolist())
        assert len(run.classes) == len(np.unique(DATA[run.dataset].labels))
        return train(run)

    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        study(Path(folder) / "s", looks).run(trials=2, workers=0)

    assert {name: len(found) for name, found in seen.items()} == {"a": 96, "b": 120, "c": 80}  # a fifth is locked


def test_the_verdict_has_a_table_for_each_dataset(done: tuple[tr.Study, dict[str, Any]]) -> None:
    found = done[1]

    assert list(found["datasets"]) == list(DATA)
    for name, entry in found["datasets"].items():
        valid, scored = entry["validation"], entry["test"]["log_loss"]
        assert valid["runs"] == 10
        assert valid["difference"]["value"] == pytest.approx(valid["selected"] - valid["defaults"])
        assert valid["difference"]["low"] < valid["difference"]["value"] < valid["difference"]["high"]
        assert entry["gain"]["value"] == pytest.approx(-valid["difference"]["value"] / entry["unit"])
        assert scored["difference"]["value"] == pytest.approx(scored["selected"] - scored["defaults"])
        assert entry["locked_rows"] == len(DATA[name]) // 5
    fresh = [entry["gain"]["value"] for entry in found["datasets"].values()]
    assert found["validation"]["difference"]["value"] == pytest.approx(np.mean(fresh))
    assert found["looks"] == 1
    assert [c["code"] for c in found["corrections"]] == ["as_searched", "fresh", "left_out", "locked_test"]
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_one_left_out_is_chosen_by_the_others_alone(done: tuple[tr.Study, dict[str, Any]]) -> None:
    made, found = done
    trials, per = made.trials(as_dicts=True), {n: e["unit"] for n, e in found["datasets"].items()}
    for name, left in found["left_out"]["datasets"].items():
        others = [n for n in DATA if n != name]
        worth = [
            sum((trials[0]["datasets"][n] - t["datasets"][n]) / per[n] for n in others)  # log loss: lower is better
            for t in trials
        ]
        assert left["trial"] == int(np.argmax(worth))
        assert left["selected"] == trials[left["trial"]]["datasets"][name]
    gains = [left["gain"]["value"] for left in found["left_out"]["datasets"].values()]
    assert found["left_out"]["value"] == pytest.approx(np.mean(gains))
    assert "exist for every candidate" in found["left_out"]["estimates"]


def test_each_dataset_delivers_a_network_of_its_own(done: tuple[tr.Study, dict[str, Any]]) -> None:
    made, found = done

    assert found["model"] == ["a/about.json", "b/about.json", "c/about.json"]
    kept = {name: json.loads((made.folder / "model" / name / "about.json").read_text()) for name in DATA}
    assert {name: (one["dataset"], one["columns"]) for name, one in kept.items()} == {
        name: (name, data.x.shape[1]) for name, data in DATA.items()
    }


def test_what_a_person_sees(done: tuple[tr.Study, dict[str, Any]]) -> None:
    made, found = done
    text = str(made.verdict())
    page = (made.folder / "report.html").read_text(encoding="utf-8")
    shown = str(tr.load(made.folder))

    assert max(map(len, text.splitlines())) <= 80
    assert "evaluate" not in text  # which several datasets do not have
    for name in DATA:
        assert f"  {name} " in text
        assert f'<th scope="row">{name}</th>' in page
    assert "log_loss with the dataset left out" in text
    assert "log_loss, one dataset left out" in page
    assert "Its value is the mean over the datasets" in page
    assert found["headline"].split()[0] in shown
    assert "5-fold on each of 3 datasets" in shown


def test_the_number_of_workers_changes_nothing(done: tuple[tr.Study, dict[str, Any]], tmp_path: Path) -> None:
    parallel = study(tmp_path / "s")
    parallel.run(trials=8, workers=2)
    found, wanted = parallel.verdict(workers=2).to_dict(), done[1]

    one, other = (
        [{k: v for k, v in t.items() if k != "seconds"} for t in s.trials(as_dicts=True)] for s in (done[0], parallel)
    )
    assert one == other
    assert {k: v for k, v in found.items() if k != "seconds"} == {k: v for k, v in wanted.items() if k != "seconds"}


def test_worst_is_the_lowest_gain(tmp_path: Path) -> None:
    made = study(tmp_path / "s", aggregate="worst", test=None)
    made.run(trials=6, workers=0)
    found = made.verdict(workers=0).to_dict()
    history, _ = read(made.folder)

    per = {name: entry["unit"] for name, entry in found["datasets"].items()}
    for trial in history.trials:
        own = [(history.trial(0).scores[f"log_loss on {n}"] - trial.scores[f"log_loss on {n}"]) / per[n] for n in DATA]
        assert trial.value == pytest.approx(min(own))
    fresh = [entry["gain"] for entry in found["datasets"].values()]
    assert found["validation"]["difference"]["value"] == min(g["value"] for g in fresh)
    assert found["validation"]["difference"]["low"] == min(g["low"] for g in fresh)
    assert found["test"] is None
    assert any(w["code"] == "no_test" for w in found["warnings"])


def test_one_that_is_too_small_to_lock_rows_hides_no_look_at_the_other(tmp_path: Path) -> None:
    made = study(tmp_path / "s", data={"large": rows(900, 3, 2, 0), "small": rows(40, 5, 3, 1)}, test="auto")
    made.run(trials=3, workers=0)
    found = made.verdict(workers=0)
    told = found.to_dict()
    text, page = str(found), (made.folder / "report.html").read_text(encoding="utf-8")

    assert told["looks"] == 1
    assert told["datasets"]["small"]["test"] is None
    own = told["datasets"]["large"]["test"]["log_loss"]["difference"]["value"]
    assert own is not None
    assert f"large ({told['datasets']['large']['locked_rows']})" in text
    assert "  small: no locked rows" in text
    assert "undefined  small has none" in text
    assert "log_loss, locked rows" in page
    assert told["test"]["standardised_gain"]["difference"]["value"] is None
    (warning,) = (w["message"] for w in told["warnings"] if w["code"] == "no_test")
    assert warning.startswith("small: It has no locked rows")
    assert "Nested" not in text + " ".join(read(made.folder)[1]["chosen"])


def test_seeds_alone_are_not_called_fresh_splits(tmp_path: Path) -> None:
    made = study(tmp_path / "s", validation=tr.Seeds(2))
    made.run(trials=3, workers=0)
    text = str(made.verdict(workers=0))

    assert "fresh seeds" in text
    assert "splits and seeds" not in text


def test_what_one_dataset_alone_could_do_is_not_advised(tmp_path: Path) -> None:
    def blind(run: Any) -> Any:
        def predict(x: Any) -> np.ndarray:
            weight = np.r_[np.ones(len(run.classes) - 1), 2 + run.config["sharp"] / 100]
            return np.tile(weight / weight.sum(), (len(x), 1))

        run.report(predict(run.valid.x))
        return predict

    made = study(tmp_path / "s", blind)
    made.run(trials=2, workers=0)
    found = made.verdict(workers=0).to_dict()

    assert "one_class" in {w["code"] for w in found["warnings"]}
    assert not any("threshold=" in w["message"] for w in found["warnings"])


def test_numbers_of_your_own(tmp_path: Path) -> None:
    def reports(run: Any) -> None:
        noise = np.random.default_rng(run.seed + int(run.config["l2"])).normal(0, 0.01)
        run.report(reward=np.log(run.config["sharp"]) * len(run.classes) + noise)

    made = study(tmp_path / "s", reports, metric=tr.Metric("reward", goal="max"), also=[])
    made.run(trials=6, workers=0)
    found = made.verdict(workers=0).to_dict()

    assert found["selected"]["sharp"] == max(t["config"]["sharp"] for t in made.trials(as_dicts=True))
    assert found["gain"] is True
    assert any(w["code"] == "labels_given" for w in found["warnings"])


def test_defaults_without_scatter_and_without_rope_are_told(tmp_path: Path) -> None:
    def flat(run: Any) -> None:
        run.report(reward=run.config["sharp"])

    metric = tr.Metric("reward", goal="max")
    with pytest.raises(StudyFailedError, match="give rope="):
        study(tmp_path / "s", flat, metric=metric, also=[]).run(trials=3, workers=0)
    made = study(tmp_path / "t", flat, metric=metric, also=[], rope=0.5)
    made.run(trials=3, workers=0)
    assert made.best is not None
    assert made.best.value == pytest.approx((made.best.config["sharp"] - 4) / 0.5)


def test_defaults_that_fail_on_one_dataset_end_the_study(tmp_path: Path) -> None:
    def fails(run: Any) -> Any:
        if run.dataset == "b" and len(run.valid.x) == 24 and 0 in run.valid.rows:
            raise ValueError("this fold is bad")
        return train(run)

    made = study(tmp_path / "s", fails)
    with pytest.raises((StudyFailedError, tr.TruingError), match="this fold is bad"):
        made.run(trials=3, workers=0)
    assert len(made.trials(as_dicts=True)) <= 1  # nothing could be measured from them


def test_a_trial_that_fails_on_one_dataset_fails(tmp_path: Path) -> None:
    def fails(run: Any) -> Any:
        if run.dataset == "b" and run.config["sharp"] != 4.0:
            raise ValueError("too sharp")
        return train(run)

    made = study(tmp_path / "s", fails)
    with pytest.raises(StudyFailedError):  # five in a row
        made.run(trials=8, workers=0)
    rest = made.trials(as_dicts=True)[1:]
    assert rest
    assert all(t["state"] == "failed" and t["reason"].startswith("on b: ") for t in rest)


def test_a_changed_dataset_is_refused(done: tuple[tr.Study, dict[str, Any]]) -> None:
    other = DATA | {"b": rows(150, 5, 3, 9)}
    for data in (other, {n: DATA[n] for n in "ab"}, {"a": DATA["a"], "b": DATA["c"], "c": DATA["b"]}):
        with pytest.raises(ChangedStudyError, match="the datasets"):
            study(done[0].folder, data=data).run(trials=9, workers=0)
    with pytest.raises(ChangedStudyError, match="aggregate was mean and is now worst"):
        study(done[0].folder, aggregate="worst").run(trials=9, workers=0)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"external": {"x": DATA["a"]}}, "external=.* is for a study of one dataset"),
        ({"negative": {"x": tr.Data(np.zeros((3, 3)))}}, "negative=.* is for a study of one dataset"),
        ({"threshold": "youden"}, "threshold=.* is for a study of one dataset"),
        ({"prevalence": 0.1}, "prevalence=.* is for a study of one dataset"),
        ({"rule": "one_se"}, "rule=.* is for a study of one dataset"),
        ({"epoch": "best"}, "epoch=.* is for a study of one dataset"),
        ({"test": DATA["a"]}, "test= takes a share of each dataset"),
        ({"test": [1, 2]}, "test= takes a share of each dataset"),
        ({"validation": None}, "need a protocol"),
        ({"validation": [(range(5), range(5, 9))]}, "are of one dataset"),
        ({"aggregate": "median"}, 'aggregate= takes "mean" or "worst"'),
        ({"data": DATA["a"], "aggregate": "mean"}, "aggregate= is for several datasets"),
        ({"data": {"a": DATA["a"], "b": tr.Data(np.zeros((9, 2)), np.linspace(0, 1, 9))}}, "data\\['b'\\]: log_loss"),
        ({"data": {"a": DATA["a"], "b": tr.Data(np.zeros((9, 2)), np.linspace(0, 1, 9))}, "metric": None, "also": ()},
         "one kind of task, but 'a' is classification .* and 'b' is regression"),
        ({"positive": 2}, "data\\['a'\\]: positive=2 is not a class"),
    ],
)  # fmt: skip
def test_what_does_not_combine_is_refused_in_one_sentence(tmp_path: Path, more: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words) as raised:
        study(tmp_path / "s", **more)
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "s").exists()


def test_calls_for_one_dataset_are_refused(done: tuple[tr.Study, dict[str, Any]]) -> None:
    made = done[0]
    calls = [
        lambda: made.evaluate(tr.Nested(3)),
        lambda: made.robustness(),
        lambda: made.verdict(robustness=True),
        lambda: made.external("x", DATA["a"]),
        lambda: made.compare(0, 1),
        lambda: made.report(paper=True),
        lambda: tr.load(made.folder).report(paper=True),
    ]
    for call in calls:
        with pytest.raises(UsageError, match=r"one dataset|for one"):
            call()


SCRIPT = """
    import sys, time
    sys.path.insert(0, {here!r})
    from pathlib import Path
    import numpy as np
    import truing as tr
    from test_study import DATA, SPACE, train as fast

    def train(run):
        time.sleep(0.02)
        return fast(run)

    study = tr.Study(train, SPACE, data=DATA, metric="log_loss", also=["accuracy"], folder=Path({folder!r}))
    if __name__ == "__main__":
        study.run(trials=8, workers=2)
        study.verdict(workers=2)
"""


def test_killed_it_goes_on_and_says_the_same(
    done: tuple[tr.Study, dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "s"
    file = tmp_path / "script.py"
    file.write_text(textwrap.dedent(SCRIPT.format(here=str(Path(__file__).parent), folder=str(folder))))
    for wanted in (7, 100):  # in trial 0, by which the others are measured; then later in the search
        process = subprocess.Popen([sys.executable, str(file)], stderr=subprocess.DEVNULL, start_new_session=True)
        end = time.monotonic() + 90
        while _finished(folder) < wanted and process.poll() is None and time.monotonic() < end:
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    subprocess.run([sys.executable, str(file)], check=True, capture_output=True, timeout=120)

    np.savez(tmp_path / "later.npz", x=np.zeros((5, 3)), y=np.zeros(5, dtype=int))
    asked = [sys.executable, "-m", "truing", "verdict", str(folder), "--external", f"x={tmp_path / 'later.npz'}"]
    refused = subprocess.run(asked, capture_output=True, text=True, timeout=100)
    assert refused.returncode != 0
    assert "--external is for a study of one dataset, and this one has 3" in " ".join(refused.stderr.split())

    found = tr.load(folder)
    before, after = ([(t["config"], t["value"]) for t in s.trials(as_dicts=True)] for s in (done[0], found))
    assert before == after
    stored = found.verdict()
    assert stored is not None
    assert stored.to_dict()["datasets"] == done[1]["datasets"]


def _finished(folder: Path) -> int:
    if not (folder / "journal.db").exists():
        return 0
    try:
        journal = SqliteJournal(folder / "journal.db", readonly=True)
        try:
            return sum(event.kind == "finished" for event in journal.read())
        finally:
            journal.close()
    except tr.TruingError:
        return 0
