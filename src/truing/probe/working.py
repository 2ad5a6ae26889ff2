"""Ranges limited to values that build, run and can be trained: ends and inside one by one, then all together."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from truing.errors import UsageError
from truing.probe.factory import Factory, Missing
from truing.probe.repeated import assembled, pooled
from truing.probe.rows import Rows, tensor_of
from truing.probe.snapshot import Part, noted, parts
from truing.space.configuration import Configuration
from truing.space.parameter import Choice, Float, Int, Parameter

Works = Callable[[Mapping[str, Any]], bool]
POINTS, ROUNDS = 32, 16
NO_REPEATS: Mapping[str, str] = {}


@dataclass(frozen=True)
class Tried:
    """What became of one network.

    Args:
        why: a sentence; "" = it was built, the rows went through, and every gradient is finite.
        parts: of the network; None = it could not be built.
        shape: of the output for one row; None = there was none.
        read: the names that were read, with the defaults of the code.
        is_built: the network was made, whatever happened then.
    """

    why: str
    parts: dict[str, Part] | None
    shape: tuple[int, ...] | None
    read: Mapping[str, Any]
    parameters: int = 0

    @property
    def is_built(self) -> bool:
        return self.parts is not None


class Trier:
    """Builds networks and sends the rows through, each configuration once."""

    def __init__(self, factory: Factory, rows: Rows, seed: int) -> None:
        self.factory, self.rows, self.seed = factory, rows, seed
        self._known: dict[str, Tried] = {}

    @property
    def count(self) -> int:
        """How many networks were made."""
        return len(self._known)

    def __call__(self, values: Mapping[str, Any]) -> Tried:
        key = repr(sorted(values.items(), key=lambda one: one[0]))
        if key not in self._known:
            self._known[key] = self.anew(values)
        return self._known[key]

    def anew(self, values: Mapping[str, Any]) -> Tried:
        """As a call, without remembering it."""
        import torch

        with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.manual_seed(self.seed)
            made: dict[str, Part] | None = None
            read: Mapping[str, Any] = {}
            try:
                with noted():
                    net, read = self.factory.make(values)
                made = parts(net)
                net.train()
                output = tensor_of(self.rows.through(net))
                made = parts(net)  # lazy layers have their sizes now
                shape = None if output is None else tuple(output.shape[1:])
                if output is None:
                    return Tried("it gives no tensor", made, None, read)
                if not bool(torch.isfinite(output).all()):
                    return Tried("its output is not finite", made, shape, read)
                if output.requires_grad:
                    output.float().square().mean().backward()
                for parameter in net.parameters():
                    if parameter.grad is not None and not bool(torch.isfinite(parameter.grad).all()):
                        return Tried("its gradient is not finite", made, shape, read)
                return Tried("", made, shape, read, sum(one.numel() for one in net.parameters()))
            except Missing as error:
                return Tried(f"it reads {error.argument!r}, which has no value", made, None, read)
            except Exception as error:
                return Tried(sentence(error), made, None, read)


def sentence(error: BaseException) -> str:
    """The first line of an error, with its kind.

    >>> sentence(ValueError("16 does not divide by 3\\nand more"))
    'ValueError: 16 does not divide by 3'
    """
    lines = str(error).strip().splitlines()
    text = lines[0] if lines else ""
    if isinstance(error, UsageError):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def alone(parameter: Parameter, works: Callable[[Any], bool]) -> tuple[Parameter | None, str]:
    """The parameter with values that work while all others have their defaults, and what was left out.

    >>> alone(Int(8, 64, log=True, default=16), lambda value: value % 4 == 0)
    (Int(8, 64, log=True, step=4, default=16), 'only multiples of 4 work')
    >>> alone(Choice([1, 2, 3], default=1), lambda value: value != 2)
    (Choice([1, 3], default=1), '2 does not work')
    """
    if isinstance(parameter, Choice):
        bad = [one for one in parameter.options if one != parameter.default and not works(one)]
        left = [one for one in parameter.options if one not in bad]
        if len(left) < 2:
            return None, f"nothing but {parameter.default!r} works"
        verb = "does" if len(bad) == 1 else "do"
        return (replace(parameter, options=left), f"{_words(bad)} {verb} not work") if bad else (parameter, "")
    if isinstance(parameter, Float):
        return _float(parameter, works)
    return _int(parameter, works)


def _words(values: Sequence[Any]) -> str:
    return ", ".join(map(str, values))


def _float(parameter: Float, works: Callable[[Any], bool]) -> tuple[Parameter | None, str]:
    default = float(parameter.default or 0.0)
    low, high = (_reach(default, end, works) for end in (parameter.low, parameter.high))
    if low >= high or not all(works(_digits(low + share * (high - low))) for share in (0.25, 0.5, 0.75)):
        return None, "too few of its values work"
    said = [f"below {low:g}"] * (low > parameter.low) + [f"above {high:g}"] * (high < parameter.high)
    note = f"{' and '.join(said)} it does not work" if said else ""
    return replace(parameter, low=low, high=high), note


def _digits(value: float) -> float:
    return float(f"{value:.3g}")


def _reach(default: float, end: float, works: Callable[[Any], bool]) -> float:
    """How far towards the end it works, to a sixteenth of the way."""
    if end == default or works(end):
        return end
    good, bad = 0.0, 1.0
    for _ in range(4):
        middle = (good + bad) / 2
        if works(_digits(default + middle * (end - default))):
            good = middle
        else:
            bad = middle
    return _digits(default + good * (end - default))


def _int(parameter: Int, works: Callable[[Any], bool]) -> tuple[Parameter | None, str]:
    default = int(parameter.default or 0)
    values = _spread(parameter.low, parameter.high, default)
    good = {value: value == default or works(value) for value in values}
    if all(good.values()):
        return parameter, ""
    best: tuple[float, Int, str] | None = None
    for step in (1, 2, 4, 8, 16, 32, 64):
        if default % step:
            break
        ladder = values if step == 1 else _multiples(parameter, step, default)
        low, high = _run(ladder, default, works)
        if low == high:
            continue
        span = math.log((high + 1) / (low + 1))
        if best is None or span > 1.2 * best[0]:
            said = [f"only multiples of {step} work"] * (step > 1)
            first = parameter.low if step == 1 else -(-parameter.low // step) * step
            said += [f"below {low} it does not work"] * (low > max(first, 1))
            said += [f"above {high} it does not work"] * (high < (parameter.high // step) * step)
            made = replace(parameter, low=low, high=high, step=None if step == 1 else step)
            best = span, made, ", ".join(said)
    if best is None:
        return None, f"nothing but {default} works"
    return best[1], best[2]


def _spread(low: int, high: int, default: int) -> list[int]:
    """All values of a short range; of a long one the ends and some between, odd ones too."""
    if high - low <= 15:
        return list(range(low, high + 1))
    steps = [low + round((high - low) * (share / 8) ** 2) for share in range(9)]
    return sorted({*steps, default, default - 1, default + 1, high - 1} & set(range(low, high + 1)))


def _multiples(parameter: Int, step: int, default: int) -> list[int]:
    first = max(step, -(-parameter.low // step) * step)
    every = list(range(first, parameter.high + 1, step))
    if len(every) > 10:
        near = {default - step, default, default + step} & set(every)
        every = sorted({*every[:: len(every) // 8], every[-1], *near})
    return every or [default]


def _run(values: Sequence[int], default: int, works: Callable[[Any], bool]) -> tuple[int, int]:
    """From where to where all tried values work, around the default."""
    low = high = default
    for value in sorted((v for v in values if v < default), reverse=True):
        if not works(value):
            break
        low = value
    for value in sorted(v for v in values if v > default):
        if not works(value):
            break
        high = value
    return low, high


def together(
    parameters: Mapping[str, Parameter],
    works: Works,
    defaults: Mapping[str, Any],
    seed: int,
    repeats: Mapping[str, str] = NO_REPEATS,
) -> tuple[dict[str, Parameter], dict[str, list[str]], str]:
    """The parameters with ranges in which configurations work wherever they are drawn, and what was left out.

    Configurations are drawn at random; those that fail are put right by the change of one parameter (a larger step, an
    option less, half the range towards the default) that rules out most of them and least of the others.

    Args:
        repeats: name of a Repeat -> its count; each element draws its own values.

    Returns:
        the parameters, name -> notes, and a warning when some still fail; "" = none does.
    """
    left, notes = dict(parameters), dict[str, list[str]]()
    for round_number in range(ROUNDS):
        drawn = draws(left, POINTS, seed + round_number, repeats)
        outcome = [(config, works(config)) for config in drawn]
        bad = [config for config, fine in outcome if not fine]
        good = [config for config, fine in outcome if fine]
        if not bad:
            return left, notes, ""
        repair = _best_repair(left, good, bad, works, defaults, repeats)
        if repair is None:
            break
        name, parameter, note = repair
        if parameter is None:
            left = _without(name, left)
        else:
            left[name] = parameter
        notes.setdefault(name, []).append(note)
    share = len(bad) / len(drawn)
    return left, notes, f"{share:.0%} of the configurations drawn do not build and run: narrow the ranges."


def _without(name: str, parameters: Mapping[str, Parameter]) -> dict[str, Parameter]:
    """What is left when a parameter goes: no condition may name it."""
    return {
        other: replace(one, when={k: v for k, v in (one.when or {}).items() if k != name} or None)
        for other, one in parameters.items()
        if other != name
    }


def draws(
    parameters: Mapping[str, Parameter], count: int, seed: int, repeats: Mapping[str, str] = NO_REPEATS
) -> list[Configuration]:
    """Configurations at random, of parameters that are fixed by role, too."""
    import numpy as np

    rng = np.random.default_rng(seed)
    space = assembled({name: replace(one, role="scientific") for name, one in parameters.items()}, repeats)
    return [space.sample(rng) for _ in range(count)] if len(space) else []


def _best_repair(
    parameters: Mapping[str, Parameter],
    good: Sequence[Mapping[str, Any]],
    bad: Sequence[Mapping[str, Any]],
    works: Works,
    defaults: Mapping[str, Any],
    repeats: Mapping[str, str],
) -> tuple[str, Parameter | None, str] | None:
    culprits: dict[str, set[Any]] = {}
    for config in bad[:8]:
        whole = {full: name for full in config if (name := pooled(full, repeats)) in parameters}
        names = [full for full, name in whole.items() if config[full] != defaults[name]]
        single = [full for full in names if works({**config, full: defaults[whole[full]]})]
        for full in single or names:
            culprits.setdefault(whole[full], set()).add(config[full])
    best: tuple[float, str, Parameter | None, str] | None = None
    for name, values in culprits.items():
        for parameter, note in _repairs(parameters[name], values):
            removed = sum(not _holds(parameter, name, config, repeats) for config in bad) / len(bad)
            stays = sum(_holds(parameter, name, config, repeats) for config in good) / max(1, len(good))
            if isinstance(parameter, Int) and note.startswith("only multiples"):
                stays = 1.0 if (parameter.high - parameter.low) // (parameter.step or 1) >= 2 else stays
            worth = removed * (0.05 + stays)
            if removed > 0 and (best is None or worth > best[0]):
                best = worth, name, parameter, note
    return None if best is None else best[1:]


def _holds(parameter: Parameter | None, name: str, config: Mapping[str, Any], repeats: Mapping[str, str]) -> bool:
    """True where the configuration could still be drawn, in all elements of a Repeat."""
    values = [value for full, value in config.items() if pooled(full, repeats) == name] or [None]
    return all(_has(parameter, value) for value in values)


def _has(parameter: Parameter | None, value: Any) -> bool:
    if value is None or parameter is None:
        return parameter is not None
    if isinstance(parameter, Choice):
        return value in parameter.options
    inside = parameter.low <= value <= parameter.high
    if isinstance(parameter, Int) and parameter.step is not None:
        return inside and (value - parameter.low) % parameter.step == 0
    return inside


def _repairs(parameter: Parameter, values: set[Any]) -> list[tuple[Parameter | None, str]]:
    default: Any = parameter.default
    if isinstance(parameter, Choice):
        found: list[tuple[Parameter | None, str]] = []
        for value in sorted(values - {default}, key=repr):
            rest = [one for one in parameter.options if one != value]
            note = f"{value} does not work with some of the others"
            found.append((replace(parameter, options=rest) if len(rest) > 1 else None, note))
        return found
    found = []
    if isinstance(parameter, Int):
        step = 2 * (parameter.step or 1)
        first, last = max(step, -(-parameter.low // step) * step), parameter.high // step * step
        if default % step == 0 and first < last and first <= default <= last:
            made = replace(parameter, low=first, high=last, step=step)
            found.append((made, f"only multiples of {step} work with all of the others"))
    low: Any
    high: Any
    ends = (parameter.low, _between(parameter, parameter.high)), (_between(parameter, parameter.low), parameter.high)
    for low, high in ends:
        if low < high and (low, high) != (parameter.low, parameter.high):
            end = f"above {high:g}" if high < parameter.high else f"below {low:g}"
            found.append((replace(parameter, low=low, high=high), f"{end} it does not work with some of the others"))
    return found


def _between(parameter: Float | Int, end: float) -> Any:
    """Half way from an end to the default, on the parameter's scale and its steps."""
    default = parameter.default if parameter.default is not None else parameter.low
    middle = math.sqrt(end * default) if parameter.log and default > 0 and end > 0 else (end + default) / 2
    if isinstance(parameter, Float):
        return _digits(middle)
    step = parameter.step or 1
    near: int = parameter.low + math.floor((middle - parameter.low) / step) * step
    if end < default:
        near = min(int(default), near + int(step))
    return near
