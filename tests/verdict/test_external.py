"""External sets: recomputed from the kept predictions, held against a known truth, never read before the verdict."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score

import truing as tr
from truing.errors import ChangedStudyError, DataError, UsageError
from truing.report.study import read


def elsewhere(n: int = 300, noise: float = 3.0, seed: int = 5, shift: float = 1.4) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the same task with more noise in the labels and another threshold."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 4))
    return x, (x[:, 0] + 0.6 * x[:, 1] + noise * rng.normal(size=n) > shift).astype(int)


def kept(done: Any, run: dict[str, Any], kind: str, name: str) -> np.ndarray:
    (path,) = (done.study.folder / "predictions").glob(f"run-{run['run']:06d}-{kind}-{name}-*.npy")
    found = np.load(path).astype(float)
    return found / found.sum(1, keepdims=True)


def refits(done: Any, defaults: bool = False) -> list[dict[str, Any]]:
    chosen = done.verdict.to_dict()["selected_trial"]
    return done.told.purpose("refit", 0 if defaults else chosen)


def test_every_figure_again_from_the_kept_predictions(judged, rows, logistic) -> None:
    x, y = elsewhere()
    done = judged(logistic(noise=0.1), also=["accuracy", "roc_auc"], external={"b": tr.Data(x, y)})
    found = done.verdict.to_dict()["external"]["b"]
    mine, theirs = refits(done), refits(done, defaults=True)
    ours = [kept(done, run, "external", "b") for run in mine]
    others = [kept(done, run, "external", "b") for run in theirs]
    assert (len(ours), len(others)) == (3, 3)
    for name, score in (
        ("log_loss", lambda p: log_loss(y, p)),
        ("accuracy", lambda p: accuracy_score(y, p[:, 1] >= 0.5)),
        ("roc_auc", lambda p: roc_auc_score(y, p[:, 1])),
    ):
        entry = found["metrics"][name]
        assert entry["selected"] == pytest.approx(np.mean([score(p) for p in ours]), rel=1e-5)
        assert entry["defaults"] == pytest.approx(np.mean([score(p) for p in others]), rel=1e-5)
        assert entry["difference"]["value"] == pytest.approx(entry["selected"] - entry["defaults"])
        assert entry["delivered"]["value"] == pytest.approx(score(ours[0]), rel=1e-5)
        inside = done.verdict.to_dict()["test"][name]["selected"]
        sign = 1 if name == "log_loss" else -1
        assert entry["drop"]["internal"] == pytest.approx(inside, rel=1e-5)
        assert entry["drop"]["value"] == pytest.approx(sign * (entry["selected"] - inside), rel=1e-4)
    right = int(((ours[0][:, 1] >= 0.5) == y).sum())
    ends = stats.binomtest(right, len(y)).proportion_ci(method="wilson")
    own = found["metrics"]["accuracy"]["delivered"]
    assert (own["low"], own["high"], own["method"]) == (pytest.approx(ends.low), pytest.approx(ends.high), "Wilson")

    _, develop = rows()
    locked = np.setdiff1d(np.arange(160), np.unique(np.concatenate([s["train"] for s in done.objective.seen])))
    inside = np.delete(develop, locked)
    assert [p["internal"] for p in found["prevalence"]] == pytest.approx([1 - inside.mean(), inside.mean()])
    assert [p["external"] for p in found["prevalence"]] == pytest.approx([1 - y.mean(), y.mean()])
    weights = np.where(y == 1, inside.mean() / y.mean(), (1 - inside.mean()) / (1 - y.mean()))
    standard = np.mean([np.average((p[:, 1] >= 0.5) == y, weights=weights) for p in ours])
    assert found["metrics"]["accuracy"]["at_internal_prevalence"] == pytest.approx(standard)
    assert done.told.of("look")[0].data["number"] == 1


def test_a_function_without_predict_is_judged_the_same(judged, logistic) -> None:
    x, y = elsewhere()
    sets: dict[str, Any] = {"external": {"b": tr.Data(x, y)}, "negative": {"c": tr.Data(9 * x)}}
    with_predict = judged(logistic(noise=0.1), **sets).verdict.to_dict()
    without = judged(logistic(noise=0.1, predicts=False), **sets).verdict.to_dict()
    assert without["external"] == with_predict["external"]
    assert without["negative"] == with_predict["negative"]
    assert without["verdict_runs"] == with_predict["verdict_runs"] + 7


def test_a_function_of_numbers_gets_labels_and_no_new_class(judged, logistic) -> None:
    x, y = elsewhere()
    y[:4] = 9
    settings: dict[str, Any] = {"metric": "accuracy", "external": {"b": tr.Data(x, y)}, "negative": {"c": tr.Data(x)}}
    done = judged(logistic(predicts=False, numbers=True), **settings)
    found = done.verdict.to_dict()
    told = found["external"]["b"]["metrics"]["accuracy"]
    assert told["selected"] == pytest.approx(
        np.mean([r["scores"]["accuracy"] for r in done.told.runs if r["purpose"].startswith("refit:external-b")
                 and r["trial"] == found["selected_trial"]])
    )  # fmt: skip
    assert told["drop"]["value"] == pytest.approx(found["test"]["accuracy"]["selected"] - told["selected"])
    assert told["drop"]["low"] is None
    assert found["external"]["b"]["new_classes"] == [{"class": 9, "rows": 4}]
    assert "only numbers" in found["negative"]["c"]["above"]["reason"]


def test_new_and_missing_classes_are_named_and_left_out(judged, logistic) -> None:
    x, y = elsewhere(60)
    y = np.where(y == 1, 1, 7)
    found = judged(logistic(), external={"b": tr.Data(x, y)}).verdict
    entry = found.to_dict()["external"]["b"]
    assert entry["new_classes"] == [{"class": 7, "rows": int((y == 7).sum())}]
    assert entry["missing_classes"] == [0]
    assert (entry["rows"], entry["scored"]) == (60, int((y == 1).sum()))
    assert entry["metrics"]["log_loss"]["at_internal_prevalence"] is None
    assert "new_classes" in {w["code"] for w in found.warnings}
    assert "new classes: 7" in str(found).replace("\n           ", " ")


def test_without_a_locked_test_the_drop_is_from_validation(judged, logistic) -> None:
    found = judged(logistic(noise=0.1), test=None, external={"b": tr.Data(*elsewhere())}).verdict.to_dict()
    entry, valid = found["external"]["b"], found["validation"]
    assert (entry["internal"], found["refits"], found["test"]) == ("validation", 3, None)
    drop = entry["metrics"]["log_loss"]["drop"]
    assert drop["value"] == pytest.approx(entry["metrics"]["log_loss"]["selected"] - valid["selected"])
    assert drop["high"] - drop["low"] > (valid["high"] - valid["low"]) / 2


def test_regression_tells_the_shift_of_its_target(judged) -> None:
    def train(run: Any) -> Any:
        slope = run.train.x[:, 0] @ run.train.y / (run.train.x[:, 0] ** 2).sum() * run.config["s"]
        run.report(run.valid.x[:, 0] * slope)
        return lambda x: x[:, 0] * slope

    x = np.random.default_rng(0).normal(size=(150, 2))
    settings: dict[str, Any] = {"space": tr.Space(s=tr.Float(0.5, 1.5)), "data": tr.Data(x, 2 * x[:, 0] + x[:, 1])}
    found = judged(train, external={"b": tr.Data(x + 3, 2 * x[:, 0] + x[:, 1] + 6)}, **settings).verdict.to_dict()
    entry = found["external"]["b"]
    assert entry["prevalence"] is None
    assert entry["target"]["external"]["mean"] == pytest.approx((2 * x[:, 0] + x[:, 1] + 6).mean())
    assert entry["metrics"]["rmse"]["drop"]["value"] == pytest.approx(
        entry["metrics"]["rmse"]["selected"] - found["test"]["rmse"]["selected"]
    )


class Spy:
    """A Dataset that remembers which of its items was read, and by a run of which purpose."""

    def __init__(self, x: np.ndarray) -> None:
        self.x, self.reads = x, 0

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, i: int) -> np.ndarray:
        self.reads += 1
        return self.x[i]


def test_no_row_from_outside_is_read_before_the_verdict(tmp_path: Path, rows) -> None:
    def train(run: Any) -> Any:
        def read(part: Any) -> np.ndarray:
            return np.stack([part[i] for i in range(len(part))])

        x, y = read(run.train.x), run.train.labels
        w = np.linalg.lstsq(x, 2.0 * y - 1, rcond=None)[0] * run.config["s"]
        run.report(1 / (1 + np.exp(-read(run.valid.x) @ w)))
        return lambda x: 1 / (1 + np.exp(-read(x) @ w))

    x, y = rows()
    far, none = Spy(elsewhere()[0]), Spy(9 * elsewhere()[0])
    study = tr.Study(
        train,
        tr.Space(s=tr.Float(0.5, 2.0)),
        data=tr.Data(Spy(x), y),
        external={"b": tr.Data(far, elsewhere()[1])},
        negative={"c": tr.Data(none)},
        folder=tmp_path / "s",
    )
    study.run(trials=3, workers=0)
    assert (far.reads, none.reads) == (0, 0)
    found = study.verdict(workers=0).to_dict()
    assert far.reads == 300 * 2 * 3
    assert found["external"]["b"]["metrics"]["log_loss"]["selected"] is not None
    assert found["negative"]["c"]["above"]["value"] is not None


def test_datasets_from_outside_reach_the_workers(programs) -> None:
    output, _ = programs.script(
        """
