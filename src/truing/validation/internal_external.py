"""Internal-external validation: one site left out at a time, the whole tuning repeated on the others."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.random import Generator

from truing.data.labels import column
from truing.data.outline import Outline
from truing.errors import DataError
from truing.record.procedure import Part, Tuned
from truing.record.task import Task
from truing.statistics.metric import Metric
from truing.statistics.sites import FEW, new_site
from truing.validation.parts import Scored, agreement, each, head, interval_dict
from truing.validation.rows import inner_trials

LONGEST = 40  # characters of a site's name
SCARCE = 10  # rows of a class, below which a site's sensitivity or specificity says little
SHOWN = 5  # names of sites in a sentence


@dataclass(frozen=True, eq=False)
class InternalExternal:
    """`study.evaluate(tr.InternalExternal())`: how a site that took no part would fare.

    Each site in turn is left out; search, race and selection are done anew on the others, and what they select is
    trained three times on all their rows, beside the defaults, and scored on the site's. Per site: the score with an
    interval over its rows, and the paired difference to the defaults; over the sites: the mean, all rows pooled, and
    the range in which the score of one more site lies (`statistics/sites.py`). (Steyerberg & Harrell 2016, J Clin
    Epidemiol 69:245; Debray et al. 2013, Stat Med 32:3158.)

    Rows of a group that has rows at the site left out are left out as well.

    Args:
        site: where each row of the Data is from, (n,); None = `Data(site=)`, else its groups.
        trials: of each inner study; None = as many as the study has.

    Raises:
        UsageError: trials out of range.

    >>> rows = Outline(6, sites=np.array(["a", "a", "b", "b", "c", "c"]))
    >>> [(part.name, part.train.tolist()) for part in InternalExternal().plan(rows, np.random.default_rng(0))][0]
    ('a', [2, 3, 4, 5])
    """

    site: Any = None
    trials: int | None = None
    _sites: np.ndarray | None = field(default=None, init=False, repr=False)

    name = "internal-external"
    refits = 3
    overlaps = False

    def __post_init__(self) -> None:
        inner_trials(self.trials, "InternalExternal(trials=20)")
        if self.site is not None:
            object.__setattr__(self, "_sites", column(self.site, "site"))

    def plan(self, rows: Outline, rng: Generator) -> Sequence[Part]:
        """One part a site, in the order of their names.

        Raises:
            DataError: no sites, fewer than two, as many names as rows, or a site that leaves nothing to tune on.
        """
        sites = self.sites_of(rows)
        names = np.unique(sites)
        if len(names) < 2:
            raise DataError(f"All rows are of one site, {names[0]!r}: InternalExternal needs two, or use tr.Nested(5).")
        if len(names) == len(rows):
            raise DataError("Each row is a site of its own: give coarser sites as tr.InternalExternal(site=...).")
        parts = []
        for number, name in enumerate(names.tolist(), 1):
            here = sites == name
            there = ~here
            if rows.group_labels is not None:
                there &= ~np.isin(rows.group_labels, np.unique(rows.group_labels[here]))
            if not there.any():
                raise DataError(f"Without the site {name!r} and the groups it has rows of, no row is left to tune on.")
            parts.append(
                Part(_shown(name), f"site-{number}-of-{len(names)}", np.flatnonzero(there), np.flatnonzero(here))
            )
        return parts

    def sites_of(self, rows: Outline) -> np.ndarray:
        """The site of each of the rows."""
        if self._sites is not None:
            n = rows.n if rows.n_in_all is None else rows.n_in_all
            if len(self._sites) != n:
                raise DataError(f"site= has {len(self._sites)} values for {n} rows: give one for each row of the Data.")
            return self._sites if rows.places is None else self._sites[rows.places]
        found = rows.sites if rows.sites is not None else rows.group_labels
        if found is None:
            raise DataError(
                "There are no sites to leave out: give them as tr.Data(..., site=) or InternalExternal(site=)."
            )
        return found

    def notes(self, rows: Outline) -> list[str]:
        """What a person should know of these sites before it starts."""
        found = []
        if self._sites is None and rows.sites is None:
            found.append("There is no site=, so each group is taken as a site; tr.Data(..., site=) names the sites.")
        sites = self.sites_of(rows)
        if locked := self._locked(rows):
            names = ", ".join(locked[:SHOWN]) + f" and {len(locked) - SHOWN} more" * (len(locked) > SHOWN)
            many, be, take = ("1 site", "is", "takes") if len(locked) == 1 else (f"{len(locked)} sites", "are", "take")
            found.append(f"{many}, {names}, {be} locked in the test set and {take} no part; test=None uses all.")
        if rows.group_labels is not None:
            pairs = {(str(a), str(b)) for a, b in zip(sites.tolist(), rows.group_labels.tolist(), strict=True)}
            several = len(pairs) - len(np.unique(rows.group_labels))
            if several and self._by_group(rows) is not None:
                found.append(
                    "Some groups have rows at several sites: with one of these left out they are left out too."
                )
        if rows.strata is not None and rows.labels is not None:
            scarce = []
            for name in np.unique(sites).tolist():
                labels, counts = np.unique(rows.labels[sites == name], return_counts=True)
                if len(labels) == 1:
                    found.append(f"The site {name!r} has only rows of the class {labels.tolist()[0]!r}.")
                least = int(counts.argmin())
                if len(labels) > 1 and counts[least] < SCARCE:
                    scarce.append(f"{_shown(name)} ({counts[least]} of {_shown(labels[least])})")
            if scarce:
                listed = ", ".join(scarce[:SHOWN]) + f" and {len(scarce) - SHOWN} more" * (len(scarce) > SHOWN)
                found.append(
                    f"Fewer than {SCARCE} of a class at: {listed}. Figures of that class there hang on few rows, and "
                    "the mean over sites counts them like the others."
                )
        few = len(np.unique(sites))
        if few < FEW:
            found.append(f"Only {few} sites: the range for a new one is descriptive.")
        return found

    def _locked(self, rows: Outline) -> list[str]:
        """The sites all of whose rows are locked."""
        every = self._sites
        if every is None:
            every = rows.sites_in_all if rows.sites is not None else rows.groups_in_all
        return [] if every is None else [_shown(name) for name in np.setdiff1d(every, self.sites_of(rows)).tolist()]

    def _by_group(self, rows: Outline) -> np.ndarray | None:
        """The groups by which rows within a site resemble each other; None where the groups are the sites."""
        groups = rows.group_labels
        if groups is None or (self._sites is None and rows.sites is None):
            return None
        sites = self.sites_of(rows)
        one_each = all(len(np.unique(groups[sites == name])) == 1 for name in np.unique(sites))
        return None if one_each else groups

    def estimate(
        self,
        task: Task,
        rows: Outline,
        truth: np.ndarray,
        parts: Sequence[Part],
        tuned: Sequence[Tuned],
        rng: Generator,
    ) -> dict[str, Any]:
        """Per site, pooled, the mean over sites and the range for a new one."""
        scored = Scored(task, truth, parts, tuned, rows.group_labels, "site")

        def entry(metric: Metric) -> dict[str, Any]:
            found = scored.entry(metric, rng)
            scores = [one.value for one in scored.column(metric, "selected")]
            sizes = [len(part.test) for part in parts]
            reach = new_site(scores, (metric.low, metric.high), rows=sizes, spread=scored.spread)
            return found | {"range": interval_dict(reach)}

        metrics = each(task, entry)
        return {
            **head(task, metrics),
            "estimand": (
                f"the {task.primary.name}, at a site that took no part, of what this whole tuning delivers when it is "
                f"given the rows of {len(parts) - 1} other sites"
            ),
            "range": metrics[task.primary.name]["range"],
            "metrics": metrics,
            "parts": [
                part | {"classes": counts}
                for part, counts in zip(
                    scored.rows(rng, intervals=True, within=self._by_group(rows)),
                    _counts(task, truth, parts),
                    strict=True,
                )
            ],
            "agreement": agreement(tuned),
        }

    def describe(self) -> str:
        """In words."""
        return "internal-external, one site left out at a time"

    def to_dict(self) -> dict[str, Any]:
        """As plain values for the journal; given sites by their digest, for reports hold no rows."""
        found: dict[str, Any] = {"name": self.name}
        if self._sites is not None:
            found["site"] = hashlib.sha256(repr(self._sites.tolist()).encode()).hexdigest()[:16]
        return found


def _counts(task: Task, truth: np.ndarray, parts: Sequence[Part]) -> list[dict[str, int] | None]:
    """Rows of each class that score each part; None where there are no classes."""
    if task.classes is None:
        return [None] * len(parts)
    return [{str(c): int((truth[part.test] == code).sum()) for code, c in enumerate(task.classes)} for part in parts]


def _shown(name: Any) -> str:
    """A site's name on one line of a table.

    >>> _shown("St. Mary\\nNorth")
    'St. Mary North'
    """
    text = " ".join("".join(c if c.isprintable() else " " for c in str(name)).split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
