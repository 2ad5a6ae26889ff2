"""All cards, and one of them by its name: `cards()`, `card(name)`, `suggested(name)`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from truing.arguments import spelled
from truing.errors import UsageError, short
from truing.knowledge.definition import GROUPS, Card
from truing.knowledge.reading import read
from truing.space.parameter import Parameter

_INDEX = re.compile(r"^.*\.")  # of layer.0.kernel, which a Repeat makes


@cache
def cards() -> Mapping[str, Card]:
    """Every card by its name, group by group: architecture, training, runtime. Read once.

    >>> cards()["batch_size"].default
    64
    """
    folder = resources.files("truing.knowledge") / "data"
    return read({group: (folder / f"{group}.toml").read_text(encoding="utf-8") for group in GROUPS})


def card(name: str) -> Card:
    """The card of a hyperparameter, by its name or one of its aliases; spelling with hyphens or capitals counts too.

    Args:
        name: such as "kernel_size", "lr" or, of a `Repeat`, "layer.0.kernel".

    Raises:
        UsageError: no such card; the message gives the nearest name.

    >>> card("dropuot")
    Traceback (most recent call last):
    truing.errors.UsageError: No card is called 'dropuot'; did you mean 'dropout'?
    """
    names = _names()
    if isinstance(name, str):
        for spelling in (name, _plain(name), _plain(_INDEX.sub("", name))):
            if spelling in names:
                return cards()[names[spelling]]
    near = difflib.get_close_matches(_plain(str(name)), names, 1)
    hint = f"did you mean {near[0]!r}?" if near else "`truing explain` lists all."
    raise UsageError(f"No card is called {short(name)}; {hint}")


@spelled("suggested")
def suggested(
    name: str, *, optimizer: str | None = None, model: str | None = None, when: Mapping[str, Any] | None = None
) -> Parameter:
    """The parameter that the card of this name suggests, to be put into a space: range, scale, default, group and role.

    It is a start, made from what is widely recommended, and not an answer: widen it where the best lies at an end.

    Args:
        name: of the hyperparameter, or an alias of it; `truing explain` lists them.
        optimizer: "sgd", "adam", "adamw", "rmsprop" or "lion", where the range depends on it.
        model: "mlp", "cnn", "rnn", "transformer", "gnn", "reinforcement", "gradient_boosting" or "svr", likewise.
        when: the condition under which it is active, as for `tr.Float`.

    Raises:
        UsageError: a name, an optimizer or a family that no card knows; the nearest is given.

    >>> suggested("learning_rate", optimizer="adamw")
    Float(0.0001, 0.01, log=True, default=0.001, role='nuisance')
    >>> suggested("kernel_size")
    Choice([1, 3, 5, 7], ordered=True, default=3, group='architecture')
    """
    return card(name).parameter(optimizer=optimizer, model=model, when=when)


@cache
def _names() -> Mapping[str, str]:
    """Every name and alias, and the card it means."""
    found = {name: name for name in cards()}
    return found | {alias: one.name for one in cards().values() for alias in one.aliases}


def _plain(name: str) -> str:
    return re.sub(r"[\s-]+", "_", name.strip()).lower()
