"""How much the rows of a Data say: how many there are, of how many groups, and of the rarest class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from truing.data.outline import Outline


@dataclass(frozen=True)
class HowMany:
    """Counts of an outline.

    Args:
        rows: how many there are.
        groups: how many groups they are of; None without groups.
        classes: how many classes; None where y are no classes.
        rarest: rows of the rarest class; None where y are no classes.
    """

    rows: int
    groups: int | None = None
    classes: int | None = None
    rarest: int | None = None

    @classmethod
    def of(cls, outline: Outline) -> HowMany:
        """Counted.

        >>> HowMany.of(Outline(4, np.array(["a", "b", "b", "b"]), np.array([1, 1, 2, 2])))
        HowMany(rows=4, groups=2, classes=2, rarest=1)
        """
        groups, strata = outline.group_codes, outline.strata
        counts = None if strata is None else np.bincount(strata)
        return cls(
            len(outline),
            None if groups is None else int(groups.max()) + 1,
            None if counts is None else len(counts),
            None if counts is None else int(counts.min()),
        )

    @property
    def effective(self) -> int:
        """Rows that count: no more than there are groups, and as many as if every class were as rare as the rarest.

        >>> HowMany(240, None, 2, 60).effective, HowMany(5000, 40).effective
        (120, 40)
        """
        found = [self.rows]
        found += [] if self.groups is None else [self.groups]
        found += [] if self.rarest is None or self.classes is None else [self.rarest * self.classes]
        return min(found)

    def __str__(self) -> str:
        """In words.

        >>> str(HowMany(2400, 40, 2, 60)), str(HowMany(1))
        ('2,400 rows of 40 groups, 60 of the rarest class', '1 row')
        """
        text = f"{self.rows:,} row{'s' * (self.rows != 1)}"
        if self.groups is not None:
            text += f" of {self.groups:,} group{'s' * (self.groups != 1)}"
        return text if self.rarest is None else f"{text}, {self.rarest:,} of the rarest class"
