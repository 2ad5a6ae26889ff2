"""What many studies say together, with standard errors by kind."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

BANDS = ("120-199", "200-449", "450-1,000")
WORTH = 0.02  # a true gain that one would want to be told of
Study = Mapping[str, Any]


@dataclass(frozen=True)
class Mean:
    """A mean over studies, its standard error by kind, and how many studies and kinds there are."""

    value: float
    se: float
    studies: int
    kinds: int

    def to_dict(self) -> dict[str, float]:
        return {"value": self.value, "se": self.se, "studies": self.studies, "kinds": self.kinds}


def mean(studies: Iterable[Study], figure: Callable[[Study], float | None]) -> Mean | None:
    """The mean of a figure over the studies that have it; the kinds are the clusters.

    variance = K / (K - 1) · Σ over kinds of (sum of the deviations of its studies)² / N², the cluster-robust variance
    of a mean (Cameron & Miller 2015, J Hum Resour 50:317, section II).

    >>> found = mean([{"kind": "a"}, {"kind": "a"}, {"kind": "b"}], lambda s: 1.0 if s["kind"] == "a" else 4.0)
    >>> found.value, found.se, found.kinds
    (2.0, 1.3333333333333333, 2)
    """
    values: dict[str, list[float]] = defaultdict(list)
    for study in studies:
        value = figure(study)
        if value is not None and math.isfinite(value):
            values[study["kind"]].append(float(value))
    number = sum(len(own) for own in values.values())
    if not number:
        return None
    middle = sum(sum(own) for own in values.values()) / number
    if len(values) < 2:
        return Mean(middle, math.nan, number, len(values))
    square = sum((sum(own) - len(own) * middle) ** 2 for own in values.values())
    return Mean(middle, math.sqrt(len(values) / (len(values) - 1) * square) / number, number, len(values))


# -- what one study says of a figure --------------------------------------------------------------------------------


def _sign(study: Study) -> float:
    return 1.0 if study["goal"] == "max" else -1.0


def corrected(study: Study) -> float | None:
    """The corrected figure less the truth; above 0 is too good."""
    value = study["validation"]["selected"]
    return None if value is None else _sign(study) * (value - study["truth"][study["metric"]]["selected"])


def fresh_alone(study: Study) -> float | None:
    """The mean of the fresh runs, without the correction for the choice, less the truth."""
    value = study["validation"]["fresh"]["value"]
    return None if value is None else _sign(study) * (value - study["truth"][study["metric"]]["selected"])


def gained(study: Study) -> float | None:
    """The verdict's difference to the defaults less the true one: the luck of the rows is on both sides of it."""
    value = study["validation"]["difference"]["value"]
    if study["selected_trial"] == 0 or value is None:
        return None
    return _sign(study) * (value - study["truth"][study["metric"]]["difference"])


def best_observed(study: Study) -> float | None:
    """The best value of the search less the truth of its configuration."""
    value = study["best_observed"]["value"]
    return None if value is None else _sign(study) * (value - study["truth"][study["metric"]]["best_observed"])


def luck_of_rows(study: Study) -> float | None:
    """The defaults' score in the search less the truth: nobody chose them, so that it is nothing on average."""
    value = study["defaults_observed"]
    return None if value is None else _sign(study) * (value - study["truth"][study["metric"]]["defaults"])


def less_luck(studies: Sequence[Study], figure: Callable[[Study], float | None]) -> Callable[[Study], float | None]:
    """The figure less what the luck of the rows explains of it: the same mean, less uncertain.

    A control variate whose expectation is known to be nil, with the coefficient of least squares (Glasserman 2003,
    Monte Carlo Methods in Financial Engineering, 4.1).
    """
    both = [(figure(s), luck_of_rows(s)) for s in studies]
    pairs = np.array([pair for pair in both if None not in pair], dtype=float).reshape(-1, 2)
    spread = float(pairs[:, 1].var(ddof=1)) if len(pairs) > 2 else 0.0
    slope = float(np.cov(pairs.T)[0, 1]) / spread if spread > 0 else 0.0

    def less(study: Study) -> float | None:
        value, luck = figure(study), luck_of_rows(study)
        return None if value is None or luck is None else value - slope * luck

    return less


