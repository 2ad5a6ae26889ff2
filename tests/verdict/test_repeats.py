"""What a verdict that goes on runs again: never what failed by itself, always what another function made."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import truing as tr
from truing.errors import StudyFailedError
from truing.record.events import Event
from truing.record.history import History
from truing.record.seeds import seed_of
from truing.report.study import read
from truing.verdict.repeats import Ends


def history_of(*ends: tuple[int, str, int], purpose: str = "refit") -> History:
    """One run after the other of trial 0: replicate, state, attempt."""
    space = tr.Space(x=tr.Float(0, 1))
    history = History(space, "min")
    history.extend([Event("proposed", {"trial": 0, "config": {"x": 0.5}})])
    for run, (replicate, state, attempt) in enumerate(ends):
        told = {"run": run, "trial": 0, "purpose": purpose, "replicate": replicate, "attempt": attempt}
        history.extend([Event("started", told), Event("finished", {"run": run, "state": state})])
    return history


@pytest.mark.parametrize("state", ["completed", "failed", "diverged", "crashed", "out_of_memory", "timed_out"])
def test_an_end_of_its_own_is_final(state: str) -> None:
    ends = Ends.of(history_of((0, state, 0), purpose="estimate"), "estimate")
    assert ends.to_do((0, 0)) is None
    assert ends.run((0, 0)).state == state
    assert ends.to_do((0, 1)) == 0


@pytest.mark.parametrize(
    ("ends", "attempt"),
    [
        ([(0, "lost", 0)], 1),
        ([(0, "lost", 0), (0, "lost", 1)], 2),
        ([(0, "lost", 0), (0, "lost", 1), (0, "lost", 2)], None),
        ([(0, "lost", 0), (0, "cancelled", 1)], 1),
        ([(0, "superseded", 0)], 0),
        ([(0, "superseded", 0), (0, "failed", 0)], None),
    ],
)
def test_what_was_ended_from_outside_is_run_again_with_its_attempts_counted(ends: list[Any], attempt: Any) -> None:
    assert Ends.of(history_of(*ends), "refit").to_do((0, 0)) == attempt


def test_failed_refits_are_made_good_only_after_a_refusal() -> None:
    """All three failed: the person was told to mend the cause. One that failed beside others that did not stays."""
    places = [(0, 0), (0, 1), (0, 2)]

    def to_do(*ends: tuple[int, str, int]) -> list[int | None]:
        found = Ends.of(history_of(*ends), "refit", places)
        return [found.to_do(place) for place in places]

    failed = [(i, "failed", 0) for i in range(3)]
    assert to_do(failed[0]) == [None, 0, 0]
    assert to_do(failed[0], (1, "completed", 0)) == [None, None, 0]
    assert to_do(*failed) == [0, 0, 0]
    assert to_do(*failed, (0, "completed", 0)) == [None, 0, 0]
    assert to_do(*failed, (0, "failed", 0)) == [None, 0, 0]
    assert to_do(*failed, *failed) == [0, 0, 0]


def test_an_accepted_change_voids_what_a_verdict_ran() -> None:
    history = history_of((0, "completed", 0))
    history.extend([Event("started", {"run": 1, "trial": 0, "purpose": "refit", "replicate": 1})])
    history.extend([Event("accepted", {"diff": "-a"})])
    history.extend([Event("finished", {"run": 1, "state": "completed"})])  # begun by the old function
    assert history.verdict_runs == {}
    assert Ends.of(history, "refit").run((0, 0)) is None
    history.extend([Event("started", {"run": 2, "trial": 0, "purpose": "refit", "replicate": 0})])
    history.extend([Event("finished", {"run": 2, "state": "completed"})])
    assert history.verdict_runs == {("refit", 0, 0): 2}


def old(run: Any) -> Any:
    if len(run.train) == 128:  # all development rows
        raise RuntimeError("not there yet")
    p = 1 / (1 + 2.0 ** (-run.config["x"] * run.valid.x[:, 0]))
    run.report(p)
    return lambda x: 1 / (1 + 2.0 ** (-run.config["x"] * x[:, 0]))


def new(run: Any) -> Any:
    run.report(1 / (1 + 2.0 ** (run.config["x"] * run.valid.x[:, 0])))
    return lambda x: 1 / (1 + 2.0 ** (run.config["x"] * x[:, 0]))


def test_a_mended_function_makes_all_fresh_runs_anew(tmp_path, rows) -> None:
    """It fails in the refits, is changed with accept_change, and the verdict is of the new function alone."""
    x, y = rows()

    def study(objective: Any) -> tr.Study:
        space = tr.Space(x=tr.Float(0.0, 3.0, default=0.2))
        return tr.Study(objective, space, data=tr.Data(x, y), folder=tmp_path / "s", validation=tr.KFold(5))

    first = study(old)
    first.run(trials=3, workers=0)
    with pytest.raises(StudyFailedError, match="not there yet"):
        first.verdict(workers=0)
    before, _ = read(tmp_path / "s")

    second = study(new)
    second.run(trials=3, workers=0, accept_change=True)
    verdict = second.verdict(workers=0)

    after, _ = read(tmp_path / "s")
    anew = [r for i, r in after.runs.items() if i not in before.runs]
    found = verdict.to_dict()
    sides = 1 if verdict.selected == found["defaults"] else 2
    assert len(anew) == found["verdict_runs"] == sides * (10 + 3)
    fresh = [r.scores["log_loss"] for r in anew if r.purpose == "estimate" and r.trial == found["selected_trial"]]
    assert found["validation"]["selected"] == pytest.approx(sum(fresh) / 10)
    text, html = " ".join(str(verdict).split()), (tmp_path / "s" / "report.html").read_text()
    assert "changed_function" in {w["code"] for w in verdict.warnings}
    for shown in (text, html):
        assert "searched with an earlier version of the function" in shown
        assert "luck of splits and seeds:" not in shown
    assert found["validation"]["as_searched"] is not None


def overfitted(run: Any) -> Any:
    """Far too sure of noise: worse than the classes' frequencies."""

    def predict(x: Any) -> Any:
        return np.where(x[:, 3] > 0, 1 - 10.0 ** -run.config["x"], 10.0 ** -run.config["x"])

    run.report(predict(run.valid.x))
    return predict


