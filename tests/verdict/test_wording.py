"""The verdict in words: numbers, sentences for every outcome, 80 columns."""

from __future__ import annotations

import copy
import re
from types import SimpleNamespace
from typing import Any

import pytest

from truing.verdict import Verdict
from truing.verdict.headline import headline
from truing.verdict.text import full
from truing.verdict.wording import difference_in_words, number, percent, places, side_by_side, signed


def entry(selected: Any, defaults: Any, value: Any, low: Any, high: Any, reason: Any = None) -> dict[str, Any]:
    return {
        "selected": selected,
        "defaults": defaults,
        "difference": {"value": value, "low": low, "high": high, "method": "t over rows and seeds", "reason": reason},
        "delivered": {"value": selected, "low": low, "high": high, "method": "bootstrap", "reason": reason},
        "reason": None,
    }


def figures(**changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "schema": 1,
        "metric": "log_loss",
        "goal": "min",
        "selected": {"rate": 0.031},
        "defaults": {"rate": 0.01},
        "gain": True,
        "validation": {
            "selected": 0.071,
            "low": 0.06,
            "high": 0.082,
            "defaults": 0.142,
            "as_searched": 0.066,
            "estimand": "",
            "rows_trained": 1150,
            "reason": None,
            "runs": 10,
            "difference": {"value": -0.071, "low": -0.089, "high": -0.053, "method": "t", "reason": None},
        },
        "test": {
            "log_loss": entry(0.074, 0.139, -0.065, -0.101, -0.031),
            "accuracy": entry(0.978, 0.956, 0.022, 0.004, 0.04),
        },
        "looks": 1,
        "generalization": {"train": 0.002, "validation": 0.071, "test": 0.074, "retained": 1.0},
        "base": {"log_loss": 2.303, "accuracy": 0.1},
        "trials": 40,
        "runs": 200,
        "verdict_runs": 66,
        "seconds": 132.0,
        "protocol": "5-fold",
        "refits": 3,
        "locked_rows": 360,
        "model": ["config.json", "state_dict.pt"],
        "target": None,
        "warnings": [],
    }
    for path, value in changes.items():
        place = found
        *steps, last = path.split("__")
        for step in steps:
            place = place[step]
        place[last] = value
    found["headline"] = headline(found)
    return found


def words(found: dict[str, Any]) -> str:
    return " ".join(full(found).split())


def test_a_gain_reads_as_designed() -> None:
    text = full(figures())
    assert " ".join(text.splitlines()[:4]).startswith(
        "Tuning helped: on rows never seen, log loss 0.074 against 0.139 with the defaults "
        "(-0.065, 95 % interval -0.101 to -0.031). Accuracy there: 97.8 % against 95.6 %. "
        "Always guessing the commonest class: 10 %."
    )
    for line in (
        "  log_loss                          0.142      0.071  -0.071 [-0.089, -0.053]",
        "  as the search saw it                         0.066",
        "  log_loss                          0.139      0.074  -0.065 [-0.101, -0.031]",
        "validation (5-fold): 10 fresh runs a side, fresh splits and seeds",
        "locked test: 3 refits a side, 360 rows, first look",
        "generalization  train 0.002  validation 0.071  test 0.074  retained 1.00",
        "search     40 trials, 200 runs + 66 for the verdict, 2 min 12 s of training",
        "Network    kept in model/: config.json, state_dict.pt",
    ):
        assert line in text.splitlines()
    assert "luck of splits and seeds: 0.005; the fresh runs take that luck out, not the luck of these rows" in words(
        figures()
    )


