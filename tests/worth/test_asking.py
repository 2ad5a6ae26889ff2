"""Advice on tasks whose truth is known, what it costs, and that it is asked once."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import truing as tr
from truing.errors import ObjectiveError, StudyFailedError, TruingError, UsageError
from truing.record.trial import ADVICE
from truing.report.study import read
from truing.worth.advice import Advice


def test_a_task_with_signal(study) -> None:
    made = study()
    advice = made.advise(workers=0)
    assert advice["base_rate"].answer == "yes"
    assert "beat always guessing the commonest class" in advice["base_rate"].sentence
    gain = advice["base_rate"].figures["gain"]
    assert 0.2 < gain["low"] < gain["value"] < gain["high"] < 0.7
    assert advice["one_batch"].answer == "yes"
    assert advice["noise"].figures["smallest_gain"] > 0
    assert [point["x"] for point in advice["more_rows"].points] == [25, 50, 100]
    assert [point["x"] for point in advice["more_epochs"].points] == [3, 6, 12]
    assert all(len(line) <= 80 for line in advice.text.splitlines())
    json.dumps(advice.to_dict(), allow_nan=False)
    assert Advice.from_dict(json.loads(json.dumps(advice.to_dict()))).text == advice.text
    assert {row["question"] for row in advice.table()} == {one.question for one in advice.answers}


def test_permuted_labels_show_no_signal(study, blobs) -> None:
    advice = study(data=blobs(permuted=True)).advise(workers=0, quick=True)
    assert advice["base_rate"].answer != "yes"
    assert advice["base_rate"].sentence.startswith(("No signal", "The defaults do worse"))
    assert advice.headline.startswith("Not yet")
    assert advice["more_rows"].answer != "yes"


def test_a_frozen_model_cannot_learn_a_few_rows(study, softmax_objective) -> None:
    advice = study(softmax_objective(frozen=True)).advise(workers=0, quick=True)
    assert advice["one_batch"].answer == "no"
    assert "frozen layers" in advice["one_batch"].sentence
    assert advice.headline.startswith("Not yet")


def test_what_may_hold_a_model_back_is_named(study, softmax_objective) -> None:
    space = tr.Space(rate=tr.Float(1e-4, 1, default=0.5), dropout=tr.Float(0, 1, default=0.25), l2=tr.Float(0, 1))
    advice = study(softmax_objective(frozen=True), space=space).advise(workers=0, quick=True)
    assert "dropout 0.25 and l2 0.5 may hold it back" in advice["one_batch"].sentence


def test_a_task_that_is_solved_wants_nothing_more(study, blobs) -> None:
    """Clouds far apart: a quarter of the rows suffices, and all scores are the same."""
    advice = study(data=blobs(apart=12.0)).advise(workers=0)
    assert advice["more_rows"].answer == "no"
    assert "No sign that more data would help" in advice["more_rows"].sentence
    assert advice["more_epochs"].answer == "no"
    assert "Half the epochs (3) do as well" in advice["more_epochs"].sentence


def test_too_few_epochs_are_told_from_too_few_rows(study, blobs, softmax_objective) -> None:
    """At a small rate the score grows with the steps alone: half the rows at as many steps do as well."""
    space = tr.Space(rate=tr.Float(1e-4, 1.0, log=True, default=2e-3))
    made = study(softmax_objective(features=1), data=blobs(600), space=space, metric="log_loss")
    advice = made.advise(workers=0)
    assert advice["more_epochs"].answer == "yes"
    assert advice["more_rows"].figures["gain"]["low"] > 0  # what the rows alone would have claimed
    assert advice["more_rows"].answer != "yes"
    assert "additional steps" in advice["more_rows"].sentence


def test_more_rows_help_where_they_do(study, softmax_objective) -> None:
    """Many features and few rows: overfitted at any length, better with each row more."""
    rng = np.random.default_rng(1)
    x, w = rng.normal(size=(400, 60)), rng.normal(size=60)
    data = tr.Data(x, (x @ w > 0).astype(int))
    space = tr.Space(rate=tr.Float(1e-4, 1.0, log=True, default=0.3))
    made = study(softmax_objective(features=1), data=data, space=space, metric="log_loss", epochs=30)
    advice = made.advise(workers=0)
    assert advice["more_rows"].answer == "yes"
    assert "More data would probably help" in advice["more_rows"].sentence
    assert "with as many steps" in advice["more_rows"].sentence
    assert "More data" in advice.headline


def test_a_deterministic_function_has_no_seed_noise(study, softmax_objective) -> None:
    advice = study(softmax_objective(seeded=False)).advise(workers=0, quick=True)
    assert advice["noise"].figures["seeds"]["value"] == 0
    assert "The seed changes nothing: 3 seeds" in advice["noise"].sentence


def test_standard_deviations_are_those_of_the_runs(study) -> None:
    made = study()
    advice = made.advise(workers=0)
    history, _ = read(made.folder)
    runs = {run.replicate: run.scores["accuracy"] for run in history.runs.values() if run.purpose == ADVICE}
    seeds = np.std([runs[0], runs[100], runs[101], runs[102]], ddof=1)
    assert advice["noise"].figures["seeds"]["value"] == pytest.approx(seeds)
    assert advice["noise"].figures["splits"]["value"] == pytest.approx(np.std([runs[i] for i in range(5)], ddof=1))
    assert len({run.seed for run in history.runs.values() if run.replicate in (0, 100, 101, 102)}) == 4


def test_numbers_only_are_judged_by_their_known_end(study, softmax_objective) -> None:
    advice = study(softmax_objective(numbers="accuracy")).advise(workers=0, quick=True)
    assert advice["one_batch"].answer == "yes"
    assert advice["base_rate"].answer == "yes"


def test_a_number_of_ones_own_leaves_two_questions_open(study, softmax_objective) -> None:
    objective = softmax_objective(numbers="reward")
    advice = study(objective, metric=tr.Metric("reward", goal="max")).advise(workers=0, quick=True)
    assert advice["base_rate"].answer == "not asked"
    assert advice["one_batch"].answer == "unclear"
    assert "nobody knows how good it can get" in advice["one_batch"].sentence
    assert advice["more_rows"].figures["gain"]["value"] is not None


def test_without_data_seeds_and_epochs_are_asked(study) -> None:
    def train(run) -> None:
        noise = np.random.default_rng(run.seed).normal()
        for epoch in run.epochs():
            run.report(reward=epoch + 0.01 * noise)

    reward = tr.Metric("reward", goal="max")
    for validation in (None, tr.Seeds(4)):
        made = study(train, data=None, metric=reward, validation=validation, folder=study().folder / f"{validation}")
        advice = made.advise(workers=0)
        asked = {one.question for one in advice.answers if one.answer != "not asked"}
        assert asked == {"noise", "more_epochs"}
        assert advice["more_epochs"].answer == "yes"
        assert advice["more_epochs"].figures["gain"]["value"] == pytest.approx(6.0)
        assert ("would" in advice["noise"].sentence) is (validation is None)


def test_regression_against_the_mean(study) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 3))
    y = x @ [1.0, 2.0, 3.0] + 0.1 * rng.normal(size=200)

    def train(run):
        weights = np.linalg.lstsq(run.train.x, run.train.labels, rcond=None)[0]
        run.report(run.valid.x @ weights)

    advice = study(train, data=tr.Data(x, y), metric="rmse").advise(workers=0)
    assert "always guessing the mean" in advice["base_rate"].sentence
    assert advice["base_rate"].answer == "yes"
    assert advice["one_batch"].answer == "yes"
    assert advice["more_epochs"].answer == "not asked"
    assert "run.epochs()" in advice["more_epochs"].sentence


def test_a_function_with_epochs_of_its_own_cannot_be_run_for_longer(study, softmax_objective) -> None:
    advice = study(softmax_objective(own=4), epochs=None).advise(workers=0, quick=True)
    assert "run.epochs(4)" in advice["more_epochs"].sentence
    assert [point["x"] for point in advice["more_epochs"].points] == [2, 4]
    capped = study(softmax_objective(own=8), folder=study().folder / "capped")
    advice = capped.advise(workers=0, quick=True)  # 6 of the study's; 12 are more than its own 8
    assert "fewer than 12 epochs" in advice["more_epochs"].sentence
    assert [point["x"] for point in advice["more_epochs"].points] == [3, 6]


def test_the_locked_rows_stay_locked_and_shares_are_nested(study, blobs) -> None:
    seen: list[tuple[int, list[int], list[int]]] = []

    def train(run):
        seen.append((run.seed, run.train.rows.tolist(), run.valid.rows.tolist()))
        run.report(np.full((len(run.valid), 3), 1 / 3))

    made = study(train, data=blobs(), test=0.25)
    made.advise(workers=0)
    locked = set(made._setting.plan.locked.tolist())
    assert all(not locked & {*train, *valid} for _, train, valid in seen)
    assert len(locked) == 60
    batch = [(train, valid) for _, train, valid in seen if set(train) == set(valid)]
    ((repeated, rows),) = batch
    assert len(set(rows)) == 32
    assert len(repeated) >= 144
    by_valid: dict[tuple[int, ...], list[set[int]]] = {}
    for _, train, valid in seen[1:]:
        by_valid.setdefault(tuple(valid), []).append(set(train))
    nests = [sorted({frozenset(one) for one in trains}, key=len) for trains in by_valid.values() if len(trains) > 2]
    assert len(nests) == 4
    for quarter, half, whole in nests:
        assert quarter < half < whole
        assert [len(quarter), len(half)] == [36, 72]
    labels = np.asarray(made.data.labels)
    assert set(np.bincount(labels[sorted(nests[0][0])])) == {12}  # stratified


def test_groups_stay_whole_in_the_shares(study, softmax_objective) -> None:
    rng = np.random.default_rng(0)
    groups, y = np.repeat(np.arange(40), 6), np.tile([0, 1], 120)
    data = tr.Data(rng.normal(size=(240, 2)) + y[:, None], y, groups=groups)
    seen: list[tuple[set[int], set[int]]] = []
    inner = softmax_objective()

    def train(run):
        seen.append((set(run.train.groups.tolist()), set(run.valid.groups.tolist())))
        inner(run)

    study(train, data=data).advise(workers=0, quick=True)
    assert sum(train == valid for train, valid in seen) == 1  # the batch
    assert all(not train & valid for train, valid in seen if train != valid)


def test_asked_twice_it_runs_nothing_and_quick_goes_on_to_full(study, capsys) -> None:
    made = study()
    quick = made.advise(workers=0, quick=True)
    assert "17 runs of the defaults, as much training as 18 ordinary runs" in " ".join(capsys.readouterr().err.split())
    runs = len(read(made.folder)[0].runs)
    assert made.advise(workers=0, quick=True).text == quick.text
    assert capsys.readouterr().err == ""
    full = made.advise(workers=0)
    assert "done." in capsys.readouterr().err
    assert full.runs > quick.runs == runs
    assert len(read(made.folder)[0].runs) == full.runs  # the quick one's runs were not repeated
    assert made.advise(workers=0, quick=True).text == full.text


def test_it_goes_on_after_an_interruption(study, softmax_objective) -> None:
    calls = {"n": 0}
    inner = softmax_objective()

    def train(run):
        calls["n"] += 1
        if calls["n"] == 8:
            signal.raise_signal(signal.SIGINT)
        inner(run)

    made = study(train)
    with pytest.raises(KeyboardInterrupt):
        made.advise(workers=0)
    before = {r.id for r in read(made.folder)[0].runs.values() if r.state == "completed"}
    assert before
    advice = made.advise(workers=0)
    history, _ = read(made.folder)
    completed = [run.replicate for run in history.runs.values() if run.state == "completed"]
    assert len(completed) == len(set(completed)) == advice.runs


STUDY = """
import numpy as np
import truing as tr

