"""What the search never tried: parameters held fixed, of which a verdict says nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from truing.errors import UsageError
from truing.knowledge import Card, card
from truing.record.history import History
from truing.space.configuration import format_value

SHOWN, TOLD = 8, 3  # parameters, and interactions, that the text names


def held_fixed(history: History) -> list[dict[str, Any]]:
    """Each parameter of role "fixed", or with one value only, that was active in a trial.

    Returns:
        name, value, and interacts_with: the parameters that varied and that its card, or theirs, says are to be
        re-tuned with it; `truing explain NAME` has the card.
    """
    space, tried = history.space, [trial.config for trial in history.trials]
    fixed = [name for name, parameter in space.items() if parameter.role == "fixed" or space.scale(name).count == 1]
    seen = {name: {repr(config[name]) for config in tried if name in config} for name in space if name not in fixed}
    tuned = {name: _card(name) for name, values in seen.items() if len(values) > 1}
    found = []
    for name in fixed:
        values = [config[name] for config in tried if name in config]
        if values:
            own = _card(name)
            others = [other for other, its in tuned.items() if _together(own, its)]
            found.append({"name": name, "value": values[-1], "interacts_with": others})
    return found


def sentence(verdict: Mapping[str, Any]) -> str:
    """The caveat in words; empty where nothing was held fixed.

    >>> sentence({"held_fixed": [{"name": "momentum", "value": 0.9, "interacts_with": ["learning_rate"]}]})
    'momentum 0.9: nothing here says that the choice is right; momentum interacts with learning_rate, which was tuned'
    """
    found = verdict.get("held_fixed") or []
    if not found:
        return ""
    listed = ", ".join(f"{one['name']} {format_value(one['value'])}" for one in found[:SHOWN])
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    right = "the choice is right" if len(found) == 1 else "these choices are right"
    parts = [f"{listed}{more}: nothing here says that {right}"]
    touching = [one for one in found if one["interacts_with"]]
    for one in touching[:TOLD]:
        others = one["interacts_with"]
        names = ", ".join(others[:TOLD]) + (f" and {len(others) - TOLD} more" if len(others) > TOLD else "")
        parts.append(f"{one['name']} interacts with {names}, which {'was' if len(others) == 1 else 'were'} tuned")
    if len(touching) > TOLD:
        parts.append(f"so do {len(touching) - TOLD} more of them with what was tuned")
    return "; ".join(parts)


def _card(name: str) -> Card | None:
    try:
        return card(name)
    except UsageError:  # a name of the user's own
        return None


def _together(one: Card | None, other: Card | None) -> bool:
    """Whether either card says that the two are to be re-tuned together."""
    if one is None or other is None or one.name == other.name:
        return False
    return other.name in one.interacts or one.name in other.interacts
