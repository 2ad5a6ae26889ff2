"""`verdict.prevalence_of` on verdicts of real studies."""

from __future__ import annotations

import json

import numpy as np
import pytest

import truing as tr
from truing.errors import UsageError
from truing.statistics.true_prevalence import Known, true_prevalence


def test_it_corrects_by_what_the_locked_rows_showed_at_the_threshold(judged, logistic) -> None:
    done = judged(logistic(noise=0.3), threshold="sensitivity>=0.9")
    verdict = done.verdict
    rates, test = verdict.to_dict()["error_rates"], verdict.to_dict()["threshold"]["test"]
    assert rates["threshold"] == verdict.to_dict()["threshold"]["value"]
    for name in ("sensitivity", "specificity"):
        assert rates[name]["value"] == pytest.approx(test[name]["value"])
        assert rates[name]["independent_rows"] == rates[name]["rows"]
    found = verdict.prevalence_of(np.int64(30), 100)
    known = [Known(rates[name]["value"], rates[name]["rows"]) for name in ("sensitivity", "specificity")]
    wanted = true_prevalence(Known(0.3, 100), *known)
    assert (found["unclipped"], found["low"], found["high"]) == (wanted.value, wanted.low, wanted.high)
    assert found["apparent"] == 0.3
    json.dumps(found, allow_nan=False)


def test_outside_of_0_to_1_it_says_so(judged, logistic) -> None:
    verdict = judged(logistic(noise=0.3)).verdict
    none, all_ = verdict.prevalence_of(0, 200), verdict.prevalence_of(200, 200)
    assert (none["value"], all_["value"]) == (0.0, 1.0)
    assert none["unclipped"] < 0 < 1 < all_["unclipped"]
    assert "without a single positive row" in none["note"]
    assert "if every row were positive" in all_["note"]
    for positives, rows in ((5, 4), (-1, 4), (0, 0), (1.5, 4), ("1", 4), (True, 4)):
        with pytest.raises(UsageError, match="got"):
            verdict.prevalence_of(positives, rows)


def test_where_it_cannot_be_known_the_reason_stands(judged, logistic) -> None:
    found = judged(logistic(), test=None).verdict.prevalence_of(3, 10)
    assert found["value"] is None
    assert found["reason"] == "there is no locked test"
    old = tr.Verdict({"gain": False}).prevalence_of(3, 10)
    assert "before Truing kept" in old["reason"]