def train(run):
    import time
    for epoch in run.epochs():
        time.sleep(0.02)
        run.report(np.clip(run.valid.x[:, 0] + 0.01 * (run.seed % 7), 0, 1))

x = np.linspace(0, 1, 120)[:, None]
study = tr.Study(train, tr.Space(a=tr.Float(0, 1)), data=tr.Data(x, (x[:, 0] > 0.5).astype(int)), metric="accuracy",
                 epochs=4, folder="here")
"""


def test_killed_it_goes_on_and_repeats_no_finished_run(tmp_path) -> None:
    (tmp_path / "file.py").write_text(STUDY)
    command = [sys.executable, "-m", "truing.cli", "advise", "file.py", "--workers", "1", "--json"]
    first = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def done() -> set[int]:
        if not (tmp_path / "here" / "journal.db").exists():
            return set()
        try:
            runs = read(tmp_path / "here")[0].runs.values()
        except TruingError:  # its first event is not yet there
            return set()
        return {run.id for run in runs if run.state == "completed"}

    try:
        until = time.monotonic() + 90
        while len(done()) < 5 and time.monotonic() < until:
            time.sleep(0.05)
    finally:
        first.kill()
        first.wait()
    before = done()
    assert 5 <= len(before) < 24
    again = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=True)
    found = json.loads(again.stdout)
    completed = [run.replicate for run in read(tmp_path / "here")[0].runs.values() if run.state == "completed"]
    assert len(completed) == len(set(completed)) == found["runs"] == 24
    assert before <= done()


def test_the_command_takes_a_folder_and_fits_80_columns(tmp_path) -> None:
    (tmp_path / "file.py").write_text(STUDY.replace("0.02", "0"))
    command = [sys.executable, "-m", "truing.cli", "advise"]
    tail = ["--workers", "0", "--quick"]
    whole = {"cwd": tmp_path, "capture_output": True, "text": True, "timeout": 120, "check": True}
    first = subprocess.run([*command, "file.py", *tail], **whole)
    again = subprocess.run([*command, "here", *tail], **whole)
    assert again.stdout == first.stdout
    assert "Is tuning worth it?" in first.stdout
    assert max(map(len, first.stdout.splitlines())) <= 80
    assert Path(tmp_path / "here").is_dir()


def test_the_study_stays_open_to_change_until_it_has_a_trial(study, softmax_objective) -> None:
    made = study(softmax_objective(frozen=True))
    made.advise(workers=0, quick=True)
    other = study(softmax_objective(), space=tr.Space(rate=tr.Float(1e-4, 1.0, log=True, default=0.1)))
    advice = other.advise(workers=0, quick=True)
    assert advice["one_batch"].answer == "yes"
    other.run(trials=2, workers=0)
    assert len(other.trials()) == 2
    other.verdict(workers=0)
    assert other.advise(workers=0, quick=True).text == advice.text


def test_a_failing_function_gets_a_sentence(study, blobs) -> None:
    def broken(run):
        raise ValueError("no such layer")

    with pytest.raises(ObjectiveError, match="no such layer"):
        study(broken).advise(workers=0)

    def diverges(run):
        for epoch in run.epochs():
            run.report(np.full((len(run.valid), 3), 1 / 3 if epoch == 1 else np.nan))

    with pytest.raises(StudyFailedError, match="Not one run of the defaults completed"):
        study(diverges, folder=study().folder / "other").advise(workers=0, quick=True)


def test_several_datasets_are_refused_in_one_sentence(study, blobs) -> None:
    made = study(data={"a": blobs(), "b": blobs(seed=1)})
    with pytest.raises(UsageError, match=r"advise\(\) is for a study of one dataset, and this one has 2"):
        made.advise(workers=0)
