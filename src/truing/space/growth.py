"""Whether a space only grew: every configuration of the old one must be one of the new."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from truing.space.encoding import Continuous, Options, Scale, Stepped, default_of
from truing.space.parameter import Choice, Parameter, is_default_given


def shrinkage(
    old: Mapping[str, Parameter], new: Mapping[str, Parameter], scale: Callable[[Any, str], Scale]
) -> list[str]:
    """What of `old` is lost in `new`, one sentence each; empty when nothing is.

    Args:
        scale: (space, name) -> the values that the parameter takes in that space.
    """
    found = []
    for name in old:
        if name not in new:
            found.append(f"Parameter {name!r}: it is gone.")
            continue
        sentence = _lost(old[name], new[name], scale(old, name), scale(new, name))
        if not sentence:
            sentence = _moved(old[name], new[name])
        if sentence:
            found.append(f"Parameter {name!r}: {sentence}")
        if _conditions(old[name]) != _conditions(new[name]):
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
    return scale.index(value) is not None


def _conditions(parameter: Parameter) -> dict[str, set[Any]]:
    return {parent: set(values) for parent, values in (parameter.when or {}).items()}


def _out_of_reach(parameter: Parameter, old: Mapping[str, Parameter], scale: Callable[[Any, str], Scale]) -> bool:
    """True when no configuration of the old space could make the new parameter active."""
    return any(
        parent in old and not any(_takes(scale(old, parent), value) for value in values)
        for parent, values in (parameter.when or {}).items()
    )
