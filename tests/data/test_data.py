"""What Data accepts, what it says when it does not, and that it leaves x alone until asked."""

from __future__ import annotations

import dataclasses
import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from truing.data.data import Data
from truing.errors import DataError

X = np.zeros((4, 2))


class Counting:
    """A map-style dataset that counts the rows read."""

    def __init__(self, n: int) -> None:
        self.n = n
        self.read: list[int] = []

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, row: int) -> tuple[np.ndarray, int]:
        self.read.append(row)
        return np.full(3, row, dtype=np.float32), row % 2


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"x": X, "y": [0, 1, 0]}, "x has 4 rows and y has 3: give one y for each row."),
        ({"x": X, "groups": [1]}, "x has 4 rows and groups has 1: give one groups for each row."),
        ({"x": X, "y": [0.5, 1.0, float("nan"), 2.0]}, "y is nan at row 2: leave out"),
        ({"x": X, "y": [0.5, 1.0, 2.0, float("inf")]}, "y is inf at row 3: leave out"),
        ({"x": X, "y": ["a", "b", None, "a"]}, "y is missing at row 2: leave out the rows without y."),
        ({"x": X, "groups": [1.0, float("nan"), 2.0, 1.0]}, "groups is nan at row 1"),
        ({"x": X, "y": ["a", 1, "b", 2]}, "y mixes types (int, str): give only numbers or only strings."),
        (
            {"x": X, "y": np.zeros((4, 1))},
            "y must be one-dimensional, one value a row, and has shape 4x1: ravel it.",
        ),
        ({"x": X, "y": np.zeros((4, 2))}, "y must be one-dimensional, one value a row, and has shape 4x2."),
        ({"x": X, "y": 3}, "y must be one-dimensional, one value a row, and has shape a single value."),
        ({"x": X, "y": np.zeros(4, dtype="datetime64[D]")}, "y has dtype datetime64[D]: give integers"),
        ({"x": np.zeros((0, 2))}, "x has no rows: give at least one."),
        ({"x": np.array(1.0)}, "x is a single value"),
        ({"x": np.array([[1, "a"]], dtype=object)}, "x has dtype object: convert it to numbers"),
        ({"x": [[1, 2], {object()}]}, "x holds a set at row 1: give numbers, text, lists, dicts, arrays or tensors"),
        ({"x": "rows.csv"}, "x is a str: give an array, a torch tensor, a frame, a list"),
        ({"x": {"a": [1]}}, "x is a dict: give an array"),
        ({"x": iter([1])}, "a sparse matrix, or a Dataset"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_sentence(arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises(DataError) as caught:
        Data(**arguments)

    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_list_stays_a_list() -> None:
    data = Data([[1, 2], [3, 4], [5, 6]], ["b", "a", "b"])

    assert (data.kind, data.take([2, 0]).x, data.take([2, 0]).y, len(data)) == ("list", [[5, 6], [1, 2]], ["b", "b"], 3)


@pytest.mark.parametrize(
    ("y", "classes"),
    [
        (["b", "a", "b", "c"], ["a", "b", "c"]),
        (np.array(["b", "a", "b", "c"], dtype=object), ["a", "b", "c"]),
        (np.array([b"b", b"a", b"b", b"c"]), ["a", "b", "c"]),
        ([3, 1, 3, 2], [1, 2, 3]),
        (np.array([3, 1, 3, 2], dtype=np.uint8), [1, 2, 3]),
        (np.array([3, 1, 3, 2], dtype=object), [1, 2, 3]),
        ([True, False, True, True], [False, True]),
        ([0.5, 1.0, 0.5, 1.0], [0.5, 1.0]),
    ],
)
def test_classes_are_plain_sorted_values_and_codes_index_them(y: Any, classes: list[Any]) -> None:
    data = Data(X, y)
    values = [v.decode() if isinstance(v, bytes) else v for v in list(y)]

    assert data.classes() == classes
    assert {type(c) for c in data.classes()} <= {str, int, bool, float}
    codes = data.codes(classes[::-1])
    assert codes.dtype == np.int64
    assert [classes[::-1][code] for code in codes] == values


def test_an_unknown_label_is_named() -> None:
    with pytest.raises(DataError, match="The label 'c' is not among the classes 'a', 'b'"):
        Data(X, ["a", "b", "c", "a"]).codes(["a", "b"])


def test_groups_may_be_anything_hashable() -> None:
    groups = Data(X, groups=[(1, "a"), (1, "b"), (1, "a"), (2, "a")]).group_labels

    assert groups is not None
    assert groups.shape == (4,)
    assert [groups[0] == g for g in groups] == [True, False, True, False]


def test_a_memory_map_is_not_read_and_a_dataset_not_indexed(tmp_path: Path) -> None:
    """A sparse file of 64 GB: reading it would take minutes and more memory than there is."""
    big = np.memmap(tmp_path / "x.dat", np.float32, mode="w+", shape=(2**22, 2**12))
    counting = Counting(10**9)

    data = Data(big)
    outline = data.outline(np.arange(10))
    Data(counting).outline(np.arange(5))

    assert (data.kind, len(data), len(outline)) == ("array", 2**22, 10)
    assert data.x is big
    assert counting.read == []


def test_the_outline_is_of_the_given_rows() -> None:
    outline = Data(X, ["a", "b", "c", "d"], groups=[1, 1, 2, 2]).outline(np.array([3, 0]))

    assert (len(outline), outline.labels.tolist(), outline.group_labels.tolist()) == (2, ["d", "a"], [2, 1])  # type: ignore[union-attr]


def test_tensors_count_as_tensors() -> None:
    torch = pytest.importorskip("torch")

    data = Data(torch.zeros(3, 2), torch.tensor([2, 0, 2], dtype=torch.uint8))

    assert (data.kind, data.classes()) == ("tensor", [0, 2])
    assert data.codes([0, 2]).tolist() == [1, 0, 1]
    halves = Data(torch.zeros(2, 2), torch.tensor([0.5, 1.5], dtype=torch.bfloat16))
    assert halves.labels.tolist() == [0.5, 1.5]  # type: ignore[union-attr]
    with pytest.raises(DataError, match=r"sparse tensor: give x\.to_dense"):
        Data(torch.zeros(3, 2).to_sparse())


def test_an_iterable_dataset_is_refused() -> None:
    torch = pytest.importorskip("torch")

    class Stream(torch.utils.data.IterableDataset):  # type: ignore[misc, name-defined]
        def __iter__(self) -> Any:
            return iter([1])

    with pytest.raises(DataError, match="a sparse matrix, or a Dataset"):
        Data(Stream())


@dataclasses.dataclass(frozen=True)
class Site:
    name: str


@pytest.mark.parametrize(
    "groups",
    [
        [frozenset([0, 8]), frozenset([8, 0]), frozenset([1])],
        [Decimal("1.0"), Decimal("1.00"), Decimal("1.1")],
        [("a", np.int64(1)), ("a", 1), ("a", "1")],
        [(1, 2), (1.0, 2.0), (2, 1)],
        [Site("a"), Site("a"), Site("b")],
        [2**70, 2**70, 2**70 + 1],
        [2**60 + 1, 2.0**60 + 1, 1.5],
        [1, 1.0, "1"],
        [True, 1, "x"],
        [0.1, np.float64(0.1), Decimal("0.1")],
        ["x", "x", ("x",)],
        [datetime.date(2020, 1, 1), datetime.date(2020, 1, 1), datetime.date(2021, 1, 1)],
    ],
    ids=str,
)
@pytest.mark.parametrize("boxed", [False, True], ids=["list", "array"])
def test_groups_are_the_ones_a_dict_tells_apart(groups: list[Any], boxed: bool) -> None:
    places: dict[Any, int] = {}
    expected = [places.setdefault(group, len(places)) for group in groups]
    given: Any = groups
    if boxed:
        given = np.empty(len(groups), dtype=object)
        for row, group in enumerate(groups):
            given[row] = group

    found = Data(np.zeros((3, 1)), groups=given).group_labels.tolist()  # type: ignore[union-attr]

    names = list(dict.fromkeys(found))
    assert [names.index(name) for name in found] == expected


def test_equal_groups_in_other_words_have_one_fingerprint() -> None:
    one = Data(np.zeros((2, 1)), groups=[frozenset("ab"), (1, Decimal("0.50"))])
    two = Data(np.zeros((2, 1)), groups=[frozenset("ba"), (1.0, 0.5)])

    assert one.fingerprint() == two.fingerprint()


class Hashed:
    def __eq__(self, other: object) -> bool:
        return isinstance(other, Hashed)

    def __hash__(self) -> int:
        return 1


@pytest.mark.parametrize(
    ("groups", "sentence"),
    [
        ([object(), object()], "groups has a object at row 0, an object known only by its address"),
        (["a", Hashed()], "groups has a Hashed at row 1, an object known only by its address"),
        (["a", {1: 2}], "groups has a dict at row 1, which cannot be hashed"),
        (["a", float("nan")], "groups is missing at row 1"),
        ([("a", object()), "b"], "groups has a object at row 0"),
    ],
)
def test_groups_that_nobody_can_tell_apart_again_are_refused(groups: list[Any], sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        Data(np.zeros((2, 1)), groups=groups)


def test_a_label_beyond_64_bits_is_refused_in_one_sentence() -> None:
    with pytest.raises(DataError, match="y has a whole number beyond 64 bits"):
        Data(np.zeros((2, 1)), [1, 2**70])
