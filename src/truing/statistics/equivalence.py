"""The region of practical equivalence: how large a difference has to be to matter, said before anything is seen."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from truing.errors import MetricError
from truing.statistics.metric import METRICS, Metric

SHARE = 0.01  # of the constant prediction's score, for losses
POINT = 0.01  # for metrics that end at 1


@dataclass(frozen=True)
class Region:
    """Half the width of the region about zero, in the metric's unit.

    Args:
        width: differences of at most so much do not matter.
        how: where it comes from, in words.
        given: it was given; False = the default.
    """

    width: float
    how: str
    given: bool = False

    def to_dict(self) -> dict[str, Any]:
        return {"value": self.width, "how": self.how, "given": self.given}


NONE = Region(0.0, "none")


def region(metric: Metric, base: float | None, given: Any = None) -> Region:
    """The region for a metric: as given, else 0.01 where 1 is the best score, else 1 % of the constant prediction's.

    One point of accuracy is the region that Benavoli et al. use (2017, JMLR 18:77, section 4.1). A loss has no such
    scale of its own; the constant prediction's loss is one that is known before the first trial. A metric of your own
    has none unless you give it: then nothing but 0 is equivalent.

    Args:
        base: the score of the constant prediction on the development rows; None where there is none.
        given: half the width, at least 0, in the metric's unit; None = the default.

    Raises:
        MetricError: no number, or a negative one.

    >>> from truing.statistics.metric import metric
    >>> region(metric("accuracy"), 0.6).width, region(metric("log_loss"), 0.69).width
    (0.01, 0.0069)
    >>> region(Metric("reward", goal="max"), None).how
    'a metric of your own has no region unless rope= gives one'
    """
    if given is not None:
        number = given.item() if hasattr(given, "item") and getattr(given, "ndim", 0) == 0 else given
        if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number < math.inf:
            raise MetricError(
                f"rope= takes the largest difference of {metric.name} that does not matter, a number of at least 0 "
                f"such as 0.01; got {given!r}."
            )
        return Region(float(number), "as given", True)
    known = METRICS.get(metric.name)
    if known is not None and known.goal == metric.goal == "max":
        return Region(POINT, "the default where the best score is 1")
    if metric.kind == "number" or base is None or not math.isfinite(base):
        return Region(0.0, "a metric of your own has no region unless rope= gives one")
    return Region(SHARE * abs(base), "1 % of what the constant prediction scores on the development rows")
