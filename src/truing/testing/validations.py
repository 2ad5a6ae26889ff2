"""What every validation protocol must do, for authors of protocols: run `check_validation` in your tests.

    from truing.testing.validations import check_validation

    def test_my_protocol():
        check_validation(lambda: MyProtocol(folds=4))

`make()` gives the protocol, and its `bound(data)`, where it has one, is what is checked. It is held to what it
declares:

- `validates_each_row_once = True`: every row validates exactly once in a repeat;
- `needs = ("groups",)`, or "site" or "time": it refuses data without them, and gets them here; by "site" no site is on
  both sides, by "time" no row is trained on that is not earlier, by more than its `gap`, than all that validate;
- `fixed = True`: it has no randomness, so every stream gives the same splits, and fresh replicates have them too.

Protocols are given outlines, never x.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from truing.data.outline import Outline
from truing.errors import DataError
from truing.record.interfaces import Estimate, ScoreTable
from truing.record.seeds import stream
from truing.record.trial import Replicate

Make = Callable[[], Any]
Check = Callable[[Make], None]


def check_validation(make: Make) -> None:
    """Run every check.

    Raises:
        AssertionError: the protocol breaks a rule; the message says which.
    """
    for check in CHECKS:
        check(make)


# -- splits --------------------------------------------------------------------------------------------


def positions_are_valid(make: Make) -> None:
    """Positions are int64, each once, inside the outline; train and valid are both there, or neither."""
    for outline in _outlines(make):
        for replicate in _plan(make, outline):
            for rows in (replicate.train, replicate.valid):
                _true(rows is not None and len(rows), "with data there must be rows in train and in valid")
                _equal(rows.dtype, np.dtype(np.int64), "the type of positions")
                _true(rows.min() >= 0 and rows.max() < len(outline), "positions must lie inside the data")
                _equal(len(np.unique(rows)), len(rows), "the number of different positions")


def train_and_valid_are_disjoint(make: Make) -> None:
    """No row is trained on and validated on in one replicate."""
    for outline in _outlines(make):
        for replicate in _plan(make, outline):
            both = np.intersect1d(replicate.train, replicate.valid)
            _equal(both.size, 0, "the number of rows both in train and in valid")


def groups_stay_whole(make: Make) -> None:
    """Where there are groups, none has rows in train and in valid."""
    outline = _grouped(make)
    groups = outline.group_labels
    if groups is None:
        raise AssertionError("the outline of this check must have groups")
    for replicate in _plan(make, outline):
        straddling = set(groups[replicate.train]) & set(groups[replicate.valid])
        _equal(straddling, set(), "groups in train and in valid")


def sites_stay_whole(make: Make) -> None:
    """Where a protocol goes by sites, none has rows in train and in valid."""
    if "site" not in _needs(make):
        return
    for outline in _outlines(make):
        for replicate in _plan(make, outline):
            sites = outline.sites
            if sites is None:
                raise AssertionError("the outlines of this check must have sites")
            _equal(set(sites[replicate.train]) & set(sites[replicate.valid]), set(), "sites in train and in valid")


def what_validates_is_later(make: Make) -> None:
    """Where a protocol goes by time: every row that validates is later than each of its training, by more than the gap.

    So rows of one time are never on both sides.
    """
    if "time" not in _needs(make):
        return
    gap = float(getattr(make(), "gap", 0) or 0)
    for outline in _outlines(make):
        for replicate in _plan(make, outline):
            time = outline.time
            if time is None:
                raise AssertionError("the outlines of this check must have times")
            away = float(time[replicate.valid].min() - time[replicate.train].max())
            _true(away > gap, f"what validates begins {away:g} after the training ends, which must be above {gap:g}")


def what_is_needed_is_asked_for(make: Make) -> None:
    """Data without what the protocol goes by is refused with a DataError that names it."""
    whole = _classes(make)
    without = {
        "groups": replace(whole, group_labels=None),
        "site": replace(whole, sites=None),
        "time": replace(whole, time=None),
    }
    for need in _needs(make):
        bare = without[need]
        try:
            make().plan({"rows": bare}, stream(0, "plan"))
        except DataError as error:
            _true(f"{need}=" in str(error), f"the refusal must say how to give {need}=, and says: {error}")
        else:
            raise AssertionError(f"rows without {need} must be refused")


def classes_keep_their_share(make: Make) -> None:
    """In the rows that validate each class has its share of the whole, within one row; time alone may forbid it."""
    if "time" in _needs(make):
        return
    outline = _classes(make)
    labels = outline.labels
    if labels is None:
        raise AssertionError("the outline of this check must have labels")
    for replicate in _plan(make, outline):
        share = len(replicate.valid) / len(outline)
        for label, size in zip(*np.unique(labels, return_counts=True), strict=True):
            off = abs(int((labels[replicate.valid] == label).sum()) - share * size)
            _true(off <= 1 + size / len(outline), f"class {label} is {off:.1f} rows off its share")


def each_row_validates_once(make: Make) -> None:
    """Where the protocol declares it: in each repeat the valid parts are a partition of the rows."""
    if not getattr(make(), "validates_each_row_once", False):
        return
    for outline in _outlines(make):
        replicates = _plan(make, outline)
        for repeat in sorted({replicate.repeat for replicate in replicates}):
            valid = [r.valid for r in replicates if r.repeat == repeat and r.valid is not None]
            rows = np.sort(np.concatenate(valid))
            _equal(rows.tolist(), list(range(len(outline))), f"the rows that validate in repeat {repeat}")


def spread_is_that_of_the_rows(make: Make) -> None:
    """`spread` is n_valid / n_train, by time that of the sums, or 0 where replicates differ in their seed alone."""
    replicates, spread = _plan(make, _classes(make)), _bound(make, _classes(make)).spread
    if spread == 0:
        shown = {(r.train.tobytes(), r.valid.tobytes()) for r in replicates}
        _equal(len(shown), 1, "the number of different splits under a spread of 0")
        return
    sizes = [(len(replicate.valid), len(replicate.train)) for replicate in replicates]
    if "time" in _needs(make):  # training grows from one origin to the next
        sizes = [(sum(valid for valid, _ in sizes), sum(train for _, train in sizes))]
    for valid, train in sizes:
        found = valid / train
        _true(abs(found - spread) <= 0.1 * spread, f"spread is {spread:.3f}, n_valid / n_train {found:.3f}")


# -- buying order and streams --------------------------------------------------------------------------


def replicates_are_numbered(make: Make) -> None:
    """Indices count from 0, in whole repeats; the dataset's name is carried."""
    replicates, block = _plan(make, _classes(make)), _bound(make, _classes(make)).block
    _equal([r.index for r in replicates], list(range(len(replicates))), "the indices")
    _equal(len(replicates) % block, 0, "the replicates beyond whole repeats")
    _equal([r.repeat for r in replicates], sorted(r.repeat for r in replicates), "the repeats, in order")
    _equal({r.dataset for r in replicates}, {"rows"}, "the datasets' names")


