"""A sweep: which values, which rows and seeds, what it costs, and that it tells what the function is."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

import truing as tr
from truing.errors import UsageError
from truing.one_at_a_time.line import centre_of, line
from truing.one_at_a_time.sweep import Point, Sweep
from truing.record.history import History
from truing.record.trial import SEARCH, TRIED
from truing.report.plots import drawing, seen
from truing.report.study import read

SPACE = tr.Space(
    width=tr.Choice([1, 2, 4, 8], default=2),
    rate=tr.Float(1e-3, 1.0, log=True, default=0.1),
    kind=tr.Choice(["a", "b"], default="a"),
    slope=tr.Float(0.0, 1.0, when={"kind": "b"}),
    still=tr.Choice([3], role="fixed"),
)
RAN: list[tuple[Any, ...]] = []


def constant(run: Any) -> Any:
    """Predicts a constant between the classes that depends on width and on the seed."""
    RAN.append((run.config["width"], run.seed, len(run.train.y)))
    share = (
        float(np.mean(run.train.y)) + 0.02 * math.log2(run.config["width"]) * np.random.default_rng(run.seed).normal()
    )
    share = min(0.95, max(0.05, share))
    if run.config["width"] == 8:
        raise FloatingPointError("too wide")
    run.report(np.full(len(run.valid.y), share), parameters=10 * run.config["width"])
    return lambda x: np.full(len(x), share)


@pytest.fixture
def data() -> tr.Data:
    rng = np.random.default_rng(0)
    return tr.Data(rng.normal(size=(80, 2)), (rng.random(80) < 0.4).astype(int))


@pytest.fixture
def study(tmp_path: Path, data: tr.Data) -> tr.Study:
    RAN.clear()
    return tr.Study(constant, SPACE, data=data, metric="log_loss", folder=tmp_path / "study")


def test_the_line_has_every_option_and_evenly_spread_numbers() -> None:
    centre = SPACE.defaults()

    assert [value for value, _ in line(SPACE, centre, "width")] == [1, 2, 4, 8]
    rates = [value for value, _ in line(SPACE, centre, "rate", points=4)]
    assert rates == pytest.approx([0.001, 0.01, 0.1, 1.0])
    assert all(dict(c) == {**centre, "rate": v} for v, c in line(SPACE, centre, "rate", points=4))
    assert [value for value, _ in line(SPACE, centre, "rate", values=[0.5, 0.02])] == [0.02, 0.1, 0.5]  # and its own


def test_what_a_value_makes_active_has_its_default() -> None:
    (_, first), (_, second) = line(SPACE, SPACE.defaults(), "kind")
    assert "slope" not in first
    assert second["slope"] == 0.5


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"parameter": "widht"}, "do you mean 'width'"),
        ({"parameter": "slope"}, "slope is not active here, where kind is a"),
        ({"parameter": "still"}, "role fixed"),
        ({"parameter": "width", "values": [3]}, "3"),
        ({"parameter": "width", "values": "many"}, "a list of values"),
        ({"parameter": "rate", "points": 1}, "points="),
        ({"parameter": "rate", "values": [0.1]}, "one value"),
        ({"parameter": "rate", "at": 3}, "no trial 3"),
        ({"parameter": "rate", "at": "best"}, "trial that completed"),
        ({"parameter": "rate", "at": {"wdth": 1}}, "no parameter 'wdth'"),
        ({"parameter": "rate", "at": None}, "at="),
    ],
)
def test_what_cannot_be_swept_is_a_sentence(study: tr.Study, given: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        study.sweep(**given, workers=0)
    assert "\n" not in str(caught.value)
    assert not RAN  # and nothing ran


def test_where_the_others_are_held() -> None:
    history = History(SPACE, "min")
    assert centre_of(history, SPACE, "defaults")[0] == SPACE.defaults()
    config, _ = centre_of(history, SPACE, {"kind": "b", "slope": 0.25})
    assert dict(config) == {"width": 2, "rate": 0.1, "kind": "b", "slope": 0.25, "still": 3}


def test_a_sweep_before_any_trial(study: tr.Study, data: tr.Data) -> None:
    """Scores, intervals and differences, each computed once more by hand; the failed value keeps its reason."""
    found = study.sweep("width", workers=0)

    assert [point.value for point in found.points] == [1, 2, 4, 8]
    assert len(study.trials()) == 0
    history, _ = read(study.folder)
    runs = [run for run in history.runs.values() if run.purpose.startswith(TRIED)]
    assert len(runs) == 20
    seeds = {r.replicate: r.seed for r in runs}
    assert all(run.seed == seeds[run.replicate] for run in runs)  # paired
    by_value = _groups(runs)
    scores = [np.array([run.scores["log_loss"] for run in group]) for group in by_value[:3]]
    for point, own in zip(found.points, scores, strict=False):
        assert point.score == pytest.approx(own.mean())
        assert point.parameters == 10 * point.value
        assert point.train is not None
        assert point.interval["low"] < point.score < point.interval["high"]
    first = found.points[0].difference
    assert first["value"] == pytest.approx((scores[0] - scores[1]).mean(), rel=1e-4)  # kept as float32
    assert found.points[1].difference is None  # the value held elsewhere
    failed = found.points[3]
    assert failed.score is None
    assert "too wide" in failed.reason
    assert "8 gave no score" in found.text
    assert max(map(len, found.text.splitlines())) <= 80
    assert {rows for _, _, rows in RAN} == {51, 52}  # four fifths of the 64 development rows


def _groups(runs: list[Any]) -> list[list[Any]]:
    found: dict[str, list[Any]] = {}
    for run in runs:
        found.setdefault(run.purpose, []).append(run)
    return [sorted(group, key=lambda run: run.replicate) for group in found.values()]


def test_asked_twice_it_runs_nothing_and_more_values_cost_only_themselves(study: tr.Study) -> None:
    first = study.sweep("width", values=[1], workers=0)
    before = len(RAN)
    assert study.sweep("width", values=[1], workers=0) == first
    assert len(RAN) == before
    study.sweep("width", values=[1, 4], workers=0)
    assert [width for width, _, _ in RAN[before:]] == [4] * 5


def test_runs_of_the_search_serve_where_they_tell_of_the_training_rows(tmp_path: Path, data: tr.Data) -> None:
    def reporting(run: Any) -> None:
        RAN.append((run.config["width"], run.seed, 0))
        run.report(np.full(len(run.valid), 0.1 * run.config["width"]), train=0.5)

    RAN.clear()
    space = tr.Space(width=tr.Choice([1, 2, 4], default=2))
    study = tr.Study(reporting, space, data=data, metric="brier", folder=tmp_path / "s", search="grid")
    study.run(workers=0)
    before = len(RAN)
    found = study.sweep("width", workers=0)
    assert len(RAN) == before
    assert found.runs == 15
    by_trial = {trial["config"]["width"]: trial["value"] for trial in study.trials(as_dicts=True)}
    assert {p.value: p.score for p in found.points} == pytest.approx(by_trial)
    assert {p.train for p in found.points} == {0.5}


def test_seeds_without_data_by_students_t(tmp_path: Path) -> None:
    """The interval of the score is scipy's, that of a difference Bonferroni's over the others."""

    def noisy(run: Any) -> None:
        run.report(
            loss=run.config["x"] ** 2 + 0.1 * np.random.default_rng([run.seed, int(8 * run.config["x"] + 8)]).normal()
        )

    space = tr.Space(x=tr.Float(-1.0, 1.0, default=0.5))
    metric = tr.Metric("loss", goal="min")
    study = tr.Study(noisy, space, metric=metric, validation=tr.Seeds(6), folder=tmp_path / "s")
    found = study.sweep("x", points=5, workers=0)
    assert [p.value for p in found.points] == [-1.0, -0.5, 0.0, 0.5, 1.0]
    history, _ = read(study.folder)
    groups = [
        [run.scores["loss"] for run in group] for group in _groups(list(history.runs.values())) if len(group) == 6
    ]
    low, high = stats.t.interval(0.95, 5, loc=np.mean(groups[0]), scale=stats.sem(groups[0]))
    assert (found.points[0].interval["low"], found.points[0].interval["high"]) == pytest.approx((low, high))
    gaps = np.subtract(groups[0], groups[3])
    low, high = stats.t.interval(1 - 0.05 / 4, 5, loc=gaps.mean(), scale=stats.sem(gaps))
    assert (found.points[0].difference["low"], found.points[0].difference["high"]) == pytest.approx((low, high))
    assert found.points[found.best].value == 0.0
    assert found.points[0].apart is True
    assert "x 0" in found.sentence


def test_without_a_difference_no_value_is_told_from_another(tmp_path: Path) -> None:
    """Forty sweeps over a parameter that does nothing: the best is told from no other in 95 % and more."""

    def luck(run: Any) -> None:
        run.report(loss=float(np.random.default_rng([run.seed, int(run.config["x"])]).normal()))

    told = 0
    for seed in range(40):
        study = tr.Study(
            luck,
            tr.Space(x=tr.Choice([1, 2, 3, 4, 5])),
            metric=tr.Metric("loss", goal="min"),
            validation=tr.Seeds(5),
            folder=tmp_path / f"s{seed}",
            seed=seed,
        )
        told += any(point.apart for point in study.sweep("x", workers=0).points)
    assert told <= 6  # 2 are expected; 7 or more have a probability of 0.3 %


def test_it_is_no_result_of_the_study(study: tr.Study, data: tr.Data) -> None:
    """After it the space may change, and a search begins at trial 0 as ever."""
    study.sweep("kind", workers=0)
    other = tr.Study(constant, tr.Space(width=tr.Choice([1, 2])), data=data, metric="log_loss", folder=study.folder)
    other.run(trials=2, workers=0)
    history, _ = read(study.folder)
    assert [run.trial for run in history.runs.values() if run.purpose == SEARCH] == [0] * 5 + [1] * 5


def test_beside_a_search_it_changes_nothing_of_it(study: tr.Study) -> None:
    study.run(trials=3, workers=0)
    before = study.trials(as_dicts=True)
    study.sweep("kind", at="best", workers=0)
    assert study.trials(as_dicts=True) == before
    study.run(trials=4, workers=0)
    assert len(study.trials()) == 4


def test_no_locked_row_is_given(study: tr.Study) -> None:
    given = []

    def look(run: Any) -> None:
        given.extend([*run.train.rows, *run.valid.rows])
        run.report(np.full(len(run.valid), 0.5))

    other = tr.Study(look, SPACE, data=study.data, metric="log_loss", folder=study.folder.parent / "other")
    other.sweep("kind", workers=0)
    assert not set(given) & set(other._setting.plan.locked)
    assert len(set(given)) == 64


def test_it_goes_through_json_and_the_figure_shows_it(study: tr.Study) -> None:
    found = study.sweep("width", workers=0)
    again = Sweep.from_dict(json.loads(json.dumps(found.to_dict())))
    assert again.text == found.text
    made = drawing("sweep", seen(study.folder), parameter="width")
    assert made.title == found.sentence
    assert list(made.figure.data[0].x) == ["1", "2", "4"]
    assert list(made.figure.data[0].y) == pytest.approx([p.score for p in found.points[:3]])
    assert {axis.title.text for axis in (made.figure.layout.yaxis2, made.figure.layout.yaxis3)} == {
        "seconds a run",
        "parameters",
    }
    assert "no score" in made.text
    assert "has not been swept" in drawing("sweep", seen(study.folder), parameter="rate").title


SCRIPT = """
import time
import numpy as np
import truing as tr

