"""Every registered validation passes the suite, and each check of the suite catches a broken one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from numpy.random import Generator
from sklearn import model_selection

from truing.data.outline import Outline
from truing.record.interfaces import Estimate, ScoreTable
from truing.record.trial import Replicate
from truing.registry import VALIDATIONS
from truing.testing import validations as suite
from truing.validation.grouped import GroupKFold
from truing.validation.holdout import Holdout
from truing.validation.kfold import KFold
from truing.validation.leave_one_group_out import LeaveOneGroupOut
from truing.validation.seeds import Seeds
from truing.validation.splitter import Splitter
from truing.validation.time_ordered import TimeOrdered

View = Mapping[str, Any]


class ByClassAndGroup:
    """A splitter as scikit-learn has them, for rows with and without classes and groups."""

    shuffle, random_state = True, None

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        return 5

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Any:
        kind = model_selection.KFold if y is None or y.dtype.kind == "f" else model_selection.StratifiedKFold
        if groups is not None:
            kind = model_selection.StratifiedGroupKFold
        return kind(5, shuffle=True, random_state=self.random_state).split(X, y, groups)


NEEDS = {"splitter": lambda: Splitter(ByClassAndGroup())}


@pytest.mark.parametrize("name", VALIDATIONS.names())
def test_registered_validation_conforms(name: str) -> None:
    suite.check_validation(NEEDS.get(name, VALIDATIONS.get(name)))


@pytest.mark.parametrize(
    "make",
    [
        lambda: KFold(2),
        lambda: KFold(10, repeats=2),
        lambda: Holdout(0.35, repeats=4),
        lambda: Seeds(1),
        lambda: GroupKFold(3, repeats=2),
        lambda: GroupKFold(5, by="site"),
        lambda: LeaveOneGroupOut(by="site"),
        lambda: TimeOrdered(2),
        lambda: TimeOrdered(4, gap=2),
        lambda: TimeOrdered(3, gap=1.5, window=4),
    ],
)
def test_other_settings_conform_too(make: Callable[[], Any]) -> None:
    suite.check_validation(make)


def edited(edit: Callable[[Replicate, Outline], Replicate]) -> type[KFold]:
    """A 5-fold whose replicates are changed by `edit`."""

    class Broken(KFold):
        def plan(self, data: View, rng: Generator) -> Sequence[Replicate]:
            outline = next(iter(data.values()))
            return [edit(found, outline) for found in super().plan(data, rng)]

    return Broken


def shifted(found: Replicate, outline: Outline) -> Replicate:
    assert found.valid is not None
    return replace(found, valid=found.valid + 1)


def overlapping(found: Replicate, outline: Outline) -> Replicate:
    return replace(found, train=np.arange(len(outline)))


def misnumbered(found: Replicate, outline: Outline) -> Replicate:
    return replace(found, index=found.index + 1)


class IgnoresGroups(KFold):
    def plan(self, data: View, rng: Generator) -> Sequence[Replicate]:
        return super().plan({n: Outline(len(o), o.labels) for n, o in data.items()}, rng)


class IgnoresClasses(KFold):
    def plan(self, data: View, rng: Generator) -> Sequence[Replicate]:
        bare = {n: Outline(len(o), None, o.group_labels) for n, o in data.items()}
        return super().plan(bare, rng)


class Resamples(Holdout):
    validates_each_row_once = True


class UnderstatesSpread(KFold):
    @property
    def spread(self) -> float:
        return 0.1


class DrawsGlobally(KFold):
    def plan(self, data: View, rng: Generator) -> Sequence[Replicate]:
        return super().plan(data, np.random.default_rng(np.random.randint(2**31)))  # noqa: NPY002


class CutsRepeats(KFold):
    def fresh(self, data: View, n: int, rng: Generator) -> Sequence[Replicate]:
        return super().fresh(data, n, rng)[:n]


class NeverFresh(KFold):
    def plan(self, data: View, rng: Generator) -> Sequence[Replicate]:
        return super().plan(data, np.random.default_rng(0))

    def fresh(self, data: View, n: int, rng: Generator) -> Sequence[Replicate]:
        return super().fresh(data, n, np.random.default_rng(0))


class ShrinksToOthers(KFold):
    def estimate(self, table: ScoreTable) -> Mapping[int, Estimate]:
        found = super().estimate(table)
        values = [e.value for e in found.values() if e.value is not None]
        centre = float(np.mean(values)) if values else 0.0
        return {t: e if e.value is None else Estimate(0.9 * e.value + 0.1 * centre) for t, e in found.items()}


class LeavesOutFolds(KFold):
    def estimate(self, table: ScoreTable) -> Mapping[int, Estimate]:
        return super().estimate(
            ScoreTable({t: [s for s in scores if s is not None] for t, scores in table.scores.items()})
        )


@dataclass(frozen=True)
class SeedsOverSplits(Seeds):
    """Says that replicates share nothing, and draws a split for each."""

    def plan(self, data: View, rng: Generator) -> Sequence[Replicate]:
        return Holdout(0.2, repeats=self.n).plan(data, rng)


@dataclass(frozen=True)
class IgnoresSites(GroupKFold):
    """Goes by wholes that are not the sites."""

    by: str = "site"

    def plan(self, data: View, rng: Generator) -> Sequence[Replicate]:
        return super().plan({n: replace(o, sites=np.arange(len(o)) % 7) for n, o in data.items()}, rng)


class CutsThroughTies(TimeOrdered):
    """As many rows in each part, whatever times they have: what TimeSeriesSplit does."""

    def _splits(self, outline: Outline) -> list[tuple[np.ndarray, np.ndarray]]:
        order = np.argsort(outline.time, kind="stable")
        pairs = model_selection.TimeSeriesSplit(self.folds).split(order)
        return [(np.sort(order[train]), np.sort(order[valid])) for train, valid in pairs]


@dataclass(frozen=True)
class ForgetsTheGap(TimeOrdered):
    """Says that it leaves a gap."""

    gap: Any = 3

    def _before(self, time: np.ndarray, begins: Any) -> np.ndarray:
        return time < begins


class TrainsOnTheFuture(TimeOrdered):
    def _splits(self, outline: Outline) -> list[tuple[np.ndarray, np.ndarray]]:
        return [(valid, train) for train, valid in super()._splits(outline)]


class ForgetsGroupsInTime(TimeOrdered):
    def _splits(self, outline: Outline) -> list[tuple[np.ndarray, np.ndarray]]:
        return super()._splits(replace(outline, group_labels=None))


class TakesRowsForGroups(GroupKFold):
    """Without groups each row is one."""

    def plan(self, data: View, rng: Generator) -> Sequence[Replicate]:
        given = {
            n: o if o.group_labels is not None else replace(o, group_labels=np.arange(len(o))) for n, o in data.items()
        }
        return super().plan(given, rng)


class TakesRowsForTimes(TimeOrdered):
    def _splits(self, outline: Outline) -> list[tuple[np.ndarray, np.ndarray]]:
        return super()._splits(outline if outline.time is not None else replace(outline, time=np.arange(len(outline))))


class SaysItIsFixed(KFold):
    @property
    def fixed(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("check", "broken"),
    [
        (suite.positions_are_valid, edited(shifted)),
        (suite.train_and_valid_are_disjoint, edited(overlapping)),
        (suite.groups_stay_whole, IgnoresGroups),
        (suite.groups_stay_whole, ForgetsGroupsInTime),
        (suite.sites_stay_whole, IgnoresSites),
        (suite.what_validates_is_later, CutsThroughTies),
        (suite.what_validates_is_later, ForgetsTheGap),
        (suite.what_validates_is_later, TrainsOnTheFuture),
        (suite.what_is_needed_is_asked_for, TakesRowsForGroups),
        (suite.what_is_needed_is_asked_for, TakesRowsForTimes),
        (suite.the_stream_decides, SaysItIsFixed),
        (suite.fresh_replicates_are_new, SaysItIsFixed),
        (suite.classes_keep_their_share, IgnoresClasses),
        (suite.each_row_validates_once, Resamples),
        (suite.spread_is_that_of_the_rows, UnderstatesSpread),
        (suite.spread_is_that_of_the_rows, SeedsOverSplits),
        (suite.replicates_are_numbered, edited(misnumbered)),
        (suite.the_stream_decides, DrawsGlobally),
        (suite.the_stream_decides, NeverFresh),
        (suite.fresh_replicates_are_whole_repeats, CutsRepeats),
        (suite.fresh_replicates_are_new, NeverFresh),
        (suite.each_trial_is_estimated_by_itself, ShrinksToOthers),
        (suite.an_undefined_replicate_is_never_left_out, LeavesOutFolds),
    ],
    ids=lambda value: value.__name__,
)
def test_check_catches_a_broken_validation(check: suite.Check, broken: suite.Make) -> None:
    with pytest.raises(AssertionError):
        check(broken)


def test_every_check_is_proved() -> None:
    marks = test_check_catches_a_broken_validation.pytestmark  # type: ignore[attr-defined]
    proved = {row[0] for row in marks[0].args[1]}

    assert proved == set(suite.CHECKS)
