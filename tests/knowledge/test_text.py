"""What `truing explain` prints fits a terminal, and holds all that a card says."""

from __future__ import annotations

import pytest

from truing.knowledge import card, cards
from truing.knowledge.text import explained, listing


@pytest.mark.parametrize("name", list(cards()))
@pytest.mark.parametrize("width", [80, 100])
def test_a_card_fits_and_is_whole(name: str, width: int) -> None:
    text = explained(card(name), width)
    words = " ".join(text.split())

    wide = [line.split() for line in text.splitlines() if len(line) > width]
    assert all(len(line) == 1 and line[0].startswith("https://") for line in wide)  # an address is never broken
    for said in (card(name).what, card(name).too_low, card(name).too_high, card(name).cost, card(name).range_from):
        assert said in words
    for said in (*card(name).interacts, *card(name).aliases):
        assert said in words
    assert f'{name}=tr.suggested("{name}")' in text


def test_the_range_of_each_optimizer_is_listed_and_one_alone_on_demand() -> None:
    text = explained(card("lr"), 80)
    alone = explained(card("lr"), 80, optimizer="sgd")

    assert "\n  sgd                0.001 to 1, log scale; default 0.01\n" in text
    assert "\ndefault      0.01\nrange        0.001 to 1, log scale\n" in alone
    assert "adamw" not in alone.split("Sources")[0].split("too low")[0]
    assert 'learning_rate=tr.suggested("learning_rate", optimizer="sgd")' in alone


def test_the_list_has_a_line_for_each() -> None:
    lines = listing(cards().values(), 80).splitlines()

    assert max(map(len, lines)) <= 80
    assert [line.split()[0] for line in lines if line.startswith("  ")] == list(cards())
    assert [line for line in lines if line in ("architecture", "training", "runtime")] == [
        "architecture",
        "training",
        "runtime",
    ]
