"""`inspect(build)`: the layers of a model, what its arguments change, what its code fixes, and a space to copy."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from truing.arguments import spelled
from truing.errors import UsageError, short
from truing.probe import ranges, working
from truing.probe.factory import NOT_GIVEN, Factory, Missing
from truing.probe.fixed import fixed_values
from truing.probe.found import Argument, Inspection
from truing.probe.layers import Layer, layer_table
from truing.probe.objects import WAYS, family_of, meant
from truing.probe.repeated import assembled, in_all, parted
from truing.probe.rows import Rows, candidates, tensor_of
from truing.probe.snapshot import Change, differences, weights_that_differ
from truing.probe.source import literals, options
from truing.probe.working import Tried, Trier, sentence
from truing.space.condition import at_least
from truing.space.parameter import Choice, Int, Parameter

MOST = 64  # arguments


@spelled("inspect")
def inspect(build: Any, *, input: Any = None, config: Mapping[str, Any] | None = None, seed: int = 0) -> Inspection:
    """What a model has to tune: its layers, what each argument changes, what the code fixes, and a space to copy.

    Every figure is seen on networks that are built with one argument changed at a time, and given some rows; ranges,
    roles and groups are those of the cards (`truing explain`), limited to values that build, run and have finite
    gradients. Nothing is written, and PyTorch's random numbers are as before.

    Args:
        build: `build(config) -> torch.nn.Module` as `TorchTrainer` takes it; a function or module class with plain
            arguments; a `TorchTrainer`; a `Study` of one, whose data and defaults are then used; or a module.
        input: shape of one row, such as (3, 32, 32); some rows as an array or tensor; a `tr.Data`; a list or dict of
            these for a network with several inputs. None = guessed from the first layer. Whole numbers are drawn where
            the network takes no others.
        config: values for arguments that have no default, or others than it; ranges are made around them.
        seed: of the weights and of the rows that are drawn.

    Raises:
        UsageError: PyTorch is not installed, `build` needs an argument, does not give a module, or its module fails on
            the rows: each with the error in one sentence.

    >>> import torch
    >>> def build(config):
    ...     width = config.get("width", 8)
    ...     return torch.nn.Sequential(torch.nn.Linear(4, width), torch.nn.ReLU(), torch.nn.Linear(width, 2))
    >>> found = inspect(build, input=(4,))
    >>> found.parameters, found.multiply_adds, found.space["width"]
    (58, 48, Int(4, 32, log=True, default=8, group='architecture'))
    >>> print(*found.arguments[0].changes[:2], sep=", ")
    0 out_features, 0 weight
    """
    needs_torch("inspect")
    given = dict(config or {})
    of_study = build.space if hasattr(build, "objective") and hasattr(build, "space") else None
    if of_study is not None:
        given = {**in_all(of_study.defaults(), of_study), **given}
        input = build.data if input is None else input
    factory = Factory.of(build, given)
    if of_study is not None:
        factory = factory.knowing(of_study)
    with _one_thread():
        return _Look(factory, given, seed).at(input)


class _Look:
    """The steps of one inspection."""

    def __init__(self, factory: Factory, given: Mapping[str, Any], seed: int) -> None:
        self.factory, self.given, self.seed = factory, dict(given), seed
        known = options(factory.build, factory.config, list(factory.defaults))
        self.words = {**known, **factory.words}
        self.values: dict[str, Any] = {}  # what is handed over; the rest is the code's own
        self.assumed: set[str] = set()
        self.defaults: dict[str, Any] = {}
        self.warnings: list[str] = []

    def at(self, given: Any) -> Inspection:
        net, rows = self.begun(given)
        self.trier = Trier(self.factory, rows, self.seed)
        self._settle()
        base = self.trier(self.values)
        self._take(base.read)
        kinds: dict[str, int] = {}
        for part in (base.parts or {}).values():
            kinds[part.kind] = kinds.get(part.kind, 0) + 1
        self.family = ranges.family_of(kinds)
        layers = self._table(self.values) or layer_table(net, rows)
        arguments, tried = self._arguments(base, layers)
        arguments, parameters = self._limited(arguments)
        last = next((one.name for one in reversed(layers) if one.parameters and one.shape is not None), "")
        calls = literals([self.factory.build, *{type(module) for module in net.modules()}])
        calls = [one for one in calls if not self._is_asked(one.what)]
        fixed = fixed_values(base.parts or {}, [one.parts for one in tried if one.parts], calls, last)
        return Inspection(
            name=self.factory.name if self.factory.name != "deepcopy" else type(net).__name__,
            rows=f"{rows}{' (guessed from the first layer)' if rows.is_guessed else ''}",
            output=base.shape or (),
            layers=layers,
            arguments=tuple(arguments),
            fixed=fixed,
            space=assembled(parameters, self.factory.repeats),
            warnings=tuple(self.warnings),
            tried=self.trier.count,
            objects=dict(self.factory.objects),
        )

    # -- a network that works --------------------------------------------------------------------------

    def begun(self, given: Any) -> tuple[Any, Rows]:
        """A network with the defaults, whatever an activation that has none is: a word, a class, a function."""
        self.given = {name: self._labelled(name, value) for name, value in self.given.items()}
        first: UsageError | None = None
        for way in WAYS:
            if way != "words":
                wanted = [name for name in self.assumed if (one := ranges.known(name)) and one.name == "activation"]
                self.factory.objects |= {name: meant(way) for name in wanted if name not in self.given}
                if not wanted:
                    break
            self.assumed.clear()
            try:
                return self._first(given)
            except UsageError as error:
                first = first or error
        raise first or UsageError(f"{self.factory.name} builds no network.")

    def _labelled(self, name: str, value: Any) -> Any:
        """The label of an object that others may stand in for; any other value as it is."""
        if name not in self.factory.objects and (found := family_of(value)) is not None:
            self.factory.objects[name] = found[1]
        labels = self.factory.objects.get(name, {})
        return next((label for label, item in labels.items() if item is value), value)

    def _takes_words(self, name: str, value: Any) -> bool:
        """True where words do as well as the object that is the default, as in torch.nn.Transformer."""
        known = family_of(value)
        others = [label for label in known[1] if label != known[0]] if known is not None else []
        return any(not self.trier.anew({**self.values, name: label}).why for label in others)

    def _first(self, given: Any) -> tuple[Any, Rows]:
        """A network with the defaults, and rows that go through it."""
        import torch

        self.values = {name: value for name, value in self.given.items() if self._is_taken(name)}
        net = self._made()
        why = ""
        for rows in candidates(given, net, self.seed):
            with torch.no_grad(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    net.eval()
                    if tensor_of(rows.through(net)) is not None:
                        return net, rows
                    why = why or f"it gives {short(rows.through(net), 40)}, which holds no tensor"
                except Exception as error:
                    why = why or sentence(error)
        if given is None:
            tail = f" ({why})" if why else ""
            raise UsageError(
                f"What {self.factory.name} takes as input cannot be guessed from its first layer{tail}: give the shape "
                "of one row, as input=(3, 32, 32) or --input 3,32,32."
            )
        raise UsageError(f"The network of {self.factory.name} fails on rows of {_shapes(given)}: {why}.")

    def _is_taken(self, name: str) -> bool:
        if self.factory.config is not None or name in self.factory.defaults:
            return True
        known = ", ".join(self.factory.defaults) or "none"
        raise UsageError(f"{self.factory.name} has no argument {name!r}; it has {known}.")

    def _made(self) -> Any:
        """The network, once every argument that has no default has a value."""
        import torch

        for _ in range(MOST):
            try:
                with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    torch.manual_seed(self.seed)
                    net, _ = self.factory.make(self.values)
            except Missing as missing:
                name = missing.argument
                self.values[name] = ranges.first_value(name, self.words.get(name, ()))
                self.assumed.add(name)
                continue
            except Exception as error:
                tried = ", ".join(f"{name}={self.values[name]!r}" for name in sorted(self.assumed))
                under = f" with {tried}" if tried else ""
                advice = "; give values that work as config={...} or --set NAME=VALUE" if tried else ""
                raise UsageError(
                    f"{self.factory.name} fails{_at(error)}{under}: {sentence(error).rstrip('.')}{advice}."
                ) from error
            if not isinstance(net, torch.nn.Module):
                raise UsageError(
                    f"{self.factory.name} must return a torch.nn.Module, got {type(net).__name__}: {short(net, 60)}."
                )
            return net
        raise UsageError(f"{self.factory.name} reads more than {MOST} names that have no value: give config={{...}}.")

    def _settle(self) -> None:
        """The defaults must train, or nothing that follows says anything."""
        found = self.trier(self.values)
        if found.why:
            raise UsageError(
                f"The network of {self.factory.name} cannot be trained on rows of {self.trier.rows} with its defaults: "
                f"{found.why}."
            )

    def _take(self, read: Mapping[str, Any]) -> list[str]:
        """Note names that were read and their defaults; the new ones among them."""
        new = []
        for name, default in read.items():
            if name not in self.defaults:
                new.append(name)
                value = self.values.get(name, default)
                if name not in self.factory.objects and not self._takes_words(name, value):
                    value = self._labelled(name, value)
                self.defaults[name] = getattr(value, "__name__", value) if callable(value) else value
        return new

    def _is_asked(self, what: str) -> bool:
        """True when an argument is about it: a call of relu beside one of gelu is then no fixed value."""
        return what == "activation" and any(
            (found := ranges.known(name)) is not None and found.name == what and len(self.words.get(name, ())) > 1
            for name in self.defaults
        )

    def _table(self, values: Mapping[str, Any]) -> tuple[Layer, ...] | None:
        import torch

        with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.manual_seed(self.seed)
            try:
                net, _ = self.factory.make(values)
                with torch.no_grad():
                    self.trier.rows.through(net.eval())  # lazy layers
                return layer_table(net, self.trier.rows)
            except Exception:
                return None

    # -- the arguments ---------------------------------------------------------------------------------

    def _arguments(self, base: Tried, layers: Sequence[Layer]) -> tuple[list[Argument], list[Tried]]:
        found: list[Argument] = []
        every: list[Tried] = []
        queue = list(self.defaults)
        self.under: dict[str, dict[str, Any]] = {}  # argument -> the values under which it is read at all
        self.reads: dict[str, dict[Any, set[str]]] = {}
        while queue and len(found) < MOST:
            name = queue.pop(0)
            one, tried = self._argument(name, base, layers)
            found.append(one)
            for value, outcome in tried.items():
                every.append(outcome)
                if not outcome.why:
                    self.reads.setdefault(name, {})[value] = set(outcome.read)
                    for new in self._take(outcome.read):
                        self.under[new] = {**self.under.get(name, {}), name: value}
                        queue.append(new)
        return found, every

    def _argument(self, name: str, base: Tried, layers: Sequence[Layer]) -> tuple[Argument, dict[Any, Tried]]:
        default = self.defaults[name]
        values = {**self.values, **self.under.get(name, {})}
        before = self.trier(values)
        made = self._proposed(name, default)
        tried = {value: self.trier({**values, name: value}) for value in _points(made, default)}
        changes: dict[tuple[str, str], Change] = {}
        for outcome in tried.values():
            if outcome.parts is not None and before.parts is not None:
                for change in differences(before.parts, outcome.parts):
                    changes.setdefault((change.layer, change.attribute), change)
        fine = {value: outcome for value, outcome in tried.items() if not outcome.why}
        if not changes and fine:
            changes = {(c.layer, c.attribute): c for c in self._weights(values, name, next(iter(fine)))}
        to = next(reversed(fine), None)
        table = self._table({**values, name: to}) if fine else None
        was = self._table(values) if name in self.under else layers
        why = self._why_not(name, default, made, tried, fine, before)
        return Argument(
            name=name,
            default=None if default is NOT_GIVEN else default,
            is_assumed=name in self.assumed,
            changes=tuple(changes.values()),
            to=to,
            parameters=_sum(table, "parameters") - _sum(was, "parameters") if table else 0,
            multiply_adds=_sum(table, "multiply_adds") - _sum(was, "multiply_adds") if table else 0,
            parameter=made.parameter if made is not None and not why else None,
            card=made.card if made is not None else "",
            notes=(),
            why_not=why,
        ), tried

    def _proposed(self, name: str, default: Any) -> ranges.Proposed | None:
        if default is NOT_GIVEN or default is None:
            return None
        group = next((g for g, names in self.factory.groups.items() if g is not None and name in names), "architecture")
        if name in self.factory.objects:
            source = ranges.known(name)
            one = Choice(list(self.factory.objects[name]), default=default, group=group)
            return ranges.Proposed(one, source.name if source is not None else "") if len(one.options) > 1 else None
        return ranges.proposed(name, default, self.words.get(name, ()), self.family, group)

    def _why_not(
        self,
        name: str,
        default: Any,
        made: ranges.Proposed | None,
        tried: Mapping[Any, Tried],
        fine: Mapping[Any, Tried],
        before: Tried,
    ) -> str:
        if ranges.is_layout(name):
            return "a matter of layout or arithmetic"
        if ranges.is_of_the_data(name):
            return "the data decide it"
        if default is NOT_GIVEN or default is None:
            return "it has no default to begin from: give one with config={...}"
        if made is None:
            return f"nothing is known of values beside {short(default, 40)}"
        if not fine and any(one.is_built for one in tried.values()):
            return "the data decide it: the rows do not go through with another value"
        if not fine:
            return "no other value builds"
        flat = before.shape is not None and len(before.shape) == 1
        if flat and all(one.shape != before.shape for one in fine.values()):
            return "the data decide it: the output has another shape with another value"
        return ""

    def _weights(self, values: Mapping[str, Any], name: str, value: Any) -> list[Change]:
        """Where nothing else tells two networks apart: weights that begin elsewhere."""
        import torch

        nets = []
        for given in (values, {**values, name: value}):
            with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                torch.manual_seed(self.seed)
                nets.append(self.factory.make(given)[0])
        return weights_that_differ(*nets)

    # -- the space -------------------------------------------------------------------------------------

    def _limited(self, arguments: Sequence[Argument]) -> tuple[list[Argument], dict[str, Parameter]]:
        found = {one.name: one for one in arguments}
        for name, one in found.items():
            if one.parameter is None:
                continue
            values = {**self.values, **self.under.get(name, {})}

            def works(value: Any, name: str = name, values: Mapping[str, Any] = values) -> bool:
                return not self.trier({**values, name: value}).why

            parameter, note = working.alone(one.parameter, works)
            found[name] = replace(
                one,
                parameter=parameter,
                notes=(note,) if note and parameter is not None else (),
                why_not=note if parameter is None else "",
            )
        mine = {name: one.parameter for name, one in found.items() if one.parameter is not None}
        mine = self._conditional(mine)
        mine, notes, warning = working.together(
            mine,
            lambda config: not self.trier({**self.values, **config}).why,
            self.defaults,
            self.seed,
            self.factory.repeats,
        )
        if warning:
            self.warnings.append(warning)
        for name, one in found.items():
            if one.parameter is not None:
                left = mine.get(name)
                found[name] = replace(
                    one,
                    parameter=left,
                    notes=(*one.notes, *notes.get(name, [])[-1:]),
                    why_not="" if left is not None else "no range of it works with the others",
                )
        mine = {name: self._with_objects(name, one) for name, one in (mine | self._needed(mine)).items()}
        if None in self.factory.groups:
            self.warnings.append(
                "build takes ** of the whole configuration, which leaves no room for learning_rate and the like in it: "
                'hand over **config.group("architecture") instead.'
            )
            return list(found.values()), mine
        training = ranges.training([*found])
        return list(found.values()), {**mine, **{name: one.parameter for name, one in training.items()}}

    def _needed(self, mine: Mapping[str, Parameter]) -> dict[str, Parameter]:
        """What a Repeat cannot do without, at its only value: the count, and names that the code has no default for."""
        found: dict[str, Parameter] = {}
        for repeat, count in self.factory.repeats.items():
            inside = [name for name in self.defaults if parted(name)[0] == repeat]
            for name in [count, *(one for one in inside if one in self.values)] if inside else ():
                if name not in mine:
                    found[name] = Choice([self.defaults[name]], default=self.defaults[name], group="architecture")
        return found

    def _with_objects(self, name: str, parameter: Parameter) -> Parameter:
        """A Choice of labels as one of the objects behind them."""
        objects = self.factory.objects.get(name)
        if objects is None or not isinstance(parameter, Choice):
            return parameter
        return replace(parameter, objects={label: objects[label] for label in parameter.options})

    def _conditional(self, parameters: dict[str, Parameter]) -> dict[str, Parameter]:
        """With `when`, where an argument is read only under some values of another one."""
        if self.factory.config is None:
            return parameters
        found = dict(parameters)
        usual = set(self.trier(self.values).read)
        for parent, reads in self.reads.items():
            if parent not in parameters:
                continue
            own = parameters[parent]
            default = self.defaults[parent]
            seen = {**reads, default: set(self.trier({**self.values, **self.under.get(parent, {})}).read)}
            for name in parameters:
                if name == parent or (name in usual and all(name in names for names in seen.values())):
                    continue
                under = [value for value in seen if name in seen[value]]
                if not under or len(under) == len(seen):
                    continue
                if parted(parent)[0] and parted(parent)[0] != parted(name)[0]:
                    continue  # of one layer: it cannot say anything of what is outside
                if isinstance(own, Choice):
                    condition: Any = [value for value in own.options if value in under]
                elif isinstance(own, Int):
                    condition = at_least(min(under))
                    if any(value >= min(under) and value not in under for value in seen):
                        continue
                else:
                    continue
                found[name] = replace(found[name], when={**(found[name].when or {}), parent: condition})
        return found


def _points(made: ranges.Proposed | None, default: Any) -> list[Any]:
    """Values to look at: all options, or the ends and the neighbours of the default."""
    if made is None:
        if isinstance(default, int) and not isinstance(default, bool) and default > 0:
            return [default + 1, 2 * default]
        return []
    one = made.parameter
    if isinstance(one, Choice):
        values = list(one.options)
    elif isinstance(one, Int) and one.high - one.low <= 8:
        values = list(range(one.low, one.high + 1))
    elif isinstance(one, Int):
        values = [one.low, default // 2, default + 1, 2 * default, one.high]
    else:
        values = [one.low, one.high]
    return [value for value in dict.fromkeys(values) if value != default]


def _sum(table: Sequence[Layer] | None, name: str) -> int:
    return sum(getattr(one, name) for one in table or ())


def _shapes(given: Any) -> str:
    return short(given if not hasattr(given, "shape") else tuple(given.shape[1:]), 80)


def _at(error: BaseException) -> str:
    """Where in the user's own code it was raised."""
    import traceback
    from pathlib import Path

    from truing.record.reach import is_users_file

    own = [frame for frame in traceback.extract_tb(error.__traceback__) if is_users_file(frame.filename)]
    return f" at {Path(own[-1].filename).name}:{own[-1].lineno}" if own else ""


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """A few rows are through sooner, and give the same figures on every machine."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def needs_torch(what: str) -> None:
    """Raises UsageError where PyTorch is not installed; `what` is the name of what was asked for."""
    import importlib.util

    if importlib.util.find_spec("torch") is None:
        raise UsageError(f"{what} needs PyTorch, which is not installed: install Truing with its torch extra.")
