"""What a study rests on: task, locked rows and replicates, from whatever type of data; and what a Dataset costs."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import truing as tr
from truing.errors import DataError, MetricError, UsageError
from truing.record.interfaces import ScoreTable
from truing.setting import Setting, prepare, task_of, validation_of

N = 60
X = np.random.default_rng(0).normal(size=(N, 3)).astype(np.float32)
Y = (X[:, 0] > 0).astype(int)


def setting(data: tr.Data | None, **more: Any) -> Setting:
    settings: dict[str, Any] = {
        "primary": "log_loss",
        "also": (),
        "positive": None,
        "validation": tr.KFold(4),
        "test": 0.2,
        "epochs": None,
        "threads": 1,
        "seed": 0,
    }
    return prepare(data=data, **(settings | more))


def locked_and_folds(found: Setting) -> tuple[set[int], list[set[int]]]:
    rows = found.plan.rows
    assert rows is not None
    folds = [set(rows[replicate.valid].tolist()) for replicate in found.plan.replicates]
    for replicate in found.plan.replicates:
        assert set(replicate.train.tolist()).isdisjoint(replicate.valid.tolist())
    return set() if found.plan.locked is None else set(found.plan.locked.tolist()), folds


def test_locked_rows_and_folds_divide_the_rows() -> None:
    locked, folds = locked_and_folds(setting(tr.Data(X, Y)))

    assert len(locked) == 12
    assert Counter(row for fold in folds for row in fold) == Counter(set(range(N)) - locked)
    share = [Y[sorted(rows)].mean() for rows in (locked, *folds)]
    assert max(share) - min(share) < 0.1  # stratified by class


def test_arrays_tensors_and_datasets_are_divided_alike() -> None:
    torch = pytest.importorskip("torch")

    class Rows(torch.utils.data.Dataset):
        def __len__(self) -> int:
            return N

        def __getitem__(self, row: int) -> Any:
            return X[row], int(Y[row])

    kinds = [
        tr.Data(X, Y),
        tr.Data(torch.from_numpy(X), torch.from_numpy(Y)),
        tr.Data(Rows(), y=Y),
        tr.Data(X, Y.tolist()),
        tr.Data(X.tolist(), Y),
    ]
    found = [locked_and_folds(setting(data)) for data in kinds]

    assert all(item == found[0] for item in found)


def test_groups_stay_on_one_side() -> None:
    groups = np.repeat(np.arange(15), 4)
    locked, folds = locked_and_folds(setting(tr.Data(X, Y, groups=groups)))

    sides = [locked, *folds]
    for group in range(15):
        rows = set(np.flatnonzero(groups == group).tolist())
        assert sum(bool(rows & side) for side in sides) == 1


def test_rows_by_position_or_mask_are_the_same_test() -> None:
    rows = [3, 8, 13, 21, 34, 55]
    mask = np.isin(np.arange(N), rows)
    by_rows, by_mask = setting(tr.Data(X, Y), test=rows), setting(tr.Data(X, Y), test=mask)

    assert by_rows.plan.locked.tolist() == by_mask.plan.locked.tolist() == rows


def test_an_official_test_set_leaves_all_rows_to_develop_on() -> None:
    found = setting(tr.Data(X, Y), test=tr.Data(X[:9] + 1, Y[:9]))

    assert (found.rows, len(found.plan.locked), found.plan.locked_in) == (N, 9, "test")
    assert found.truth(np.arange(9), official=True).tolist() == Y[:9].tolist()
    assert not setting(tr.Data(X, Y), test=None).has_test


def test_without_validation_all_development_rows_train() -> None:
    found = setting(tr.Data(X, Y), validation=None)

    (replicate,) = found.plan.replicates
    assert len(replicate.train) == found.rows == 48
    assert replicate.valid is None
    assert found.fresh("estimate", 10) == []
    assert found.estimate(ScoreTable({3: [0.25], 4: [None]}))[3].value == 0.25
    assert found.estimate(ScoreTable({4: [None]}))[4].value is None


def test_fresh_replicates_are_whole_repeats_and_not_those_of_the_search() -> None:
    found = setting(tr.Data(X, Y))
    fresh = found.fresh("estimate", 10)

    assert len(fresh) == 12
    searched = {frozenset(r.valid.tolist()) for r in found.plan.replicates}
    assert searched.isdisjoint(frozenset(r.valid.tolist()) for r in fresh)
    assert [r.valid.tolist() for r in found.fresh("race", 4)] != [r.valid.tolist() for r in fresh[:4]]
    assert [r.valid.tolist() for r in setting(tr.Data(X, Y)).fresh("estimate", 10)] == [r.valid.tolist() for r in fresh]


def test_the_default_protocol_goes_by_the_number_of_rows() -> None:
    assert validation_of(None, None, True) is None
    for rows, expected in ((20_000, tr.KFold(5)), (20_001, tr.Holdout(0.2))):
        data = tr.Data(np.zeros((rows, 1)), np.zeros(rows, int))
        assert validation_of(None, data, True) == expected
    assert validation_of("kfold", None, False) == tr.KFold()
    assert validation_of(None, tr.Data(X, Y), False) is None


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        (Y, "log_loss"),
        (np.array(["a", "b", "c"] * 20), "log_loss"),
        (Y.astype(bool), "log_loss"),
        (X[:, 1], "rmse"),
    ],
)
def test_the_default_metric_goes_by_the_labels(y: np.ndarray, expected: str) -> None:
    task = task_of(tr.Data(X, y), 0.2, None, (), None)

    assert task.primary.name == expected
    assert task.classes == (None if expected == "rmse" else tuple(sorted(set(y.tolist()))))


@pytest.mark.parametrize(
    ("y", "positive", "codes"),
    [
        (np.array(["benign", "malignant"] * 30), "malignant", (1,)),
        (np.array(["benign", "malignant"] * 30), "benign", (0,)),
        (Y, 0, (0,)),
        (Y, 1, (1,)),
        (Y, np.int64(0), (0,)),
        (Y.astype(bool), True, (1,)),
        (np.array(["a", "b", "c"] * 20), "c", (2,)),
        (np.array(["a", "b", "c"] * 20), ["c", "a"], (0, 2)),
        (np.array([10, 20, 30] * 20), (30,), (2,)),
        (Y, None, None),
    ],
)
def test_positive_names_classes(y: np.ndarray, positive: Any, codes: tuple[int, ...] | None) -> None:
    task = task_of(tr.Data(X, y), 0.2, "sensitivity", (), positive)

    assert task.positive == codes
    assert "ositive" in task.describe_decision() or codes is None


def test_a_class_only_in_the_official_test_set_is_a_class() -> None:
    task = task_of(tr.Data(X, Y), tr.Data(X[:3], [0, 1, 2]), "log_loss", (), None)

    assert task.classes == (0, 1, 2)


def test_metrics_are_listed_once() -> None:
    task = task_of(tr.Data(X, Y), 0.2, "log_loss", ["accuracy", "log_loss", "recall", "sensitivity"], None)

    assert [m.name for m in task.metrics] == ["log_loss", "accuracy", "sensitivity"]
    assert [m.name for m in task_of(tr.Data(X, Y), 0.2, "log_loss", "accuracy", None).metrics][1] == "accuracy"


def test_numbers_of_ones_own_beside_scored_metrics() -> None:
    own = tr.Metric("energy", goal="min")
    task = task_of(tr.Data(X, Y), 0.2, "log_loss", [own], None)

    assert [m.name for m in task.metrics] == ["log_loss", "energy"]
    assert task.classes == (0, 1)


@pytest.mark.parametrize("positive", [0, "0"])
def test_positive_zero_is_named_too(positive: Any) -> None:
    """A falsy label is a label."""
    task = task_of(tr.Data(X, Y), 0.2, tr.Metric("energy", goal="min"), (), positive)

    assert task.positive == (0,)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"primary": None, "data": None}, MetricError),
        ({"primary": None, "data": tr.Data(X)}, MetricError),
        ({"test": 1.0}, DataError),
        ({"test": "a fifth"}, DataError),
        ({"validation": tr.KFold(61)}, UsageError),
        ({"primary": "roc_auc", "data": tr.Data(X, X[:, 0])}, MetricError),
    ],
)
def test_what_does_not_fit_is_one_sentence(arguments: dict[str, Any], error: type[Exception]) -> None:
    given = {"data": tr.Data(X, Y)} | arguments

    with pytest.raises(error) as mistake:
        setting(given.pop("data"), **given)
    assert "\n" not in str(mistake.value)


# -- a Dataset larger than memory ------------------------------------------------------------------------------------


class Huge:
    """Items are made when they are asked for; all of them together would need 80 GB."""

    def __init__(self, log: Path) -> None:
        self.log = log

    def __len__(self) -> int:
        return 20_000

    def __getitem__(self, row: int) -> tuple[np.ndarray, int]:
        if row >= len(self):
            raise IndexError(row)
        with self.log.open("a") as file:
            file.write(f"{row}\n")
        return np.full(1_000_000, row % 2, dtype=np.float32), row % 2


@pytest.mark.parametrize("workers", [0, 1])
def test_a_dataset_is_indexed_by_the_runs_and_never_read_whole(tmp_path: Path, workers: int) -> None:
    rows_log = tmp_path / "rows.txt"

    def train(run: Any) -> None:
        few = [run.train.dataset()[i] for i in range(3)]
        mean = sum(float(x[0][0]) for x in few) / 3
        run.report(np.full(len(run.valid.rows), min(0.9, 0.5 + mean / 10 * run.config["c"])))

    study = tr.Study(
        train,
        space=tr.Space(c=tr.Float(0.0, 1.0)),
        data=tr.Data(Huge(rows_log), y=[0, 1] * 10_000),
        metric="brier",
        validation=tr.Holdout(0.2),
        folder=tmp_path / "study",
    )
    study.run(trials=2, workers=workers)

    assert [row["state"] for row in study.trials(as_dicts=True)] == ["completed"] * 2
    read = rows_log.read_text().split()
    assert len(read) < 200  # the samples of 64 for the fingerprint, and what rehearsal and runs took
    size = sum(path.stat().st_size for path in (tmp_path / "study").rglob("*") if path.is_file())
    assert size < 2_000_000  # nothing of it is copied into the folder
