"""Rows come back in the type that was given, work with torch's DataLoader, and keep locked labels back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from truing.data.data import Data
from truing.data.rows import LockedRows, Rows
from truing.errors import DataError

X = np.arange(24, dtype=np.float32).reshape(6, 4)
Y = np.array([0, 1, 2, 0, 1, 2], dtype=np.uint8)
ROWS = np.array([4, 0, 5])


def test_arrays_come_back_as_arrays_of_their_own() -> None:
    rows = Data(X, Y, groups=list("aabbcc")).take(ROWS)

    assert type(rows.x) is np.ndarray
    assert (rows.x.dtype, rows.x.tolist()) == (X.dtype, X[[4, 0, 5]].tolist())
    assert (rows.y.dtype, rows.y.tolist()) == (np.int64, [1, 0, 2])
    assert rows.groups.tolist() == ["c", "a", "c"]  # type: ignore[union-attr]
    assert (rows.rows.dtype, rows.rows.tolist(), len(rows)) == (np.int64, [4, 0, 5], 3)
    rows.x[:] = -1
    assert X.min() == 0  # what a run does to its rows does not reach the user's


@pytest.mark.parametrize(
    ("y", "dtype"),
    [([1.5, 2.5], "float64"), (np.float32([1, 2]), "float32"), (["a", "b"], "<U1"), ([True, False], "bool")],
)
def test_y_keeps_its_type_unless_it_is_an_integer(y: Any, dtype: str) -> None:
    assert Data(X[:2], y).take([0, 1]).y.dtype == np.dtype(dtype)


def test_no_rows_are_legal_and_no_labels_too() -> None:
    rows = Data(X).take([])

    assert (len(rows), rows.x.shape, rows.y, rows.labels, len(rows.dataset())) == (0, (0, 4), None, None, 0)


@pytest.mark.parametrize(("rows", "sentence"), [([6], "between 0 and 5"), ([-1], "0 and 5"), ([0.5], "integers")])
def test_positions_outside_are_refused(rows: list[Any], sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        Data(X).take(rows)


def test_locked_rows_keep_their_labels_back() -> None:
    rows = LockedRows(Data(X, Y), ROWS)

    assert rows.x.tolist() == X[ROWS].tolist()
    for read in (lambda: rows.y, lambda: rows.labels):
        with pytest.raises(DataError, match="labels of locked rows are not given to training"):
            read()
    assert [item.tolist() for item in (rows.dataset()[i] for i in range(3))] == X[ROWS].tolist()


def test_locked_rows_of_a_dataset_are_x_alone() -> None:
    items = [(X[i], int(Y[i])) for i in range(6)]
    dataset = type("Items", (), {"__len__": lambda s: 6, "__getitem__": lambda s, i: items[i]})()

    rows = LockedRows(Data(dataset, Y), ROWS)

    for shown in (rows.x, rows.dataset()):
        assert [shown[i].tolist() for i in range(3)] == X[ROWS].tolist()
        assert [item.tolist() for item in shown.__getitems__([2, 0])] == X[[5, 4]].tolist()


def test_the_data_behind_locked_rows_has_no_labels() -> None:
    data = Data(X, Y, groups=list("aabbcc"))
    assert data.labels is not None  # read before, as a study does
    rows = LockedRows(data, ROWS)
    reached: list[Any] = [rows, rows.dataset()]
    for value in reached:  # everything that hangs on them
        reached += [part for part in vars(value).values() if hasattr(part, "__dict__")]

    assert not hasattr(rows, "data")
    assert not any(np.array_equal(found, Y) for value in reached for found in vars(value).values() if found is not X)
    assert (data.y is Y, rows.kind, rows.groups.tolist()) == (True, "array", ["c", "a", "c"])  # type: ignore[union-attr]


class OneItem:
    def __init__(self, item: Any) -> None:
        self.item = item

    def __len__(self) -> int:
        return 6

    def __getitem__(self, row: int) -> Any:
        return self.item


RECORD = np.array([(1.0, 1)], dtype=[("x", "f4"), ("y", "i8")])[0]


@pytest.mark.parametrize("item", [{"x": 1.0, "y": 1}, RECORD, object(), ()], ids=["dict", "record", "object", "empty"])
def test_an_item_that_may_hold_its_label_is_refused_where_it_is_locked(item: Any) -> None:
    data = Data(OneItem(item), Y)
    locked = LockedRows(data, ROWS)

    for read in (lambda: locked.x[0], lambda: locked.dataset()[1], lambda: locked.x.__getitems__([0])):
        with pytest.raises(DataError, match=r"label cannot be kept back: give items \(x, y\) or x alone"):
            read()
    assert data.take(ROWS).x[0] is item  # one trains on it
    assert data.take(ROWS).without_labels().x[0] is item  # and predicts what was trained on
    assert LockedRows(Data(OneItem(item)), ROWS).x[0] is item  # without labels there is none to keep back


@pytest.mark.parametrize("item", [X[0], np.float32(1), 1.5, "a text", b"bytes"])
def test_an_item_that_is_x_alone_is_given(item: Any) -> None:
    assert LockedRows(Data(OneItem(item), Y), ROWS).x[0] is item


# -- with torch ----------------------------------------------------------------------------------------


def test_tensors_come_back_as_tensors() -> None:
    torch = pytest.importorskip("torch")
    x = torch.tensor(X).to(torch.bfloat16).requires_grad_()

    rows = Data(x, torch.tensor(Y)).take(ROWS)

    assert (rows.x.dtype, rows.y.dtype, rows.x.requires_grad) == (torch.bfloat16, torch.int64, False)
    assert torch.equal(rows.x, x.detach()[[4, 0, 5]])
    assert rows.y.tolist() == [1, 0, 2]
    halves = Data(x, torch.tensor(X[:, 0], dtype=torch.float16)).take(ROWS)
    assert (halves.y.dtype, halves.y.tolist()) == (torch.float16, X[ROWS, 0].tolist())
    assert isinstance(Data(x, Y.tolist()).take(ROWS).y, torch.Tensor)  # a list goes with x
    assert isinstance(Data(x, Y).take(ROWS).y, np.ndarray)  # an array stays one


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("kind", ["array", "tensor", "dataset"])
def test_the_data_loader_sees_what_torch_subset_shows(kind: str, workers: int) -> None:
    torch = pytest.importorskip("torch")
    whole = torch.utils.data.TensorDataset(torch.tensor(X), torch.tensor(Y.astype(np.int64)))
    expected = torch.utils.data.Subset(whole, ROWS.tolist())
    x = {"array": X, "tensor": torch.tensor(X), "dataset": whole}[kind]

    rows = Data(x, torch.tensor(Y)).take(ROWS)

    def batches(dataset: Any) -> list[list[Any]]:
        loader = torch.utils.data.DataLoader(dataset, batch_size=2, num_workers=workers)
        return [[part.tolist() for part in batch] for batch in loader]

    assert batches(rows.dataset()) == batches(expected)
    if kind == "dataset":
        assert batches(rows.x) == batches(expected)


def test_a_dataset_that_reads_batches_at_once_is_asked_for_batches() -> None:
    class Batched:
        asked: list[list[int]] = []  # noqa: RUF012

        def __len__(self) -> int:
            return 6

        def __getitem__(self, row: int) -> int:
            raise RuntimeError("one by one")

        def __getitems__(self, rows: list[int]) -> list[int]:
            self.asked.append(rows)
            return [10 * row for row in rows]

    assert Data(Batched(), Y).take(ROWS).dataset().__getitems__([0, 2]) == [40, 50]  # type: ignore[union-attr]
    assert Batched.asked == [[4, 5]]


def test_rows_is_what_take_gives() -> None:
    assert isinstance(Data(X).take([1]), Rows)
