"""`test="auto"`: how large a share of the rows is worth locking away."""

from __future__ import annotations

import math

from truing.data.how_many import HowMany

USUAL, MOST = 0.2, 0.3  # shares of the rows
ROWS, EVENTS, GROUPS = 100, 30, 5  # on the locked side, below which the verdict warns
JUDGES = "study.evaluate(tr.Nested(5)) judges on every row"
ENOUGH = 20_000  # locked rows: accuracy is then known to within 0.7 points


def auto_share(counts: HowMany) -> tuple[float | None, str]:
    """The share to lock away, or None for no locked test, and why.

    A fifth of the rows, or up to 30 % where less would be below what an interval needs: 100 rows, 30 of the rarer of
    two classes, five groups. Where 30 % is below it too nothing is locked: all rows then serve validation, and the
    claim rests on the fresh runs. Above 100,000 rows 20,000 are locked.

    >>> auto_share(HowMany(2000, None, 2, 900))
    (0.2, '2,000 rows, 900 of the rarest class: a fifth is at least 100 rows, 30 of each class')
    >>> auto_share(HowMany(120, None, 2, 100))[0], auto_share(HowMany(400))[0], auto_share(HowMany(1_000_000))[0]
    (None, 0.25, 0.02)
    """
    two = counts.classes == 2 and counts.rarest is not None
    spare = 1.0 if counts.groups is None else 1.1  # whole groups do not meet a share exactly
    needs = {f"{ROWS} rows": min(ROWS / counts.rows * spare, max(MOST, ROWS / counts.rows))}
    if two and counts.rarest is not None:
        needs[f"{EVENTS} of each class"] = EVENTS / counts.rarest
    if counts.groups is not None:
        needs[f"{GROUPS} groups"] = GROUPS / counts.groups
    lacking = [need for need, share in needs.items() if share > MOST + 1e-12]
    if lacking:
        why = f"{counts}: not even {100 * MOST:.0f} % is {' and '.join(lacking)}"
        return None, f"{why}; the claim rests on fresh runs, and {JUDGES}"
    if counts.rows * USUAL > ENOUGH and max(needs.values()) <= ENOUGH / counts.rows:
        return ENOUGH / counts.rows, f"{counts}: {ENOUGH:,} locked ones leave little to the luck of which they are"
    share = min(MOST, math.ceil(100 * max(USUAL, *needs.values()) - 1e-9) / 100)
    part = "a fifth" if share == USUAL else f"{100 * share:.0f} %"
    return share, f"{counts}: {part} is at least {', '.join(needs)}"
