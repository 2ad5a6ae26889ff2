"""The wholes by which a protocol divides: the groups of the rows, or their sites."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from truing.data.outline import Outline
from truing.data.split import share_of_groups
from truing.errors import DataError, UsageError

BY = ("groups", "site")


def checked_by(by: object) -> None:
    """Raise UsageError unless `by` names what a protocol can go by."""
    if by not in BY:
        raise UsageError(f'by must be "groups" or "site", not {by!r}: they are those of tr.Data(..., groups=, site=).')


def codes(outline: Outline, by: str, protocol: str) -> np.ndarray:
    """The code, 0 to g-1, of each row's group or site.

    Raises:
        DataError: the data has none, or has groups that lie at several sites.

    >>> codes(Outline(3, sites=np.array(["b", "a", "b"])), "site", "GroupKFold").tolist()
    [1, 0, 1]
    """
    found = outline.group_codes if by == "groups" else outline.site_codes
    if found is None:
        kept = "tr.KFold(5), which needs none" if by == "groups" else 'by="groups"'
        known = "groups" if by == "groups" else "sites"
        raise DataError(
            f"{protocol} goes by {known}, and the data has none: give them as tr.Data(..., {by}=), or use {kept}."
        )
    groups = outline.group_codes
    if by == "site" and groups is not None and (split := _at_several(groups, found)):
        many = f"{split} group{' has' if split == 1 else 's have'} rows"
        raise DataError(
            f"{many} at more than one site, so a site cannot be kept apart from the others: "
            'use by="groups", or give sites that hold whole groups.'
        )
    return found


def wholes(by: str, count: int) -> str:
    """A number of them in words.

    >>> wholes("site", 4), wholes("groups", 1)
    ('4 sites', '1 group')
    """
    return f"{count} {'site' if by == 'site' else 'group'}{'s' * (count != 1)}"


def set_apart(
    outline: Outline, share: float, by: str, protocol: str, rng: Generator
) -> tuple[np.ndarray, np.ndarray, str] | None:
    """The rows to develop on, those to lock away and how, where whole sites are to be locked; None = as usual."""
    if by != "site":
        return None
    found = codes(outline, by, protocol)
    rows = share_of_groups(found, share, outline.strata, rng)
    count = len(np.unique(found[rows]))
    by_class = ", stratified by class" if outline.strata is not None else ""
    how = f"about {100 * share:.3g} % of the rows in {count} whole site{'s' * (count != 1)}{by_class}"
    return np.setdiff1d(np.arange(len(outline), dtype=np.int64), rows), rows, how


def of_locked_sites(outline: Outline) -> list[str]:
    """What a person should know where whole sites are locked: intervals go by rows."""
    if outline.sites_in_all is None or outline.sites is None:
        return []
    every = len(np.unique(outline.sites_in_all))
    locked = every - len(np.unique(outline.sites))
    if not locked:
        return []
    return [
        f"The locked test set is {locked} of {every} sites: its intervals are over the rows of "
        f"{'that site' if locked == 1 else 'those sites'} and say nothing of the luck of which sites they are."
    ]


def _at_several(groups: np.ndarray, sites: np.ndarray) -> int:
    """How many groups have rows at more than one site."""
    pairs = np.unique(np.stack([groups, sites]), axis=1)
    return int((np.bincount(pairs[0]) > 1).sum())
