"""The table as CSV and for pandas, read back by Python's csv and by pandas itself."""

from __future__ import annotations

import csv
import io
import math
import sys
from pathlib import Path
from typing import Any

import pytest

from truing import Metric, Seeds, Study
from truing.errors import JournalError, UsageError
from truing.report.table import TrialTable, trial_rows
from truing.space.parameter import Choice, Float, Int
from truing.space.repeat import Repeat
from truing.space.space import Space

TRICKY = ["=1+1", "+a", "-b", "@c", "\tx", "\ry", 'say "hi"', "a,b", "two\nlines", "plain", "Größe 日本", "-"]


def table(*configs: dict[str, Any], **more: Any) -> TrialTable:
    rows = [
        {"number": n, "state": "completed", "config": c, "value": -0.1 * n, "se": None, "runs": 5, "seconds": 0.25,
         "reason": None, **more}
        for n, c in enumerate(configs)
    ]  # fmt: skip
    return TrialTable(rows, metric="loss", goal="min")


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_every_trial_of_a_study_comes_back(told: Any) -> None:
    rows = trial_rows(told.history)
    found = read(TrialTable(rows, metric="log_loss", goal="min").to_csv() or "")

    assert [int(row["number"]) for row in found] == [row["number"] for row in rows]
    for back, row in zip(found, rows, strict=True):
        assert (float(back["value"]) if back["value"] else None) == row["value"]  # in full precision
        assert {k[7:]: float(v) for k, v in back.items() if k.startswith("config.")} == row["config"]
        assert back["reason"] == (row["reason"] or "")


def test_further_metrics_have_columns_of_their_own(tmp_path: Path) -> None:
    """In the order of also=; a failed trial has none."""

    def train(run: Any) -> None:
        if run.config["x"] == 2:
            raise ValueError("no")
        run.report(loss=run.config["x"], size=10.0 * run.config["x"] + 1, pace=-1.0)

    loss, size, pace = (Metric(name, goal="min") for name in ("loss", "size", "pace"))
    space = Space(x=Choice([0, 1, 2, 3]))
    study = Study(train, space, metric=loss, also=[size, pace], search="grid", validation=Seeds(3), folder=tmp_path)
    study.run(workers=0)

    rows = read(study.trials().to_csv() or "")
    assert list(rows[0])[6:] == ["reason", "scores.size", "scores.pace", "config.x"]
    wanted = {"0": "1.0", "1": "11.0", "2": "", "3": "31.0"}
    assert {row["config.x"]: row["scores.size"] for row in rows} == wanted
    assert {row["config.x"]: row["scores.pace"] for row in rows} == {x: v and "-1.0" for x, v in wanted.items()}
    pandas = pytest.importorskip("pandas")
    assert study.trials().to_pandas()["scores.size"].dtype == pandas.Series([0.5]).dtype
    assert study.trials(as_dicts=True)[1]["scores"].keys() == {"size", "pace"}


@pytest.mark.parametrize("text", TRICKY)
def test_no_text_is_a_formula_and_none_is_lost(text: str) -> None:
    (row,) = read(table({"choice": text}, reason=text).to_csv() or "")

    for cell in (row["config.choice"], row["reason"]):
        assert cell.removeprefix("'") == text
        assert cell[0] not in "=+-@\t\r"


def test_numbers_are_not_touched() -> None:
    (row,) = read(table({"x": -1.5, "n": -3, "tiny": 1e-300, "flag": True}).to_csv() or "")

    assert [row[f"config.{k}"] for k in ("x", "n", "tiny", "flag")] == ["-1.5", "-3", "1e-300", "True"]


def test_inactive_is_empty_and_an_option_none_is_not() -> None:
    first, second = read(table({"a": None, "b": 1}, {"a": "x"}).to_csv() or "")

    assert (first["config.a"], first["config.b"], second["config.b"]) == ("None", "1", "")
    assert first["se"] == ""


def test_a_parameter_may_be_called_like_a_column() -> None:
    (row,) = read(table({"value": 7, "number": 8, "config.value": 9, "=x": 1}).to_csv() or "")

    assert row["value"] == "-0.0"
    assert (row["config.value"], row["config.number"], row["config.config.value"], row["config.=x"]) == (
        "7",
        "8",
        "9",
        "1",
    )


def test_a_file_is_written_whole(tmp_path: Path) -> None:
    assert table({"x": 1}).to_csv(tmp_path / "trials.csv") is None
    assert (tmp_path / "trials.csv").read_text(encoding="utf-8") == table({"x": 1}).to_csv()
    assert [p.name for p in tmp_path.iterdir()] == ["trials.csv"]
    with pytest.raises(JournalError, match=r"nowhere/trials.csv cannot be written: No such file"):
        table({"x": 1}).to_csv(tmp_path / "nowhere" / "trials.csv")
    with pytest.raises(UsageError, match="path takes the name of a file"):
        table({"x": 1}).to_csv(3)  # type: ignore[arg-type]


def test_no_trials_is_the_head_of_a_trial() -> None:
    head = "number,state,value,se,runs,seconds,reason"
    assert TrialTable([], metric="loss", goal="min").to_csv() == head + "\n"
    assert set(head.split(",")) == set(table({}).to_csv().splitlines()[0].split(","))  # type: ignore[union-attr]


def test_pandas_keeps_kinds_beside_missing_ones() -> None:
    pandas = pytest.importorskip("pandas")
    found = table(
        {"f": 0.5, "n": 3, "b": True, "s": "x"}, {"f": 1, "s": None}, {"f": math.nan, "n": 4, "b": False}
    ).to_pandas()

    assert isinstance(found, pandas.DataFrame)
    assert found["number"].tolist() == [0, 1, 2]
    assert [str(found[f"config.{k}"].dtype) for k in ("f", "n", "b")] == ["float64", "Int64", "boolean"]
    assert found["config.n"].isna().tolist() == [False, True, False]
    assert found["config.n"].tolist()[2] == 4
    assert found["config.s"].tolist()[:2] == ["x", None]
    assert found["config.s"].iloc[2] is pandas.NA
    assert found["value"].dtype == float


def test_pandas_and_csv_have_the_same_columns(told: Any) -> None:
    pandas = pytest.importorskip("pandas")
    made = TrialTable(trial_rows(told.history), metric="log_loss", goal="min")
    back = pandas.read_csv(io.StringIO(made.to_csv() or ""))

    assert list(back.columns) == list(made.to_pandas().columns)
    assert back["value"].to_numpy() == pytest.approx(made.to_pandas()["value"].to_numpy(), nan_ok=True, rel=0)


def test_without_pandas_it_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)

    with pytest.raises(UsageError, match=r"^to_pandas\(\) needs pandas, which is not installed: pip"):
        table({"x": 1}).to_pandas()


def test_what_a_longer_repeat_adds_stands_in_the_order_of_the_space() -> None:
    space = Space(
        Repeat("block", count="blocks", width=Int(2, 8), act=Choice(["relu", "tanh"])),
        blocks=Int(1, 3, default=1),
        rate=Float(0.0, 1.0),
    )
    one = space.defaults()
    found = table(*(dict(space.moved(one, "blocks", count)) for count in (1, 3, 2)))

    header = found.to_csv().splitlines()[0].split(",")

    assert [name.removeprefix("config.") for name in header if name.startswith("config.")] == list(space)
    assert list(space.moved(one, "blocks", 3)) == list(space)
