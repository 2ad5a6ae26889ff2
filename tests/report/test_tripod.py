"""TRIPOD+AI: all items, and none claimed that the journal does not answer."""

from __future__ import annotations

from typing import Any

from truing.report.tripod import ANSWERED, AUTHOR, IN_PART, ITEMS, NOT_HERE, tripod, tripod_text

PART = {"rows": 9, "events": [6, 3]}


def answers(
    told: Any, study: dict[str, Any], verdict: dict[str, Any] | None = None, files: tuple[str, ...] = ()
) -> Any:
    return {item.number: item.status for item in tripod(told.history, study, verdict, dict.fromkeys(files, ""))}


def test_every_item_of_the_statement_once() -> None:
    numbers = [number for number, _, _ in ITEMS]
    assert len(set(numbers)) == len(numbers) == 52
    assert {int("".join(c for c in n if c.isdigit())) for n in numbers} == set(range(1, 28))
    letters = {n: "".join(x[len(str(n)) :] for x in numbers if x.rstrip("abcdefg") == str(n)) for n in range(1, 28)}
    assert {n: part for n, part in letters.items() if part} == {
        3: "abc", 5: "ab", 6: "abc", 8: "abc", 9: "abc", 12: "abcdefg", 18: "abcdef", 20: "abc", 23: "ab", 27: "abc",
    }  # fmt: skip


def test_a_bare_journal_answers_the_tuning_and_nothing_else(told) -> None:
    found = answers(told, {"metric": "reward"})
    assert {number for number, status in found.items() if status != AUTHOR} == {"12c"}
    assert found["12c"] == IN_PART  # the kind of model is the author's


def test_what_is_known_is_answered_and_nothing_more(told) -> None:
    parts = {"classes": ["no", "yes"], "locked": PART, "folds": []}
    study = {"metric": "log_loss", "classes": 2, "parts": parts, "facts": {"sites": 1, "time": ["2001", "2003"]}}
    before, after = answers(told, study), answers(told, study, told.verdict)
    assert before["12a"] == before["21"] == ANSWERED
    assert before["5b"] == before["6a"] == before["16"] == IN_PART
    assert before["12d"] == before["23b"] == NOT_HERE
    assert before["12e"] == before["23a"] == before["12g"] == AUTHOR  # there is no verdict yet
    assert after["12e"] == after["23a"] == after["12g"] == IN_PART
    assert answers(told, study, told.verdict, ("confusion.svg",))["12g"] == ANSWERED
    assert answers(told, {**study, "parts": {**parts, "locked": None}})["20c"] == NOT_HERE
    asked = {"value": 0.2, "aim": "sensitivity >= 0.95"}
    for chosen, status in (("out of fold", ANSWERED), (None, IN_PART)):  # a given one has no reason of its own
        by = {"threshold": {**asked, "chosen_on": chosen}}
        assert answers(told, study, {**told.verdict, **by})["15"] == status


def test_the_table_counts_what_it_shows(told) -> None:
    items = tripod(told.history, {"metric": "reward"}, None, {})
    text = tripod_text(items)
    assert "0 answered, 1 in part, 51 by the author, 0 does not apply" in text
    assert sum(line.startswith("| ") for line in text.splitlines()) == 53
    assert all(line.count("|") == 6 for line in text.splitlines() if line.startswith("|"))
