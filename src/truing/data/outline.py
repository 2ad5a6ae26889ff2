"""What a validation protocol gets to see of the rows: labels, groups and how many; never x."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Outline:
    """The rows of a Data as far as a split needs them.

    Args:
        n: number of rows.
        labels: array (n,) or None.
        group_labels: array (n,) or None; rows of one group never part.
        classification: True when `labels` are classes and splits are to be stratified by them.
        groups_in_all: the groups (n of all,) of the Data that these rows were taken from, for messages; or None.
        time: when each row was taken (n,), or None.
        time_in_all: the same of the Data that these rows were taken from, or None.
        places: positions (n,) of these rows in the Data that they were taken from; None = they are all of it.
        n_in_all: how many rows that Data has; None = n.
        sites: where each row is from (n,), or None; it divides nothing but what goes by sites.
        sites_in_all: the same of the Data that these rows were taken from, or None.

    >>> len(Outline(3, np.array([0, 1, 1])))
    3
    """

    n: int
    labels: np.ndarray | None = None
    group_labels: np.ndarray | None = None
    classification: bool = True
    groups_in_all: np.ndarray | None = None
    time: np.ndarray | None = None
    time_in_all: np.ndarray | None = None
    places: np.ndarray | None = None
    n_in_all: int | None = None
    sites: np.ndarray | None = None
    sites_in_all: np.ndarray | None = None

    def __len__(self) -> int:
        return self.n

    @property
    def strata(self) -> np.ndarray | None:
        """Class codes (n,) by which to stratify, or None where there are no classes."""
        if not self.classification or self.labels is None:
            return None
        return np.unique(self.labels, return_inverse=True)[1].reshape(-1)

    @property
    def group_codes(self) -> np.ndarray | None:
        """Group codes (n,), or None without groups."""
        return _codes(self.group_labels)

    @property
    def site_codes(self) -> np.ndarray | None:
        """Site codes (n,), or None where the sites are not known."""
        return _codes(self.sites)


def _codes(values: np.ndarray | None) -> np.ndarray | None:
    return None if values is None else np.unique(values, return_inverse=True)[1].reshape(-1)
