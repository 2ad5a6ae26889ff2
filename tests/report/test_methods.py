from __future__ import annotations

from truing.record.events import Event
from truing.record.history import History, fold
from truing.report.methods import methods


def test_paragraphs_state_the_facts(told) -> None:
    text = " ".join(methods(told.history, told.study, told.verdict))

    states = [t.state for t in told.history.trials]
    assert f"40 trials ({states.count('completed')} completed, {states.count('failed')} failed)" in text
    assert "minimised log_loss over 5 parameters" in text
    assert "seed 0" in text
    assert "1437 for development, 360 locked away" in text
    assert "5-fold, stratified" in text
    assert "looked at once" in text
    assert "torch 2.13.0" in text


def test_every_interval_names_its_method(told) -> None:
    text = " ".join(methods(told.history, told.study, told.verdict))

    assert told.verdict["validation"]["difference"]["method"] in text
    for figures in told.verdict["test"].values():
        assert figures["delivered"]["method"] in text
    assert "Student 1908" in text


def test_later_looks_are_called_descriptive(told) -> None:
    text = " ".join(methods(told.history, told.study, {**told.verdict, "looks": 3}))

    assert "looked at 3 times" in text
    assert "no longer have 95 % coverage" in text


def test_choosing_is_told_as_it_was_done(told) -> None:
    """With a race: how many ran once more; without one: the best by the search."""
    text = " ".join(methods(told.history, told.study, told.verdict))
    assert "The selected configuration is the best by the search." in text

    raced = [
        Event("started", {"run": 900 + 5 * t + j, "trial": t, "purpose": "race", "replicate": j})
        for t in (3, 4, 5)
        for j in range(5)
    ]
    history = fold([*told.events, *raced], told.history.space, "min")
    text = " ".join(methods(history, told.study, told.verdict))
    assert "The best 3 by the search ran once more on a fresh fold set each, 15 runs" in text


def test_formula_and_source_stand_beside_the_method(told) -> None:
    difference = {"value": -0.1, "low": -0.2, "high": -0.05, "method": "corrected resampled t"}
    verdict = {**told.verdict, "validation": {**told.verdict["validation"], "difference": difference, "runs": 10}}
    text = " ".join(methods(told.history, told.study, verdict))
    assert "mean ± t(J-1)·s·√(1/J + n_valid/n_train) over the J runs (Nadeau and Bengio 2003)" in text
    assert "10 further runs a side" in text
    assert "not that of these rows" in text


def test_kept_defaults_are_compared_with_nothing(told) -> None:
    zero = {"value": 0.0, "low": 0.0, "high": 0.0, "method": "the defaults were kept"}
    entry = {**told.verdict["test"]["log_loss"], "difference": zero}
    verdict = {**told.verdict, "selected": told.verdict["defaults"], "test": {"log_loss": entry}, "gain": False}
    text = " ".join(methods(told.history, told.study, verdict))
    assert "The defaults were kept, so there is nothing to compare and no gain to claim." in text
    assert "Interval of the difference" not in text


def test_labels_that_were_at_hand_are_told(told) -> None:
    warning = {"code": "labels_given", "message": "..."}
    text = " ".join(methods(told.history, told.study, {**told.verdict, "warnings": [warning]}))
    assert "with the labels of the locked rows at hand" in text


def test_what_is_missing_is_left_out(told) -> None:
    assert methods(History(told.history.space, "max"), {}, None)
    text = " ".join(methods(History(told.history.space, "max"), {}, {"test": None}))

    assert "no locked test" in text
    assert "None" not in text
    assert "–" not in text
