"""What the delivered network did on the locked rows: confusion matrix, ROC and calibration, as tables and figures.

Pure functions of the truth and the kept predictions; what they give holds counts and curves, no row and no id.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from truing.report.columns import many as counted
from truing.report.facts import number
from truing.report.svg import Plot, Series, matrix
from truing.statistics.calibration import calibration, reliability
from truing.statistics.delivered import delivered
from truing.statistics.interval import Interval
from truing.statistics.roc import evenly, roc_curve
from truing.statistics.score import binary, predicted
from truing.verdict.calibration import DELIVERED

POINTS = 1000  # of a ROC curve; of more, as many evenly spread
CURVES = 5  # classes whose ROC curves are drawn; the table has them all
Table = list[dict[str, Any]]


@dataclass(frozen=True)
class Scored:
    """The delivered network's predictions for the locked rows.

    Args:
        truth: class codes (n,).
        p: probabilities (n, k).
        names: of the classes.
        positive: codes of the positive classes; None where none was named.
        groups: code of the group of each row (n,), or None.
        threshold: the probability from which on a row counts as positive; None = the rule of the metrics.
    """

    truth: np.ndarray
    p: np.ndarray
    names: tuple[str, ...]
    positive: tuple[int, ...] | None = None
    groups: np.ndarray | None = None
    threshold: float | None = None

    @property
    def sides(self) -> list[tuple[str, np.ndarray, np.ndarray]]:
        """What is told apart: a name, which rows are positive, and their probability. One, or one for each class."""
        if len(self.names) == 2 or self.positive is not None:
            codes = self.positive if self.positive is not None else (1,)
            actual, _, probability = binary(self.truth, self.p, self.positive)
            return [(" or ".join(self.names[c] for c in codes), actual == 1, probability)]
        return [(name, self.truth == code, self.p[:, code]) for code, name in enumerate(self.names)]

    @property
    def rows(self) -> str:
        many = f"{len(self.truth)} locked rows"
        return many if self.groups is None else f"{many} of {counted(len(np.unique(self.groups)), 'group')}"


def confusion(found: Scored) -> tuple[Table, str]:
    """Rows by actual and predicted class, and the figure of it."""
    k = len(found.names)
    names, truth = found.names, found.truth
    if found.threshold is not None and len(found.sides) == 1:
        own, actual, p = found.sides[0]
        called = p >= found.threshold
        if k == 2:
            code = (found.positive or (1,))[0]
            decided = np.where(called, code, 1 - code)
        else:  # one side against the other, as the threshold decides
            names, k, truth, decided = (f"not {own}", own), 2, actual.astype(np.int64), called.astype(np.int64)
    else:
        decided = predicted(found.p, found.positive)
    counts = np.bincount(truth * k + decided, minlength=k * k).reshape(k, k)
    table = [{"actual": names[i], "predicted": names[j], "rows": int(counts[i, j])} for i in range(k) for j in range(k)]
    right = int(np.trace(counts))
    title = f"The delivered network is right on {right} of {found.rows}"
    off = [(int(counts[i, j]), i, j) for i in range(k) for j in range(k) if i != j and counts[i, j]]
    most = max(off, default=None)
    said = f"{title}. One row of the matrix for each actual class, one column for each predicted class."
    if most is not None:
        said += f" The commonest mistake: {most[0]} of {names[most[1]]} taken for {names[most[2]]}."
    return table, matrix(title, said, counts.tolist(), names, across="predicted", up="actual")


def roc(found: Scored, told: Mapping[str, Any] | None = None) -> tuple[Table, Table, str] | str:
    """Points of the ROC curves, their areas with 95 % intervals, and the figure; or why there is none.

    A curve goes from (0, 0) to (1, 1) by falling threshold; points in the middle of a straight piece are left out, as
    scikit-learn's `roc_curve` does; thresholds have three decimals. Area: DeLong's interval, with groups the bootstrap
    of whole groups.

    Args:
        told: the verdict's `roc`. An interval that it has is taken from it: resampled anew it would have other ends.
    """
    points: Table = []
    areas: Table = []
    drawn: list[Series] = []
    for name, actual, p in found.sides:
        if actual.all() or not actual.any():
            why = f"all of the {found.rows} are {name}" if actual.all() else f"no locked row is {name}"
            if len(found.sides) == 1:
                return why
            areas.append({"class": name, **_ends(Interval(None, None, None, "", why))})
            continue
        far, tpr, at = roc_curve(actual, p)
        pair = np.stack([1 - p, p], axis=1)
        area = _stored(told, "auc") if len(found.sides) == 1 else None
        if area is None:
            area = delivered("roc_auc", actual.astype(np.int64), pair, rng=_rng(name), groups=found.groups)
        areas.append({"class": name, **_ends(area)})
        shown = evenly(len(far), POINTS)
        points += [
            {
                "class": name,
                "threshold": None if math.isinf(at[i]) else round(float(at[i]), 3),
                "false_positive_rate": float(far[i]),
                "true_positive_rate": float(tpr[i]),
            }
            for i in shown
        ]
        if len(drawn) < CURVES:
            drawn.append(
                Series(f"{name}: area {_interval(area)}", far[shown].tolist(), tpr[shown].tolist(), colour=len(drawn))
            )
    worded = "; ".join(s.name for s in drawn)
    if len(drawn) == 1:
        title = f"ROC curve of the delivered network: area {_interval_of(areas[0])}"
    else:
        title = "ROC curves of the delivered network, each class against the rest"
    said = (
        f"{title}, on {found.rows}. Share of the positive rows found against share of false alarms. "
        f"Areas with 95 % intervals: {worded}. The dashed diagonal is guessing."
    )
    figure = Plot(
        title,
        said,
        drawn,
        "false alarms: 1 - specificity",
        "found: sensitivity",
        xlim=(0.0, 1.0),
        ylim=(0.0, 1.0),
        diagonal=True,
        width=560,
        height=520 + 20 * (len(drawn) > 1) * len(drawn),
    )
    return points, areas, figure.svg()


def calibrated(found: Scored, told: Mapping[str, Any] | None = None) -> tuple[Table, Table, str] | str:
    """The reliability diagram in bins of equal size, slope and intercept, and the figure; or why there is none.

    With two classes, or `positive=`, of the positive side. With more, of the top probability: how often the class
    that the network names is right, against how sure it was.

    Args:
        told: the verdict's `calibration`. Intervals that it has are taken from it: resampled anew they would have other
            ends.
    """
    told = told if told is not None and told.get("on") == DELIVERED else None
    binary_ = len(found.sides) == 1
    if binary_:
        name, actual, p = found.sides[0]
        what, across, up = name, f"predicted probability of {name}", f"share that is {name}"
    else:
        chosen = found.p.argmax(axis=1)
        actual, p = chosen == found.truth, found.p.max(axis=1)
        what, across, up = "top class right", "probability of the class named", "share that is right"
    if len(p) == 0:
        return "there are no locked rows"
    table = _bins(actual, p, found.groups, told)
    slope_of, intercept_of = _stored(told, "slope"), _stored(told, "intercept")
    if slope_of is None or intercept_of is None:
        fit = calibration(actual, p, rng=_rng("calibration"), groups=found.groups)
        slope_of, intercept_of = fit.slope, fit.intercept
    figures = [
        {"figure": "slope", "of": what, **_ends(slope_of)},
        {"figure": "intercept", "of": what, **_ends(intercept_of)},
    ]
    slope = _interval(slope_of) if slope_of.value is not None else "undefined"
    title = f"Calibration of the delivered network: slope {slope}"
    said = (
        f"{title}, intercept {_interval(intercept_of)}, on {found.rows} ({what}). Observed share against mean "
        f"probability in {len(table)} bins of about equal size: "
        + "; ".join(f"{row['mean_probability']:.3f}: {row['share']:.3f} of {row['rows']}" for row in table)
        + ". On the dashed diagonal probabilities mean what they say."
    )
    series = Series(
        f"bins of about {len(p) // max(1, len(table))} rows, 95 % intervals",
        [row["mean_probability"] for row in table],
        [row["share"] for row in table],
        [row["low"] for row in table],
        [row["high"] for row in table],
        kind="dots",
    )
    figure = Plot(title, said, [series], across, up, (0.0, 1.0), (0.0, 1.0), diagonal=True, width=560, height=520)
    return table, figures, figure.svg()


def _bins(positive: np.ndarray, p: np.ndarray, groups: np.ndarray | None, told: Mapping[str, Any] | None) -> Table:
    """The bins of `reliability`, with the intervals of the verdict where it has the same bins."""
    made = reliability(positive, p, groups=groups, rng=_rng("bins"))
    known = (told or {}).get("bins") or []
    same = len(known) == len(made) and all(k["rows"] == b.rows for k, b in zip(known, made, strict=True))
    found: Table = []
    for place, bin_ in enumerate(made):
        share = bin_.share
        low, high = (known[place]["low"], known[place]["high"]) if same else (share.low, share.high)
        found.append(
            {
                "mean_probability": bin_.mean,
                "rows": bin_.rows,
                "share": share.value,
                "low": low,
                "high": high,
                "method": share.method,
                "reason": share.reason,
            }
        )
    return found


def _stored(told: Mapping[str, Any] | None, name: str) -> Interval | None:
    """A figure of the verdict; None where it has none."""
    found = (told or {}).get(name)
    if not isinstance(found, Mapping):
        return None
    return Interval(
        found.get("value"), found.get("low"), found.get("high"), found.get("method") or "", found.get("reason")
    )


def _ends(found: Interval) -> dict[str, Any]:
    return {
        "value": found.value,
        "low": found.low,
        "high": found.high,
        "method": found.method,
        "reason": found.reason,
    }


def _interval(found: Interval) -> str:
    if found.value is None:
        return f"undefined ({found.reason})"
    ends = "" if found.low is None or found.high is None else f" [{found.low:.3f}, {found.high:.3f}]"
    return f"{found.value:.3f}{ends}"


def _interval_of(row: dict[str, Any]) -> str:
    ends = "" if row["low"] is None else f" [{row['low']:.3f}, {row['high']:.3f}]"
    return f"{number(row['value']) if row['value'] is None else format(row['value'], '.3f')}{ends}"


def _rng(name: str) -> np.random.Generator:
    """The same resamples whenever the same report is written."""
    return np.random.default_rng([7, *name.encode()])
