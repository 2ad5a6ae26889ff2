"""The rules a space and its values must keep: each function gives the findings, one sentence each."""

from __future__ import annotations

import difflib
import math
from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from truing.errors import is_storable, short
from truing.space.condition import Bounds, is_number
from truing.space.encoding import Scale, Stepped, scale_of
from truing.space.parameter import ROLES, Choice, Float, Int, Parameter, is_default_given

CLOSE = 1e-6  # relative; ends that are closer would leave few numbers of ten digits between them
MANY = 2**40  # values of one parameter; with more, neighbours could no longer be told apart in the unit cube


def findings(parameters: Mapping[Any, Any], copies: Collection[str] = ()) -> list[str]:
    """What is wrong with the parameters of a space; empty when nothing is.

    Args:
        copies: names of parameters about which nothing is said, for they are copies of others.
    """
    found: list[str] = []
    for name, parameter in parameters.items():
        if name in copies:
            continue
        if not isinstance(name, str) or not name:
            found.append(f"Parameter {name!r}: a name must be a text of at least one character, but is {name!r}.")
        elif not _is_text(name):
            found.append(
                f"Parameter {short(name)}: a name must be text that UTF-8 can hold, of at most 10,000 characters."
            )
        if not isinstance(parameter, Float | Int | Choice):
            found.append(f"Parameter {name!r}: must be a Float, an Int or a Choice, but is {parameter!r}.")
    proper = {name: p for name, p in parameters.items() if isinstance(p, Float | Int | Choice)}
    scales: dict[str, Scale] = {}
    for name, parameter in proper.items():
        wrong = _choice(parameter) if isinstance(parameter, Choice) else _number(parameter)
        if not wrong:
            scales[name] = scale_of(parameter)
            wrong = _default(parameter, scales[name])
        wrong += _labels(parameter)
        if name not in copies:
            found += [f"Parameter {name!r}: {sentence}" for sentence in wrong]
    for name, parameter in proper.items():
        if name not in copies:
            found += [f"Parameter {name!r}: {sentence}" for sentence in _when(parameter, parameters, scales)]
    return found + _circles(proper, copies)


def _number(parameter: Float | Int) -> list[str]:
    whole = isinstance(parameter, Int)
    kind = "a whole number" if whole else "a finite number"
    found = []
    for field in ("low", "high", "step"):
        value = getattr(parameter, field)
        if field == "step" and value is None:
            continue
        proper = is_number(value) and isinstance(value, int if whole else float)
        if not proper:
            found.append(f"{field} must be {kind}, but {field}={value!r}.")
        elif field == "step" and value <= 0:
            found.append(f"step must be above 0, but step={value!r}.")
    if not isinstance(parameter.log, bool):
        found.append(f"log must be True or False, but log={parameter.log!r}.")
    if found:
        return found
    low, high = parameter.low, parameter.high
    if low >= high:
        found.append(f"low must be below high, but low={low!r} and high={high!r}.")
    if parameter.log and low <= 0:
        found.append(f"a log scale needs low above 0, but low={low!r}.")
    if found:
        return found
    if not whole and not math.isfinite(high - low):
        return [f"high - low must be a finite number, but low={low!r} and high={high!r}."]
    step = 1 if whole and parameter.step is None else parameter.step
    if step is None:
        if high - low < CLOSE * max(abs(low), abs(high)):
            return [f"high - low must be at least a millionth of the larger, but low={low!r} and high={high!r}."]
        return []
    if step > (high - low) * (1 if whole else 1 + 1e-9):
        found.append(f"step must be at most high - low, but step={step!r}, low={low!r} and high={high!r}.")
    elif high - low > MANY * step or max(abs(low), abs(high)) > 2**52 * step:
        found.append(f"there may be at most 2**40 values, but low={low!r}, high={high!r} and step={step!r}.")
    elif parameter.log and high > MANY * step:
        found.append(f"a log scale needs step above high / 2**40, but step={step!r} and high={high!r}.")
    return found