def as_searched(study: Study) -> float | None:
    """What the search saw of the selected, less the truth."""
    value = study["validation"]["as_searched"]
    return None if value is None else _sign(study) * (value - study["truth"][study["metric"]]["selected"])


def correction(code: str) -> Callable[[Study], float | None]:
    """Another correction of the verdict, by its code, less the truth of the selected."""

    def away(study: Study) -> float | None:
        for own in study["corrections"]:
            if own["code"] == code and own["value"] is not None:
                return _sign(study) * (own["value"] - study["truth"][study["metric"]]["selected"])
        return None

    return away


def covers_correction(code: str) -> Callable[[Study], float | None]:
    def covers(study: Study) -> float | None:
        for own in study["corrections"]:
            if own["code"] == code:
                return _inside(own.get("low"), own.get("high"), study["truth"][study["metric"]]["selected"])
        return None

    return covers


def locked(study: Study) -> float | None:
    """The mean of the refits on the locked rows less the truth of networks trained on these development rows."""
    value = study["test"][study["metric"]]["selected"]
    return None if value is None else _sign(study) * (value - study["truth"]["test"][study["metric"]]["selected"])


def _inside(low: float | None, high: float | None, truth: float) -> float | None:
    return None if low is None or high is None else float(low <= truth <= high)


def covers_delivered(study: Study) -> float | None:
    own = study["test"][study["metric"]]["delivered"]
    return _inside(own["low"], own["high"], study["truth"]["test"][study["metric"]]["delivered"])


def covers_own(study: Study) -> float | None:
    """The range beside the corrected figure."""
    valid = study["validation"]
    return _inside(valid["low"], valid["high"], study["truth"][study["metric"]]["selected"])


def covers_difference(study: Study) -> float | None:
    if study["selected_trial"] == 0:
        return None
    own = study["validation"]["difference"]
    return _inside(own["low"], own["high"], study["truth"][study["metric"]]["difference"])


def covers_locked_difference(study: Study) -> float | None:
    if study["selected_trial"] == 0:
        return None
    own = study["test"][study["metric"]]["difference"]
    return _inside(own["low"], own["high"], study["truth"]["test"][study["metric"]]["difference"])


def covers_corrected_t(study: Study) -> float | None:
    """The corrected resampled t of the fresh runs alone, which knows nothing of the choice."""
    own = study["corrected_t"]
    return None if own is None else _inside(own["low"], own["high"], study["truth"][study["metric"]]["difference"])


def half_width(interval: Callable[[Study], Mapping[str, Any] | None]) -> Callable[[Study], float | None]:
    def width(study: Study) -> float | None:
        own = interval(study)
        return None if own is None or own["low"] is None else (own["high"] - own["low"]) / 2

    return width


def claims_by_corrected_t(study: Study) -> bool:
    """What would be claimed if the corrected t took the place of rows and folds; of accuracy."""
    own, test = study["corrected_t"], study["test"]["accuracy"]["difference"]["value"]
    return bool(own is not None and own["low"] is not None and own["low"] > 0 and (test is None or test >= 0))


def saved(study: Study) -> float:
    """Regret of the selected less that of the best observed, in the same study."""
    regret = study["truth"]["regret"]
    return regret["selected"] - regret["best_observed"]


# -- the whole ------------------------------------------------------------------------------------------------------


