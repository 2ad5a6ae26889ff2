"""TimeOrdered: scikit-learn's splits where they agree, gaps and ties by brute force, and drift with a known truth."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.model_selection import TimeSeriesSplit

import truing as tr
from truing.data.data import Data
from truing.data.lock import lock
from truing.data.outline import Outline
from truing.errors import DataError, UsageError
from truing.record.seeds import stream

ANY = stream(0, "unused")


def splits(protocol: tr.TimeOrdered, time: Any, groups: Any = None) -> list[tuple[list[int], list[int]]]:
    outline = Outline(len(time), None, groups, time=np.asarray(time))
    return [(r.train.tolist(), r.valid.tolist()) for r in protocol.plan({"data": outline}, ANY)]


@pytest.mark.parametrize(("n", "folds", "gap", "window"), [(20, 4, 0, None), (23, 5, 2, None), (50, 3, 4, 10)])
def test_one_row_at_a_time_it_is_scikit_learn_s_split(n: int, folds: int, gap: int, window: int | None) -> None:
    theirs = TimeSeriesSplit(folds, gap=gap, max_train_size=window).split(np.zeros(n))
    order = np.random.default_rng(0).permutation(n)  # the rows need not be in the order of time

    mine = splits(tr.TimeOrdered(folds, gap=gap, window=window), order)

    place = np.argsort(order)
    assert mine == [(sorted(place[t].tolist()), sorted(place[v].tolist())) for t, v in theirs]


def drawn(seed: int) -> tuple[tr.TimeOrdered, np.ndarray, np.ndarray | None]:
    """A protocol and rows with ties, with and without window and groups."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(30, 80))
    time = rng.integers(0, int(rng.integers(12, 60)), n)
    groups = (time + rng.integers(0, 3, n)) // 4 if seed % 2 else None
    window = 6 if seed % 4 > 1 else None
    return tr.TimeOrdered(int(rng.integers(2, 5)), gap=int(rng.integers(0, 3)), window=window), time, groups


def test_gaps_ties_windows_and_groups_hold_row_by_row() -> None:
    """Every row at every origin, by the rule itself."""
    checked = 0
    for seed in range(60):
        protocol, time, groups = drawn(seed)
        try:
            found = splits(protocol, time, groups)
        except DataError:  # nothing to train on at some origin
            continue
        checked += 1
        validated: list[int] = []
        for train, valid in found:
            begins = min(time[v] for v in valid)
            for row in range(len(time)):
                early = all(time[v] - time[row] > protocol.gap for v in valid)
                recent = protocol.window is None or begins - time[row] <= protocol.gap + protocol.window
                stranger = groups is None or all(groups[v] != groups[row] for v in valid)
                assert (row in train) == (early and recent and stranger)
            validated += valid
        assert len(set(validated)) == len(validated)
        assert set(validated) == set(np.flatnonzero(time >= min(time[v] for v in found[0][1])).tolist())
    assert checked > 40


def test_dates_take_days_or_a_timedelta() -> None:
    days = np.arange("2024-01-01", "2024-03-01", dtype="M8[D]")
    numbers = splits(tr.TimeOrdered(4, gap=3, window=20), np.arange(60))

    for three, twenty in ((3, 20), (datetime.timedelta(3), datetime.timedelta(20)), (np.timedelta64(72, "h"), 20.0)):
        for times in (days, days.astype("M8[ns]"), tr.Data(np.zeros(60), time=[str(d) for d in days]).times):
            assert splits(tr.TimeOrdered(4, gap=three, window=twenty), times) == numbers


def test_a_gap_is_not_passed_by_rounding() -> None:
    """0.4 - 0.3 is above 0.1 in binary: the row is as far away as the gap, not farther."""
    tenths = splits(tr.TimeOrdered(3, gap=0.1), np.arange(20) / 10)

    assert tenths == splits(tr.TimeOrdered(3, gap=1), np.arange(20))