import numpy as np, truing as tr

class Few:
    def __init__(self, x): self.x = x
    def __len__(self): return len(self.x)
    def __getitem__(self, i): return self.x[i]

def train(run):
    x = np.stack([run.train.x[i] for i in range(len(run.train.x))])
    w = np.linalg.lstsq(x, 2.0 * run.train.labels - 1, rcond=None)[0] * run.config["s"]
    def predict(x):
        return 1 / (1 + np.exp(-np.stack([x[i] for i in range(len(x))]) @ w))
    run.report(predict(run.valid.x))
    return predict

x = np.random.default_rng(0).normal(size=(120, 2))
y = (x[:, 0] > 0).astype(int)
study = tr.Study(train, tr.Space(s=tr.Float(0.5, 2.0)), data=tr.Data(Few(x), y), folder="s",
                 external={"b": tr.Data(Few(-x), y)}, negative={"c": tr.Data(Few(9 * x))})
study.run(trials=2, workers=2)
found = study.verdict(workers=2).to_dict()
print(found["external"]["b"]["metrics"]["log_loss"]["drop"]["value"] > 0.2)
print(found["negative"]["c"]["above"]["value"] > 0.5)
"""
    )
    assert output.split()[-2:] == ["True", "True"]


def test_leaks_are_found(judged, rows, logistic) -> None:
    x, y = rows()
    data = tr.Data(x, y, groups=np.arange(160) // 4, ids=np.arange(160))
    far = elsewhere(120)
    mixed = tr.Data(
        np.r_[x[:3], far[0][3:]],
        far[1],
        groups=np.r_[[0], 1000 + np.arange(119)],
        ids=np.r_[[5], 1000 + np.arange(119)],
    )
    found = judged(logistic(), data=data, external={"b": mixed}).verdict.warnings
    told = " ".join(w["message"] for w in found)
    assert "exact copies of" in told
    assert "external set b" in told
    assert {"duplicates", "groups_on_both_sides", "ids_on_both_sides"} <= {w["code"] for w in found}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"external": [1]}, "named sets"),
        ({"external": {"b": 3}}, "must be a tr.Data"),
        ({"external": {"b": tr.Data(np.zeros((3, 4)))}}, "no y"),
        ({"external": {"": tr.Data(np.zeros((3, 4)), [0, 1, 0])}}, "name"),
        ({"external": {"b": tr.Data(np.zeros((3, 5)), [0, 1, 0])}}, "shape"),
        ({"external": {"b": tr.Data(np.zeros((3, 4)), ["0", "1", "0"])}}, "No label"),
        ({"negative": {"b": tr.Data(np.zeros((3, 4)), [0, 1, 0])}}, "has a y"),
    ],
)
def test_what_does_not_fit_is_refused_before_the_first_run(logistic, rows, tmp_path, settings, said) -> None:
    with pytest.raises(DataError, match=said):
        tr.Study(
            logistic(), tr.Space(l2=tr.Float(1.0, 2.0)), data=tr.Data(*rows()), folder=tmp_path / "s", **settings
        ).run(trials=1, workers=0)
    assert not (tmp_path / "s" / "journal.db").exists()


def test_an_external_set_is_part_of_what_the_study_is(judged, rows, logistic, tmp_path) -> None:
    objective = logistic()
    judged(objective, folder=tmp_path / "s", external={"b": tr.Data(*elsewhere())})
    with pytest.raises(ChangedStudyError, match="external was b"):
        judged(objective, folder=tmp_path / "s", external={"b": tr.Data(*elsewhere(seed=6))})


KILLED = """
import os, signal, sys
import numpy as np, truing as tr
from pathlib import Path

