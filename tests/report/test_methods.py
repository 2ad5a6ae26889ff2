from __future__ import annotations

from truing.record.history import History
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


def test_what_is_missing_is_left_out(told) -> None:
    assert methods(History(told.history.space, "max"), {}, None)
    text = " ".join(methods(History(told.history.space, "max"), {}, {"test": None}))

    assert "no locked test" in text
    assert "None" not in text
    assert "–" not in text