def test_rows_of_one_time_are_never_cut_apart() -> None:
    time = np.repeat([1, 2, 3, 4], [2, 20, 2, 2])

    assert splits(tr.TimeOrdered(3), time) == [
        (list(range(2)), list(range(2, 22))),
        (list(range(22)), [22, 23]),
        (list(range(24)), [24, 25]),
    ]


@pytest.mark.parametrize(
    ("outline", "protocol", "says"),
    [
        (Outline(9), tr.TimeOrdered(3), r"the data has none: give it as tr\.Data\(\.\.\., time=\)"),
        (Outline(9, time=np.arange(9) // 3), tr.TimeOrdered(3), r"3 different times, too few for 3.*TimeOrdered\(2\)"),
        (Outline(9, time=np.zeros(9)), tr.TimeOrdered(3), r"1 different time, too few.*KFold"),
        (Outline(9, time=np.arange(9)), tr.TimeOrdered(3, gap=4), r"Origin 1 of 3 has no rows before the gap.*smaller"),
        (
            Outline(9, None, np.arange(9) % 2, time=np.arange(9)),
            tr.TimeOrdered(3),
            r"Origin 1 of 3 has no rows of other groups.*GroupKFold",
        ),
        (Outline(9, time=np.arange(9)), tr.TimeOrdered(3, gap=datetime.timedelta(1)), r"time= holds numbers"),
        (
            Outline(9, time=np.arange(9).astype("M8[M]")),
            tr.TimeOrdered(3, gap=np.timedelta64(1, "M")),
            r"no fixed length of time",
        ),
    ],
)
def test_what_has_no_order_is_refused_in_a_sentence(outline: Outline, protocol: tr.TimeOrdered, says: str) -> None:
    with pytest.raises(DataError, match=says):
        protocol.plan({"data": outline}, ANY)


@pytest.mark.parametrize(
    "wrong", [{"gap": -1}, {"gap": "7"}, {"gap": True}, {"gap": np.nan}, {"window": 0}, {"folds": 1}, {"folds": 2.5}]
)
def test_settings_out_of_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong))):
        tr.TimeOrdered(**wrong)


# -- the locked rows ---------------------------------------------------------------------------------------------------


def locked(share: Any, protocol: tr.TimeOrdered, time: Any, **more: Any) -> Any:
    data = Data(np.arange(len(time))[:, None], np.arange(len(time)) % 2, time=time, **more)
    return lock(data, share, stream(0, "test"), classification=True, set_apart=protocol.set_apart)


def test_the_latest_rows_are_locked_after_the_gap() -> None:
    time = np.random.default_rng(0).permutation(100)
    found = locked(0.2, tr.TimeOrdered(5, gap=7), time)

    assert sorted(time[found.test]) == list(range(80, 100))
    assert sorted(time[found.development]) == list(range(73))
    assert found.how == "the latest 20 % of the rows, from 80 on; 7 within the gap before them left out"


def test_a_window_takes_no_rows_from_development() -> None:
    """It is that of one training; earlier origins need the earlier rows."""
    found = locked(0.2, tr.TimeOrdered(3, gap=2, window=10), np.arange(100))

    assert found.development.tolist() == list(range(78))
    outline = Outline(78, time=np.arange(78), time_in_all=np.arange(100), places=found.development, n_in_all=100)
    notes = " ".join(tr.TimeOrdered(3, gap=2, window=10).notes({"data": outline}))
    assert "lie between the others" not in notes
    assert "refits train on all development rows" in notes


def test_locked_rows_between_the_others_are_noted() -> None:
    places = np.delete(np.arange(100), [40, 41])
    outline = Outline(98, time=places, time_in_all=np.arange(100), places=places, n_in_all=100)

    assert "lie between the others in time" in " ".join(tr.TimeOrdered(3).notes({"data": outline}))


def test_no_group_is_locked_and_developed_on() -> None:
    time = np.arange(100)
    groups = time // 15  # the sixth begins before the boundary and ends after it
    found = locked(0.2, tr.TimeOrdered(5), time, groups=groups)

    assert not set(groups[found.test]) & set(groups[found.development])
    assert time[found.development].max() < time[found.test].min()
    assert "5 earlier of their groups left out" in found.how


