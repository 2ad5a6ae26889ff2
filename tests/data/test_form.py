"""Frames, lists and sparse matrices come back as they were given: from memory, and from the study's folder."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse

from truing.data.data import Data
from truing.data.duplicates import duplicates
from truing.data.rows import LockedRows
from truing.errors import DataError

pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")

ROWS = np.array([4, 0, 5])
DAYS = np.array(["2020-01-01", "2021-06-30", "NaT", "2020-01-01", "2019-02-28", "2024-12-31"], dtype="M8[ns]")


def pandas_frame() -> Any:
    """Six rows of every dtype that people have in tables, each with something missing where it can be."""
    frame = pd.DataFrame(
        {
            "age": np.array([63, 37, 41, 56, 57, 44], dtype=np.int16),
            "chol": [233.0, np.nan, 204.0, 236.0, np.nan, 263.0],
            "ratio": np.arange(6, dtype=np.float32) / 3,
            "smoker": [True, False, True, True, False, False],
            "sex": ["m", "f", None, "m", "é漢", ""],
            "pain": pd.Categorical(["low", None, "high", "low", "high", "low"], ["low", "mid", "high"], ordered=True),
            "grade": pd.Categorical([3, 1, 2, 3, 1, 2]),
            "count": pd.array([1, None, 3, 4, None, 6], dtype="Int64"),
            "share": pd.array([0.5, None, 0.25, 1.0, 0.0, 0.75], dtype="Float32"),
            "known": pd.array([True, None, False, True, True, None], dtype="boolean"),
            "note": pd.array(["a", None, "b", "a", "c", "d"], dtype="string"),
            "day": DAYS,
            "seen": pd.Series(DAYS).dt.tz_localize("Europe/Berlin"),
            "took": pd.to_timedelta(["1h", None, "3min", "1D", "0s", "2h"]),
            "mixed": pd.Series([1, "one", None, 2.5, (1, 2), np.nan], dtype=object),
            "text": pd.Series(["x", None, "y", float("nan"), "z", pd.NA], dtype=object),
            "plain": pd.Series(list("abcabc"), dtype=object),
            7: [1 + 2j, 0, 0, 1j, 0, 0],
        }
    )
    return frame.set_index(pd.Index([10, 11, 12, 13, 14, 15], name="patient"))


def polars_frame() -> Any:
    return pl.DataFrame(
        {
            "age": pl.Series([63, 37, None, 56, 57, 44], dtype=pl.Int16),
            "chol": [233.0, None, 204.0, float("nan"), 1.0, 263.0],
            "smoker": [True, None, True, True, False, False],
            "sex": ["m", "f", None, "m", "é漢", ""],
            "pain": pl.Series(["low", None, "high", "low", "high", "low"], dtype=pl.Enum(["low", "mid", "high"])),
            "kind": pl.Series(["a", None, "b", "a", "c", "a"], dtype=pl.Categorical),
            "day": pl.Series(DAYS.tolist()).cast(pl.Datetime("ns")),
            "date": pl.Series([datetime.date(2020, 1, 1)] * 5 + [None]),
            "many": [[1, 2], [], None, [3], [4, 5, 6], [7]],
            "both": [{"a": 1, "b": "x"}, None, {"a": 2, "b": None}, {"a": 3, "b": "y"}, {"a": 4, "b": "z"}, None],
            "price": pl.Series([Decimal("1.10"), None, Decimal("2.25"), Decimal(3), Decimal(4), Decimal(5)]),
        }
    )


def ragged(dtype: str) -> list[Any]:
    rng = np.random.default_rng(0)
    return [rng.normal(size=(n, 2)).astype(dtype) for n in (3, 0, 1, 5, 2, 4)]


class Named(dict):  # type: ignore[type-arg]
    pass


LISTS: dict[str, list[Any]] = {
    "numbers": [3, 1, 2**40, 0, -5, 6],
    "floats": [0.1, float("inf"), -0.0, 1e-300, 2.5, 7.0],
    "huge numbers": [2**70, 1, 2, 3, 4, 5],
    "texts": ["a", "", "é漢字", "a\nb", "\0", "longer " * 20],
    "rectangular": [[1, 2], [3, 4], [5, 6], [7, 8], [9, 0], [1, 1]],
    "ragged": [[1, 2, 3], [], [4], [5, 6], [7], [8, 9]],
    "ragged floats": [[1.5], [], [2.5, 3.5], [4.0], [5.0], [6.0]],
    "nested": [[[1], [2, 3]], [], [[4]], [[]], [[5]], [[6, 7]]],
    "dicts": [{"a": 1, "b": [1.5, None]}, {}, {"c": "x"}, {1: "one"}, {"!": 2}, {"t": (1, "2", b"3")}],
    "tuples": [(1, "a"), (2, "b"), (3, "c"), (), (4, None), (True, 0.5)],
    "mixed": [1, "1", 1.0, None, True, Decimal("0.10")],
}


@pytest.fixture(params=["memory", "folder"])
def given(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Data], Data]:
    """The Data itself, or what a worker maps."""

    def through(data: Data) -> Data:
        if request.param == "memory":
            return data
        data.store(tmp_path / "store")
        opened = Data.open(tmp_path / "store")
        assert opened.fingerprint() == data.fingerprint()
        assert not any(file.suffix == ".pkl" for file in (tmp_path / "store").iterdir())
        for file in (tmp_path / "store").glob("*.npy"):
            np.load(file, allow_pickle=False)
        return opened

    return through


def test_a_pandas_frame_is_one_again(given: Callable[[Data], Data]) -> None:
    frame = pandas_frame()
    y = pd.Series([0, 1, 0, 1, 0, 1], index=frame.index, name="disease", dtype="int8")
    data = given(Data(frame, y, groups=pd.Series(list("aabbcc"))))

    rows = data.take(ROWS)

    pd.testing.assert_frame_equal(rows.x, frame.iloc[ROWS], check_freq=False)
    pd.testing.assert_series_equal(rows.y, y.iloc[ROWS])
    assert [type(value) for value in rows.x["mixed"]] == [tuple, int, float]
    assert rows.x["text"].tolist()[2] is pd.NA
    assert rows.groups.tolist() == ["c", "a", "c"]  # type: ignore[union-attr]
    assert (data.kind, len(data), data.classes()) == ("frame", 6, [0, 1])
    rows.x.iloc[:, 0] = 0
    assert frame["age"].iloc[4] == 57
    assert data.take(ROWS).dataset()[0][0]["age"] == 57


@pytest.mark.parametrize(
    "index",
    [
        pd.RangeIndex(6),
        pd.RangeIndex(3, 15, 2, name="n"),
        pd.Index(list("fedcba")),
        pd.DatetimeIndex(np.arange(6).astype("M8[D]").astype("M8[us]")),
        pd.MultiIndex.from_arrays([list("aabbcc"), [1, 2, 1, 2, 1, 2]], names=["site", "n"]),
    ],
    ids=["range", "stepped", "text", "days", "levels"],
)
def test_the_index_and_odd_columns_stay(index: Any, given: Callable[[Data], Data]) -> None:
    frame = pd.DataFrame(np.arange(12.0).reshape(6, 2), index=index, columns=["a", "a"])
    frame.columns.name = "what"
    levels = frame.set_axis(pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["x", None]), axis=1)

    pd.testing.assert_frame_equal(given(Data(frame)).take(ROWS).x, frame.iloc[ROWS], check_freq=False)
    pd.testing.assert_frame_equal(given(Data(levels)).take(ROWS).x, levels.iloc[ROWS], check_freq=False)


def test_numbers_of_a_frame_are_mapped(tmp_path: Path) -> None:
    frame = pd.DataFrame(np.arange(600.0).reshape(6, 100)).assign(n=np.arange(6))
    Data(frame).store(tmp_path)

    opened = Data.open(tmp_path).x

    base: Any = opened[5].to_numpy()
    while base is not None and not isinstance(base, np.memmap):
        base = base.base
    assert base is not None
    assert len(list(tmp_path.iterdir())) < 8  # whatever the number of columns


def test_a_polars_frame_is_one_again(given: Callable[[Data], Data]) -> None:
    frame = polars_frame()
    y = pl.Series("disease", ["no", "yes"] * 3)

    rows = given(Data(frame, y)).take(ROWS)

    assert rows.x.equals(frame[ROWS])
    assert rows.x.schema == frame.schema
    assert isinstance(rows.y, pl.Series)
    assert (rows.y.name, rows.y.to_list()) == ("disease", ["no", "no", "yes"])
    assert rows.dataset()[0] == ({"age": 57} | frame.row(4, named=True), "no")


@pytest.mark.parametrize("library", [pd, pl], ids=["pandas", "polars"])
def test_columns_by_their_names_are_no_columns_of_x(library: Any, given: Callable[[Data], Data]) -> None:
    frame = library.DataFrame(
        {
            "a": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
            "y": [0, 1] * 3,
            "where": list("xxyyzz"),
            "who": ["p1", "p2", "p3", "p4", "p5", "p6"],
            "when": DAYS[[0, 1, 0, 3, 4, 5]],
        }
    )

    rows = given(Data(frame, "y", groups="where", site="where", ids="who", time="when")).take(ROWS)

    assert list(rows.x.columns) == ["a"]
    assert type(rows.y) is library.Series
    assert rows.groups.tolist() == rows.site.tolist() == ["z", "x", "z"]  # type: ignore[union-attr]
    assert rows.ids.tolist() == ["p5", "p1", "p6"]  # type: ignore[union-attr]
    assert rows.time.astype("M8[D]").astype(str).tolist() == ["2019-02-28", "2020-01-01", "2024-12-31"]  # type: ignore[union-attr]
    assert list(frame.columns) == ["a", "y", "where", "who", "when"]  # the user's own is as it was
    with pytest.raises(DataError, match="y='label' names no column of x: the columns are a, y, where"):
        Data(frame, "label")


@pytest.mark.parametrize("x", LISTS.values(), ids=LISTS)
def test_a_list_is_one_again(x: list[Any], given: Callable[[Data], Data]) -> None:
    data = given(Data(x, [0.5, 1.5, 2.5, 3.5, 4.5, 5.5]))

    rows = data.take(ROWS)

    assert rows.x == [x[row] for row in ROWS]
    assert [type(value) for value in rows.x] == [type(x[row]) for row in ROWS]
    assert repr(data.take(np.arange(6)).x) == repr(x)
    assert (rows.y, type(rows.y)) == ([4.5, 0.5, 5.5], list)
    assert rows.dataset()[1] == (x[0], 0.5)
    assert type(given(Data(tuple(x))).take(ROWS).x) is tuple


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_sequences_of_any_length_are_themselves_again(dtype: str, given: Callable[[Data], Data]) -> None:
    x = ragged(dtype)
    torch = pytest.importorskip("torch")

    arrays = given(Data(x)).take(ROWS).x
    tensors = given(Data([torch.from_numpy(a).to(torch.bfloat16) for a in x])).take(ROWS).x
    odd = given(Data([np.zeros((1, 2)), np.zeros(3), np.zeros((2, 2), np.int8)])).take([2, 1, 0]).x

    assert [a.dtype for a in arrays] == [np.dtype(dtype)] * 3
    assert all(np.array_equal(found, x[row]) for found, row in zip(arrays, ROWS, strict=True))
    assert all(a.flags.writeable for a in arrays)
    assert {t.dtype for t in tensors} == {torch.bfloat16}
    assert [t.shape for t in tensors] == [(2, 2), (3, 2), (4, 2)]
    assert [(a.shape, str(a.dtype)) for a in odd] == [((2, 2), "int8"), ((3,), "float64"), ((1, 2), "float64")]


@pytest.mark.parametrize("format", ["csr", "csc", "coo", "lil", "bsr", "dok"])
@pytest.mark.parametrize("family", ["matrix", "array"])
def test_a_sparse_matrix_is_one_again(format: str, family: str, given: Callable[[Data], Data]) -> None:
    dense = np.random.default_rng(0).poisson(0.4, size=(6, 9)).astype(np.float32)
    x = getattr(scipy.sparse, f"{format}_{family}")(dense)

    rows = given(Data(x, list("abcabc"))).take(ROWS)

    assert type(rows.x) is type(x)
    assert rows.x.dtype == np.float32
    assert np.array_equal(rows.x.toarray(), dense[ROWS])
    assert np.array_equal(rows.dataset()[0][0], dense[4])
    assert rows.y.tolist() == ["b", "a", "c"]


@pytest.mark.parametrize("x", [pandas_frame(), polars_frame(), LISTS["dicts"]], ids=["pandas", "polars", "list"])
def test_locked_rows_of_every_form_keep_their_labels_back(x: Any, given: Callable[[Data], Data]) -> None:
    locked = LockedRows(given(Data(x, [0, 1, 0, 1, 0, 1])), ROWS)

    assert type(locked.x) is type(x)
    assert not isinstance(locked.dataset()[0], tuple)
    with pytest.raises(DataError, match="labels of locked rows"):
        _ = locked.y


@pytest.mark.parametrize(
    ("x", "sentence"),
    [
        (pd.DataFrame({"p": pd.period_range("2020", periods=3, freq="M")}), "column 'p' of x has dtype period"),
        (pd.Series([1, 2]), r"x is a pandas Series: give a DataFrame, such as x\.to_frame\(\)"),
        (pl.LazyFrame({"a": [1]}), "x is a polars LazyFrame: give a DataFrame"),
        (pl.DataFrame({"o": pl.Series([object()], dtype=pl.Object)}), "column 'o' of x holds Python objects"),
        ([1, Named(a=1)], "x holds a Named at row 1"),
        ([object()], "x holds a object at row 0"),
    ],
)
def test_what_cannot_be_written_down_is_said(x: Any, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        Data(x)


def test_what_differs_has_another_fingerprint() -> None:
    frame, sparse = pandas_frame(), scipy.sparse.csr_matrix(np.eye(6))
    edited = [
        frame.assign(age=frame["age"] + 1),
        frame.assign(chol=frame["chol"].fillna(0)),
        frame[frame.columns[::-1]],
    ]
    edited += [frame.assign(sex=frame["sex"].fillna("")), frame.assign(grade=frame["grade"].cat.codes)]
    kinds = [frame, *edited, sparse, sparse.toarray(), sparse * 2, polars_frame(), polars_frame().fill_null(0)]
    kinds += [*LISTS.values(), [["1", "2"]] * 6]

    assert len({Data(x).fingerprint() for x in kinds}) == len(kinds)
    assert Data(frame).fingerprint() == Data(frame.copy()).fingerprint()


@pytest.mark.parametrize("form", ["pandas", "polars", "list", "sparse"])
def test_duplicates_are_those_of_all_pairs(form: str) -> None:
    rng = np.random.default_rng(0)
    table = rng.integers(0, 3, size=(60, 3))
    make: dict[str, Callable[[np.ndarray], Any]] = {
        "pandas": lambda t: pd.DataFrame({"a": t[:, 0] * 0.5, "b": pd.Categorical(t[:, 1]), "c": t[:, 2].astype(str)}),
        "polars": lambda t: pl.DataFrame({"a": t[:, 0] * 0.5, "b": t[:, 1].astype(str), "c": t[:, 2]}),
        "list": lambda t: [[int(v) for v in row if v] for row in t],
        "sparse": lambda t: scipy.sparse.csr_array(t),
    }
    development, test = np.arange(40), np.arange(40, 60)
    keyed = [tuple(v for v in row if v) if form == "list" else tuple(row) for row in table.tolist()]
    expected = [row for row in test if keyed[row] in {keyed[other] for other in development}]

    data = Data(make[form](table))
    (inside,) = duplicates(data, {"development rows": development, "locked test set": test})
    (outside,) = duplicates(data, {"development rows": development}, {"locked test set": Data(make[form](table[40:]))})

    assert inside.rows.tolist() == expected
    assert (outside.rows + 40).tolist() == expected
    assert 0 < len(expected) < 20
