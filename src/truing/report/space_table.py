"""The parameters of a space as rows of a table."""

from __future__ import annotations

from truing.report.columns import plain
from truing.report.facts import number
from truing.space.condition import worded
from truing.space.configuration import format_value
from truing.space.encoding import default_of
from truing.space.parameter import Choice, Float, is_default_given
from truing.space.space import Space


def described(name: str, space: Space) -> dict[str, str]:
    """A parameter: its kind, range, default, group, role, and when it is active."""
    parameter = space[name]
    if isinstance(parameter, Choice):
        kind = "choice in order" if parameter.ordered else "choice"
        span = ", ".join(plain(format_value(option)) for option in parameter.options)
    else:
        kind = "number" if isinstance(parameter, Float) else "whole number"
        span = f"{number(parameter.low)} to {number(parameter.high)}"
        span += "" if parameter.step is None else f" in steps of {number(parameter.step)}"
        span += ", log scale" if parameter.log else ""
    when = "; ".join(f"{plain(parent)} {plain(worded(values))}" for parent, values in (parameter.when or {}).items())
    default = plain(format_value(default_of(parameter)))
    return {
        "name": plain(name),
        "kind": kind,
        "span": span,
        "default": default + ("" if is_default_given(parameter) else " (assumed)"),
        "group": plain(parameter.group),
        "role": plain(parameter.role),
        "when": when or "always",
    }