def test_rows_of_one_time_are_locked_together() -> None:
    found = locked(0.3, tr.TimeOrdered(2), np.repeat([1, 2, 3], [40, 35, 25]))

    assert found.test.tolist() == list(range(75, 100))
    assert len(found.development) == 75


# -- a whole study: what drifts ----------------------------------------------------------------------------------------


def nearest_in_time(run: Any) -> Any:
    """The label of the row that is nearest in time: knows the days beside a day, and nothing of later ones."""

    def predict(x: np.ndarray) -> np.ndarray:
        near = np.abs(x[:, :1] - run.train.x[None, :, 0]).argmin(1)
        return np.eye(2)[run.train.y[near]] * 0.98 + 0.01

    run.report(predict(run.valid.x))
    return predict


def drifting(seed: int, n: int = 2400, length: float = 15.0) -> tuple[np.ndarray, np.ndarray]:
    """The sign of an autoregression whose memory is `length` steps: rows 100 later are new draws, the truth is 50 %."""
    rng = np.random.default_rng(seed)
    keep, value, values = np.exp(-1 / length), rng.normal(), []
    for noise in rng.normal(size=n):
        value = keep * value + np.sqrt(1 - keep**2) * noise
        values.append(value)
    return np.arange(n, dtype=float)[:, None], (np.array(values) > 0).astype(int)


def test_shuffled_folds_promise_what_later_rows_do_not_keep(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    x, y = drifting(0)
    figures = {}
    for name, validation in (("shuffled", tr.KFold(5)), ("ordered", tr.TimeOrdered(5, gap=100))):
        study = tr.Study(
            nearest_in_time,
            tr.Space(nothing=tr.Float(0, 1, default=0.5)),
            data=tr.Data(x, y, time=np.arange(len(y))),
            metric="accuracy",
            validation=validation,
            folder=tmp_path / name,
        )
        study.run(trials=2, workers=0)
        figures[name] = study.verdict(workers=0)
    shuffled, ordered = (figures[name].to_dict() for name in ("shuffled", "ordered"))

    assert shuffled["validation"]["selected"] > 0.85  # 35 points too much, and its locked rows agree with it
    assert shuffled["test"]["accuracy"]["selected"] > 0.85
    assert abs(ordered["validation"]["selected"] - 0.5) < 0.1
    assert ordered["validation"]["low"] <= 0.5 <= ordered["validation"]["high"]
    assert abs(ordered["test"]["accuracy"]["selected"] - 0.5) < 0.15
    assert ordered["locked_rows"] == 480
    assert ordered["fixed_splits"]
    text = str(figures["ordered"])
    assert "fresh seeds" in text
    assert "fresh splits" not in text
    assert "the luck of these origins stays in the figures" in " ".join(text.split())
    said = capsys.readouterr().err
    assert "5 origins in time, gap 100" in said
    assert "KFold deals rows at random, whatever their time=" in " ".join(str(figures["shuffled"]).split())
    assert "deals rows at random" not in text


def test_over_many_series_it_is_right_on_average() -> None:
    """200 series of which the truth is 50 %: the mean of TimeOrdered's scores is it, that of shuffled folds is not."""
    means: dict[str, list[float]] = {"shuffled": [], "ordered": []}
    for seed in range(200):
        _, y = drifting(seed, n=400, length=5.0)
        time = np.arange(len(y))
        for name, protocol in (("shuffled", tr.KFold(5)), ("ordered", tr.TimeOrdered(5, gap=40))):
            outline = {"data": Outline(len(y), y, time=time)}
            scores = [
                np.mean(y[r.train][np.abs(time[r.valid][:, None] - time[r.train]).argmin(1)] == y[r.valid])
                for r in protocol.plan(outline, stream(seed, "plan"))
            ]
            means[name].append(float(np.mean(scores)))
    error = np.std(means["ordered"], ddof=1) / np.sqrt(200)

    assert abs(np.mean(means["ordered"]) - 0.5) < 4 * error
    assert error < 0.01
    assert np.mean(means["shuffled"]) > 0.75