def measured(studies: Sequence[Study], sites: Sequence[Study]) -> dict[str, Any]:
    """Every figure of the benchmark, as plain values; shares and differences, not per cent."""
    ours = [s for s in studies if not s["facts"]["table"]]
    real = [s for s in studies if s["facts"]["table"]]
    found = {
        "studies": len(ours),
        "kinds": len({s["kind"] for s in ours}),
        "bias": _by_place(_of_accuracy(ours), corrected),
        "bias_less_luck": _by_place(_of_accuracy(ours), less_luck(_of_accuracy(ours), corrected)),
        "bias_bbc_cv_less_luck": _by_place(_of_accuracy(ours), less_luck(_of_accuracy(ours), correction("bbc_cv"))),
        "luck_of_rows": _by_place(_of_accuracy(ours), luck_of_rows),
        "bias_fresh": _by_place(_of_accuracy(ours), fresh_alone),
        "bias_difference": _by_place(_of_accuracy(ours), gained),
        "bias_best_observed": _by_place(_of_accuracy(ours), best_observed),
        "bias_as_searched": _by_place(_of_accuracy(ours), as_searched),
        "bias_bbc_cv": _by_place(_of_accuracy(ours), correction("bbc_cv")),
        "coverage_bbc_cv": _by_place(ours, covers_correction("bbc_cv")),
        "bias_locked": _by_place(_of_accuracy(ours), locked),
        "bias_other_metrics": {
            name: _dict(mean([s for s in ours if s["metric"] == name], corrected))
            for name in sorted({s["metric"] for s in ours} - {"accuracy"})
        },
        "coverage_delivered": _by_place(ours, covers_delivered),
        "coverage_difference": _by_place(ours, covers_difference),
        "coverage_difference_accuracy": _by_place(_of_accuracy(ours), covers_difference),
        "coverage_difference_other": _by_place([s for s in ours if s["metric"] != "accuracy"], covers_difference),
        "coverage_locked_difference": _by_place(ours, covers_locked_difference),
        "coverage_corrected_t": _by_place(ours, covers_corrected_t),
        "coverage_own": _by_place(ours, covers_own),
        "coverage_site": _sites(sites),
        "half_width": _widths(_of_accuracy(ours)),
        "gains_claimed": _claimed(_of_accuracy(ours)),
        "regret": _regret(ours),
        "regret_accuracy": _regret(_of_accuracy(ours)),
        "claims_without_gain": _false_claims(ours),
        "cost": _cost(ours),
        "seconds": {
            part: round(float(np.sum([s["seconds"][part] for s in studies])), 1) for part in ("study", "truth")
        },
    }
    if real:
        found["real"] = {
            "studies": len(real),
            "tables": sorted({s["kind"] for s in real}),
            "bias": _dict(mean(real, corrected)),
            "bias_best_observed": _dict(mean(real, best_observed)),
            "coverage_delivered": _dict(mean(real, covers_delivered)),
            "coverage_difference": _dict(mean(real, covers_difference)),
            "coverage_locked_difference": _dict(mean(real, covers_locked_difference)),
            "coverage_corrected_t": _dict(mean(real, covers_corrected_t)),
            "regret": _regret(real),
        }
    return found


def _of_accuracy(studies: Iterable[Study]) -> list[Study]:
    return [s for s in studies if s["metric"] == "accuracy"]


def _dict(found: Mean | None) -> dict[str, float] | None:
    return None if found is None else found.to_dict()


def _by_place(studies: Sequence[Study], figure: Callable[[Study], float | None]) -> dict[str, Any]:
    """Over all, by rows, without a signal, and by searcher."""
    places = {
        "all": studies,
        **{band: [s for s in studies if s["facts"]["band"] == band] for band in BANDS},
        "signal-free": [s for s in studies if s["facts"]["signal"] == "nothing"],
        "placebo": [s for s in studies if s["facts"]["placebo"]],
        "with groups": [s for s in studies if s["facts"]["groups"]],
        "adaptive": [s for s in studies if s["adaptive"]],
        "random": [s for s in studies if not s["adaptive"]],
    }
    return {name: _dict(mean(own, figure)) for name, own in places.items()}


