"""The corrections in the report: each figure with its words, and the lines of the figure are those of the verdict."""

from __future__ import annotations

from truing.report.overtuning import overtuning_of, side_by_side

FOUND = {
    "trials": [0, 5, 9],
    "as_searched": [0.80, 0.85, 0.90],
    "corrected": [None, 0.81, 0.80],
    "since": 5,
    "rise": 0.05,
    "corrected_rise": -0.01,
    "reason": None,
}


def test_the_figure_draws_both_lines_and_says_what_is_seen() -> None:
    drawing = overtuning_of({"overtuning": FOUND}, metric="accuracy")
    seen, worth = drawing.figure.data
    assert list(seen.y) == FOUND["as_searched"]
    assert list(worth.y) == FOUND["corrected"]
    assert list(seen.x) == FOUND["trials"]
    assert "overtuning" in drawing.title
    assert "from 0.800 to 0.900" in drawing.text


def test_without_figures_there_is_none() -> None:
    assert overtuning_of(None, metric="accuracy") is None
    assert overtuning_of({}, metric="accuracy") is None
    assert overtuning_of({"overtuning": {"trials": [], "reason": "no rows"}}, metric="accuracy") is None
    assert side_by_side({"corrections": [{"code": "search_luck", "value": 1.0, "message": "Luck: 1."}]}) == []


def test_the_table_gives_values_and_why_there_is_none() -> None:
    entry = {"kind": "figure", "name": "fresh", "value": 0.8, "low": 0.75, "high": 0.85, "estimates": "the mean"}
    none = {"kind": "figure", "name": "nested", "value": None, "reason": "not asked for", "estimates": "the whole"}
    change = {"kind": "change", "name": "luck", "value": -0.02, "low": None, "high": None, "message": "Luck: 0.02."}
    rows = side_by_side({"corrections": [entry, none, change]})
    assert [row["value"] for row in rows] == ["0.800 [0.750, 0.850]", "–", "-0.020"]
    assert rows[1]["what"] == "None here: not asked for. It would estimate the whole"
    assert rows[2]["what"] == "Luck: 0.02."
