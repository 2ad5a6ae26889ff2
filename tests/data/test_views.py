"""train_transform is for the rows one trains on, eval_transform for all that is scored; never the other way round."""

from __future__ import annotations

from collections import namedtuple
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import truing as tr
from truing.data.data import Data
from truing.data.rows import LockedRows, Rows
from truing.errors import ChangedStudyError, DataError

ROWS = np.array([4, 0, 5])
Item = namedtuple("Item", "x y")


class Images:
    """Item i is (i, label), or what `shape` makes of it."""

    def __init__(self, n: int = 6, shape: Any = lambda x, y: (x, y)) -> None:
        self.n, self.shape = n, shape

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, row: int) -> Any:
        return self.shape(np.float32(row), row % 2)


def augment(x: Any) -> Any:
    return x + 1000


def center(x: Any) -> Any:
    return x - 0.5


def data(n: int = 6, **more: Any) -> Data:
    return Data(Images(n), np.arange(n) % 2, train_transform=augment, eval_transform=center, **more)


def test_each_view_has_its_transform() -> None:
    given = data()
    train, valid = Rows(given, ROWS, training=True), given.take(ROWS)

    assert [train.x[i] for i in range(3)] == [(1004, 0), (1000, 0), (1005, 1)]
    assert train.dataset().__getitems__([2, 0]) == [(1005, 1), (1004, 0)]
    assert [train.dataset(augment=False)[i][0] for i in range(3)] == [3.5, -0.5, 4.5]
    assert [valid.x[i][0] for i in range(3)] == [valid.dataset()[i][0] for i in range(3)] == [3.5, -0.5, 4.5]
    assert [train.without_labels().x[i] for i in range(3)] == [3.5, -0.5, 4.5]  # as it is when it is scored
    locked = LockedRows(given, ROWS)
    assert [locked.x[i] for i in range(3)] == [locked.dataset(augment=True)[i] for i in range(3)] == [3.5, -0.5, 4.5]


@pytest.mark.parametrize(
    ("shape", "item"),
    [
        (lambda x, y: x, 1004),
        (lambda x, y: [x, y], [1004, 0]),
        (lambda x, y: (x,), (1004,)),
        (lambda x, y: Item(x, y), Item(1004, 0)),
    ],
)
def test_x_of_an_item_is_its_first_element_or_the_item(shape: Any, item: Any) -> None:
    given = Data(Images(6, shape), [0, 1] * 3, train_transform=augment)

    found = Rows(given, ROWS, training=True).x[0]

    assert (found, type(found)) == (item, type(item)) or found == item == 1004
    assert LockedRows(given, ROWS).x[0] == 4  # without an eval_transform: as it is


def test_transforms_are_for_datasets() -> None:
    with pytest.raises(DataError, match="are for a Dataset, and x is a ndarray: transform its rows in the training"):
        Data(np.zeros((3, 1)), train_transform=augment)
    with pytest.raises(DataError, match="eval_transform= takes a function from x to x, got 3"):
        Data(Images(), eval_transform=3)  # type: ignore[arg-type]


def test_the_items_as_they_are_make_the_fingerprint() -> None:
    assert data().fingerprint() == Data(Images(), np.arange(6) % 2).fingerprint()


def test_an_official_test_set_needs_its_eval_transform() -> None:
    def study(test: Data) -> Any:
        return tr.Study(lambda run: None, tr.Space(a=tr.Float(0, 1)), data=data(40), test=test)._setting

    with pytest.raises(DataError, match="The data has an eval_transform and the test set has none"):
        study(Data(Images(20), np.arange(20) % 2))
    study(Data(Images(20), np.arange(20) % 2, eval_transform=center))


def train(run: Any) -> Any:
    """Fails, in a worker too, where a row is not in the view it should be in."""
    if not all(run.train.dataset()[i][0] >= 1000 for i in range(len(run.train))):
        raise AssertionError("run.train is not augmented")

    def predict(x: Any) -> np.ndarray:
        values = [x[i][0] if isinstance(x[i], tuple) else x[i] for i in range(len(x))]
        if any(value >= 1000 or value % 1 != 0.5 for value in values):
            raise AssertionError("what is scored is augmented")
        return np.full(len(x), run.config["p"])

    run.report(predict(run.valid.x))
    return predict


def study_of(folder: Path, **more: Any) -> Any:
    space = tr.Space(p=tr.Float(0.1, 0.9, default=0.5))
    settings: dict[str, Any] = {"data": data(60), "validation": tr.KFold(3), "test": 0.2, "folder": folder}
    return tr.Study(train, space, **(settings | more))


@pytest.mark.parametrize("workers", [0, 2])
def test_a_whole_study_scores_nothing_augmented(workers: int, tmp_path: Path) -> None:
    study = study_of(tmp_path / "study")

    study.run(trials=2, workers=workers)
    verdict = study.verdict(workers=workers).to_dict()

    assert {trial["state"] for trial in study.trials(as_dicts=True)} == {"completed"}
    assert verdict["generalization"]["train"] is not None
    assert verdict["test"]["log_loss"]["selected"] is not None


def test_another_transform_is_another_function(tmp_path: Path) -> None:
    study_of(tmp_path / "study").run(trials=1, workers=0)
    other = Data(Images(60), np.arange(60) % 2, train_transform=lambda x: x + 2000, eval_transform=center)

    with pytest.raises(ChangedStudyError, match=r"x \+ 2000"):
        study_of(tmp_path / "study", data=other).run(trials=2, workers=0)