def _choice(parameter: Choice) -> list[str]:
    options, objects = parameter.options, parameter.objects
    if not isinstance(options, tuple):
        return [f"options must be a list, or a dict of labels and objects, but is {options!r}."]
    if not options:
        return ["options must not be empty, but options=[]."]
    found = []
    if not isinstance(parameter.ordered, bool):
        found.append(f"ordered must be True or False, but ordered={parameter.ordered!r}.")
    for option in options:
        if not _is_plain(option):
            what = "an option" if objects is None else "a label"
            if isinstance(option, str) and len(option) > 1000:
                found.append(
                    f"{what} is a text of {len(option)} characters: give it a short label, Choice({{'a': ...}})."
                )
                continue
            kinds = objects is None and not isinstance(option, str | float)
            advice = f": give such options labels, as in {_labelled(option)}" if kinds else ""
            found.append(
                f"{what} must be a JSON value (str, int, finite float, bool or None), but is {short(option)}{advice}."
            )
    if not found and objects is not None and (not isinstance(objects, Mapping) or set(objects) != set(options)):
        found.append(f"objects must have one object for each of {list(options)!r}, but objects={objects!r}.")
    if found:
        return found
    first: dict[Any, Any] = {}
    for option in options:
        if option in first:
            twin = first[option]
            same = "is given twice" if type(twin) is type(option) else f"equals the option {twin!r}"
            found.append(f"options must differ, but {option!r} {same}.")
        first.setdefault(option, option)
    return found


def _labelled(option: Any) -> str:
    """How a Choice of such objects is written."""
    name = getattr(option, "__name__", "")
    if not isinstance(name, str) or not name.isidentifier():
        return 'Choice({"label": option, ...})'
    return f"Choice({{{name.lower()!r}: {name}, ...}})"


