"""How the delivered network tells the classes apart on the locked rows: ROC curve and confusion matrix."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.random import Generator

from truing.statistics.delivered import delivered
from truing.statistics.roc import evenly, roc_curve
from truing.statistics.score import binary, predicted
from truing.verdict.evidence import Evidence
from truing.verdict.figures import interval_dict

POINTS = 101  # of the curve: enough to draw it, too few to tell a row's own probability
MOST_CLASSES = 30


def roc(evidence: Evidence, rng: Generator, threshold: float | None) -> dict[str, Any]:
    """The ROC curve of the positive class, its area with its interval, and where the decision stands on it.

    Returns:
        points: [share of negatives called positive, share of positives called so], from [0, 0] to [1, 1].
        decision: the point at which the network decides (the threshold's, or that of its own rule).
    """
    found: dict[str, Any] = {"points": [], "auc": None, "decision": None, "threshold": threshold, "reason": None}
    given = evidence.locked
    if not evidence.binary:
        return found | {"reason": "there is no positive class; positive= names one"}
    if isinstance(given, str):
        return found | {"reason": given}
    task = evidence.setting.task
    actual, decided, p = binary(given.truth, given.p[0], task.positive)
    if len(np.unique(actual)) < 2:
        return found | {"reason": "all locked rows are of one side"}
    area = delivered(
        "roc_auc", given.truth, given.p[0], rng=rng, positive=task.positive, groups=given.units, labels=task.classes
    )
    far, hit, _ = roc_curve(actual == 1, p)
    called = p >= threshold if threshold is not None else decided == 1
    return found | {
        "points": [[float(far[k]), float(hit[k])] for k in evenly(len(far), POINTS)],
        "auc": interval_dict(area),
        "decision": [float(called[actual == 0].mean()), float(called[actual == 1].mean())],
    }


def confusion(evidence: Evidence, threshold: float | None) -> dict[str, Any]:
    """Locked rows by class (rows of the matrix) and predicted class (columns), by the delivered network.

    With a threshold the sides are the positive and the negative classes, decided by it.
    """
    found: dict[str, Any] = {"classes": [], "counts": [], "threshold": threshold, "reason": None}
    given, task = evidence.locked, evidence.setting.task
    if task.classes is None:
        return found | {"reason": "a regression has no classes to confuse"}
    if isinstance(given, str):
        return found | {"reason": given}
    if threshold is not None:
        actual, _, p = binary(given.truth, given.p[0], task.positive)
        mine, others = set(task.positive or (1,)), range(len(task.classes))
        rest = [str(task.classes[code]) for code in others if code not in mine]
        names = [" or ".join(rest) if len(rest) < 4 else "the others",
                 " or ".join(str(task.classes[code]) for code in sorted(mine))]  # fmt: skip
        decided = (p >= threshold).astype(int)
    else:
        actual, decided = given.truth, predicted(given.p[0], task.positive)
        names = [str(label) for label in task.classes]
    if len(names) > MOST_CLASSES:
        return found | {"reason": f"there are {len(names)} classes, too many for a matrix"}
    counts = np.zeros((len(names), len(names)), dtype=int)
    np.add.at(counts, (actual, decided), 1)
    return found | {"classes": names, "counts": counts.tolist()}
