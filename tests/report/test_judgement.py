"""The figures of decisions: what they show, and their text alternatives."""

from __future__ import annotations

import json

from truing.report.judgement import drawings

INTERVAL = {"value": 0.9, "low": 0.8, "high": 0.95, "method": "", "reason": None}
VERDICT = {
    "calibration": {
        "of": "the probability of 'b'",
        "on": "the delivered network on the locked rows",
        "slope": INTERVAL,
        "bins": [
            {"mean": 0.2, "value": 0.25, "low": 0.1, "high": 0.5, "rows": 12},
            {"mean": 0.8, "value": 0.75, "low": 0.5, "high": 0.9, "rows": 11},
        ],
    },
    "roc": {"points": [[0, 0], [0.2, 0.9], [1, 1]], "auc": INTERVAL, "decision": [0.2, 0.9], "threshold": 0.31},
    "confusion": {"classes": ["a", "<b>"], "counts": [[8, 2], [1, 9]], "threshold": 0.31},
}


def test_each_says_in_words_what_it_shows() -> None:
    calibration, roc, confusion = drawings(VERDICT)
    assert "where 0.20 was said 0.25 came true (12 rows)" in calibration.text
    assert "Slope 0.90." in calibration.text
    assert "area 0.900 [0.800, 0.950]" in roc.text
    assert "At threshold 0.31 it finds 90.0 % of the positive rows and calls 20.0 %" in roc.text
    assert "Of 10 a, 8 are called so; of 10 <b>, 9 are called so." in confusion.text
    traces = json.loads(roc.figure.to_json())["data"]
    assert [0.2] in [trace["x"] for trace in traces]  # the threshold's point


def test_the_decision_curve_names_where_it_helps_and_ends_where_nothing_is_to_be_read() -> None:
    point = {"low": 0.1, "high": 0.3, "gain": 0.1, "gain_low": 0.05, "gain_high": 0.2}
    points = [{"threshold": t, "value": 0.2, "treat_all": 0.4 - t / (1 - t), **point} for t in (0.3, 0.5, 0.9)]
    block = {
        "of": "'ill'",
        "prevalence": 0.4,
        "method": "some",
        "points": points,
        "better": [[0.3, 0.9]],
        "reason": None,
    }
    (curve,) = drawings({"net_benefit": block})
    assert curve.title.endswith("beats treating all and treating none at thresholds 0.30 to 0.90.")
    assert "at 0.50 0.200 [0.100, 0.300], treating all -0.600" in curve.text
    lines = {trace.get("name"): trace["y"] for trace in json.loads(curve.figure.to_json())["data"]}
    assert len(lines["treat all"]) == 1  # -0.6 and -8.6 are far below what is drawn
    (nothing,) = drawings({"net_benefit": {**block, "better": []}})
    assert "is not shown to beat" in nothing.title


def test_what_is_not_there_is_not_drawn() -> None:
    assert drawings(None) == []
    assert drawings({}) == []
    assert drawings({"calibration": {"bins": []}, "roc": {"points": []}, "confusion": {"counts": []}}) == []
