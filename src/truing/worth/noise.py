"""What seeds and splits alone change, and which gain can be told from that."""

from __future__ import annotations

import math

from truing.advice.resolution import resolves
from truing.statistics.deviation import deviation
from truing.statistics.interval import Interval
from truing.worth.advice import NOISE, Answer
from truing.worth.layout import BASE, SEEDS
from truing.worth.ran import NO, UNCLEAR, YES, Ran
from truing.worth.words import gap, interval_dict, scored, spoken


def noise_answer(found: Ran) -> Answer:
    """Standard deviations over seeds and over splits, the smallest gain that can be told, and what is left to gain."""
    metric, several = found.metric, found.layout.splits > 1
    failed = found.failure(BASE, SEEDS)
    if failed is not None:
        return Answer(NOISE, UNCLEAR, f"It cannot be told: {failed}.", reason=failed)
    base = found.scores(BASE)
    seeds = [base[0], *found.scores(SEEDS)] if several else base
    by_seed, by_split = deviation(seeds), deviation(base) if several else None
    smallest, why = _smallest(found, by_seed, by_split)
    left = _left(found)
    of = f"{len(seeds)} seeds" + (" on one split" if found.layout.splits else "")
    points = [_point(of, by_seed)]
    text = _of_seeds(metric, of, by_seed)
    if by_split is not None and by_split.value is not None:
        points.append(_point(f"{len(base)} splits", by_split))
        text += f" Splits, each with a seed of its own, move it by {_deviation(metric, by_split)}, over {len(base)}."
    elif found.layout.splits == 1:
        text += " All runs are on one split, so what another split would change is not seen."
    answer = UNCLEAR
    if smallest is not None:
        points.append({"what": "smallest gain a plan of 40 trials can resolve", "value": smallest})
        text += (
            f" The verdict of a plan of 40 trials can tell a gain of {gap(metric, smallest)} (80 % power); a smaller "
            "one cannot be told from luck."
        )
        answer = YES
        if left is not None and left < smallest:
            answer = NO
            text += f" That is more than what is left to gain: from {scored(metric, found.mean(BASE))} to the best "
            text += f"possible it is {gap(metric, left)}."
    elif left == 0:
        answer = NO
        text += f" Nothing is left to gain: {scored(metric, found.mean(BASE))} is the best possible."
    else:
        text += f" Which gain can be told is not known: {why}."
    figures = {"seeds": interval_dict(by_seed), "splits": None if by_split is None else interval_dict(by_split)}
    return Answer(NOISE, answer, text, points, {**figures, "smallest_gain": smallest, "left": left}, why)


def _of_seeds(metric: str, of: str, found: Interval) -> str:
    if found.value == 0:
        return f"The seed changes nothing: {of} have the same {spoken(metric)}."
    return f"Seeds alone move {spoken(metric)} by {_deviation(metric, found)}, over {of}."


def _deviation(metric: str, found: Interval) -> str:
    if found.value is None:
        return f"an unknown amount ({found.reason})"
    if not found.value:
        return "0"
    ends = f"95 % {_bare(metric, found.low)} to {_bare(metric, found.high)}"
    return f"{gap(metric, found.value)} (standard deviation; {ends})"


def _bare(metric: str, value: float | None) -> str:
    return gap(metric, value).removesuffix(" points")


def _point(what: str, found: Interval) -> dict[str, object]:
    return {"what": f"standard deviation over {what}", "value": found.value, "low": found.low, "high": found.high}


def _smallest(found: Ran, by_seed: Interval, by_split: Interval | None) -> tuple[float | None, str | None]:
    """What the verdict's fresh runs resolve; the defaults' own deviation stands for that of a paired difference.

    Over splits the two are much alike; seeds of two configurations have nothing in common, so there it is √2 times
    that (advice/resolution.py).
    """
    setting = found.setting
    if setting.validation is None:
        would = "tr.Seeds(5)" if setting.data is None else "tr.KFold(5)"
        return None, f"validation=None has no fresh runs to compare; validation={would} would"
    paired = float(setting.validation.spread) > 0 and by_split is not None
    own = by_split if paired and by_split is not None else by_seed
    s = None if own.value is None else own.value * (1.0 if paired else math.sqrt(2.0))
    if not s:
        return None, own.reason or "all runs score the same, so there is no noise to measure"
    smallest = resolves(setting, s)
    return smallest, None if smallest is not None else "there is one split only, so fresh runs tell nothing of others"


def _left(found: Ran) -> float | None:
    """From the defaults' score to the best there is; None where the metric has no end that way."""
    metric, ours = found.setting.task.primary, found.mean(BASE)
    end = metric.high if metric.goal == "max" else metric.low
    return None if ours is None or not math.isfinite(end) else abs(end - ours)
