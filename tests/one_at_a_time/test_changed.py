"""Of a function that changed, what was found before is not shown as if it were of the new one."""

from __future__ import annotations

import pytest

import truing as tr
from truing.errors import ChangedStudyError
from truing.one_at_a_time import stored_ablation
from truing.report.sweeps import sweeps_of
from truing.report.worth import advice_of


def before(run):
    run.report(loss=(run.config["r"] - 0.2) ** 2 + (run.seed % 97) / 1000)


def after(run):
    run.report(loss=100 + (run.config["r"] - 0.8) ** 2 * 50 + (run.seed % 97) / 1000)


def study(function, folder):
    return tr.Study(
        function,
        space=tr.Space(r=tr.Float(0, 1, default=0.5)),
        metric=tr.Metric("loss", goal="min"),
        validation=tr.Seeds(3),
        folder=folder,
    )


def test_a_changed_function_is_refused_and_agreed_to_it_forgets_what_was_found(tmp_path) -> None:
    old = study(before, tmp_path)
    old.run(trials=6, workers=0)
    old.sweep("r", points=3, workers=0)
    old.advise(workers=0)
    old.ablation(workers=0)
    history = old._read()
    assert len(sweeps_of(history)) == 1
    assert advice_of(history)
    assert stored_ablation(history)

    new = study(after, tmp_path)
    for asked in (lambda: new.sweep("r", points=3, workers=0), lambda: new.ablation(workers=0)):
        with pytest.raises(ChangedStudyError, match="no longer the one that made the results"):
            asked()
    new.run(trials=8, workers=0, accept_change=True)
    history = new._read()
    assert (sweeps_of(history), advice_of(history), stored_ablation(history)) == ([], None, None)
    assert new.sweep("r", points=3, workers=0).points[0].score > 100