def the_stream_decides(make: Make) -> None:
    """The same stream gives the same replicates, whatever the global random numbers; another others, unless fixed."""
    state = np.random.get_state()  # noqa: NPY002
    try:
        np.random.seed(1)  # noqa: NPY002
        first = _plan(make, _classes(make))
        np.random.seed(2)  # noqa: NPY002
        again = _plan(make, _classes(make))
    finally:
        np.random.set_state(state)  # noqa: NPY002
    protocol = _bound(make, _classes(make))
    other = protocol.plan({"rows": _classes(make)}, stream(1, "other"))
    _true(_content(first) == _content(again), "the same stream must give the same replicates")
    if getattr(protocol, "fixed", False):
        _true(_content(first) == _content(other), "what is fixed must be the same for every stream")
    else:
        _true(_content(first) != _content(other), "another stream must give other replicates")


def fresh_replicates_are_whole_repeats(make: Make) -> None:
    """fresh(n) gives n replicates rounded up to whole repeats, numbered from 0."""
    protocol = _bound(make, _classes(make))
    block = protocol.block
    for n in (1, block, block + 1, 10):
        replicates = protocol.fresh({"rows": _classes(make)}, n, stream(0, "fresh"))
        whole = math.ceil(n / block) * block
        _equal(len(replicates), whole, f"the number of fresh({n}) in blocks of {block}")
        _equal([r.index for r in replicates], list(range(len(replicates))), "the indices")


def fresh_replicates_are_new(make: Make) -> None:
    """Fresh replicates of a fresh stream are other splits than the planned ones; or the same ones, if fixed."""
    protocol = _bound(make, _classes(make))
    planned = set(_content(_plan(make, _classes(make))))
    fresh = set(_content(protocol.fresh({"rows": _classes(make)}, protocol.block, stream(0, "fresh"))))
    if getattr(protocol, "fixed", False):
        _true(fresh <= planned, "fresh splits of a fixed protocol must be planned ones")
        return
    _equal(len(planned & fresh), 0, "the number of fresh splits that were planned already")


# -- estimates -----------------------------------------------------------------------------------------


def each_trial_is_estimated_by_itself(make: Make) -> None:
    """The order of trials and the company of others change no estimate; equal scores give that value."""
    rng = stream(0, "scores")
    scores = {trial: rng.normal(size=10).tolist() for trial in range(6)} | {6: [0.25] * 10}
    whole = _estimates(make, scores)
    _equal(_estimates(make, dict(reversed(scores.items()))), whole, "the estimates in another order")
    for trial in scores:
        alone = _estimates(make, {trial: scores[trial]})[trial]
        _equal(alone, whole[trial], "the estimate without the others")
        inside = alone.value is not None and min(scores[trial]) <= alone.value <= max(scores[trial])
        _true(inside, f"the estimate {alone.value} must lie within the scores")


