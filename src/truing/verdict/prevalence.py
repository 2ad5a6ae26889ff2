"""The share that is really positive among new rows, from how many of them the delivered network calls so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from truing.errors import UsageError, short
from truing.statistics.score import binary
from truing.statistics.true_prevalence import Known, independent_rows, true_prevalence
from truing.verdict.evidence import Evidence

METHOD = "Rogan-Gladen estimate, Lang-Reiczigel interval"


def error_rates(evidence: Evidence, threshold: float | None) -> dict[str, Any]:
    """Sensitivity and specificity of the delivered network as it decides, and on how many rows they are known.

    `independent_rows` is fewer than `rows` where rows come in groups; the two are what `prevalence_of` needs.
    """
    found: dict[str, Any] = {"positive": None, "threshold": threshold, "sensitivity": None, "specificity": None}
    given = evidence.locked
    if not evidence.binary:
        return found | {"reason": "there is no positive class; positive= names one"}
    if isinstance(given, str):
        return found | {"reason": given}
    actual, decided, p = binary(given.truth, given.p[0], evidence.setting.task.positive)
    called = p >= threshold if threshold is not None else decided == 1
    ill = actual == 1
    if ill.all() or not ill.any():
        return found | {"reason": "all locked rows are of one side"}
    found |= {"positive": evidence.positive, "reason": None}
    for name, rows, right in (("sensitivity", ill, called), ("specificity", ~ill, ~called)):
        known = independent_rows(right[rows], None if given.units is None else given.units[rows])
        found[name] = {"value": float(right[rows].mean()), "rows": int(rows.sum()), "independent_rows": known}
    return found


def prevalence_of(verdict: Mapping[str, Any], positives: int, rows: int) -> dict[str, Any]:
    """What `Verdict.prevalence_of` gives.

    Raises:
        UsageError: counts that are none, or more positives than rows.
    """
    for name, count in (("positives", positives), ("rows", rows)):
        if isinstance(count, bool) or (not isinstance(count, int) and not hasattr(count, "__index__")):
            raise UsageError(f"{name}= is how many rows there are, such as 37; got {short(count)}.")
    positives, rows = int(positives), int(rows)
    if not 0 <= positives <= rows or rows == 0:
        raise UsageError(f"prevalence_of takes 0 to rows positives, of 1 row or more; got {positives} of {rows}.")
    rates = verdict.get("error_rates") or {"reason": "the verdict was made before Truing kept the error rates"}
    found: dict[str, Any] = {"apparent": positives / rows, "rows": rows, "value": None, "low": None, "high": None}
    found |= {"unclipped": None, "method": METHOD, "threshold": rates.get("threshold"), "note": None}
    if rates.get("reason") is not None:
        return found | {"reason": rates["reason"]}
    se, sp = (Known(rates[name]["value"], rates[name]["independent_rows"]) for name in ("sensitivity", "specificity"))
    made = true_prevalence(Known(positives / rows, rows), se, sp)
    if made.value is None:
        return found | {"reason": made.reason}
    clipped = min(1.0, max(0.0, made.value))
    if clipped != made.value:
        what = "fewer" if made.value < 0 else "more"
        found["note"] = (
            f"{what} rows are called positive than the network's own errors would make "
            f"{'without a single positive row' if made.value < 0 else 'if every row were positive'}: the formula gives "
            f"{made.value:.3g}, shown as {clipped:g}; these rows may not be like the locked ones"
        )
    return found | {
        "value": clipped, "low": made.low, "high": made.high, "unclipped": made.value, "reason": made.reason,
    }  # fmt: skip
