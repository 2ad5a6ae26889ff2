"""The first sentence of a verdict: about the primary metric, a gain only where the rule claims one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from truing.statistics.names import spoken
from truing.verdict.wording import capital, difference_in_words, figure, places, side_by_side


def headline(verdict: Mapping[str, Any]) -> str:
    """The verdict in a sentence or two."""
    name, valid = verdict["metric"], verdict["validation"]
    test = (verdict["test"] or {}).get(name)
    source: Mapping[str, Any] = valid
    if test is not None and test["selected"] is not None and test["difference"]["value"] is not None:
        source = test
    where = _where(verdict, of_test=source is test)
    ours, theirs = source["selected"], source["defaults"]
    own, other = side_by_side(name, ours, theirs)
    score = f"{spoken(name)} {figure(name, ours, places(ours, theirs))}"
    if verdict["selected"] == verdict["defaults"]:
        kept = "The defaults were kept: nothing that was tried did better in the end."
        return kept + (f" {capital(where)}, {score}." if ours is not None else "")
    if source["difference"]["value"] is None:
        alone = test if test is not None and test["selected"] is not None else valid
        of_alone = _where(verdict, of_test=alone is test)
        worth = f"{spoken(name)} {figure(name, alone['selected'])}"
        said = f" {capital(of_alone)}, the selected configuration has {worth}." if alone["selected"] is not None else ""
        return f"No comparison with the defaults: {valid['difference']['reason']}.{said}"
    against = f"{spoken(name)} {own} against {other} with the defaults"
    change = difference_in_words(name, source["difference"], ours, theirs)
    if verdict["gain"]:
        return f"Tuning helped: {where}, {against} ({change}).{_rests_on(verdict, source)}"
    why, shown = _why_no_gain(verdict, source), f"{where}, {against} ({change})."
    if source is not valid and _excludes_zero(
        source["difference"]
    ):  # the reason first: the figures alone look like one
        return f"No gain shown: {why[:1].lower()}{why[1:]} {capital(shown)}"
    return f"No gain shown: {shown} {why}"


def _where(verdict: Mapping[str, Any], *, of_test: bool) -> str:
    if of_test:
        return "on rows never seen" if verdict["looks"] == 1 else f"on the locked rows (look {verdict['looks']})"
    return f"on {fresh(verdict)}"


def fresh(verdict: Mapping[str, Any]) -> str:
    """What is new in the fresh runs, in words."""
    protocol = verdict.get("protocol") or ""
    fixed = verdict.get("fixed_splits") or protocol.endswith(("seed", "seeds"))
    return "fresh seeds" if fixed else "fresh splits and seeds"


def _excludes_zero(difference: Mapping[str, Any]) -> bool:
    low, high = difference["low"], difference["high"]
    return low is not None and high is not None and (low > 0 or high < 0)


def _rests_on(verdict: Mapping[str, Any], source: Mapping[str, Any]) -> str:
    """What carries the claim, where the figures before it do not by themselves."""
    valid = verdict["validation"]
    if source is valid or _excludes_zero(source["difference"]):
        return ""
    change = difference_in_words(verdict["metric"], valid["difference"], valid["selected"], valid["defaults"])
    return f" The claim rests on the fresh runs ({change}); the locked test points the same way without proving it."


def _why_no_gain(verdict: Mapping[str, Any], source: Mapping[str, Any]) -> str:
    valid, name = verdict["validation"], verdict["metric"]
    difference = valid["difference"]
    if difference["low"] is None:
        lacking = "no difference" if difference["value"] is None else "no interval"
        return f"The fresh runs, by which a gain is claimed, give {lacking}: {difference['reason']}."
    sign = -1 if verdict["goal"] == "min" else 1
    change = difference_in_words(name, difference, valid["selected"], valid["defaults"])
    said = "" if source is valid else f" ({change})"
    if max(sign * difference["low"], sign * difference["high"]) < 0:
        return f"On {fresh(verdict)} the defaults are better{said}."
    if min(sign * difference["low"], sign * difference["high"]) > 0:
        return (
            f"On {fresh(verdict)} the selected configuration is better{said}, but the locked test points the other way."
        )
    if source is valid:
        return "The interval does not exclude zero."
    return f"On {fresh(verdict)} the difference does not exclude zero either way{said}."
