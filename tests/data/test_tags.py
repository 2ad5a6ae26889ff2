"""site, time and ids: checked, kept with the rows, part of the fingerprint, and told only as counts."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import truing as tr
from truing.data.data import Data
from truing.errors import DataError

X = np.arange(8.0).reshape(4, 2)
DAYS = ["2020-03-01", "2019-01-31", "2021-12-24", "2020-03-01"]


def test_they_are_kept_with_the_rows_and_in_the_folder(tmp_path: Path) -> None:
    data = Data(X, [0, 1, 0, 1], site=["b", "a", "b", "a"], time=np.array(DAYS, "M8[D]"), ids=["p4", "p1", "p3", "p2"])
    data.store(tmp_path)

    for found in (data, Data.open(tmp_path)):
        rows = found.take([2, 0])
        assert rows.site.tolist() == ["b", "b"]  # type: ignore[union-attr]
        assert rows.time.astype(str).tolist() == ["2021-12-24", "2020-03-01"]  # type: ignore[union-attr]
        assert rows.ids.tolist() == ["p3", "p4"]  # type: ignore[union-attr]
        assert found.fingerprint() == data.fingerprint()
    assert data.facts() == {"kind": "array", "rows": 4, "sites": 2, "time": ["2019-01-31", "2021-12-24"], "ids": True}


def test_each_of_them_is_part_of_the_fingerprint() -> None:
    given: list[dict[str, Any]] = [{}, {"groups": [1, 2, 3, 4]}, {"site": [1, 2, 3, 4]}, {"time": [1, 2, 3, 4]}]
    given += [{"ids": [1, 2, 3, 4]}, {"ids": [1, 2, 4, 3]}, {"time": np.array([1, 2, 3, 4], "M8[D]")}]

    assert len({Data(X, **tags).fingerprint() for tags in given}) == len(given)


@pytest.mark.parametrize(
    ("time", "first"),
    [
        (DAYS, "2019-01-31"),
        (np.array(DAYS, "M8[ns]"), "2019-01-31"),
        ([datetime.date.fromisoformat(day) for day in DAYS], "2019-01-31"),
        ([datetime.datetime(2020, 1, 1, 1, tzinfo=datetime.timezone(datetime.timedelta(hours=2)))] * 4, "2019-12-31"),
        ([2003, 2001, 2002, 2001], "2001"),
        (np.array([0.5, 2.5, 1.5, 1.0]), "0.5"),
    ],
)
def test_time_may_be_numbers_or_dates(time: Any, first: str) -> None:
    assert Data(X, time=time).facts()["time"][0] == first


@pytest.mark.parametrize(
    ("tags", "sentence"),
    [
        ({"ids": ["a", "b", "a", "c"]}, "ids has 'a' at rows 0 and 2, but an id names one row: .* by groups="),
        ({"ids": ["a", None, "b", "c"]}, "ids is missing at row 1"),
        ({"site": ["a", "b"]}, "x has 4 rows and site has 2"),
        ({"site": ["a", "b", float("nan"), "c"]}, "site is missing at row 2"),
        ({"time": [1.0, 2.0, float("nan"), 4.0]}, "time is nan at row 2"),
        ({"time": ["2020-01-01", "soon", "2020-01-01", "2020-01-01"]}, "which is no time: give numbers, datetime64"),
        ({"time": ["2020-01-01", None, "2020-01-01", "2020-01-01"]}, "time is missing at row 1"),
        ({"time": np.array([*DAYS[:3], "NaT"], "M8[D]")}, "time is missing at row 3"),
        ({"time": [True, False, True, True]}, "time has dtype bool"),
        ({"time": np.zeros((4, 1))}, "time must be one-dimensional"),
    ],
)
def test_what_cannot_be_is_said(tags: dict[str, Any], sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        Data(X, **tags)


def test_site_divides_nothing_by_itself() -> None:
    rng = np.random.default_rng(0)
    given = {"x": rng.normal(size=(60, 1)), "y": [0, 1] * 30}
    site = np.repeat(np.arange(6), 10)

    def folds(data: Data) -> list[list[int]]:
        study = tr.Study(lambda run: None, tr.Space(a=tr.Float(0, 1)), data=data, test=None)
        return [replicate.valid.tolist() for replicate in study._setting.plan.replicates]  # type: ignore[union-attr]

    assert folds(Data(**given, site=site)) == folds(Data(**given))
    assert folds(Data(**given, site=site)) != folds(Data(**given, groups=site))


def train(run: Any) -> Any:
    level = run.train.y.mean() + run.config["shift"]
    run.report(np.full(len(run.valid), level))
    return lambda x: np.full(len(x), level)


def test_reports_hold_no_rows_and_no_ids(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every value is one that stands nowhere else; groups are people here, and one of them is on both sides."""
    n = 120
    x = np.random.default_rng(0).normal(size=(n, 1)) + 7654.321
    y = np.random.default_rng(1).normal(size=n) + 4321.5
    people = np.array([f"person-{row // 2:04d}" for row in range(n)])
    ids, sites = np.array([f"sample-{row:04d}" for row in range(n)]), np.repeat(["clinic-a", "clinic-b"], n // 2)
    data = tr.Data(x, y, groups=people, ids=ids, site=sites, time=np.arange(n) + np.datetime64("2001-05-06"))
    study = tr.Study(
        train,
        tr.Space(shift=tr.Float(-1, 1, default=0.5)),
        data=data,
        test=np.array([0, 5]),
        validation=tr.KFold(3),
        folder=tmp_path / "study",
    )

    study.run(trials=3, workers=0)
    verdict = study.verdict(workers=0)
    printed = capsys.readouterr()
    html = study.report().read_text(encoding="utf-8")
    journal = (tmp_path / "study" / "journal.db").read_bytes().decode("latin-1")

    assert "Data: 120 rows, 60 groups, 2 sites, time 2001-05-06 to 2001-09-02." in printed.err
    assert "60 groups, 2 sites, time 2001-05-06 to 2001-09-02" in html
    assert "on both sides" in html
    for text in (html, str(verdict), str(verdict.to_dict()), printed.out + printed.err, journal):
        for known in ("person-0", "sample-0", "clinic-", f"{y[0]:.3f}", f"{x[0, 0]:.3f}"):
            assert known not in text
