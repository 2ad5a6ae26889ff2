"""Any scikit-learn splitter, or pairs of (train, valid) rows, as a validation protocol."""

from __future__ import annotations

import hashlib
import math
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.random import Generator

from truing.data.data import Data
from truing.data.outline import Outline
from truing.errors import DataError, UsageError
from truing.record.interfaces import Estimate, ScoreTable
from truing.record.trial import Replicate
from truing.validation.mean import mean_estimates
from truing.validation.rows import locked_between, only

MOST = 2000  # splits of a trial
NOMINAL = 1000  # rows by which n_valid / n_train is told before there is data


@dataclass(frozen=True, eq=False)
class Splitter:
    """The splits of an object with scikit-learn's `split(X, y, groups)` and `get_n_splits`, or of given pairs.

    It is given labels and groups, and for X an array of as many rows without content. With `time=` in the Data a
    TimeSeriesSplit sees the rows in the order of time. `test_fold` of a PredefinedSplit and the positions of pairs
    count in the whole Data; rows that `test=` locks are left out.

    A fixed `random_state` names the splits of the search; fresh replicates are drawn with other states, from the
    study's own stream. Where it is None or a RandomState, all of them are. A splitter without randomness keeps its
    splits: fresh replicates then differ in their seed alone.

    Args:
        splitter: the object, or an iterable of (train, valid), each row positions or a mask.

    Raises:
        UsageError: it is neither.
        DataError: a given pair names a row twice, on one side or on both.

    >>> from sklearn.model_selection import ShuffleSplit
    >>> protocol = Splitter(ShuffleSplit(3, test_size=0.25, random_state=0))
    >>> [replicate.valid.size for replicate in protocol.plan({"data": Outline(8)}, np.random.default_rng(0))]
    [2, 2, 2]
    """

    splitter: Any = None
    _known: tuple[int, float] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if is_splitter(self.splitter):
            return
        given = self.splitter
        if given is None or isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
            raise UsageError(
                "validation= takes a scikit-learn splitter itself, such as ShuffleSplit(5), or pairs of (train, valid) "
                f"rows; got {given!r}."
            )
        object.__setattr__(self, "splitter", _Pairs(list(given)))

    # -- the protocol ------------------------------------------------------------------------------------------

    @property
    def block(self) -> int:
        """Runs of one whole repeat: the splits; of a repeated splitter those of one repeat; of a shuffle split 1."""
        return self._known[0] if self._known is not None else self._nominal()[0]

    @property
    def spread(self) -> float:
        """n_valid / n_train over the splits; 0 where there is one for all, so that runs differ in their seed alone."""
        return self._known[1] if self._known is not None else self._nominal()[1]

    @property
    def fixed(self) -> bool:
        """True when the splitter has no randomness, so that fresh replicates have the splits of the search."""
        return not self._random

    def bound(self, data: Mapping[str, Data | Outline]) -> Splitter:
        """The same for this data: `block` and `spread` are then those of its rows."""
        splits = self._splits(only(data, self._name)[1], deepcopy(self._seeded(None)))
        return replace(self, _known=self._sizes(splits))

    def plan(self, data: Mapping[str, Data | Outline], rng: Generator) -> Sequence[Replicate]:
        """One replicate a split, in the splitter's order.

        Raises:
            DataError: the splitter refuses the rows, or a split has no rows on a side, or rows or a group on both.
        """
        name, outline = only(data, self._name)
        seed = None if self._named else _seed(rng)
        splits = list(self._splits(outline, self._seeded(seed)))
        return _replicates(splits, self._sizes(splits)[0], name)

    def fresh(self, data: Mapping[str, Data | Outline], n: int, rng: Generator) -> Sequence[Replicate]:
        """At least `n` further replicates in whole repeats, numbered from 0: other splits where there is randomness."""
        name, outline = only(data, self._name)
        splits = list(self._splits(outline, self._seeded(_seed(rng))))
        block = self._sizes(splits)[0]
        wanted = math.ceil(n / block) * block
        while len(splits) < wanted:
            splits += self._splits(outline, self._seeded(_seed(rng)))
        return _replicates(splits[:wanted], block, name)

    def estimate(self, table: ScoreTable) -> Mapping[int, Estimate]:
        """Mean over the splits; see `mean_estimates`."""
        return mean_estimates(table)

    def notes(self, data: Mapping[str, Data | Outline]) -> list[str]:
        """What a person should know about these splits of this data."""
        outline = only(data, self._name)[1]
        found = []
        if self.fixed:
            found.append(
                f"{self._name} has no randomness, so the verdict's fresh runs keep its splits and differ in their "
                "seeds alone: the luck of these splits stays in the figures."
            )
        elif self._named:
            found.append(
                f"random_state={self.splitter.random_state} of {self._name} names the splits of the search; the "
                "verdict's fresh runs draw others."
            )
        elif isinstance(getattr(self.splitter, "random_state", None), np.random.RandomState):
            found.append(
                f"{self._name} is seeded from the study's seed, for a RandomState gives other splits each time."
            )
        if self._is("TimeSeriesSplit"):
            if outline.time is None:
                found.append(
                    "TimeSeriesSplit takes the rows to be in the order of time: Data(..., time=) would say it."
                )
            if locked_between(outline):
                found.append(
                    "Locked test rows lie between the others in time, so training sees rows that come after them: "
                    "give the last rows as test=."
                )
        if isinstance(self.splitter, _Pairs) and outline.places is not None:
            lost = self.splitter.rows - len(np.intersect1d(self.splitter.all_rows, outline.places))
            if lost:
                found.append(f"{lost} rows of the given splits are locked by test= and left out of them.")
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            list(self._splits(outline, deepcopy(self._seeded(None)), quiet=False))
        return found + [f"{self._name}: {warning.message}" for warning in caught if warning.category is UserWarning]

    def describe(self) -> str:
        """In words.

        >>> from sklearn.model_selection import TimeSeriesSplit
        >>> Splitter(TimeSeriesSplit(4)).describe(), Splitter([([0, 1], [2]), ([1, 2], [0])]).describe()
        ('TimeSeriesSplit, 4 splits', '2 given splits')
        """
        if isinstance(self.splitter, _Pairs):
            return f"{len(self.splitter.pairs)} given split{'s' * (len(self.splitter.pairs) != 1)}"
        if self._known is None:
            try:
                count = int(self.splitter.get_n_splits())
            except Exception:  # which needs to see the rows
                return self._name
        else:
            repeats = getattr(self.splitter, "n_repeats", 1)
            shuffles = getattr(self.splitter, "n_splits", 1) if self._resamples else 1
            count = self._known[0] * repeats * shuffles
        return f"{self._name}, {count} split{'s' * (count != 1)}"

    def to_dict(self) -> dict[str, Any]:
        """As plain values for the journal; row positions only as their digest."""
        if isinstance(self.splitter, _Pairs):
            return {"name": "splitter", "splitter": "pairs", "rows": self.splitter.digest}
        settings = {str(key): _plain(value) for key, value in sorted(vars(self.splitter).items())}
        return {"name": "splitter", "splitter": self._name, "settings": settings}

    # -- inside ------------------------------------------------------------------------------------------------

    @property
    def _name(self) -> str:
        return "validation=" if isinstance(self.splitter, _Pairs) else type(self.splitter).__name__

    @property
    def _random(self) -> bool:
        return hasattr(self.splitter, "random_state") and bool(getattr(self.splitter, "shuffle", True))

    @property
    def _named(self) -> bool:
        """True when a fixed number names its splits."""
        state = getattr(self.splitter, "random_state", None)
        return self._random and state is not None and not isinstance(state, np.random.RandomState | Generator)

    @property
    def _resamples(self) -> bool:
        return self._is("BaseShuffleSplit")

    def _is(self, name: str) -> bool:
        return any(base.__name__ == name for base in type(self.splitter).__mro__)

    def _seeded(self, seed: int | None) -> Any:
        """The splitter itself, or a copy with that state where it has any randomness."""
        if not self._random or (seed is None and self._named):
            return self.splitter
        copied = deepcopy(self.splitter)
        copied.random_state = 0 if seed is None else seed
        return copied

    def _splits(
        self, outline: Outline, splitter: Any, *, quiet: bool = True
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Checked pairs of positions in the outline."""
        order = np.arange(len(outline))
        if self._is("TimeSeriesSplit") and outline.time is not None:
            order = np.argsort(outline.time, kind="stable")
        try:
            with warnings.catch_warnings():
                if quiet:
                    warnings.simplefilter("ignore", UserWarning)
                found = _from(splitter, outline, order)
        except (DataError, UsageError):
            raise
        except Exception as error:
            if outline.group_labels is None and "groups" in str(error):
                raise DataError(f"{self._name} goes by groups: give them as Data(..., groups=).") from None
            raise DataError(f"{self._name} cannot split these {len(outline)} rows: {error}") from error
        if not found:
            raise DataError(f"{self._name} gives no split at all.")
        codes = outline.group_codes
        for number, (train, valid) in enumerate(found):
            _check(f"Split {number} of {self._name}", train, valid, outline, codes)
        return iter(found)

    def _sizes(self, splits: Iterable[tuple[np.ndarray, np.ndarray]]) -> tuple[int, float]:
        counts = [(len(train), len(valid)) for train, valid in splits]
        repeats = int(getattr(self.splitter, "n_repeats", 1)) if self._is("_RepeatedSplits") else 1
        block = 1 if self._resamples else len(counts) // repeats
        if self.fixed and len(counts) == 1:
            return 1, 0.0
        return block, sum(v for _, v in counts) / sum(t for t, _ in counts)

    def _nominal(self) -> tuple[int, float]:
        """Block and spread for a thousand rows of two classes in a hundred groups."""
        if isinstance(self.splitter, _Pairs):
            return self._sizes(self.splitter.pairs)
        n = len(self.splitter.test_fold) if hasattr(self.splitter, "test_fold") else NOMINAL
        outline = Outline(n, np.arange(n) // 100 % 2, np.arange(n) // 10)
        order = np.arange(n)
        return self._sizes(_from(deepcopy(self._seeded(None)), outline, order))


def is_splitter(given: Any) -> bool:
    """True for an object that splits as scikit-learn's do."""
    if isinstance(given, type):
        return False
    return isinstance(given, _Pairs) or all(callable(getattr(given, name, None)) for name in ("split", "get_n_splits"))


class _Pairs:
    """Given pairs of (train, valid) positions in the whole Data."""

    def __init__(self, given: Sequence[Any]) -> None:
        self.pairs = []
        for number, pair in enumerate(given):
            if not isinstance(pair, Sequence | np.ndarray) or len(pair) != 2:
                raise UsageError(f"validation= takes pairs of (train, valid) rows, and item {number} is no pair.")
            train, valid = _positions(pair[0], number), _positions(pair[1], number)
            _check_rows(f"Split {number} of validation=", train, valid)  # of all rows, whichever test= locks
            self.pairs.append((train, valid))
        if not self.pairs:
            raise UsageError("validation= takes pairs of (train, valid) rows, and there is none.")

    @property
    def all_rows(self) -> np.ndarray:
        return np.unique(np.concatenate([rows for pair in self.pairs for rows in pair]))

    @property
    def rows(self) -> int:
        return len(self.all_rows)

    @property
    def digest(self) -> str:
        found = hashlib.sha256()
        for pair in self.pairs:
            for rows in pair:
                found.update(f"{len(rows)},".encode() + rows.tobytes())
        return found.hexdigest()


def _positions(given: Any, number: int) -> np.ndarray:
    rows = np.asarray(given)
    if rows.dtype == bool:
        rows = np.flatnonzero(rows)
    if rows.ndim != 1 or (rows.size and rows.dtype.kind not in "iu"):
        raise UsageError(f"Split {number} of validation= has rows of {rows.dtype}: give row positions or a mask.")
    return rows.astype(np.int64)


def _from(splitter: Any, outline: Outline, order: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    if isinstance(splitter, _Pairs):
        found = [(_inside(a, outline), _inside(b, outline)) for a, b in splitter.pairs]
        if outline.groups_in_all is not None:  # of all rows: what test= happens to lock makes no pair proper
            for number, (train, valid) in enumerate(splitter.pairs):
                _check_groups(f"Split {number} of validation=", outline.groups_in_all, train, valid)
        return found
    if hasattr(splitter, "test_fold") and outline.places is not None:
        splitter = type(splitter)(np.asarray(splitter.test_fold)[outline.places])
    n = len(outline)
    labels = None if outline.labels is None else outline.labels[order]
    groups = None if outline.group_labels is None else outline.group_labels[order]
    count = int(splitter.get_n_splits(np.zeros((n, 1), dtype=np.int8), labels, groups))
    if count > MOST:
        raise DataError(
            f"{type(splitter).__name__} makes {count} runs of each trial: use tr.KFold(10), or fewer splits."
        )
    pairs = splitter.split(np.zeros((n, 1), dtype=np.int8), labels, groups)
    return [(np.sort(order[a]).astype(np.int64), np.sort(order[b]).astype(np.int64)) for a, b in pairs]


def _inside(rows: np.ndarray, outline: Outline) -> np.ndarray:
    """Positions in the whole Data as positions in the outline, without those that are not in it."""
    n = len(outline) if outline.n_in_all is None else outline.n_in_all
    if rows.size and (rows.min() < 0 or rows.max() >= n):
        raise DataError(f"validation= names row {rows[(rows < 0) | (rows >= n)][0]}, but rows go from 0 to {n - 1}.")
    if outline.places is None:
        return rows
    place = np.full(n, -1, dtype=np.int64)
    place[outline.places] = np.arange(len(outline))
    return place[rows][place[rows] >= 0]


def _check(what: str, train: np.ndarray, valid: np.ndarray, outline: Outline, codes: np.ndarray | None) -> None:
    for side, rows in (("train on", train), ("validate on", valid)):
        if not len(rows):
            raise DataError(f"{what} has no rows to {side}: use other splits, or a smaller test=.")
        if rows.min() < 0 or rows.max() >= len(outline):
            raise DataError(f"{what} names row {rows.max()}, but the development rows go from 0 to {len(outline) - 1}.")
    _check_rows(what, train, valid)
    if codes is not None:
        _check_groups(what, codes, train, valid)


def _check_rows(what: str, train: np.ndarray, valid: np.ndarray) -> None:
    """Raise DataError where a row is named twice, on one side or on both."""
    for side, rows in (("train on", train), ("validate on", valid)):
        if len(np.unique(rows)) < len(rows):
            raise DataError(f"{what} has a row twice among those to {side}: name each row once.")
    both = np.intersect1d(train, valid)
    if both.size:
        raise DataError(f"{what} trains on {both.size} of the rows that it validates on: keep them apart.")


def _check_groups(what: str, groups: np.ndarray, train: np.ndarray, valid: np.ndarray) -> None:
    """Raise DataError where a group has rows on both sides."""
    if (shared := np.intersect1d(groups[train], groups[valid])).size:
        what_groups = f"{shared.size} group{'s' * (shared.size != 1)}"
        raise DataError(
            f"{what} has rows of {what_groups} on both sides: use a splitter that goes by groups, such as "
            "StratifiedGroupKFold or tr.KFold, or give no groups=."
        )


def _replicates(splits: Sequence[tuple[np.ndarray, np.ndarray]], block: int, name: str) -> list[Replicate]:
    return [
        Replicate(i, train, valid, repeat=i // block, fold=i % block, dataset=name)
        for i, (train, valid) in enumerate(splits)
    ]


def _seed(rng: Generator) -> int:
    return int(rng.integers(2**31 - 1))


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        return hashlib.sha256(f"{value.dtype}{value.shape}".encode() + value.tobytes()).hexdigest()
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value.__name__ if isinstance(value, type) else type(value).__name__