def an_undefined_replicate_is_never_left_out(make: Make) -> None:
    """A None among the scores gives the pooled figure, or none with a reason; never the mean of the rest."""
    table: dict[int, list[float | None]] = {0: [0.5, None, 0.7, 0.6, 0.8], 1: [0.5, 0.5, 0.7, 0.6, 0.8]}
    alone = _estimates(make, table)
    _equal(alone[0].value, None, "the value without a pooled figure")
    _true(bool(alone[0].reason), "a value that is undefined must have its reason")
    pooled = make().estimate(ScoreTable(table, {0: Estimate(0.625)}))
    _equal(pooled[0].value, 0.625, "the value where a pooled figure is given")
    _equal(pooled[1], alone[1], "the estimate of a trial that is defined throughout")
    without = make().estimate(ScoreTable(table, {0: Estimate(None, reason="no positives")}))
    _equal(without[0].value, None, "the value where the pooled figure is undefined too")


CHECKS: tuple[Check, ...] = (
    positions_are_valid,
    train_and_valid_are_disjoint,
    groups_stay_whole,
    sites_stay_whole,
    what_validates_is_later,
    what_is_needed_is_asked_for,
    classes_keep_their_share,
    each_row_validates_once,
    spread_is_that_of_the_rows,
    replicates_are_numbered,
    the_stream_decides,
    fresh_replicates_are_whole_repeats,
    fresh_replicates_are_new,
    each_trial_is_estimated_by_itself,
    an_undefined_replicate_is_never_left_out,
)


def _needs(make: Make) -> tuple[str, ...]:
    return tuple(getattr(make(), "needs", ()))


def _outlines(make: Make) -> list[Outline]:
    regression = Outline(101, np.linspace(0.0, 1.0, 101), classification=False)
    return [_classes(make), _grouped(make), _furnished(make, regression), _furnished(make, Outline(50))]


def _classes(make: Make) -> Outline:
    """Three classes of 180, 90 and 30 rows, in mixed order; wholes, where they are needed, are 30 of equal make-up."""
    labels = stream(0, "labels").permutation(np.repeat(["a", "b", "c"], [180, 90, 30]))
    wholes = np.empty(300, dtype=np.int64)
    for label in "abc":
        (places,) = np.nonzero(labels == label)
        wholes[places] = np.arange(len(places)) * 30 // len(places)
    return _furnished(make, Outline(300, labels), wholes)


def _grouped(make: Make) -> Outline:
    """40 groups of 1 to 9 rows, two classes."""
    rng = stream(0, "groups")
    groups = np.repeat(np.arange(40), rng.integers(1, 10, 40))
    return _furnished(make, Outline(len(groups), rng.integers(0, 2, len(groups)), groups), groups // 2)


def _furnished(make: Make, outline: Outline, wholes: np.ndarray | None = None) -> Outline:
    """With what the protocol needs: groups or sites, and times, of which three rows each have the same."""
    needs, n = _needs(make), len(outline)
    found = np.arange(n) // 5 if wholes is None else wholes
    if "groups" in needs and outline.group_labels is None:
        outline = replace(outline, group_labels=found)
    if "site" in needs:
        outline = replace(outline, sites=found)
    if "time" in needs:  # in the order of the groups, where there are any, for else no earlier row is of another group
        time = np.arange(n) // 3
        time = stream(0, "times").permutation(time) if outline.group_labels is None else time
        outline = replace(outline, time=time)
    return outline


def _bound(make: Make, outline: Outline) -> Any:
    """The protocol as a study has it, which knows its data."""
    protocol = make()
    return protocol.bound({"rows": outline}) if hasattr(protocol, "bound") else protocol


def _plan(make: Make, outline: Outline) -> Sequence[Any]:
    return _bound(make, outline).plan({"rows": outline}, stream(0, "plan"))


def _content(replicates: Sequence[Replicate]) -> list[tuple[bytes, bytes]]:
    return [(np.asarray(r.train).tobytes(), np.asarray(r.valid).tobytes()) for r in replicates]


def _estimates(make: Make, scores: Mapping[int, Sequence[float | None]]) -> dict[int, Estimate]:
    return dict(make().estimate(ScoreTable(scores)))


def _equal(got: Any, expected: Any, what: str) -> None:
    if got != expected:
        raise AssertionError(f"{what}: got {str(got)[:200]}, expected {str(expected)[:200]}")


def _true(holds: Any, what: str) -> None:
    if not holds:
        raise AssertionError(what)
