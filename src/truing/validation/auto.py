"""`validation="auto"`: the design that fits the rows, with the reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.random import Generator

from truing.data.data import Data
from truing.data.how_many import HowMany
from truing.data.outline import Outline
from truing.errors import DataError
from truing.record.interfaces import Estimate, ScoreTable
from truing.record.trial import Replicate
from truing.validation.grouped import GroupKFold
from truing.validation.holdout import Holdout
from truing.validation.kfold import KFold
from truing.validation.leave_one_group_out import LeaveOneGroupOut
from truing.validation.rows import knowing, only
from truing.validation.time_ordered import TimeOrdered

FEW = 300  # effective rows below which one division is not enough
CHEAP = 5_000  # rows up to which dividing five times is affordable
MANY = 20_000  # rows above which a holdout is enough
LONG = 3600.0  # seconds: of a run, above which a holdout is advised; of a search, above which fewer repeats are


def choose(outline: Outline) -> tuple[Any, str]:
    """The protocol for these rows, and why.

    In the order of time where rows have one, by groups where there are any; else by how many rows count (see
    `HowMany.effective`): below 300 five times 5-fold, up to 20,000 rows 5-fold, and above a holdout. The bounds are
    rules of thumb; that few rows want repeated divisions is Kim 2009, Computational Statistics & Data Analysis 53:3735.

    Raises:
        DataError: all rows are of one group, or there are fewer than two.

    >>> protocol, why = choose(Outline(240, np.repeat([0, 1], [60, 180])))
    >>> protocol.describe(), why
    ('5 x 5-fold', '240 rows, 60 of the rarest class: one division of so few is luck')
    """
    counts, without = HowMany.of(outline), ""
    if outline.time is not None:
        found, without = _ordered(outline)
        if found is not None:
            return found, "rows have times, and training must not see what comes after"
    if counts.groups is not None and counts.groups <= 5:
        return LeaveOneGroupOut(), f"{without}{counts}: so few groups validate one by one"
    few = counts.effective < FEW
    if not few and counts.rows > MANY:
        return Holdout(0.2), f"{without}{counts}: one holdout of so many is enough"
    repeats = 5 if few and counts.rows <= CHEAP else 1
    if few:
        why = "one division of so few is luck" if repeats > 1 else "too few for a holdout, too many rows to repeat it"
    else:
        why = "enough for one division into folds"
    if counts.groups is not None:
        return GroupKFold(5, repeats), f"{without}{counts}: {why}"
    return KFold(max(2, min(5, counts.rows)), repeats), f"{without}{counts}: {why}"


def _ordered(outline: Outline) -> tuple[TimeOrdered | None, str]:
    """The time-ordered design; where the rows do not allow it None, and why as a beginning of a reason."""
    different = 0 if outline.time is None else len(np.unique(outline.time))
    if different < 3:
        return None, f"rows have {different} time{'s' * (different != 1)} only; "
    found = TimeOrdered(min(5, different - 1))
    try:
        found.plan({"data": outline}, None)
    except DataError:  # groups that last from the first time to the last
        return None, "groups last too long to be kept apart in time; "
    return found, ""


@dataclass(frozen=True)
class Auto:
    """Chooses a design by the rows: by time where they have one, by groups where there are any, else by how many.

    It is then that design in everything; the reason is printed before the search and kept in the journal. How long a
    run takes is known only after the rehearsal, and changes nothing: it makes an advice.

    >>> Auto().bound({"data": Outline(1000)}).describe(), Auto().bound({"data": Outline(50_000)}).describe()
    ('5-fold', 'holdout 20 %')
    """

    _chosen: Any = field(default=None, init=False, repr=False, compare=False)
    because: str = field(default="", init=False, repr=False, compare=False)

    @property
    def block(self) -> int:
        """Runs of one whole repeat of the chosen design; 5 before it is bound to data."""
        return int(self._known.block)

    @property
    def spread(self) -> float:
        """n_valid / n_train of the chosen design."""
        return float(self._known.spread)

    @property
    def fixed(self) -> bool:
        """True when the chosen design keeps its splits in fresh runs."""
        return bool(getattr(self._known, "fixed", False))

    @property
    def rows_like(self) -> str | None:
        """On which rows its scores are; None = further rows like these."""
        return getattr(self._known, "rows_like", None)

    def bound(self, data: Mapping[str, Data | Outline]) -> Auto:
        """As the design that fits this data, with the reason."""
        chosen, because = choose(only(data, "Auto")[1])
        if hasattr(chosen, "bound"):
            chosen = chosen.bound(data)
        return knowing(self, _chosen=chosen, because=because)

    def set_apart(self, outline: Outline, share: float, rng: Generator) -> tuple[np.ndarray, np.ndarray, str] | None:
        """How a share of the rows is locked away: as the design for all of them does; None = as usual."""
        chosen = choose(outline)[0]
        return chosen.set_apart(outline, share, rng) if hasattr(chosen, "set_apart") else None

    def plan(self, data: Mapping[str, Data | Outline], rng: Generator) -> Sequence[Replicate]:
        """The replicates of the chosen design."""
        return self._for(data).plan(data, rng)

    def fresh(self, data: Mapping[str, Data | Outline], n: int, rng: Generator) -> Sequence[Replicate]:
        """At least `n` further replicates in whole repeats."""
        return self._for(data).fresh(data, n, rng)

    def estimate(self, table: ScoreTable) -> Mapping[int, Estimate]:
        """As the chosen design; see `mean_estimates`."""
        return self._known.estimate(table)

    def notes(self, data: Mapping[str, Data | Outline]) -> list[str]:
        """What a person should know about these splits of this data."""
        return list(self._for(data).notes(data))

    def advice(self, seconds: float | None, trials: int | None, workers: int) -> str:
        """What a person may want instead, now that the time of a run is known; empty = nothing.

        Args:
            seconds: of one run; None = not known.
            trials: how many there will be; None = not known.
        """
        repeats = getattr(self._known, "repeats", 1)
        if seconds is None:
            return ""
        if seconds > LONG and self.block > 1 and not self.fixed:
            return (
                f'Note: validation="auto" goes by the rows, not by time, and a run takes {seconds / 3600:.1f} h: '
                f"validation=tr.Holdout(0.2) would be one run a trial instead of {self.block * repeats}."
            )
        if repeats > 1 and trials is not None:
            whole = trials * self.block * repeats * seconds / max(1, workers)
            if whole > LONG:
                once = f"tr.{type(self._known).__name__}({self.block})"
                return (
                    f'Note: validation="auto" goes by the rows, not by time, and this search takes {whole / 3600:.1f} '
                    f"h: validation={once} would take {whole / repeats / 3600:.1f} h."
                )
        return ""

    def describe(self) -> str:
        """In words, as the chosen design."""
        return "auto" if self._chosen is None else str(self._chosen.describe())

    def to_dict(self) -> dict[str, Any]:
        """As plain values for the journal."""
        return {"name": "auto", "chosen": None if self._chosen is None else self._chosen.to_dict()}

    @property
    def _known(self) -> Any:
        return KFold(5) if self._chosen is None else self._chosen

    def _for(self, data: Mapping[str, Data | Outline]) -> Any:
        return self.bound(data)._chosen if self._chosen is None else self._chosen
