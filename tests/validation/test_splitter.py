"""scikit-learn's splitters and given pairs: the splits they make themselves, fresh ones where they can, no leaks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn import model_selection as ms

import truing as tr
from truing.data.data import Data
from truing.data.outline import Outline
from truing.errors import DataError, UsageError
from truing.record.seeds import stream
from truing.setting import validation_of
from truing.validation.splitter import Splitter

N = 60
RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 2, N)
GROUPS = RNG.permutation(np.repeat(np.arange(12), 5))
PLAIN = {"data": Outline(N, LABELS)}
GROUPED = {"data": Outline(N, LABELS, GROUPS)}

SPLITTERS = [
    (ms.ShuffleSplit(4, test_size=0.25, random_state=3), PLAIN, 1, 15 / 45),
    (ms.StratifiedShuffleSplit(3, test_size=0.2, random_state=3), PLAIN, 1, 12 / 48),
    (ms.KFold(5), PLAIN, 5, 0.25),
    (ms.KFold(4, shuffle=True, random_state=1), PLAIN, 4, 1 / 3),
    (ms.RepeatedKFold(n_splits=5, n_repeats=3, random_state=0), PLAIN, 5, 0.25),
    (ms.RepeatedStratifiedKFold(n_splits=2, n_repeats=2, random_state=0), PLAIN, 2, 1.0),
    (ms.StratifiedGroupKFold(3, shuffle=True, random_state=0), GROUPED, 3, 0.5),
    (ms.GroupKFold(4), GROUPED, 4, 1 / 3),
    (ms.GroupShuffleSplit(2, test_size=0.25, random_state=0), GROUPED, 1, 15 / 45),
    (ms.LeaveOneGroupOut(), GROUPED, 12, 5 / 55),
    (ms.LeavePGroupsOut(2), GROUPED, 66, 10 / 50),
    (ms.LeaveOneOut(), PLAIN, 60, 1 / 59),
    (ms.TimeSeriesSplit(4), PLAIN, 4, 48 / (12 + 24 + 36 + 48)),
    (ms.PredefinedSplit(np.arange(N) % 3 - 1), PLAIN, 2, 40 / 80),
]


def name(value: Any) -> str:
    return type(value).__name__ if hasattr(value, "split") else ""


@pytest.mark.parametrize(("splitter", "data", "block", "spread"), SPLITTERS, ids=name)
def test_the_splits_are_those_of_the_splitter(splitter: Any, data: Any, block: int, spread: float) -> None:
    outline = data["data"]
    expected = list(splitter.split(np.zeros((N, 1)), outline.labels, outline.group_labels))

    protocol = Splitter(splitter).bound(data)
    found = protocol.plan(data, stream(0, "plan"))

    assert [(r.train.tolist(), sorted(r.valid.tolist())) for r in found] == [
        (sorted(train.tolist()), sorted(valid.tolist())) for train, valid in expected
    ]
    assert (protocol.block, protocol.spread) == (block, pytest.approx(spread, rel=1e-12))
    assert [r.index for r in found] == list(range(len(expected)))
    assert [r.repeat for r in found] == [i // block for i in range(len(expected))]
    assert str(len(expected)) in protocol.describe()


@pytest.mark.parametrize(("splitter", "data", "block", "spread"), SPLITTERS, ids=name)
def test_fresh_replicates_are_others_where_there_is_randomness(
    splitter: Any, data: Any, block: int, spread: float
) -> None:
    protocol = Splitter(splitter).bound(data)
    planned = {(r.train.tobytes(), r.valid.tobytes()) for r in protocol.plan(data, stream(0, "plan"))}

    fresh = protocol.fresh(data, block + 1, stream(0, "fresh"))
    again = protocol.fresh(data, block + 1, stream(0, "fresh"))
    notes = " ".join(protocol.notes(data))

    shared = planned & {(r.train.tobytes(), r.valid.tobytes()) for r in fresh}
    assert len(fresh) == -(-(block + 1) // block) * block
    assert [r.valid.tolist() for r in fresh] == [r.valid.tolist() for r in again]
    if protocol.fixed:
        assert shared == planned
        assert "has no randomness, so the verdict's fresh runs keep its splits" in notes
    else:
        assert shared == set()
        assert "names the splits of the search; the verdict's fresh runs draw others." in notes


def test_without_a_fixed_state_the_study_seed_decides() -> None:
    for state in (None, np.random.RandomState(0)):
        protocol = Splitter(ms.ShuffleSplit(3, test_size=0.2, random_state=state))
        one, two, other = (protocol.plan(PLAIN, stream(seed, "plan")) for seed in (0, 0, 1))

        assert [r.valid.tolist() for r in one] == [r.valid.tolist() for r in two]
        assert [r.valid.tolist() for r in one] != [r.valid.tolist() for r in other]


def test_rows_are_split_in_the_order_of_time() -> None:
    time = RNG.permutation(N)
    data = Data(np.zeros((N, 1)), LABELS, time=time)

    found = Splitter(ms.TimeSeriesSplit(5)).plan({"data": data.outline()}, stream(0, "plan"))

    assert all(time[r.train].max() < time[r.valid].min() for r in found)


@pytest.mark.parametrize(("time", "test", "said"), [(None, 0.2, True), (None, range(50, 60), False)])
def test_locked_rows_from_the_past_are_said(time: Any, test: Any, said: bool) -> None:
    study = tr.Study(
        lambda run: None,
        tr.Space(a=tr.Float(0, 1)),
        data=tr.Data(np.arange(N * 1.0).reshape(N, 1), LABELS),
        validation=ms.TimeSeriesSplit(4),
        test=test,
    )

    notes = [finding.message for finding in study._setting.findings]

    assert any("lie between the others in time" in note for note in notes) == said
    assert any("Data(..., time=) would say it" in note for note in notes)


def test_test_fold_and_pairs_count_in_the_whole_data() -> None:
    x, locked = np.arange(N * 1.0).reshape(N, 1), np.arange(0, N, 6)
    fold = np.arange(N) % 3
    pairs = [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(3)]

    for validation in (ms.PredefinedSplit(fold), pairs, iter(pairs), [(fold != k, fold == k) for k in range(3)]):
        study = tr.Study(
            lambda run: None, tr.Space(a=tr.Float(0, 1)), data=tr.Data(x, LABELS), validation=validation, test=locked
        )
        plan = study._setting.plan
        for k, replicate in enumerate(plan.replicates):
            assert plan.rows[replicate.valid].tolist() == [r for r in range(N) if fold[r] == k and r not in locked]
            assert plan.rows[replicate.train].tolist() == [r for r in range(N) if fold[r] != k and r not in locked]
    assert "10 rows of the given splits are locked by test= and left out of them." in [
        finding.message for finding in study._setting.findings
    ]


@pytest.mark.parametrize(
    ("splitter", "data", "sentence"),
    [
        (ms.ShuffleSplit(2, random_state=0), GROUPED, "Split 0 of ShuffleSplit has rows of .* groups on both sides"),
        (ms.LeaveOneGroupOut(), PLAIN, r"LeaveOneGroupOut goes by groups: give them as Data\(..., groups=\)"),
        (ms.StratifiedKFold(40), PLAIN, "StratifiedKFold cannot split these 60 rows: n_splits=40"),
        (ms.StratifiedKFold(3), {"data": Outline(N, RNG.normal(size=N), None, False)}, "cannot split these 60 rows"),
        (ms.LeavePOut(2), {"data": Outline(100, None)}, "LeavePOut makes 4950 runs of each trial"),
        ([([0, 1, 2], [2, 3])], PLAIN, "Split 0 of validation= trains on 1 of the rows that it validates on"),
        ([([0], []), ([1], [2])], PLAIN, "Split 0 of validation= has no rows to validate on"),
        ([([], [1])], PLAIN, "Split 0 of validation= has no rows to train on"),
        ([([0, 0], [1])], PLAIN, "has a row twice among those to train on"),
        ([([0, 99], [1])], PLAIN, "names row 99, but rows go from 0 to 59"),
    ],
)
def test_what_would_falsify_is_refused(splitter: Any, data: Any, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        Splitter(splitter).bound(data).plan(data, stream(0, "plan"))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("groups", [None, np.arange(30) // 2])
def test_rows_on_both_sides_are_refused_whichever_rows_the_seed_locks(seed: int, groups: Any, tmp_path: Path) -> None:
    """Row 10, or the group of rows 10 and 11, is on both sides, and some seeds lock it away."""
    x = np.arange(30.0)[:, None]
    train = np.r_[0:11] if groups is None else np.r_[0:11, 12:20]
    valid = np.r_[10:30] if groups is None else np.r_[11, 20:30]

    with pytest.raises(DataError, match=r"Split 1 of validation= (trains on 1 of|has rows of 1 group on both sides)"):
        tr.Study(
            lambda run: run.report(np.zeros(len(run.valid))),
            tr.Space(x=tr.Float(0, 1)),
            data=tr.Data(x, x[:, 0], groups=groups),
            validation=[(range(12), range(20, 30)), (train, valid)],
            seed=seed,
            folder=tmp_path,
        ).run(trials=1, workers=0)


@pytest.mark.parametrize("given", [ms.ShuffleSplit, 5, [1, 2], [([0.5], [1])], []])
def test_what_is_no_protocol_is_refused(given: Any) -> None:
    with pytest.raises(UsageError, match="validation="):
        validation_of(given, Data(np.zeros((4, 1))), default=False)


def test_warnings_of_the_splitter_are_notes() -> None:
    rare = {"data": Outline(20, np.array([0] * 18 + [1] * 2))}

    notes = Splitter(ms.StratifiedKFold(5)).notes(rare)

    assert any("The least populated class in y has only 2 members" in note for note in notes)


def test_what_a_splitter_is_stands_in_the_journal_without_rows() -> None:
    one, two = (Splitter(ms.PredefinedSplit(np.arange(9) % k)).to_dict() for k in (2, 3))

    assert one != two
    assert "[" not in str(Splitter([([0, 1], [2])]).to_dict())
    assert Splitter(ms.ShuffleSplit(3)).to_dict() != Splitter(ms.ShuffleSplit(4)).to_dict()


def test_a_study_with_a_splitter_reaches_its_verdict(tmp_path: Path) -> None:
    """Fixed splits: the interval is made of one figure a split, whatever the number of fresh runs."""
    x = RNG.normal(size=(200, 1))
    y = x[:, 0] + RNG.normal(size=200)

    def train(run: tr.Run) -> Any:  # type: ignore[name-defined]
        slope = run.config["slope"] + 0.01 * np.random.default_rng(run.seed).normal()
        run.report(slope * run.valid.x[:, 0])
        return lambda rows: slope * rows[:, 0]

    study = tr.Study(
        train,
        tr.Space(slope=tr.Float(0, 2, default=0.0)),
        data=tr.Data(x, y, time=np.arange(200)),
        validation=ms.TimeSeriesSplit(4),
        test=np.arange(160, 200),
        folder=tmp_path / "study",
    )
    study.run(trials=5, workers=0)
    verdict = study.verdict(workers=0).to_dict()

    assert verdict["validation"]["runs"] == 12
    assert "splits of the search, which cannot be drawn anew" in verdict["validation"]["estimand"]
    assert any("TimeSeriesSplit has no randomness" in w["message"] for w in verdict["warnings"])
    assert verdict["protocol"] == "TimeSeriesSplit, 4 splits"
