"""What every procedure that tunes inside must do, for authors of procedures: run `check_procedure` in your tests.

    from truing.testing.procedures import check_procedure

    def test_my_procedure():
        check_procedure(lambda: MyProcedure(folds=4))

`make()` gives the procedure. It is given outlines, never x, and predictions that the suite makes up.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from truing.data.outline import Outline
from truing.record.events import encode
from truing.record.procedure import Part, Side, Tuned
from truing.record.seeds import stream
from truing.record.task import Task
from truing.statistics.metric import metric

Make = Callable[[], Any]
FIGURES = (
    *("metric", "goal", "value", "low", "high", "method", "reason", "defaults", "difference"),
    *("estimand", "metrics", "parts", "agreement"),
)


def check_procedure(make: Make) -> None:
    """Run every check.

    Raises:
        AssertionError: the procedure breaks a rule; the message says which.
    """
    for check in CHECKS:
        check(make)


# -- the parts ---------------------------------------------------------------------------------------------------------


def positions_are_valid(make: Make) -> None:
    """Positions are int64 and inside the rows, there are some on both sides, and no row is scored twice in a part."""
    for rows in _outlines():
        for part in _plan(make, rows):
            for positions in (part.train, part.test):
                _true(len(positions) > 0, f"{part.name} must have rows to tune on and rows to be scored on")
                _equal(positions.dtype, np.dtype(np.int64), "the type of positions")
                _true(positions.min() >= 0 and positions.max() < len(rows), "positions must lie inside the rows")
            _equal(len(np.unique(part.test)), len(part.test), f"the number of different test rows of {part.name}")


def no_row_leaks(make: Make) -> None:
    """No row that scores a part reaches its tuning, unless the procedure says that its parts overlap."""
    if make().overlaps:
        return
    for rows in _outlines():
        for part in _plan(make, rows):
            both = np.intersect1d(part.train, part.test)
            _equal(both.tolist(), [], f"the rows of {part.name} on which it is tuned and scored")


def no_group_leaks(make: Make) -> None:
    """Where there are groups, none has rows on both sides."""
    if make().overlaps:
        return
    for rows in _outlines():
        if rows.group_labels is None:
            continue
        for part in _plan(make, rows):
            both = set(rows.group_labels[part.train].tolist()) & set(rows.group_labels[part.test].tolist())
            _equal(both, set(), f"the groups of {part.name} on which it is tuned and scored")


def copies_stay_together(make: Make) -> None:
    """Where a part has copies of a row, all of them are of one unit, and so are all rows of a group."""
    for rows in _outlines():
        for part in _plan(make, rows):
            if len(np.unique(part.train)) == len(part.train):
                continue
            _true(part.units is not None, f"{part.name} repeats rows, so it must say which must not be parted")
            units = np.asarray(part.units)
            _equal(len(units), len(part.train), f"the number of units of {part.name}")
            own = part.train if rows.group_labels is None else rows.group_labels[part.train]
            for value in np.unique(own):
                _equal(len(np.unique(units[own == value])), 1, f"the units of one row or group of {part.name}")


def folders_are_different(make: Make) -> None:
    """Each part has a folder of its own, whose name is one plain word."""
    for rows in _outlines():
        folders = [part.folder for part in _plan(make, rows)]
        _equal(len(set(folders)), len(folders), "the number of different folders")
        for folder in folders:
            plain = folder.replace("-", "").replace("_", "")
            _true(plain.isascii() and plain.isalnum(), f"the folder {folder!r} must be letters, digits and hyphens")


def plans_repeat(make: Make) -> None:
    """The same stream gives the same parts, so that a call that was cut off can go on."""
    for rows in _outlines():
        first, second = _plan(make, rows), _plan(make, rows)
        _equal([p.train.tolist() for p in first], [p.train.tolist() for p in second], "the rows of a second plan")
        _equal([p.test.tolist() for p in first], [p.test.tolist() for p in second], "the test rows of a second plan")


def rows_are_left_alone(make: Make) -> None:
    """Planning writes to nothing that it was given."""
    for rows in _outlines():
        before = [None if a is None else a.tolist() for a in (rows.labels, rows.group_labels, rows.sites)]
        _plan(make, rows)
        after = [None if a is None else a.tolist() for a in (rows.labels, rows.group_labels, rows.sites)]
        _equal(after, before, "the outline after planning")


# -- the figures -------------------------------------------------------------------------------------------------------


def figures_are_complete(make: Make) -> None:
    """All figures that a person is shown are there, can be written down, and are the same a second time."""
    for rows in _outlines():
        found = _estimate(make, rows)
        missing = [name for name in FIGURES if name not in found]
        _equal(missing, [], "the figures that are missing")
        json.loads(encode(found))
        _equal(json.dumps(_estimate(make, rows)), json.dumps(found), "the figures of a second call")
        _equal(len(found["parts"]), len(_plan(make, rows)), "the number of parts in the figures")


def perfect_is_perfect(make: Make) -> None:
    """Predictions that are right everywhere have accuracy 1, against defaults that are wrong everywhere with 0."""
    for rows in _outlines():
        found = _estimate(make, rows, right=True)
        _equal((found["value"], found["defaults"]), (1.0, 0.0), "accuracy of right predictions, and of wrong ones")
        _equal(found["difference"]["value"], 1.0, "their difference")


def failures_are_not_averaged_away(make: Make) -> None:
    """Where one part failed the figure is undefined, and the reason stands there."""
    rows = _outlines()[0]
    found = _estimate(make, rows, fails="it diverged")
    _true(found["value"] is None, "with a part that failed the figure must be undefined")
    _true("it diverged" in str(found["reason"]), "the reason must be that of the part that failed")


CHECKS: Sequence[Callable[[Make], None]] = (
    positions_are_valid,
    no_row_leaks,
    no_group_leaks,
    copies_stay_together,
    folders_are_different,
    plans_repeat,
    rows_are_left_alone,
    figures_are_complete,
    perfect_is_perfect,
    failures_are_not_averaged_away,
)


# -- what they are given -----------------------------------------------------------------------------------------------


def _outlines() -> list[Outline]:
    """Rows of two classes at five sites; the same in groups, some of which have rows at two sites."""
    rng = np.random.default_rng(7)
    labels = (rng.random(60) < 0.4).astype(int)
    sites = np.array(list("abcde"))[np.arange(60) % 5]
    groups = np.arange(60) // 3
    places = np.sort(rng.choice(90, 60, replace=False))
    return [
        Outline(60, labels, sites=sites),
        Outline(60, labels, groups, sites=sites[np.argsort(groups // 4, kind="stable")]),
        Outline(60, labels, sites=np.sort(sites), places=places, n_in_all=90),
        Outline(60, labels, np.repeat(np.arange(20), 3), sites=np.repeat(np.arange(5), 12)),
    ]


def _plan(make: Make, rows: Outline) -> Sequence[Part]:
    found = list(make().plan(rows, stream(3, "procedure")))
    _true(len(found) > 1, "a procedure has at least two parts")
    return found


def _estimate(make: Make, rows: Outline, *, right: bool = False, fails: str = "") -> Mapping[str, Any]:
    """The figures from made-up tunings: predictions that are somewhat right, or right and wrong everywhere."""
    procedure, parts = make(), _plan(make, rows)
    task = Task((metric("accuracy"),), (0, 1))
    truth = np.asarray(rows.labels)

    def side(part: Part, share: float, seed: int) -> Side:
        rng = np.random.default_rng(seed)
        wrong = rng.random((procedure.refits, len(part.test))) >= share
        said = np.where(wrong, 1 - truth[part.test], truth[part.test])
        return Side([np.stack([1.0 - one, one], axis=1).astype(float) for one in said])

    tuned = []
    for place, part in enumerate(parts):
        ours, theirs = side(part, 1.0 if right else 0.8, 2 * place), side(part, 0.0 if right else 0.7, 2 * place + 1)
        if fails and place == len(parts) - 1:
            ours = Side(reason=fails)
        tuned.append(Tuned({"width": 8 + place % 2}, 1 + place % 2, 3, 15, 1.5, 0.9, ours, theirs))
    found: Mapping[str, Any] = procedure.estimate(task, rows, truth, parts, tuned, stream(3, "estimate"))
    return found


def _equal(found: Any, expected: Any, what: str) -> None:
    if found != expected:
        raise AssertionError(f"{what}: expected {expected!r}, got {found!r}")


def _true(condition: bool, sentence: str) -> None:
    if not condition:
        raise AssertionError(sentence)
