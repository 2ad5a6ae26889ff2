"""Cards as lines that fit a terminal."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator

from truing.knowledge.definition import GROUPS, Card

NAME, LABEL = 27, 13  # columns
_ADDRESS = re.compile(r",? *(https?://\S+)$")


def listing(cards: Iterable[Card], width: int) -> str:
    """One line for each card, group by group.

    >>> from truing.knowledge import card
    >>> print(listing([card("stride")], 80))
    architecture
      stride                   How many positions the window of a convolution or ...
    <BLANKLINE>
    One of them: truing explain kernel_size
    """
    found = list(cards)
    lines = []
    for group in GROUPS:
        here = [card for card in found if card.group == group]
        if here:
            lines += [group, *(f"  {card.name:<{NAME - 2}}{_short(card, width - NAME)}" for card in here), ""]
    return "\n".join([*lines, "One of them: truing explain kernel_size"])


def explained(card: Card, width: int, **context: str | None) -> str:
    """All that a card says.

    Args:
        card: as it is without a context.
        width: columns.
        context: optimizer=, model=; None = not said.

    Raises:
        UsageError: a context that no card knows.
    """
    here = card.under(**context)
    low, high = ("too low", "too high") if here.kind != "choice" or here.ordered else ("too little", "too much")
    lines = [f"{here.name} ({here.group}, mostly {here.role})"]
    lines += _wrapped("Also called " + ", ".join(here.aliases) + ".", width) if here.aliases else []
    lines += ["", *_wrapped(here.what, width), ""]
    lines += _labelled("default", value(here.default), width)
    lines += _labelled("options" if here.kind == "choice" else "range", span(here), width)
    for variant, changes in card.variants.items():
        if here is card and {"default", "low", "high", "scale", "options"} & set(changes):
            kind, _, name = variant.partition("=")
            one = card.under(**{kind: name})
            lines += _labelled(f"  {name}", f"{span(one)}; default {value(one.default)}", width, len(_longest(card)))
    lines += _labelled("from", here.range_from, width)
    lines.append("")
    lines += _labelled(low, here.too_low, width)
    lines += _labelled(high, here.too_high, width)
    lines += _labelled("cost", here.cost, width)
    lines += _labelled("re-tune with", ", ".join(here.interacts), width) if here.interacts else []
    lines += ["", "Sources"]
    for source in here.source:
        lines += _source(source, width)
    said = "".join(f", {kind}={name!r}".replace("'", '"') for kind, name in context.items() if name is not None)
    lines += ["", "In a space", f'  {here.name}=tr.suggested("{here.name}"{said}),', "which is"]
    lines += _wrapped(repr(here.parameter()), width, "  ", "      ")
    return "\n".join(lines)


def span(card: Card) -> str:
    """Range or options in words.

    >>> from truing.knowledge import card
    >>> span(card("lr")), span(card("padding"))
    ('0.0001 to 0.1, log scale', 'same, valid')
    """
    if card.kind == "choice":
        return ", ".join(map(value, card.options))
    scale = ", log scale" if card.scale == "log" else ""
    return f"{value(card.low)} to {value(card.high)}{scale}"


def value(item: object) -> str:
    """A default or an end of a range as a person writes it.

    >>> value(0.0001), value(1e-10), value(64), value(True), value("adamw")
    ('0.0001', '1e-10', '64', 'True', 'adamw')
    """
    return f"{item:g}" if isinstance(item, float) else str(item)


def address(source: str) -> tuple[str, str]:
    """A source without its address, and the address; either may be empty.

    >>> address("Kingma and Ba 2015, Adam, https://arxiv.org/abs/1412.6980")
    ('Kingma and Ba 2015, Adam', 'https://arxiv.org/abs/1412.6980')
    """
    found = _ADDRESS.search(source)
    return (source[: found.start()], found[1]) if found else (source, "")


def _short(card: Card, width: int) -> str:
    first = re.split(r"(?<=\.)\s", card.what)[0]
    return textwrap.shorten(first, width, placeholder=" ...")


def _longest(card: Card) -> str:
    return max((f"  {name.partition('=')[2]}  " for name in card.variants), key=len)


def _labelled(label: str, words: str, width: int, column: int = 0) -> list[str]:
    column = max(LABEL, column)
    return _wrapped(words, width, f"{label:<{column}}", " " * column)


def _source(source: str, width: int) -> Iterator[str]:
    words, link = address(source)
    yield from _wrapped(words, width, "- ", "  ")
    if link:
        yield f"  {link}"


def _wrapped(words: str, width: int, first: str = "", rest: str = "") -> list[str]:
    return textwrap.wrap(
        words, width, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )
