"""`validation="auto"` and `test="auto"`: what they choose for which rows, and that they say why everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import truing as tr
from truing.data.auto_test import auto_share
from truing.data.how_many import HowMany
from truing.data.outline import Outline
from truing.errors import DataError, UsageError
from truing.record.history import History
from truing.setting import validation_of
from truing.storage.sqlite import SqliteJournal
from truing.validation.auto import Auto, choose


def classes(*sizes: int) -> np.ndarray:
    return np.repeat(np.arange(len(sizes)), sizes)


@pytest.mark.parametrize(
    ("outline", "protocol", "why"),
    [
        (Outline(240, classes(180, 60)), tr.KFold(5, 5), "240 rows, 60 of the rarest class"),
        (Outline(299), tr.KFold(5, 5), "299 rows"),
        (Outline(300), tr.KFold(5), "300 rows: enough"),
        (Outline(600, classes(300, 300)), tr.KFold(5), "300 of the rarest"),
        (Outline(600, classes(451, 149)), tr.KFold(5, 5), "149 of the rarest"),
        (Outline(6000, classes(5900, 100)), tr.KFold(5), "too few for a holdout, too many rows"),
        (Outline(20_000), tr.KFold(5), "20,000 rows"),
        (Outline(20_001), tr.Holdout(0.2), "20,001 rows: one holdout"),
        (Outline(30_000, classes(29_900, 100)), tr.KFold(5), "100 of the rarest"),
        (Outline(400, None, np.arange(400) // 10), tr.GroupKFold(5, 5), "400 rows of 40 groups"),
        (Outline(4000, None, np.arange(4000) // 4), tr.GroupKFold(5), "1,000 groups: enough"),
        (Outline(40, None, np.arange(40) // 10), tr.LeaveOneGroupOut(), "4 groups: so few"),
        (Outline(90, time=np.arange(90)), tr.TimeOrdered(5), "rows have times"),
        (Outline(90, time=np.arange(90) // 30), tr.TimeOrdered(2), "rows have times"),
        (Outline(90, time=np.arange(90) // 45), tr.KFold(5, 5), "rows have 2 times only; 90 rows"),
        (Outline(90, None, np.arange(90) // 3, time=np.arange(90)), tr.TimeOrdered(5), "rows have times"),
        (Outline(90, None, np.arange(90) % 9, time=np.arange(90)), tr.GroupKFold(5, 5), "last too long"),
        (Outline(3), tr.KFold(3, 5), "3 rows"),
    ],
)
def test_the_design_and_its_reason(outline: Outline, protocol: Any, why: str) -> None:
    found, because = choose(outline)

    assert found == protocol
    assert why in because
    bound = Auto().bound({"data": outline})  # and the design can be carried out
    assert bound.describe() == protocol.describe()
    assert len(bound.plan({"data": outline}, np.random.default_rng(0))) == bound.block * getattr(protocol, "repeats", 1)


def test_one_group_is_refused() -> None:
    with pytest.raises(DataError, match="1 group is all there is"):
        Auto().bound({"data": Outline(9, None, np.zeros(9))})


@pytest.mark.parametrize(
    ("counts", "share"),
    [
        (HowMany(1000), 0.2),
        (HowMany(500), 0.2),
        (HowMany(400), 0.25),
        (HowMany(334), 0.3),
        (HowMany(333), None),
        (HowMany(1000, None, 2, 150), 0.2),
        (HowMany(1000, None, 2, 120), 0.25),
        (HowMany(1000, None, 2, 99), None),
        (HowMany(1000, None, 10, 20), 0.2),  # figures are of all classes together
        (HowMany(1000, 25), 0.2),
        (HowMany(1000, 20), 0.25),
        (HowMany(1000, 16), None),
        (HowMany(200_000), 0.1),
        (HowMany(200_000, None, 2, 200), 0.2),
        (HowMany(101, None, 2, 1), None),
    ],
)
def test_the_locked_share(counts: HowMany, share: float | None) -> None:
    """By brute force: what it locks has 100 rows, 30 of each of two classes and 5 groups; None where 30 % has not."""
    found, why = auto_share(counts)

    assert found == (pytest.approx(share) if share is not None else None)
    assert str(counts) in why
    for given in [found] if found is not None else [0.3]:
        enough = counts.rows * given >= 100 - 1e-6
        enough &= counts.classes != 2 or (counts.rarest or 0) * given >= 30 - 1e-6
        enough &= counts.groups is None or counts.groups * given >= 5 - 1e-6
        assert enough == (found is not None)


def train(run: Any) -> Any:
    share = run.config["share"]
    run.report(np.full(len(run.valid), share))
    return lambda x: np.full(len(x), share)


def study(folder: Path, n: int = 420, **more: Any) -> tr.Study:
    rng = np.random.default_rng(0)
    data = {key: more.pop(key) for key in ("groups", "time") if key in more}
    y = rng.permutation(classes(n * 7 // 10, n - n * 7 // 10))
    return tr.Study(
        train,
        tr.Space(share=tr.Float(0.05, 0.95, default=0.5)),
        data=tr.Data(rng.normal(size=(n, 2)), y, **data),
        folder=folder,
        **{"validation": "auto", "test": "auto", **more},
    )


def journalled(folder: Path) -> dict[str, Any]:
    journal = SqliteJournal(folder / "journal.sqlite") if (folder / "journal.sqlite").exists() else None
    assert journal is not None
    history = History(tr.Space(share=tr.Float(0.05, 0.95, default=0.5)), "min")
    history.extend(journal.read())
    journal.close()
    return dict(history.last("study") or {})


def test_the_reasons_are_said_journalled_and_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = study(tmp_path)
    made.run(trials=2, workers=0)
    said = " ".join(capsys.readouterr().err.split())

    assert "Validation: 5 x 5-fold, because 319 rows, 96 of the rarest class: one division of so few is luck." in said
    assert (
        "Test: 24 % of the rows, stratified by class, because of 420 rows, 126 of the rarest class: 24 % is at least"
        in said
    )
    assert "2 trials x 25 runs (5 x 5-fold)" in said
    report = " ".join(made.report().read_text(encoding="utf-8").split())
    assert "because 319 rows, 96 of the rarest class" in report
    assert "because of 420 rows" in report

    again = study(tmp_path)  # the same study goes on
    again.run(trials=3, workers=0)
    assert len(again.trials(as_dicts=True)) == 3


def test_no_locked_test_where_it_would_say_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = study(tmp_path, n=60, validation="kfold")
    made.run(trials=2, workers=0)

    assert "Test: no test set, because of 60 rows, 18 of the rarest class: not even 30 %" in " ".join(
        capsys.readouterr().err.split()
    )
    assert made.verdict(workers=0).to_dict()["test"] is None


def test_times_lock_the_latest_rows_and_groups_whole_ones(tmp_path: Path) -> None:
    ordered = study(tmp_path / "time", time=np.arange(420))
    ordered.run(trials=1, workers=0)
    only_test = study(tmp_path / "test", time=np.arange(420), validation=tr.KFold(5))
    only_test.run(trials=1, workers=0)
    grouped = study(tmp_path / "groups", groups=np.arange(420) // 7)
    grouped.run(trials=1, workers=0)

    for made in (ordered, only_test):
        assert made._setting.plan.locked.tolist() == list(range(319, 420))
    assert ordered._setting.protocol == "5 origins in time"
    assert grouped._setting.protocol == "5 x 5-fold by groups"
    assert not {*(grouped._setting.plan.locked // 7)} & {*(grouped._setting.plan.rows // 7)}


def test_the_time_of_a_run_makes_an_advice_and_nothing_else() -> None:
    few = Auto().bound({"data": Outline(100)})
    fold = Auto().bound({"data": Outline(1000)})

    assert (
        few.advice(1.0, 40, 2) == fold.advice(1.0, 40, 2) == fold.advice(600.0, 40, 2) == few.advice(None, 40, 2) == ""
    )
    assert "this search takes 4.2 h: validation=tr.KFold(5) would take 0.8 h" in few.advice(30.0, 40, 2)
    assert "a run takes 2.0 h: validation=tr.Holdout(0.2) would be one run a trial instead of 5" in fold.advice(
        7200.0, 40, 2
    )


def test_names_of_designs() -> None:
    data = tr.Data(np.zeros((10, 1)), np.arange(10) % 2)

    assert validation_of("kfold", data, False) == tr.KFold(5)
    assert validation_of("grouped", data, False) == tr.GroupKFold(5)
    assert validation_of("leave_one_group_out", data, False) == tr.LeaveOneGroupOut()
    assert validation_of("time_ordered", data, False) == tr.TimeOrdered(5)
    assert validation_of("auto", None, False) is None
    with pytest.raises(UsageError, match="given as the splitter itself"):
        validation_of("splitter", data, False)
    with pytest.raises(UsageError, match="did you mean 'grouped'"):
        validation_of("groupd", data, False)