def test_no_gain_says_why() -> None:
    unsure = figures(
        gain=False,
        validation__difference={"value": -0.01, "low": -0.04, "high": 0.02, "method": "t", "reason": None},
    )
    assert (  # the locked interval excludes zero, so what forbids the claim comes first
        "No gain shown: on fresh splits and seeds the difference does not exclude zero either way "
        "(-0.010, 95 % interval -0.040 to +0.020). On rows never seen, log loss 0.074 against 0.139" in words(unsure)
    )
    both = figures(
        gain=False,
        validation__difference={"value": -0.01, "low": -0.04, "high": 0.02, "method": "t", "reason": None},
        test__log_loss=entry(0.12, 0.139, -0.019, -0.05, 0.012),
    )
    assert words(both).startswith("No gain shown: on rows never seen, log loss 0.120 against 0.139")
    worse = figures(
        gain=False, validation__difference={"value": 0.03, "low": 0.01, "high": 0.05, "method": "t", "reason": None}
    )
    assert "on fresh splits and seeds the defaults are better (+0.030" in words(worse)
    contradicted = figures(gain=False, test__log_loss=entry(0.15, 0.139, 0.011, -0.01, 0.03))
    assert "the selected configuration is better (-0.071" in words(contradicted)
    assert "but the locked test points the other way." in words(contradicted)
    alone = figures(
        gain=False,
        test=None,
        validation__difference={"value": None, "low": None, "high": None, "method": "", "reason": "a run failed"},
    )
    assert alone["headline"].startswith("No comparison with the defaults: a run failed. On fresh splits and seeds,")


def test_higher_is_better_turns_the_words_not_the_signs() -> None:
    """Selected - defaults stays as it is; which side of zero is good follows the goal."""
    change = {"value": 0.03, "low": 0.01, "high": 0.05, "method": "t", "reason": None}
    up = figures(
        metric="accuracy",
        goal="max",
        validation__selected=0.97,
        validation__defaults=0.94,
        validation__as_searched=0.98,
        validation__difference=change,
        test={"accuracy": entry(0.978, 0.956, 0.022, 0.004, 0.04)},
    )
    assert "accuracy 97.8 % against 95.6 % with the defaults (+2.2 points, 95 % interval +0.4 to +4.0)." in words(up)
    assert "luck of splits and seeds: 0.010" in words(up)
    down = figures(
        metric="accuracy",
        goal="max",
        gain=False,
        test=None,
        validation__selected=0.91,
        validation__defaults=0.94,
        validation__as_searched=0.90,
        validation__difference={"value": -0.03, "low": -0.05, "high": -0.01, "method": "t", "reason": None},
    )
    assert "On fresh splits and seeds the defaults are better." in words(down)
    assert "luck of splits and seeds: none" in words(down)


def test_a_claim_that_the_locked_test_alone_would_not_carry_says_what_carries_it() -> None:
    found = figures(test__log_loss=entry(0.12, 0.139, -0.019, -0.05, 0.012))
    assert "The claim rests on the fresh runs (-0.071, 95 % interval -0.089 to -0.053)" in words(found)
    assert "The claim rests" not in words(figures())


def test_further_metrics_follow_without_a_claim() -> None:
    """Only one sentence, no word of better or worse, whatever they say."""
    found = figures(gain=False, test__accuracy=entry(0.99, 0.90, 0.09, 0.05, 0.13))
    sentence = re.search(r"Accuracy there: [^.]*\.\d[^.]*\.\d %\.|Accuracy there: .*? %\.", words(found)).group()
    assert sentence == "Accuracy there: 99 % against 90 %."


def test_sensitivity_is_not_named_without_specificity() -> None:
    pair = {
        "log_loss": entry(0.074, 0.139, -0.065, -0.101, -0.031),
        "accuracy": entry(0.978, 0.956, 0.022, 0.004, 0.04),
        "specificity": entry(0.71, 0.6, 0.11, 0.0, 0.2),
        "sensitivity": entry(0.79, 0.868, -0.078, -0.2, 0.0),
    }
    assert "Accuracy there: 97.8 % against 95.6 %. Always" in words(figures(test=pair)), "the first of also="
    del pair["accuracy"]
    said = "Sensitivity there: 79.0 % against 86.8 %, specificity 71 % against 60 %."
    assert said in words(figures(test=pair))
    del pair["sensitivity"]
    assert "Specificity there: 71 % against 60 %." in words(figures(test=pair))


def test_what_is_missing_says_why() -> None:
    why = "validation is not better than the constant predictor by two standard errors"
    reasons = {"retained": why}
    gone = {"train": 0.002, "validation": 0.071, "test": 0.074, "retained": None, "reasons": reasons}
    assert f"test 0.074 (retained: undefined, {why})" in words(figures(generalization=gone))
    kept = figures(model=[], model_reason="not kept; run.keep(name, bytes) in the function keeps it")
    assert "Network not kept; run.keep(name, bytes) in the function keeps it" in words(kept)


