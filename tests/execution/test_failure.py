"""A traceback shows the user's lines, from their first to the call that was refused."""

from __future__ import annotations

from pathlib import Path

import pytest

import truing as tr
from truing.errors import TruingError
from truing.execution.failure import failure

HERE = Path(__file__).name


def reason_of(function):
    with pytest.raises(Exception) as caught:  # whatever it raises is looked at
        function()
    return caught.value, failure(caught.value)


def test_what_truing_refuses_ends_at_the_users_call() -> None:
    def made() -> None:
        tr.KFold(1)

    error, reason = reason_of(lambda: made())

    assert isinstance(error, TruingError)
    assert reason.tail.splitlines()[-1] == f"UsageError: {error}"
    assert "in made" in reason.tail
    assert "src/truing" not in reason.tail
    assert reason.where.startswith(f"{HERE}:")


def test_another_error_is_shown_to_its_last_line() -> None:
    """A fault inside Truing must be seen whole."""
    _, reason = reason_of(lambda: tr.Space(x=tr.Float(0, 1)).defaults()["y"])

    assert "configuration.py" in reason.tail
    assert reason.kind == "KeyError"