def test_validation_no_better_than_a_constant_is_warned_of(judged) -> None:
    found = judged(overfitted, space=tr.Space(x=tr.Float(1.0, 3.0, default=1.5)), trials=2).verdict
    (said,) = [w["message"] for w in found.warnings if w["code"] == "no_better_than_constant"]
    figure = found.to_dict()["validation"]["selected"]
    assert f"on validation log loss {figure:.3f} against 0.6" in said
    assert "on the locked rows log loss" in said


def test_a_kept_default_differs_by_zero_in_every_metric(judged) -> None:
    """Also where the refits of it failed, or a metric of one's own has no figure on the locked rows."""

    def alone(run: Any) -> Any:
        if len(run.train) == 128 and run.seed in fails:
            raise RuntimeError("the training diverged.")
        run.report(np.full(len(run.valid), 0.5))
        return lambda x: np.full(len(x), 0.5)

    fails = {seed_of(0, "refit", 1)}
    done = judged(alone, also=["accuracy", "sensitivity"], trials=1)
    entries = done.verdict.to_dict()["test"]
    assert len(entries) == 3
    for entry in entries.values():
        assert entry["selected"] is None
        assert [entry["difference"][key] for key in ("value", "low", "high")] == [0, 0, 0]
    assert ".." not in str(done.verdict)
    assert done.verdict.to_dict()["model_reason"].startswith("not kept; run.keep(name, bytes)")


def test_files_of_a_first_refit_that_failed_are_not_delivered(judged, logistic) -> None:
    """It called run.keep() and then failed; the other refits completed, so there is a verdict without a network."""

    class Late(logistic):
        def __call__(self, run: Any) -> Any:
            predict = super().__call__(run)
            if run.seed in late:
                raise RuntimeError("after keeping")
            return predict

    late = {seed_of(0, "refit", 0)}
    done = judged(Late(noise=0.1), trials=3)
    found = done.verdict.to_dict()
    assert found["model"] == []
    assert "the first refit, whose network is delivered, failed" in found["model_reason"]
    assert not (done.study.folder / "model").exists()
    assert "Network none: the first refit" in " ".join(str(done.verdict).split())