def test_a_notebook_shows_the_whole_text() -> None:
    found = figures(warnings=[{"code": "w", "message": "a < b"}])
    verdict, printed = Verdict(found), []
    verdict._repr_pretty_(SimpleNamespace(text=printed.append), cycle=False)
    assert printed == [str(verdict)]
    assert re.match(r'<pre style="color: inherit; [^"]*">Tuning helped', verdict._repr_html_())
    assert "a &lt; b</pre>" in verdict._repr_html_()


@pytest.mark.parametrize(
    ("value", "text"),
    [(54.312, "54.31"), (1234.5, "1234.5"), (123456.7, "123457"), (0.0741, "0.074"), (0.00071234, "0.000712"),
     (1.5e-9, "1.5e-09"), (0.0, "0.000"), (-3.14159, "-3.142"), (None, "undefined")],
)  # fmt: skip
def test_decimals_suit_the_size(value: float | None, text: str) -> None:
    assert number(value) == text


def test_shares_side_by_side_have_the_same_decimals() -> None:
    assert side_by_side("accuracy", 0.81, 0.7389) == ["81.0 %", "73.9 %"]
    assert side_by_side("accuracy", 0.81, 1.0, None) == ["81 %", "100 %", "undefined"]
    assert side_by_side("accuracy", 0.80996, 0.99996) == ["81 %", "100 %"], "as they are printed, not as they are"
    assert side_by_side("accuracy", 0.7389, None) == ["73.9 %", "undefined"]
    assert side_by_side("log_loss", 0.81, 54.3) == ["0.81", "54.30"]


def test_both_sides_of_a_comparison_have_the_same_decimals() -> None:
    assert [number(v, places(9.8765, 54.3)) for v in (9.8765, 54.3)] == ["9.88", "54.30"]
    assert signed(-0.0000001, 3) == "0.000"
    assert percent(1.0) == "100 %"
    small = {"value": -0.00052, "low": -0.0019, "high": 0.00086}
    assert difference_in_words("mcc", small, 0.998, 0.997) == "-0.0005, 95 % interval -0.0019 to +0.0009"


LONG = {f"a_parameter_with_a_long_name_{i}": "a choice with words in it" for i in range(9)}


@pytest.mark.parametrize("scale", [1.0, 1e-9, 1e5, 700.0])
@pytest.mark.parametrize(
    "metric", ["log_loss", "negative_predictive_value", "a_metric_of_my_own_with_a_very_long_name"]
)
def test_nothing_is_wider_than_80_columns(scale: float, metric: str) -> None:
    found = figures(selected=LONG, defaults={**LONG, "x": 1}, metric=metric)
    found["test"] = {metric: found["test"].pop("log_loss"), **found["test"]}

    def scaled(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: scaled(item) for key, item in value.items()}
        return value * scale if isinstance(value, float) and metric != "negative_predictive_value" else value

    found = copy.deepcopy(found)
    for part in ("validation", "test", "generalization"):
        found[part] = scaled(found[part])
    found["warnings"] = [{"code": "w", "message": "A warning " + "that goes on and on " * 20}]
    found["headline"] = headline(found)
    lines = full(found).splitlines()
    assert max(map(len, lines)) <= 80
    assert any(line.strip() == metric or line.startswith(f"  {metric} ") for line in lines)
    together = " ".join(full(found).split())
    for name in LONG:
        assert f"{name} a choice with words in it" in together


def test_a_configuration_wraps_between_parameters() -> None:
    """Never between a name and its value; the separator ends the line."""
    config = {"kernel_size": 5, "channels": 22, "learning_rate": 0.031, "momentum": 0.94, "batch_size": 64}
    lines = [line for line in full(figures(selected=config)).splitlines() if "kernel_size" in line or "batch" in line]
    assert lines[0] == "Selected   kernel_size 5 · channels 22 · learning_rate 0.031 · momentum 0.94 ·"
    assert lines[1] == "           batch_size 64"