def _sites(sites: Sequence[Study]) -> dict[str, Any]:
    def covers(which: str) -> Callable[[Study], float | None]:
        def share(s: Study) -> float | None:
            values = [v for v in s[which] if v is not None]
            return (
                None if s["low"] is None or not values else float(np.mean([s["low"] <= v <= s["high"] for v in values]))
            )

        return share

    found: dict[str, Any] = {
        "all": _dict(mean(sites, covers("new"))),
        "true score": _dict(mean(sites, covers("new_truth"))),
    }
    for apart in sorted({s["apart"] for s in sites}):
        found[f"apart {apart:g}"] = _dict(mean([s for s in sites if s["apart"] == apart], covers("new")))
    for name in sorted({s["metric"] for s in sites}):
        found[name] = _dict(mean([s for s in sites if s["metric"] == name], covers("new")))
    widths = [(s["high"] - s["low"]) / 2 for s in sites if s["low"] is not None and s["metric"] == "accuracy"]
    found["median_half_width_accuracy"] = float(np.median(widths)) if widths else None
    return found


def _widths(studies: Sequence[Study]) -> dict[str, float | None]:
    changed = [s for s in studies if s["selected_trial"] != 0]
    ways = {
        "delivered": (studies, lambda s: s["test"][s["metric"]]["delivered"]),
        "difference": (changed, lambda s: s["validation"]["difference"]),
        "locked_difference": (changed, lambda s: s["test"][s["metric"]]["difference"]),
        "corrected_t": (changed, lambda s: s["corrected_t"]),
        "own": (studies, lambda s: s["validation"]),
    }
    found = {}
    for name, (own, interval) in ways.items():
        widths = [w for s in own if (w := half_width(interval)(s)) is not None]
        found[name] = float(np.median(widths)) if widths else None
    return found


def _claimed(studies: Sequence[Study]) -> dict[str, Any]:
    """The share of true gains of two points that are claimed, by the rule and as the corrected t would."""
    worth = [s for s in studies if s["truth"]["accuracy"]["difference"] >= WORTH and s["selected_trial"] != 0]
    tuned = [s for s in studies if not s["facts"]["no_gain"]]
    return {
        "by_the_rule": _dict(mean(worth, lambda s: float(s["gain"]))),
        "by_corrected_t": _dict(mean(worth, lambda s: float(claims_by_corrected_t(s)))),
        "mean_true_gain": _dict(mean(tuned, lambda s: s["truth"]["accuracy"]["difference"])),
        "wrong_way": sum(s["gain"] and s["truth"]["accuracy"]["difference"] < 0 for s in tuned),
        "all_claims": sum(bool(s["gain"]) for s in tuned),
    }


def _regret(studies: Sequence[Study]) -> dict[str, Any]:
    tuned = [s for s in studies if not s["facts"]["no_gain"]]
    selected = mean(tuned, lambda s: s["truth"]["regret"]["selected"])
    lucky = mean(tuned, lambda s: s["truth"]["regret"]["best_observed"])
    return {
        "selected": _dict(selected),
        "best_observed": _dict(lucky),
        "difference": _dict(mean(tuned, saved)),
        "ratio": selected.value / lucky.value if selected and lucky and lucky.value > 0 else None,
    }


def _false_claims(studies: Sequence[Study]) -> dict[str, Any]:
    none = [s for s in studies if s["facts"]["no_gain"]]
    ways = {
        "all": none,
        "placebo": [s for s in none if s["facts"]["placebo"]],
        "permuted": [s for s in none if not s["facts"]["placebo"]],
    }
    found = {name: _dict(mean(own, lambda s: float(s["gain"]))) for name, own in ways.items()}
    found["by_corrected_t"] = _dict(mean(_of_accuracy(none), lambda s: float(claims_by_corrected_t(s))))
    found["naive"] = _dict(mean(none, lambda s: float(s["best_observed"]["trial"] != 0)))
    return found


def _cost(studies: Sequence[Study]) -> dict[str, float]:
    shares = [s["verdict_runs"] / s["runs"] for s in studies]
    return {"mean": float(np.mean(shares)), "most": float(np.max(shares))}
