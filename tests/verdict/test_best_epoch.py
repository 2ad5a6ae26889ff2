"""`epoch="best"`: what a search takes for a score, and how the verdict takes the choice of the epoch out again."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import log_loss
from sklearn.model_selection import TimeSeriesSplit

import truing as tr
from truing.errors import ChangedStudyError

EPOCHS = 20
SIGMA = 0.1
LOSS = tr.Metric("loss", goal="min")


def noisy(run: Any) -> None:
    """As good in every epoch as in any other: whatever one of them is better by is luck."""
    rng = np.random.default_rng([run.seed, int(1e6 * run.config["x"])])
    for epoch in run.epochs():
        run.report(loss=1 + run.config["x"] + SIGMA * rng.normal(), train=1 / epoch)
    run.keep("epochs.txt", str(epoch).encode())


def noisy_study(folder: Any, **more: Any) -> tr.Study:
    settings: dict[str, Any] = {"validation": tr.Seeds(5), "epochs": EPOCHS, "epoch": "best", "folder": folder}
    return tr.Study(noisy, tr.Space(x=tr.Float(0, 1, default=0.5)), metric=LOSS, **(settings | more))


@pytest.fixture(scope="module")
def done(tmp_path_factory: Any) -> tuple[tr.Study, Any, list[dict[str, Any]]]:
    from truing.storage.sqlite import SqliteJournal

    study = noisy_study(tmp_path_factory.mktemp("best") / "study")
    study.run(trials=4, workers=0)
    verdict = study.verdict(workers=0)
    journal = SqliteJournal(study.folder / "journal.db", readonly=True)
    events = list(journal.read())
    journal.close()
    started = {e.data["run"]: e.data for e in events if e.kind == "started"}
    runs = [{**started[e.data["run"]], **e.data} for e in events if e.kind == "finished"]
    return study, verdict, runs


def of(runs: list[dict[str, Any]], purpose: str, trial: int) -> list[dict[str, Any]]:
    return [run for run in runs if run["purpose"] == purpose and run["trial"] == trial]


def test_a_search_run_has_the_score_of_its_best_report(done: Any) -> None:
    study, _, runs = done

    for trial in study.trials():
        scores = [min(score for _, score in run["curve"]) for run in of(runs, "search", trial["number"])]
        assert trial["value"] == pytest.approx(np.mean(scores))


def test_the_refit_goes_to_the_median_best_epoch_of_the_selecteds_search_runs(done: Any) -> None:
    study, verdict, runs = done
    selected = verdict.to_dict()["selected_trial"]

    def median(trial: int) -> int:
        best = [1 + int(np.argmin([score for _, score in run["curve"]])) for run in of(runs, "search", trial)]
        return int(np.median(best))

    assert median(selected) < EPOCHS
    assert verdict.to_dict()["epoch"]["epochs"] == {"selected": median(selected), "defaults": median(0)}
    (refit,) = of(runs, "refit", selected)
    assert len(refit["curve"]) == median(selected)
    assert (study.folder / "model" / "epochs.txt").read_text() == str(median(selected))


def test_the_fresh_figures_are_of_the_epoch_that_was_fixed_before(done: Any) -> None:
    """So they are right where the search's are not: every epoch is worth 1 + x."""
    _, verdict, runs = done
    found = verdict.to_dict()
    for side, trial in (("selected", found["selected_trial"]), ("defaults", 0)):
        fresh, fixed = of(runs, "estimate", trial), found["epoch"]["epochs"][side]
        assert [len(run["curve"]) for run in fresh] == [EPOCHS] * 10  # each goes its whole way
        assert found["validation"][side] == pytest.approx(np.mean([run["curve"][fixed - 1][1] for run in fresh]))
        config = found["selected" if side == "selected" else "defaults"]
        assert found["validation"][side] == pytest.approx(1 + config["x"], abs=4 * SIGMA / np.sqrt(10))
    assert found["validation"]["as_searched"] < 1 + found["selected"]["x"] - SIGMA


def test_the_size_of_the_optimism_is_that_of_the_best_of_so_many(done: Any) -> None:
    """The expected maximum of 20 normals is 1.87 standard deviations (simulated here)."""
    _, verdict, runs = done
    found = verdict.to_dict()
    optimism, fresh = found["epoch"]["optimism"], of(runs, "estimate", found["selected_trial"])
    fixed = found["epoch"]["epochs"]["selected"]
    worked_out = [min(s for _, s in run["curve"]) - run["curve"][fixed - 1][1] for run in fresh]
    maxima = np.random.default_rng(1).normal(size=(20_000, EPOCHS)).max(axis=1)

    assert optimism["value"] == pytest.approx(np.mean(worked_out))
    spread = SIGMA * np.sqrt((maxima.var() + 1) / 10)
    assert optimism["value"] == pytest.approx(-SIGMA * maxima.mean(), abs=4 * spread)
    assert optimism["low"] < optimism["value"] < optimism["high"] < 0


