"""Comparisons recomputed with SciPy and by simulation of the posterior from the journal's scores."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import stats

import truing as tr
from truing.cli.app import main
from truing.errors import UsageError
from truing.verdict.compare import Side, compare_sides


def test_two_trials_by_their_search_runs(judged, logistic) -> None:
    """The corrected resampled t, and the correlated posterior as scipy.stats has it, of the paired fold differences."""
    done = judged(logistic(noise=0.3), trials=4)
    found = done.study.compare(2, 3).to_dict()
    told = done.told
    pairs = np.subtract(told.scores("search", 2, "log_loss"), told.scores("search", 3, "log_loss"))
    scale = pairs.std(ddof=1) * np.sqrt(1 / 5 + 1 / 4)
    expected = stats.t.interval(0.95, 4, pairs.mean(), scale)
    assert found["source"] == "search"
    assert found["replicates"] == 5
    assert found["difference"]["value"] == pytest.approx(pairs.mean())
    assert (found["difference"]["low"], found["difference"]["high"]) == pytest.approx(expected)
    rope, p = found["rope"]["value"], found["probabilities"]
    posterior = stats.t(4, pairs.mean(), scale)
    assert rope > 0
    assert p["better"] == pytest.approx(posterior.cdf(-rope))  # log loss: lower is better
    assert p["worse"] == pytest.approx(posterior.sf(rope))
    assert p["better"] + p["same"] + p["worse"] == pytest.approx(1)
    assert "not adjusted for choosing the pair" in found["notes"]


def test_rows_and_folds_are_those_of_the_kept_predictions(judged, logistic, rows) -> None:
    _, y = rows()
    done = judged(logistic(noise=0.3), trials=4)
    told, losses = done.told, {}
    for trial in (1, 2):
        own = np.full(len(y), np.nan)
        for run in told.purpose("search", trial):
            seen = done.seen(run["seed"], told.configs[trial])
            p = told.predictions(run)
            own[seen["valid"]] = -np.log(p[np.arange(len(p)), y[seen["valid"]]])
        losses[trial] = own
    gap = (losses[1] - losses[2])[~np.isnan(losses[1])]
    folds = np.subtract(told.scores("search", 1, "log_loss"), told.scores("search", 2, "log_loss"))
    a, b = gap.var(ddof=1) / len(gap), folds.var(ddof=1) / 5
    df = (a + b) ** 2 / (a**2 / (len(gap) - 1) + b**2 / 4)
    found = done.study.compare(1, 2).to_dict()["rows_and_folds"]
    half = stats.t.ppf(0.975, df) * np.sqrt(a + b)
    assert found["method"] == "t over rows and folds"
    assert (found["low"], found["high"]) == pytest.approx((folds.mean() - half, folds.mean() + half), rel=1e-3)


def test_fresh_runs_are_taken_where_both_have_them(judged, logistic) -> None:
    """The selected and the defaults have the verdict's; the comparison is then the verdict's own."""
    done = judged(logistic(noise=0.2))
    verdict = done.verdict.to_dict()
    found = done.study.compare(verdict["selected_trial"], 0).to_dict()
    assert found["source"] == "estimate"
    assert found["replicates"] == 10
    for key in ("value", "low", "high"):
        assert found["difference"][key] == pytest.approx(verdict["comparison"]["corrected_t"][key])
        assert found["rows_and_folds"][key] == pytest.approx(verdict["validation"]["difference"][key])
    for key in ("worse", "same", "better"):
        assert found["probabilities"][key] == pytest.approx(verdict["comparison"]["probabilities"][key])
    assert found["search"]["source"] == "search"
    assert "better than the defaults with probability" in " ".join(str(done.verdict).split())


def test_two_studies_on_the_same_replicates(judged, logistic, tmp_path) -> None:
    """Of another space, as studies and as folders; a study with another seed has other replicates and is refused."""
    one = judged(logistic(noise=0.2), folder=tmp_path / "one")
    space = tr.Space(l2=tr.Float(1e3, 1e5, log=True, default=1e4))
    two = judged(logistic(noise=0.2), folder=tmp_path / "two", space=space)
    judged(logistic(), folder=tmp_path / "other", seed=1, trials=2)

    found = tr.compare(one.study, two.study).to_dict()
    chosen = [done.verdict.to_dict()["selected_trial"] for done in (one, two)]
    scores = [done.told.scores("estimate", t, "log_loss") for done, t in zip((one, two), chosen, strict=True)]
    assert found["difference"]["value"] == pytest.approx(np.mean(np.subtract(*scores)))
    assert found["probabilities"]["better"] > 0.9
    assert found["rows_and_folds"]["value"] == pytest.approx(found["difference"]["value"], rel=1e-4)
    by_folder = tr.compare(tmp_path / "one", tr.load(tmp_path / "two")).to_dict()
    assert by_folder["difference"] == found["difference"]
    assert "needs the study itself" in by_folder["rows_and_folds"]["reason"]
    with pytest.raises(UsageError, match=r"they differ in .*seed \(0 and 1\)"):
        tr.compare(tmp_path / "one", tmp_path / "other")


def test_what_a_person_sees(judged, logistic, tmp_path, capfd, monkeypatch) -> None:
    done = judged(logistic(noise=0.3), trials=4, folder=tmp_path / "s")
    compared = done.study.compare(2, 3)
    text = str(compared)
    assert max(map(len, text.splitlines())) <= 80
    assert text.startswith("Trial 2 against trial 3: log loss")
    for words in ("corrected resampled t", "rows and folds (candidate)", "practically the same", "Not adjusted for"):
        assert words in text
    assert "<pre" in compared._repr_html_()
    capfd.readouterr()
    monkeypatch.setattr("sys.argv", ["truing", "compare", str(tmp_path / "s"), "2", "3", "--json"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    printed = json.loads(capfd.readouterr().out)
    assert printed["difference"] == compared.to_dict()["difference"]


def test_what_cannot_be_compared_is_refused_in_a_sentence(judged, logistic) -> None:
    study = judged(logistic(), trials=3).study
    with pytest.raises(UsageError, match="the trials 0 to 2; got 7"):
        study.compare(7, 0)
    with pytest.raises(UsageError, match="got 1 twice"):
        study.compare(1, 1)
    with pytest.raises(UsageError, match="two studies or their folders"):
        tr.compare(3, study)


def test_a_journal_that_does_not_tell_the_spread_gives_no_interval(judged, logistic) -> None:
    done = judged(logistic(noise=0.3), trials=4)
    history = done.study._read()
    study = {key: value for key, value in history.last("study").items() if key != "spread"}
    found = compare_sides(*(Side(f"trial {number}", number, history, study) for number in (1, 2))).to_dict()
    assert found["difference"]["value"] is not None
    assert found["difference"]["low"] is None
    assert found["probabilities"]["better"] is None
    assert "n_valid / n_train" in found["difference"]["reason"]
