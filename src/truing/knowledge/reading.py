"""Cards read from TOML, and every rule that they keep."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from types import MappingProxyType
from typing import Any

from truing.errors import TruingError, UsageError, listed, short
from truing.knowledge.definition import CONTEXTS, GROUPS, KINDS, SCALES, Card
from truing.space.parameter import ROLES
from truing.space.space import Space

_LISTS = ("aliases", "options", "interacts", "source")
_SENTENCES = ("what", "too_low", "too_high", "cost", "range_from")
_GIVEN = [item.name for item in fields(Card) if item.name not in ("name", "group", "variants")]
_NEEDED = [
    item.name
    for item in fields(Card)
    if item.name in _GIVEN and item.default is MISSING and item.default_factory is MISSING
]
_VARIES = ("default", "low", "high", "scale", "options", "range_from", "what", "too_low", "too_high", "source")
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_ENDS = re.compile(r"[.!?](?=\s|$)")


def read(texts: Mapping[str, str]) -> Mapping[str, Card]:
    """All cards of several TOML texts, one text for each group.

    Args:
        texts: group -> TOML, a table for each card.

    Raises:
        UsageError: what is wrong with them, one sentence a line.

    >>> read({"training": "[momentum]\\nrange = 3"})
    Traceback (most recent call last):
    truing.errors.UsageError: Card momentum: unknown key 'range'.
    Card momentum: role, kind, default, what, too_low, too_high, cost, range_from and source are missing.
    """
    found: dict[str, Card] = {}
    wrong: list[str] = []
    for group, text in texts.items():
        if group not in GROUPS:
            wrong.append(f"Cards have the groups {', '.join(GROUPS)}; got {group!r}.")
        try:
            tables = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            wrong.append(f"The cards of {group} are not valid TOML: {error}.")
            continue
        for name, table in tables.items():
            if name in found:
                wrong.append(f"Card {name}: it is in two groups.")
            faults = list(_faults(name, table))
            if faults:
                wrong += faults
                continue
            card = _made(name, group, table)
            wrong += _range_faults(card)
            found[name] = card
    if not wrong:
        wrong += _together(found)
    listed(wrong, UsageError)
    return MappingProxyType(found)


def _faults(name: str, table: Any) -> Iterator[str]:
    """What is wrong with the keys and the sentences of one table."""
    at = f"Card {name}:"
    if not isinstance(table, dict):
        yield f"{at} it must be a table, got {short(table)}."
        return
    if not _NAME.fullmatch(name):
        yield f"{at} a name is lower case letters, digits and underscores."
    yield from (f"{at} unknown key {key!r}." for key in table if key not in (*_GIVEN, "variants"))
    missing = [key for key in _NEEDED if key not in table]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        yield f"{at} {' and '.join(filter(None, [', '.join(missing[:-1]), missing[-1]]))} {verb} missing."
        return
    for key in _SENTENCES:
        yield from _sentence_faults(at, key, table[key])
    if isinstance(table["what"], str) and len(_ENDS.findall(table["what"])) != 2:
        yield f"{at} what must be two sentences, got {len(_ENDS.findall(table['what']))}."
    for key in _LISTS:
        value = table.get(key, [])
        if not isinstance(value, list) or (key != "options" and not all(isinstance(one, str) and one for one in value)):
            yield f"{at} {key} must be a list, got {short(value)}."
    if not table["source"]:
        yield f"{at} source must name at least one."
    for key, allowed in (("role", ROLES), ("kind", KINDS), ("scale", SCALES)):
        if table.get(key, allowed[0]) not in allowed:
            yield f"{at} {key} must be one of {', '.join(allowed)}; got {table[key]!r}."
    variants = table.get("variants", {})
    for variant, changes in variants.items() if isinstance(variants, dict) else ():
        context, _, value = variant.partition("=")
        if value not in CONTEXTS.get(context, ()):
            yield f"{at} a variant is named as optimizer=sgd or model=cnn, got {variant!r}."
        if not isinstance(changes, dict) or not changes:
            yield f"{at} variant {variant} must say what differs, got {short(changes)}."
            continue
        yield from (f"{at} variant {variant}: unknown key {key!r}." for key in changes if key not in _VARIES)
        for key in _SENTENCES:
            if key in changes:
                yield from _sentence_faults(f"{at} variant {variant}:", key, changes[key])


def _sentence_faults(at: str, key: str, value: Any) -> Iterator[str]:
    if not isinstance(value, str) or not value.strip() or value.strip()[-1] not in ".!?":
        yield f"{at} {key} must be a sentence with its full stop, got {short(value)}."


def _made(name: str, group: str, table: Mapping[str, Any]) -> Card:
    given = {key: _frozen(value) for key, value in table.items() if key != "variants"}
    variants = {
        variant: MappingProxyType({key: _frozen(value) for key, value in changes.items()})
        for variant, changes in table.get("variants", {}).items()
    }
    return Card(name=name, group=group, variants=MappingProxyType(variants), **given)


def _frozen(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_frozen(item) for item in value)
    return " ".join(value.split()) if isinstance(value, str) else value


def _range_faults(card: Card) -> Iterator[str]:
    """A range or default that no space would take, of the card or of one of its variants."""
    for variant in ("", *card.variants):
        context, _, value = variant.partition("=")
        at = f"Card {card.name}: variant {variant}:" if variant else f"Card {card.name}:"
        here = card.under(**{context: value}) if variant else card
        if here.kind == "choice":
            if len(here.options) < 2 or here.low is not None or here.high is not None:
                yield f"{at} a choice has options, two or more, and no range."
                continue
            if here.default not in here.options:
                yield f"{at} the default {here.default!r} is not among the options {list(here.options)}."
                continue
        else:
            whole = (int,) if here.kind == "int" else (int, float)
            numbers = (here.low, here.high, here.default)
            if here.options or any(not isinstance(one, whole) or isinstance(one, bool) for one in numbers):
                yield f"{at} {here.kind} needs low, high and default as numbers and no options, got {list(numbers)}."
                continue
            if not here.low <= here.default <= here.high:
                yield f"{at} the default {here.default!r} lies outside of the range {here.low!r} to {here.high!r}."
                continue
        try:
            Space({card.name: here.parameter()})
        except TruingError as error:
            yield f"{at} {error}"


def _together(cards: Mapping[str, Card]) -> Iterator[str]:
    """What is wrong between cards: names that are taken, interactions with nobody."""
    owner = {name: name for name in cards}
    for card in cards.values():
        for alias in card.aliases:
            if alias in owner:
                yield f"Card {card.name}: the alias {alias!r} already means {owner[alias]}."
            owner[alias] = card.name
        for name in card.interacts:
            if name not in cards or name == card.name:
                yield f"Card {card.name}: it interacts with {name!r}, which is no other card."