def _is_plain(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or isinstance(value, int) or (isinstance(value, str) and _is_text(value))


def _is_text(value: str) -> bool:
    """False for half of a surrogate pair, which neither a file nor a terminal takes, and for an endless text."""
    return is_storable(value)


def _default(parameter: Parameter, scale: Scale) -> list[str]:
    if not is_default_given(parameter):
        return []
    complaint = complaint_about(parameter.default, parameter, scale)
    return [] if complaint is None else [f"default {complaint}"]


def _labels(parameter: Parameter) -> list[str]:
    found = []
    if not is_storable(parameter.group) or not parameter.group:
        found.append(f"group must be a text of at least one character, but group={short(parameter.group)}.")
    if parameter.role not in ROLES:
        found.append(f"role must be one of {', '.join(ROLES)}, but role={parameter.role!r}.")
    return found


def _when(parameter: Parameter, parameters: Mapping[str, Parameter], scales: Mapping[str, Scale]) -> list[str]:
    when: Any = parameter.when
    if when is None:
        return []
    if not isinstance(when, Mapping):
        return [f"when must be a mapping of names to values, but when={when!r}."]
    found = []
    for parent, values in when.items():
        if parent not in parameters:
            found.append(f"when names {parent!r}, which is not a parameter of this space{nearest(parent, parameters)}.")
        elif isinstance(values, Bounds):
            complaint = _out_of_bounds(values, parent, parameters[parent], scales.get(parent))
            found += [complaint] if complaint is not None else []
        elif any(isinstance(value, Bounds) for value in values):
            found.append(f"when takes values of {parent!r} or one range of it, but lists {list(values)!r}.")
        elif not values:
            found.append(f"when must list at least one value of {parent!r}, but lists none.")
        elif parent in scales:
            for value in values:
                complaint = complaint_about(value, parameters[parent], scales[parent])
                if complaint is not None:
                    found.append(f"when lists a value that {parent!r} cannot take: it {complaint}")
    return found


def _out_of_bounds(bounds: Bounds, name: str, parameter: Any, scale: Scale | None) -> str | None:
    ends = [end for end in (bounds.low, bounds.high) if end is not None]
    if not ends or not all(map(is_number, ends)):
        return f"when needs finite numbers for {name!r}, but is {bounds!r}."
    if len(ends) == 2 and bounds.low > bounds.high:
        return f"when needs a range of {name!r} that rises, but is {bounds!r}."
    if scale is None:
        return None
    if isinstance(parameter, Choice) and not all(map(is_number, parameter.options)):
        listed = ", ".join(map(repr, parameter.options))
        return f"when asks for numbers with {bounds!r}, but {name!r} is one of {listed}: list those that are meant."
    if not holds_somewhere(bounds, scale):
        return f"when can never hold: {name!r} is never {bounds}, for it {_span(parameter)}."
    return None


def holds_somewhere(bounds: Bounds, scale: Scale) -> bool:
    """True when one of the scale's numbers lies within the bounds."""
    if scale.count == math.inf:
        low, high = scale.value(0.0), scale.value(1.0)
        return (bounds.low is None or bounds.low <= high) and (bounds.high is None or bounds.high >= low)
    every = range(int(scale.count))
    if not scale.rising:
        return any(scale.at(index) in bounds for index in every)
    first = 0 if bounds.low is None else bisect_left(every, bounds.low, key=scale.at)
    return first < len(every) and scale.at(first) in bounds


def _span(parameter: Parameter) -> str:
    if isinstance(parameter, Choice):
        return f"is one of {', '.join(map(repr, parameter.options))}"
    step = f" in steps of {parameter.step!r}" if parameter.step is not None else ""
    return f"runs from {parameter.low!r} to {parameter.high!r}{step}"


def _circles(parameters: Mapping[str, Parameter], copies: Collection[str] = ()) -> list[str]:
    """Circular conditions, each once, as the chain of names that leads back to its start."""
    parents = {
        name: [parent for parent in p.when if parent in parameters] if isinstance(p.when, Mapping) else []
        for name, p in parameters.items()
    }
    found: list[str] = []
    done: set[str] = set()
    for start in (name for name in parameters if name not in copies):
        path: list[str] = []
        stack: list[tuple[str, int]] = [(start, 0)]
        while stack:
            name, depth = stack.pop()
            del path[depth:]
            if name in path:
                chain = [*path[path.index(name) :], name]
                found.append(f"Parameter {name!r}: conditions must not be circular, but {' needs '.join(chain)}.")
                done.update(chain)
            elif name not in done:
                path.append(name)
                stack += [(parent, depth + 1) for parent in parents[name]]
        done.update(path)
        done.add(start)
    return found


def complaint_about(value: Any, parameter: Parameter, scale: Scale) -> str | None:
    """The end of a sentence that says why the parameter cannot take the value; None when it can."""
    if isinstance(parameter, Choice):
        place = scale.index(value) if _is_plain(value) else None
        # True equals 1, but is another answer; 1.0 for 1 is only another way to write it
        if place is not None and isinstance(scale.at(place), bool) == isinstance(value, bool):
            return None
        told = f"must be one of {', '.join(map(repr, parameter.options))}, but is {short(value)}"
        for label, item in (parameter.objects or {}).items():
            if item is value:
                return f"{told}: give its label, {label!r}."
        return f"{told}."
    whole = isinstance(parameter, Int)
    if not is_number(value) or (whole and value != int(value)):
        return f"must be {'a whole number' if whole else 'a finite number'}, but is {short(value)}."
    if not parameter.low <= value <= parameter.high:
        return f"must lie between {parameter.low!r} and {parameter.high!r}, but is {value!r}."
    if isinstance(scale, Stepped) and scale.index(value) is None:
        return f"must be {parameter.low!r} plus a multiple of step={scale.step!r}, but is {value!r}."
    return None


def nearest(name: Any, names: Iterable[str]) -> str:
    """ "; did you mean 'x'?" without the question mark's sentence end, or nothing."""
    near = difflib.get_close_matches(str(name), list(names), 1)
    return f" (did you mean {near[0]!r}?)" if near else ""
