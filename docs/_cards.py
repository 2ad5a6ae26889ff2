"""Make docs/cards/*.md from the cards, with the curves that `benchmarks/cards.py` recorded: part of `make docs`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from truing.knowledge import Card, cards
from truing.knowledge.definition import GROUPS
from truing.knowledge.text import address, span, value

HERE = Path(__file__).parent / "cards"
STORED = Path(__file__).parents[1] / "benchmarks" / "results" / "cards.json"
MADE = "<!-- Made by `make docs` from src/truing/knowledge/data; edit those files. -->\n"


def pages() -> dict[str, str]:
    """File name -> content, for the whole folder."""
    shown = measured()
    made = {f"{name}.md": page(card, shown.get(name)) for name, card in cards().items()}
    return {"README.md": index(shown), **made}


def measured() -> dict[str, Any]:
    """What the benchmark recorded, by card."""
    return json.loads(STORED.read_text(encoding="utf-8"))["details"]["cards"] if STORED.exists() else {}


def index(shown: dict[str, Any]) -> str:
    """A table for each group."""
    lines = [MADE, "# Cards: what there is to tune\n"]
    lines.append(
        f"{len(cards())} hyperparameters: what each does, where to begin, how too low and too high look in the\n"
        "curves, and what to tune again with it. `truing explain` lists them, `truing explain kernel_size` shows one,\n"
        'and `tr.suggested("kernel_size")` puts one into a space. Ranges are those that the named sources recommend\n'
        "or use; they are a start, to be widened where the best lies at an end. A role is what the parameter mostly\n"
        "is in a study; yours decides.\n"
    )
    for group in GROUPS:
        lines.append(f"## {group.capitalize()}\n")
        lines.append("| card | default | range or options | role |\n|---|---|---|---|")
        for card in cards().values():
            if card.group == group:
                mark = " (with curves)" if card.name in shown else ""
                lines[-1] += (
                    f"\n| [{card.name}]({card.name}.md){mark} | {value(card.default)} | {span(card)} | {card.role} |"
                )
        lines[-1] += "\n"
    return "\n".join(lines)


def page(card: Card, shown: dict[str, Any] | None) -> str:
    """All that one card says."""
    low, high = ("Too low", "Too high") if card.kind != "choice" or card.ordered else ("Too little", "Too much")
    called = f" Also called {', '.join(f'`{alias}`' for alias in card.aliases)}." if card.aliases else ""
    lines = [MADE, f"# {card.name}\n", f"{card.group.capitalize()}, mostly {card.role}.{called}\n", f"{card.what}\n"]
    lines.append("| | default | range or options | recommended by |\n|---|---|---|---|")
    lines[-1] += f"\n| | {value(card.default)} | {span(card)} | {card.range_from} |"
    for variant in card.variants:
        kind, _, name = variant.partition("=")
        one = card.under(**{kind: name})
        lines[-1] += f'\n| `{kind}="{name}"` | {value(one.default)} | {span(one)} | {one.range_from} |'
    lines[-1] += "\n"
    lines.append(f"**{low}.** {card.too_low}\n\n**{high}.** {card.too_high}\n\n**Cost.** {card.cost}\n")
    for variant in card.variants:
        kind, _, name = variant.partition("=")
        changes = card.variants[variant]
        said = [changes[key] for key in ("what", "too_low", "too_high") if key in changes]
        if said:
            lines.append(f'**With `{kind}="{name}"`.** {" ".join(said)}\n')
    links = ", ".join(f"[{name}]({name}.md)" for name in card.interacts)
    lines.append(f"**Tune again with** {links}.\n")
    if shown is not None:
        lines += curves(card.name, shown)
    lines.append("## In a space\n")
    lines.append(
        f'```text\n{card.name}=tr.suggested("{card.name}")\n{" " * len(card.name)} {card.parameter()!r}\n```\n'
    )
    lines.append("## Sources\n")
    every = [*card.source, *(item for changes in card.variants.values() for item in changes.get("source", ()))]
    longest: dict[str, str] = {}  # of those with the same address
    for words, link in map(address, every):
        longest[link or words] = max(longest.get(link or words, ""), words, key=len)
    lines += [f"- [{words}]({link})" for link, words in longest.items()]
    return "\n".join(lines) + "\n"


def curves(name: str, shown: dict[str, Any]) -> list[str]:
    """The figure, and what was looked for in it."""
    words = re.sub(r"[\[\]]", "", shown["words"])
    lines = ["## Seen\n", f"![{words}](figures/{name}.svg)\n"]
    lines.append(f"Digits, two dense layers, {shown['setting']}. `python benchmarks/cards.py` makes it again.\n")
    for which, place in (("too_low", "Too low"), ("too_high", "Too high")):
        claim = shown["claims"][which]
        seen = "seen" if claim["holds"] else "**not seen**"
        lines.append(f"- {place}: {claim['says']}: {seen}.")
    return [*lines, ""]


def write() -> int:
    """Write the folder; returns how many pages."""
    return written(HERE, pages())


def written(folder: Path, wanted: Mapping[str, str]) -> int:
    """Put these pages into the folder, and no others; returns how many."""
    folder.mkdir(exist_ok=True)
    for old in set(folder.glob("*.md")) - {folder / name for name in wanted}:
        old.unlink()
    for name, content in wanted.items():
        (folder / name).write_text(content, encoding="utf-8")
    return len(wanted)
