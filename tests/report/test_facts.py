from __future__ import annotations

from truing.report.facts import inside, name_of, number, words


def test_rows_are_never_listed() -> None:
    assert words({"share": None, "rows": list(range(360))}) == "rows 360 values"
    assert words(list(range(3))) == "3 values"
    assert words({"fingerprint": "abc", "rows": 12}) == "rows 12"


def test_names_lead_and_nothing_is_left_out_of_a_setting() -> None:
    assert words({"folds": 5, "name": "kfold", "inner": {"shuffle": True}}) == "kfold, folds 5, inner (shuffle yes)"


def test_undefined_numbers_are_dashes() -> None:
    assert [number(v) for v in (None, float("nan"), float("inf"))] == ["–", "–", "–"]


def test_odd_input_is_survived() -> None:
    assert inside([1, 2], "a") is None
    assert name_of({}, "score") == "score"
    assert words(None) == "–"
