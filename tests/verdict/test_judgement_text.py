"""The lines of calibration and agreement: a figure without its interval says why."""

from __future__ import annotations

from typing import Any

from truing.verdict.judgement_text import GAP, judgement_lines


def told(slope: dict[str, Any], intercept: dict[str, Any]) -> str:
    found = {"of": "the probability of ill", "on": "x", "slope": slope, "intercept": intercept}
    return judgement_lines({"calibration": found})[0][1].replace(GAP, " ")


def test_calibration_without_an_interval_says_why() -> None:
    few = {"value": 3.55, "low": None, "high": None, "reason": "there are fewer than two groups to resample"}
    made = {"value": 0.1, "low": 0.0, "high": 0.2, "reason": None}
    assert "slope 3.55 (no interval: fewer than two groups to resample) (ideal 1), intercept 0.10 [" in told(few, made)
    assert told(few, few).count("fewer than two groups") == 1
    apart = {"value": None, "low": None, "high": None, "reason": "the rows can be separated"}
    assert told(apart, made).startswith("slope undefined (the rows can be separated)")