def train(run):
    w = np.linalg.lstsq(run.train.x, 2.0 * run.train.labels - 1, rcond=None)[0] * run.config["s"]
    def predict(x):
        if len(x) == 77 and not Path("spared").exists():
            Path("spared").touch()
            os.kill(os.getppid() if "forked" in sys.argv else os.getpid(), signal.SIGKILL)
        return 1 / (1 + np.exp(-x @ w))
    run.report(predict(run.valid.x))
    return predict

x = np.random.default_rng(0).normal(size=(120, 2))
y = (x[:, 0] > 0).astype(int)
study = tr.Study(train, tr.Space(s=tr.Float(0.5, 2.0)), data=tr.Data(x, y), folder="s",
                 external={"b": tr.Data(-x[:77] + 0.01, y[:77])})
study.run(trials=2, workers=0)
print(study.verdict(workers=0).to_dict()["looks"])
"""


def test_killed_while_an_external_set_is_scored_it_stays_the_same_look(programs) -> None:
    (programs.folder / "k.py").write_text(KILLED)
    first = programs.start("k.py")
    first.communicate(timeout=120)
    assert first.returncode == -signal.SIGKILL
    output, _ = programs.run("k.py")
    assert output.split()[-1] == "1"
    history = read(programs.folder / "s")[0]
    assert [look["number"] for look in history.notes["look"]] == [1]
    assert history.last("verdict")["verdict"]["external"]["b"]["metrics"]["log_loss"]["selected"] is not None


# -- data that came later --------------------------------------------------------------------------------------------


def late(done: Any, x: np.ndarray, y: np.ndarray, name: str = "b") -> dict[str, Any]:
    found = done.study.external(name, tr.Data(x, y)).to_dict()
    json.dumps(found, allow_nan=False)
    return found


def predict_kept(folder: Path, x: np.ndarray) -> np.ndarray:
    weights = np.frombuffer((folder / "model" / "weights.bin").read_bytes())
    return 1 / (1 + np.exp(-np.clip(np.c_[np.ones(len(x)), x] @ weights, -30, 30)))


@pytest.fixture
def readable(monkeypatch: pytest.MonkeyPatch, logistic) -> None:
    monkeypatch.setattr(sys.modules[logistic.__module__], "predict", predict_kept, raising=False)


def test_the_kept_network_on_later_rows_is_the_delivered_one(judged, logistic, readable) -> None:
    x, y = elsewhere()
    inside = judged(logistic(noise=0.1), also=["accuracy"], external={"a": tr.Data(x, y)})
    found = late(inside, x + 0, y, "later")
    entry = inside.verdict.to_dict()["external"]["a"]["metrics"]
    assert (found["look"], found["descriptive"]) == (2, True)  # the verdict has seen these rows
    for name in ("log_loss", "accuracy"):
        assert found["metrics"][name]["delivered"]["value"] == pytest.approx(
            entry[name]["delivered"]["value"], rel=1e-4
        )
    locked = inside.verdict.to_dict()["test"]["accuracy"]["delivered"]["value"]
    drop = found["metrics"]["accuracy"]["drop"]
    assert drop["value"] == pytest.approx(locked - found["metrics"]["accuracy"]["delivered"]["value"])


def test_each_look_is_counted_by_its_rows_and_by_its_name(judged, logistic, readable) -> None:
    done = judged(logistic())
    x, y = elsewhere()
    numbers = [late(done, x, y)["look"], late(done, x, y)["look"], late(done, x, y, "other name")["look"]]
    numbers.append(late(done, *elsewhere(seed=9), "fresh")["look"])
    assert numbers == [1, 2, 3, 1]
    assert done.study.verdict(workers=0).to_dict()["looks"] == 1
    assert done.study.verdict(again=True, workers=0).to_dict()["looks"] == 2


def test_the_report_has_a_table_a_set_and_a_later_look(judged, logistic, readable) -> None:
    x, y = elsewhere()
    done = judged(logistic(), external={"<b>": tr.Data(x, y)}, negative={"odd": tr.Data(9 * x)})
    late(done, *elsewhere(seed=9), "after")
    page = (done.study.folder / "report.html").read_text()
    entry = done.verdict.to_dict()["external"]["<b>"]["metrics"]["log_loss"]
    assert "External set &lt;b&gt;" in page
    assert f"{entry['selected']:.3f}" in page.split('id="outside"')[1].split("</section>")[0]
    assert "The kept network on after, later (look 1)" in page
    assert "Negative control odd" in page


def test_a_look_that_was_cut_off_goes_on_as_the_same(judged, logistic, monkeypatch) -> None:
    done = judged(logistic())
    module = sys.modules[logistic.__module__]
    monkeypatch.setattr(module, "predict", lambda folder, x: 1 / 0, raising=False)
    with pytest.raises(UsageError, match="ZeroDivisionError"):
        late(done, *elsewhere())
    monkeypatch.setattr(module, "predict", predict_kept)
    assert late(done, *elsewhere())["look"] == 1
    assert len(done.told.of("look")) == 2  # the verdict's and this


def test_without_predict_or_network_a_sentence_says_so(judged, logistic, monkeypatch) -> None:
    monkeypatch.delattr(sys.modules[logistic.__module__], "predict", raising=False)
    with pytest.raises(UsageError, match=r"no predict\(folder, x\)"):
        late(judged(logistic()), *elsewhere())


def test_torch_trainers_network_comes_back(judged, rows, tmp_path) -> None:
    torch = pytest.importorskip("torch")

    def build(config: Any) -> Any:
        return torch.nn.Sequential(
            torch.nn.Linear(4, config["width"]), torch.nn.ReLU(), torch.nn.Linear(config["width"], 2)
        )

    x, y = rows()
    far = elsewhere()[0].astype(np.float32), elsewhere()[1]
    settings: dict[str, Any] = {"space": tr.Space(width=tr.Choice([3, 5])), "epochs": 2, "also": ["accuracy"]}
    done = judged(
        tr.TorchTrainer(build),
        trials=2,
        data=tr.Data(x.astype(np.float32), y),
        external={"b": tr.Data(*far)},
        **settings,
    )
    found = late(done, *far)
    own = done.verdict.to_dict()["external"]["b"]["metrics"]["log_loss"]["delivered"]
    assert found["metrics"]["log_loss"]["delivered"]["value"] == pytest.approx(own["value"], rel=1e-5)
    (done.study.folder / "model" / "state_dict.pt").write_bytes(b"no weights")
    with pytest.raises(UsageError, match="does not fit build"):
        late(done, *far)


def test_the_command_scores_files_and_refuses_others(programs, tmp_path) -> None:
    (tmp_path / "st.py").write_text(
        KILLED.replace("study.run(trials=2, workers=0)\n", "")
        .rpartition("print")[0]
        .replace("    run.report(", '    run.keep("w.bin", w.tobytes())\n    run.report(')
        + "\ndef predict(folder, x):\n"
        "    return 1 / (1 + np.exp(-x @ np.frombuffer((folder / 'model' / 'w.bin').read_bytes())))\n"
    )
    (tmp_path / "spared").touch()
    rng = np.random.default_rng(4)
    x = rng.normal(size=(90, 2))
    np.savez(
        tmp_path / "far.npz", x=x, y=(x[:, 0] + 2 * rng.normal(size=90) > 0).astype(int), groups=np.arange(90) // 3
    )
    np.savez(tmp_path / "pickled.npz", x=x, y=np.array([None] * 90))
    np.savez(tmp_path / "wide.npz", x=np.zeros((9, 3)), y=np.arange(9) % 2)
    programs.run("-m", "truing", "run", "st.py", "--trials", "2", "--workers", "0")
    refused, _ = programs.run("-m", "truing", "verdict", "s", "--external", "far=far.npz", "--json", code=2)
    assert "no verdict" in json.loads(refused)["error"]["message"]
    programs.run("-m", "truing", "verdict", "s", "--workers", "0")
    for number in (1, 2):
        told, _ = programs.run("-m", "truing", "verdict", "s", "--external", "far=far.npz", "--json")
        entry = json.loads(told)["external"]["far"]
        assert (entry["look"], entry["descriptive"], entry["groups"]) == (number, number > 1, 30)
    text, _ = programs.run("-m", "truing", "verdict", "s", "--external", "far=far.npz")
    assert "look 3 at this set, descriptive only" in text
    for file, said in (("pickled.npz", "allow_pickle"), ("wide.npz", "shape"), ("none.npz", "no file")):
        refused, _ = programs.run("-m", "truing", "verdict", "s", "--external", f"b={file}", "--json", code=2)
        assert said in json.loads(refused)["error"]["message"]
