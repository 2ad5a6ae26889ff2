"""`Card`: what is known of one hyperparameter, and the parameter of a space made from it."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal

from truing.errors import SpaceError, UsageError
from truing.space.parameter import Choice, Float, Int, Parameter

GROUPS = ("architecture", "training", "runtime")
KINDS = ("float", "int", "choice")
SCALES = ("linear", "log")
# What a range may depend on; a variant of a card is named "optimizer=sgd".
CONTEXTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "optimizer": ("sgd", "adam", "adamw", "rmsprop", "lion"),
        "model": ("mlp", "cnn", "rnn", "transformer", "gnn", "reinforcement", "gradient_boosting", "svr"),
    }
)


@dataclass(frozen=True)
class Card:
    """What is known of one hyperparameter, in words and as a range.

    Args:
        name: as a space calls it, such as "learning_rate".
        aliases: other names for the same thing.
        group: "architecture", "training" or "runtime".
        role: "scientific", "nuisance" or "fixed": what it mostly is in a study; yours may differ.
        kind: "float", "int" or "choice".
        default: where to begin.
        low, high, scale: the range of a float or an int; scale "linear" or "log".
        options, ordered: the options of a choice, and whether they lie on a line.
        what: two sentences: what it does.
        too_low, too_high: how the curves look then. Of a choice without order, what speaks against the simpler
            and what against the stronger options.
        interacts: names of cards; re-tune with them.
        cost: what a larger value costs.
        range_from: who recommends default and range.
        source: where that, and what is said, can be read.
        variants: "optimizer=sgd" -> what differs there, as fields of the card.

    >>> Card(
    ...     "depth", group="architecture", role="scientific", kind="int", default=2, low=1, high=6,
    ...     what="Layers. More of them.", too_low="-", too_high="-", cost="-", range_from="-", source=("-",),
    ... ).parameter()
    Int(1, 6, default=2, group='architecture')
    """

    name: str
    group: str
    role: str
    kind: str
    default: Any
    what: str
    too_low: str
    too_high: str
    cost: str
    range_from: str
    source: tuple[str, ...]
    aliases: tuple[str, ...] = ()
    low: float | int | None = None
    high: float | int | None = None
    scale: Literal["linear", "log"] = "linear"
    options: tuple[Any, ...] = ()
    ordered: bool = False
    interacts: tuple[str, ...] = ()
    variants: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: MappingProxyType({}), hash=False)

    def under(self, **context: str | None) -> Card:
        """The card as it is with that optimizer or family of models; itself where that makes no difference.

        Args:
            context: optimizer=, model=; None = not said.

        Raises:
            UsageError: a context or a value of one that no card knows.
        """
        changes: dict[str, Any] = {}
        for kind, value in context.items():
            if kind not in CONTEXTS:
                raise UsageError(f"A card depends on {' and '.join(CONTEXTS)}; got {kind}={value!r}.")
            if value is None:
                continue
            if not isinstance(value, str) or value not in CONTEXTS[kind]:
                near = difflib.get_close_matches(str(value).lower(), CONTEXTS[kind], 1)
                hint = f"did you mean {near[0]!r}?" if near else f"they know {', '.join(CONTEXTS[kind])}."
                raise UsageError(f"The cards know no {kind} {value!r}; {hint}")
            changes |= self.variants.get(f"{kind}={value}", {})
        return replace(self, **changes) if changes else self

    def parameter(self, *, when: Mapping[str, Any] | None = None, **context: str | None) -> Parameter:
        """The parameter as a space takes it: range, scale, default, group and role of the card.

        Args:
            when: the condition under which it is active, as for `tr.Float`.
            context: optimizer=, model=, as for `under`.

        Raises:
            UsageError: a context that no card knows.

        >>> from truing.knowledge import card
        >>> card("momentum").parameter(optimizer="sgd", when={"optimizer": "sgd"}).when
        {'optimizer': ('sgd',)}
        """
        here = self.under(**context)
        shared: dict[str, Any] = {"group": here.group, "role": here.role, "when": when}
        if here.kind == "choice":
            return Choice(list(here.options), ordered=here.ordered, default=here.default, **shared)
        if here.low is None or here.high is None:
            raise SpaceError(f"The card {here.name} has no range.")
        log = here.scale == "log"
        if here.kind == "int":
            return Int(int(here.low), int(here.high), log=log, default=here.default, **shared)
        return Float(here.low, here.high, log=log, default=here.default, **shared)

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        found = {name: getattr(self, name) for name in self.__dataclass_fields__}
        found |= {name: list(value) for name, value in found.items() if isinstance(value, tuple)}
        found["variants"] = {
            name: {key: list(value) if isinstance(value, tuple) else value for key, value in changes.items()}
            for name, changes in self.variants.items()
        }
        return found
