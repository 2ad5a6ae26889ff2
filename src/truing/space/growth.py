"""Whether a space only grew: every configuration of the old one must be one of the new."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from truing.space.check import holds_somewhere
from truing.space.condition import Allowed, Bounds, Condition
from truing.space.encoding import Continuous, Options, Scale, Stepped, default_of
from truing.space.parameter import Choice, Parameter, is_default_given

MANY = 100_000  # values of a parent that are looked at one by one


def shrinkage(
    old: Mapping[str, Parameter], new: Mapping[str, Parameter], scale: Callable[[str, str], Scale]
) -> list[str]:
    """What of `old` is lost in `new`, one sentence each; empty when nothing is.

    Args:
        scale: ("old" or "new", name) -> the values that the parameter takes in that space.
    """
    found = []
    for name in old:
        if name not in new:
            found.append(f"Parameter {name!r}: it is gone.")
            continue
        sentence = _lost(old[name], new[name], scale("old", name), scale("new", name))
        if not sentence:
            sentence = _moved(old[name], new[name])
        if sentence:
            found.append(f"Parameter {name!r}: {sentence}")
        if not _same_conditions(old[name], new[name], old, scale):
            found.append(f"Parameter {name!r}: its conditions changed from {old[name].when!r} to {new[name].when!r}.")
    for name, parameter in new.items():
        if name not in old and not is_default_given(parameter) and not _out_of_reach(parameter, old, scale):
            found.append(f"Parameter {name!r}: it is new and needs default=, which stands in for the earlier trials.")
    return found


def _lost(old: Parameter, new: Parameter, before: Scale, after: Scale) -> str:
    if type(old) is not type(new):
        return f"it changed from {type(old).__name__} to {type(new).__name__}."
    if not isinstance(old, Choice) and old.log != new.log:  # type: ignore[union-attr]
        return f"its scale changed from log={old.log} to log={new.log}."  # type: ignore[union-attr]
    if isinstance(before, Options):  # a Choice, or a number fixed at its default
        gone = [option for option in before.options if not _takes(after, option)]
        if not gone:
            return ""
        if new.role == "fixed":
            return f"it is now fixed at another value than {', '.join(map(repr, gone))}."
        return f"it can no longer be {', '.join(map(repr, gone))}."
    if isinstance(after, Options):
        return "it is now fixed."
    if after.nearest(old.low) is None and new.low > old.low:  # type: ignore[union-attr]
        return f"low rose from {old.low!r} to {new.low!r}."  # type: ignore[union-attr]
    if new.high < old.high:  # type: ignore[union-attr]
        return f"high fell from {old.high!r} to {new.high!r}."  # type: ignore[union-attr]
    if isinstance(before, Continuous) and isinstance(after, Stepped):
        return f"step={after.step!r} leaves out values that it could take before."
    if isinstance(before, Stepped) and isinstance(after, Stepped):
        ends = (before.at(0), before.at(min(1, before.count - 1)), before.at(before.count - 1))
        if not all(_takes(after, value) for value in ends):
            return f"step changed from {before.step!r} to {after.step!r}, which leaves out earlier values."
    return ""


def _moved(old: Parameter, new: Parameter) -> str:
    """Trials are compared with trial 0, which has the old default, whatever the new space says."""
    before, after = default_of(old), default_of(new)
    if before == after or not (is_default_given(old) or is_default_given(new)):
        return ""
    return f"its default was {before!r} and is {after!r}, but trial 0 stays with the old one: give default={before!r}."


def _takes(scale: Scale, value: Any) -> bool:
    if isinstance(scale, Continuous):
        return scale.nearest(value) is not None
    place = scale.index(value)
    # Python takes True for 1, a training function need not
    return place is not None and isinstance(scale.at(place), bool) == isinstance(value, bool)


def _same_conditions(
    old: Parameter, new: Parameter, parents: Mapping[str, Parameter], scale: Callable[[str, str], Scale]
) -> bool:
    """True when they hold for the same values that the parents could take before."""
    before, after = dict(old.when or {}), dict(new.when or {})
    if set(before) != set(after):
        return False
    return all(
        parent not in parents or _alike(before[parent], after[parent], scale("old", parent)) for parent in before
    )


def _alike(before: Condition, after: Condition, scale: Scale) -> bool:
    if isinstance(before, Bounds) == isinstance(after, Bounds) and _asked(before) == _asked(after):
        return True
    if scale.count > MANY:
        return False
    values = [scale.at(index) for index in range(int(scale.count))]
    return all((value in before) == (value in after) for value in values)


def _asked(condition: Condition) -> Allowed:
    return condition if isinstance(condition, Bounds) else frozenset(condition)


def _out_of_reach(parameter: Parameter, old: Mapping[str, Parameter], scale: Callable[[str, str], Scale]) -> bool:
    """True when no configuration of the old space could make the new parameter active."""
    return any(
        parent in old and not _can_hold(condition, scale("old", parent))
        for parent, condition in (parameter.when or {}).items()
    )


def _can_hold(condition: Condition, scale: Scale) -> bool:
    if isinstance(condition, Bounds):
        return holds_somewhere(condition, scale)
    return any(_takes(scale, value) for value in condition)
