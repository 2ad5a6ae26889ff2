"""GroupKFold and LeaveOneGroupOut: the splits of scikit-learn where they agree, whole sites, refusals in a sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn import model_selection as ms

import truing as tr
from truing.data.outline import Outline
from truing.errors import DataError, UsageError
from truing.record.seeds import stream

RNG = np.random.default_rng(1)
LABELS = RNG.integers(0, 2, 60)
GROUPS = RNG.permutation(np.repeat([f"p{i}" for i in range(12)], 5))
SITES = np.array([f"s{int(g[1:]) % 4}" for g in GROUPS])  # three groups at each of four sites
DATA = {"data": Outline(60, LABELS, GROUPS, sites=SITES)}


def parts(replicates: Any) -> set[tuple[int, ...]]:
    return {tuple(r.valid.tolist()) for r in replicates}


def test_as_many_folds_as_groups_are_those_of_scikit_learn() -> None:
    """Then there is one division, whoever makes it."""
    theirs = {tuple(v.tolist()) for _, v in ms.GroupKFold(12).split(GROUPS, LABELS, GROUPS)}
    protocol = tr.GroupKFold(12).bound(DATA)

    assert parts(protocol.plan(DATA, stream(0, "a"))) == theirs == parts(protocol.fresh(DATA, 12, stream(1, "b")))
    assert protocol.fixed
    assert "one division only" in " ".join(protocol.notes(DATA))
    assert not tr.GroupKFold(5).bound(DATA).fixed


def test_leave_one_out_is_that_of_scikit_learn_in_its_order() -> None:
    for by, groups in (("groups", GROUPS), ("site", SITES)):
        theirs = [(t.tolist(), v.tolist()) for t, v in ms.LeaveOneGroupOut().split(GROUPS, LABELS, groups)]
        protocol = tr.LeaveOneGroupOut(by=by).bound(DATA)
        mine = [(r.train.tolist(), r.valid.tolist()) for r in protocol.plan(DATA, stream(0, "a"))]

        assert mine == theirs
        assert (protocol.block, protocol.spread) == (len(theirs), pytest.approx(1 / (len(theirs) - 1)))


def test_by_site_no_site_and_so_no_group_is_on_both_sides() -> None:
    for found in tr.GroupKFold(3, repeats=4, by="site").plan(DATA, stream(0, "a")):
        assert not set(SITES[found.train]) & set(SITES[found.valid])
        assert not set(GROUPS[found.train]) & set(GROUPS[found.valid])


def test_grouped_folds_are_those_of_kfold_on_grouped_rows() -> None:
    assert parts(tr.GroupKFold(4).plan(DATA, stream(3, "a"))) == parts(tr.KFold(4).plan(DATA, stream(3, "a")))


@pytest.mark.parametrize(
    ("make", "given", "says"),
    [
        (lambda: tr.GroupKFold(5), Outline(60, LABELS), r"goes by groups.*groups=\).*tr\.KFold\(5\)"),
        (lambda: tr.LeaveOneGroupOut(), Outline(60, LABELS), r"goes by groups"),
        (lambda: tr.GroupKFold(5, by="site"), Outline(60, LABELS, GROUPS), r"goes by sites.*site=\)"),
        (lambda: tr.GroupKFold(13), DATA["data"], r"12 groups.*too few for 13 folds"),
        (lambda: tr.GroupKFold(5, by="site"), DATA["data"], r"4 sites cannot fill 5 folds: use tr\.GroupKFold\(4"),
        (lambda: tr.LeaveOneGroupOut(), Outline(4, None, np.zeros(4)), r"1 group is all there is"),
        (lambda: tr.LeaveOneGroupOut(), Outline(101, None, np.arange(101)), r"101 runs of each trial.*GroupKFold\(10"),
        (
            lambda: tr.LeaveOneGroupOut(by="site"),
            Outline(4, None, np.array([1, 1, 2, 2]), sites=np.array(["a", "b", "a", "a"])),
            r"1 group has rows at more than one site",
        ),
    ],
)
def test_what_cannot_be_divided_is_refused_in_a_sentence(make: Callable[[], Any], given: Outline, says: str) -> None:
    with pytest.raises(DataError, match=says):
        make().plan({"data": given}, stream(0, "a"))


def test_settings_out_of_range_are_refused() -> None:
    for wrong in (lambda: tr.GroupKFold(1), lambda: tr.GroupKFold(5, by="patient"), lambda: tr.LeaveOneGroupOut("x")):
        with pytest.raises(UsageError):
            wrong()


def nearest(run: tr.Data) -> Any:
    """The label of the nearest training row: knows a patient again."""

    def predict(x: np.ndarray) -> np.ndarray:
        near = np.abs(x[:, None, :] - run.train.x[None]).sum(2).argmin(1)
        return np.eye(2)[run.train.y[near]] * 0.98 + 0.01

    run.report(predict(run.valid.x))
    return predict


def patients(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """60 patients of 6 rows that look alike and have one label, which x does not tell: the truth for others is 50 %."""
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(60), 6)
    return rng.normal(size=(60, 4))[who] + 0.05 * rng.normal(size=(360, 4)), rng.integers(0, 2, 60)[who], who


def study(folder: Path, x: np.ndarray, y: np.ndarray, validation: Any, **more: Any) -> dict[str, Any]:
    space = tr.Space(nothing=tr.Float(0, 1, default=0.5))
    made = tr.Study(
        nearest,
        space,
        data=tr.Data(x, y, **more),
        metric="accuracy",
        validation=validation,
        folder=folder,
    )
    made.run(trials=2, workers=0)
    verdict = made.verdict(workers=0)
    print(verdict)  # for capsys
    return dict(verdict.to_dict())


def test_rows_of_known_patients_promise_what_further_patients_do_not_keep(tmp_path: Path) -> None:
    x, y, who = patients(0)

    naive = study(tmp_path / "naive", x, y, tr.KFold(5))
    honest = study(tmp_path / "honest", x, y, "grouped", groups=who)

    assert naive["validation"]["selected"] > 0.95
    assert abs(honest["validation"]["selected"] - 0.5) < 0.15
    assert honest["validation"]["low"] <= 0.5 <= honest["validation"]["high"]
    assert "rows of further groups like these" in honest["validation"]["estimand"]
    assert honest["protocol"] == "5-fold by groups"


def test_a_study_by_site_locks_a_whole_site_and_keeps_its_splits(
    tmp_path: Path, heart: dict[str, np.ndarray], capsys: pytest.CaptureFixture[str]
) -> None:
    """Four hospitals: one is locked, the other three are left out in turn."""
    age = np.array([float(v) if v not in ("", "?") else 50.0 for v in heart["age"]])
    y = (heart["disease"].astype(float) > 0).astype(int)
    found = study(tmp_path, age[:, None], y, tr.LeaveOneGroupOut(by="site"), site=heart["site"])
    said = capsys.readouterr()

    assert found["protocol"] == "leave one site out"
    assert found["fixed_splits"]
    assert found["validation"]["runs"] == 12  # three sites, four seeds
    assert "fresh seeds" in said.out
    assert "fresh splits" not in said.out
    assert "The locked test set is 1 of 4 sites" in " ".join(said.err.split())
