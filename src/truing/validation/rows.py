"""What every protocol needs of its data: one outline, numbers in range, classes too small to be dealt."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from numbers import Integral
from typing import Any

import numpy as np

from truing.data.data import Data
from truing.data.outline import Outline
from truing.errors import DataError, UsageError


def only(data: Mapping[str, Data | Outline], protocol: str) -> tuple[str, Outline]:
    """The name and outline of the one dataset.

    A whole Data is taken as it is: y that are floats are no classes.

    Raises:
        DataError: there is no dataset, or more than one.
    """
    if len(data) != 1:
        advice = "use Seeds(n) without data" if not data else "give one"
        raise DataError(f"{protocol} divides the rows of one dataset and was given {len(data)}: {advice}.")
    name, found = next(iter(data.items()))
    if isinstance(found, Outline):
        return name, found
    floats = found.labels is not None and found.labels.dtype.kind == "f"
    return name, found.outline(classification=not floats)


def knowing(protocol: Any, **known: Any) -> Any:
    """The same protocol, which knows something of its data besides; it is not what the protocol is."""
    found = copy(protocol)
    for name, value in known.items():
        object.__setattr__(found, name, value)  # the copy is nobody else's yet
    return found


def whole_number(value: object, least: int, argument: str, example: str) -> None:
    """Raise UsageError unless `value` is a whole number of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise UsageError(f"{argument} must be a whole number of at least {least}, not {value!r}: {example}.")


def inner_trials(value: object, example: str) -> None:
    """Raise UsageError unless `value` can be a procedure's `trials`: a whole number, or None for the study's own."""
    if value is not None:
        whole_number(value, 1, "trials", f"use for example {example}")


def enough_groups(outline: Outline, left: int, folds: int) -> None:
    """Raise DataError unless the `left` groups of the outline can fill so many folds."""
    if left >= folds:
        return
    whole = left if outline.groups_in_all is None else len(np.unique(outline.groups_in_all))
    there = f"{left} group{' is' if left == 1 else 's are'}"
    if whole > left:
        locked = f"{whole - left} of {whole} {'is' if whole - left == 1 else 'are'} locked by test="
        there += f" left ({locked})"
    else:
        there += " all there is" if left == 1 else " all there are"
    more = f"use validation=tr.KFold({left})" if left > 1 else "give finer groups"
    raise DataError(f"{there}, too few for {folds} folds: {more}.")


def mixed_in_time(outline: Outline, called: str) -> list[str]:
    """A sentence where rows that have a time are dealt at random."""
    if outline.time is None:
        return []
    return [
        f"{called} deals rows at random, whatever their time, so tunings see rows that come after those that score."
    ]


def whatever_time(outline: Outline, protocol: str) -> list[str]:
    """A sentence where rows that have different times are dealt at random."""
    if outline.time is None or len(np.unique(outline.time)) < 2:
        return []
    return [
        f"{protocol} deals rows at random, whatever their time=, so training sees rows that come after those that "
        "validate: tr.TimeOrdered(5) keeps their order."
    ]


def one_division(wholes: str) -> str:
    """The sentence for as many folds as groups or sites."""
    return (
        f"{wholes} and as many folds leave one division only, so the verdict's fresh runs keep its splits and "
        "differ in their seeds alone: the luck of these splits stays in the figures."
    )


def rare(outline: Outline, parts: int) -> list[str]:
    """A sentence for each class with fewer rows, or groups, than there are parts to deal them to."""
    strata, groups = outline.strata, outline.group_codes
    if strata is None or outline.labels is None:
        return []
    unit = "row" if groups is None else "group"
    sentences = []
    for code, label in enumerate(np.unique(outline.labels).tolist()):
        mine = strata == code
        count = int(mine.sum()) if groups is None else len(np.unique(groups[mine]))
        if count < parts:
            sentences.append(
                f"The class {label!r} has only {count} {unit}{'s' * (count != 1)} for {parts} parts, "
                "so some part lacks it and figures there may be undefined."
            )
    return sentences


def locked_between(outline: Outline) -> bool:
    """True when some row that `test=` locked is not later than all of these; by their order where there is no time."""
    if outline.places is None or outline.n_in_all is None:
        return False
    locked = np.setdiff1d(np.arange(outline.n_in_all), outline.places)
    if not len(locked):
        return False
    if outline.time is None or outline.time_in_all is None:
        return bool(locked.min() < outline.places.max())
    return bool(outline.time_in_all[locked].min() < outline.time.max())