def test_the_choice_is_named_among_the_corrections(done: Any) -> None:
    study, verdict, _ = done
    found = verdict.to_dict()
    by_code = {one["code"]: one for one in found["corrections"]}

    assert by_code["best_epoch"]["value"] == -found["epoch"]["optimism"]["value"]
    said = by_code["best_epoch"]["message"]
    assert "best epoch of up to 20" in said
    assert f"epoch {found['epoch']['epochs']['selected']}" in said
    text = " ".join(str(verdict).split())
    assert said[1:] in text
    assert "luck of seeds and of the best epoch" in text
    assert max(map(len, str(verdict).splitlines())) <= 80
    page = study.report().read_text()
    assert "choice of the best epoch" in page
    assert "the median best epoch of its search" in page.replace("\n", " ")
    json.dumps(found, allow_nan=False)


def test_without_the_choice_there_is_no_such_correction(tmp_path: Any) -> None:
    study = noisy_study(tmp_path / "s", epoch="mean:5")
    study.run(trials=2, workers=0)
    found = study.verdict(workers=0).to_dict()

    assert found["epoch"] is None
    assert "best_epoch" not in [one["code"] for one in found["corrections"]]
    assert (study.folder / "model" / "epochs.txt").read_text() == str(EPOCHS)


def test_a_train_figure_is_of_the_epoch_that_counts(done: Any) -> None:
    _, verdict, _ = done
    found = verdict.to_dict()

    assert found["generalization"]["train"] == pytest.approx(1 / found["epoch"]["epochs"]["selected"])


def sharpening(run: Any) -> Any:
    """Best at epoch 3: a probability that grows too sure of itself; a fifth of the labels are wrong."""

    def predict(x: Any) -> Any:
        return 1 / (1 + np.exp(-scale * (x[:, 0] > 0) * 2 + scale))

    for epoch in run.epochs(6):
        scale = run.config["gain"] * [0.2, 0.8, 1.4, 2.5, 4.0, 6.0][epoch - 1]
        run.report(predict(run.valid.x))
    return predict


def labelled(n: int = 200) -> tr.Data:
    rng = np.random.default_rng(5)
    x = rng.normal(size=(n, 2))
    return tr.Data(x, ((x[:, 0] > 0) ^ (rng.random(n) < 0.2)).astype(int))


def test_with_predictions_all_the_figures_are_of_the_same_epoch(judged: Any) -> None:
    """The kept predictions give the score; a train figure by predict would be of another epoch, and is none."""
    made = judged(
        sharpening,
        data=labelled(),
        space=tr.Space(gain=tr.Float(0.9, 1.1, default=1.0)),
        epoch="best",
        also=["accuracy"],
        trials=3,
    )
    found, told = made.verdict.to_dict(), made.told
    for purpose in ("search", "estimate"):
        for run in told.purpose(purpose):
            assert run["details"]["epoch"] == 3
            assert run["scores"]["log_loss"] == run["curve"][2][1]
    assert found["epoch"]["epochs"]["selected"] == 3
    assert found["generalization"]["train"] is None
    assert "earlier epoch" in found["generalization"]["reasons"]["train"]
    assert all(len(run["curve"]) == 3 for run in told.purpose("refit"))
    # the delivered network and the locked figures are of three epochs: log loss there is near the validation's
    assert found["test"]["log_loss"]["selected"] < found["validation"]["selected"] + 0.15


def test_kept_predictions_are_those_of_the_best_epoch(judged: Any) -> None:
    """Scored by scikit-learn on the rows the run was given."""
    labels: dict[int, Any] = {}

    def watched(run: Any) -> Any:
        labels[run.seed] = np.array(run.valid.labels)
        return sharpening(run)

    made = judged(
        watched, data=labelled(), space=tr.Space(gain=tr.Float(0.9, 1.1, default=1.0)), epoch="best", trials=2
    )
    runs = made.told.purpose("search", 0)
    assert len(runs) == 5
    for run in runs:
        assert log_loss(labels[run["seed"]], made.told.predictions(run)) == pytest.approx(
            run["scores"]["log_loss"], abs=1e-5
        )


