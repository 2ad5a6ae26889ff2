"""Of a function that changed, what was found before is not shown as if it were of the new one."""

from __future__ import annotations

import numpy as np
import pytest

import truing as tr
from truing.errors import ChangedStudyError
from truing.one_at_a_time import stored_ablation
from truing.report.show import study_dict
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
    assert study_dict(tmp_path, history, history.last("study"))["verdict_runs"] == 0  # there is no verdict

    new = study(after, tmp_path)
    for asked in (lambda: new.sweep("r", points=3, workers=0), lambda: new.ablation(workers=0)):
        with pytest.raises(ChangedStudyError, match="no longer the one that made the results"):
            asked()
    new.run(trials=8, workers=0, accept_change=True)
    history = new._read()
    assert (sweeps_of(history), advice_of(history), stored_ablation(history)) == ([], None, None)
    assert new.sweep("r", points=3, workers=0).points[0].score > 100


@pytest.mark.parametrize("changed", [{"seed": 1}, {"test": 0.4}])
def test_rows_that_a_sweep_scored_cannot_become_locked_ones(tmp_path, changed) -> None:
    """Before any trial, too; the ranges may still move."""

    def train(run):
        run.report(np.clip(run.valid.x[:, 0] * run.config["a"], 0.01, 0.99))
        return lambda x: np.clip(x[:, 0] * run.config["a"], 0.01, 0.99)

    x = np.linspace(0, 1, 80)[:, None]

    def made(high=1.0, **given):
        data = tr.Data(x, (x[:, 0] > 0.5).astype(int))
        space = tr.Space(a=tr.Float(0, high, default=0.5))
        return tr.Study(train, space=space, data=data, metric="log_loss", folder=tmp_path, **given)

    made().sweep("a", points=2, workers=0)
    with pytest.raises(ChangedStudyError, match=f"{next(iter(changed))} was .* and is now"):
        made(**changed).run(trials=2, workers=0)
    made(high=2.0).run(trials=2, workers=0)
    with pytest.raises(ChangedStudyError):
        made(high=2.0, **changed).run(trials=2, workers=0)
