"""The tiny study says how it went, also when it does not go."""

from __future__ import annotations

from pathlib import Path

import pytest

from truing.doctor import trial
from truing.doctor.trial import Tried, outcome, tried


def test_a_study_that_cannot_be_is_said_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "inline").write_text("a file where the folder of the study should be")

    found = tried(tmp_path, workers=0)

    assert not found.works
    assert len(found.why.splitlines()) == 1
    assert "inline" in found.why


def test_one_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "SECONDS", 0.01)

    found = tried(tmp_path, workers=0)

    assert not found.works
    assert "did not end" in found.why


@pytest.mark.parametrize(
    ("out", "errors", "code", "why"),
    [
        ("", "", -9, "its process ended with code -9"),
        ("noise", "Traceback\nImportError: no", 1, "ImportError: no"),
        ("[1]", "", 0, "its process ended with code 0"),
    ],
)
def test_a_process_that_says_nothing_is_a_fault(out: str, errors: str, code: int, why: str) -> None:
    assert outcome(out, errors, code, 1.0) == Tried(False, why=why)


def test_what_it_says_is_taken() -> None:
    assert outcome('noise\n{"works": true, "run": 0.01, "why": ""}', "", 0, 0.5) == Tried(True, 0.4, 0.01)