def test_runs_on_the_same_rows_are_one_figure_for_the_interval_too(judged: Any) -> None:
    """Splits that cannot be drawn anew: the fresh runs of one are averaged, as for the figure it corrects."""

    def shaky(run: Any) -> None:
        rng = np.random.default_rng([run.seed, len(run.train)])
        for _ in run.epochs(6):
            wanted = 0.3 + 0.1 * rng.normal()
            run.report(np.full(len(run.valid), np.clip(wanted, 0.01, 0.99)))

    made = judged(
        shaky,
        data=labelled(),
        space=tr.Space(x=tr.Float(0, 1)),
        validation=TimeSeriesSplit(4),
        test=np.arange(180, 200),
        epoch="best",
        trials=2,
    )
    found = made.verdict.to_dict()
    runs, fixed = made.told.purpose("estimate", found["selected_trial"]), found["epoch"]["epochs"]["selected"]
    optimism = [min(s for _, s in run["curve"]) - run["curve"][fixed - 1][1] for run in runs]
    assert len(optimism) == 12
    by_split = np.reshape(optimism, (3, 4)).mean(axis=0)
    ratio = 4 * 36 / sum((36, 72, 108, 144))
    half = stats.t.ppf(0.975, 3) * by_split.std(ddof=1) * np.sqrt(1 / 4 + ratio)

    told = found["epoch"]["optimism"]
    assert told["value"] == pytest.approx(np.mean(optimism))
    assert (told["low"], told["high"]) == pytest.approx((told["value"] - half, told["value"] + half))


def test_a_function_that_goes_its_own_way_is_warned_of(tmp_path: Any) -> None:
    def own(run: Any) -> None:
        rng = np.random.default_rng(run.seed)
        for _ in range(12):
            run.report(loss=run.config["x"] + rng.normal())

    study = tr.Study(
        own, tr.Space(x=tr.Float(0, 1)), metric=LOSS, validation=tr.Seeds(3), epoch="best", folder=tmp_path / "s"
    )
    study.run(trials=3, workers=0)
    verdict = study.verdict(workers=0)

    assert verdict.to_dict()["epoch"]["kept_length"] is False
    (warning,) = [w for w in verdict.warnings if w["code"] == "length_not_kept"]
    assert "run.epochs()" in warning["message"]


def test_one_report_a_run_leaves_nothing_to_choose(judged: Any, reward: Any) -> None:
    found = judged(reward, validation=tr.Seeds(3), epoch="best").verdict

    assert found.to_dict()["epoch"]["optimism"]["value"] == 0
    assert "by nothing" in " ".join(str(found).split())
    assert "length_not_kept" not in [w["code"] for w in found.warnings]


def test_without_validation_the_size_is_unknown_and_says_why(judged: Any, reward: Any) -> None:
    found = judged(reward, validation=None, epoch="best").verdict

    assert found.to_dict()["epoch"]["optimism"]["value"] is None
    assert "is not known" in " ".join(str(found).split())


def test_breaking_off_keeps_the_best_up_to_there(tmp_path: Any) -> None:
    """Early stopping with patience 2, by the user's own break."""

    def patient(run: Any) -> None:
        best, since = 9.0, 0
        for epoch in run.epochs(50):
            loss = abs(epoch - 6) + run.config["x"]
            run.report(loss=loss)
            best, since = (loss, 0) if loss < best else (best, since + 1)
            if since == 2:
                break

    study = tr.Study(
        patient, tr.Space(x=tr.Float(0, 1)), metric=LOSS, validation=tr.Seeds(2), epoch="best", folder=tmp_path / "s"
    )
    study.run(trials=3, workers=0)
    found = study.verdict(workers=0).to_dict()

    assert all(trial["value"] == pytest.approx(trial["config"]["x"]) for trial in study.trials())
    assert found["epoch"]["epochs"]["selected"] == 6


def test_another_rule_is_another_study(tmp_path: Any) -> None:
    noisy_study(tmp_path / "s").run(trials=1, workers=0)

    with pytest.raises(ChangedStudyError, match=r"holds runs of another study: epoch was best and is now last; use"):
        noisy_study(tmp_path / "s", epoch="last").run(trials=2, workers=0)


def test_a_journal_from_before_there_was_a_choice_counts_the_last_report() -> None:
    from truing.identity import changes, differing

    assert changes({"seed": 0}, {"seed": 0, "epoch": "last"}) == []
    assert changes({"seed": 0}, {"seed": 0, "epoch": "best"}) == ["epoch was last and is now best"]
    assert not differing({"seed": 0}, {"seed": 0, "epoch": "last"})


def test_the_rule_holds_in_processes_too(tmp_path: Any) -> None:
    for workers, name in ((0, "here"), (2, "there")):
        noisy_study(tmp_path / name).run(trials=2, workers=workers)

    values = [[t["value"] for t in noisy_study(tmp_path / name).trials()] for name in ("here", "there")]
    assert values[0] == values[1]