def train(run):
    time.sleep(0.05)
    run.report(loss=float(run.config["x"]) + run.seed / 2**40)

study = tr.Study(train, tr.Space(x=tr.Int(1, 6)), metric=tr.Metric("loss", goal="min"), validation=tr.Seeds(4),
                 folder={folder!r})
"""


def test_killed_it_goes_on(tmp_path: Path) -> None:
    file, folder = tmp_path / "swept.py", tmp_path / "study"
    file.write_text(SCRIPT.format(folder=str(folder)))
    command = [sys.executable, "-m", "truing", "run", str(file), "--only", "x", "--workers", "1", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    limit = time.monotonic() + 60
    while time.monotonic() < limit:
        if folder.exists() and (folder / "journal.db").exists() and _done(folder) >= 5:
            break
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    before = _done(folder)
    assert before >= 5
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    found = json.loads(ended.stdout)
    assert [p["value"] for p in found["points"]] == [1, 2, 3, 4, 5, 6]
    history, _ = read(folder)
    done = [
        (r.purpose, r.replicate)
        for r in history.runs.values()
        if r.state == "completed" and r.purpose.startswith(TRIED)
    ]
    assert len(done) == len(set(done)) == 24


def _done(folder: Path) -> int:
    try:
        history, _ = read(folder)
    except tr.errors.TruingError:
        return 0
    return sum(run.state == "completed" for run in history.runs.values())


def test_the_command_reads_at_80_columns(tmp_path: Path) -> None:
    file = tmp_path / "swept.py"
    file.write_text(SCRIPT.format(folder=str(tmp_path / "study")))
    command = [sys.executable, "-m", "truing", "run", str(file), "--only", "x", "--points", "3", "--workers", "0"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert max(map(len, ended.stdout.splitlines())) <= 80
    assert "x 1 has the best loss of 3 values" in " ".join(ended.stdout.split())
    wrong = subprocess.run([*command, "--trials", "5"], capture_output=True, text=True, timeout=60, check=False)
    assert wrong.returncode == 2
    assert "--only" in wrong.stderr


def test_one_value_alone_is_not_called_the_best_of_several() -> None:
    scored = Point(1, 0.25, None, None, None, 1.0, None, None)
    lost = Point(3, None, None, None, None, None, None, None, "it diverged")
    found = Sweep("s", "kernel_size", "log_loss", "min", "5-fold", "the defaults", {}, (scored, lost), 0, 0, 2)
    assert found.sentence == "kernel_size 1 alone gave a score, log loss 0.250."
