"""docs/cards is what `make docs` makes of the cards today, and shows what the benchmark saw."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

from truing.knowledge import cards

ROOT = Path(__file__).parents[2]
STORED = json.loads((ROOT / "benchmarks" / "results" / "cards.json").read_text(encoding="utf-8"))["details"]["cards"]


@pytest.fixture(scope="module")
def made() -> ModuleType:
    spec = importlib.util.spec_from_file_location("_cards", ROOT / "docs" / "_cards.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pages_are_up_to_date(made: ModuleType) -> None:
    wanted = made.pages()
    stored = {page.name: page.read_text(encoding="utf-8") for page in made.HERE.glob("*.md")}

    assert [name for name in {**wanted, **stored} if wanted.get(name) != stored.get(name)] == [], "make docs"
    assert {f"{name}.md" for name in cards()} < set(stored)


def test_five_cards_are_shown_by_curves_that_were_measured(made: ModuleType) -> None:
    assert len(STORED) >= 5
    for name, shown in STORED.items():
        card, page = cards()[name], made.pages()[f"{name}.md"]
        assert shown["card"] == {"too_low": card.too_low, "too_high": card.too_high}, "run benchmarks/cards.py again"
        for claim in shown["claims"].values():
            assert claim["holds"] == all(errors >= 3 for errors in claim["standard_errors"].values()), name
            assert f"{claim['says']}: {'seen' if claim['holds'] else '**not seen**'}." in page
        assert f"(figures/{name}.svg)" in page
        assert (ROOT / "docs" / "cards" / "figures" / f"{name}.svg").is_file()
        assert len({len(one["train"]) for one in shown["curves"].values()}) == 1


def test_a_claim_that_was_not_seen_is_said(made: ModuleType) -> None:
    for holds in (True, False):
        shown = json.loads(json.dumps(STORED["width"]))
        for claim in shown["claims"].values():
            claim["holds"] = holds
        assert ("**not seen**" in made.page(cards()["width"], shown)) is not holds
