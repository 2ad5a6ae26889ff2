"""F21: values that no journal can hold are refused where they are given, in one short sentence, and nothing is lost."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest

import truing as tr
from truing.record.events import encode

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes need fork")


class Rude:
    def __repr__(self) -> str:
        raise RuntimeError("no text")

    def item(self) -> Any:
        raise RuntimeError("no item")


VALUES = {
    "object": object(),
    "set": {1, 2},
    "bytes": b"abc",
    "lambda": lambda: 1,
    "long text": "x" * 50_000_000,
    "lone surrogate": "\ud800",
    "a dict with NaN for a key": {float("nan"): 1},
    "no text of its own": Rude(),
    "list": [1.0],
    "beyond floats": 10**400,
}


def use(what: str, value: Any) -> Any:
    def train(run):
        run.report(loss=3.0)
        try:
            if what == "name":
                run.report(**{"loss": 1.0, value: 1.0})
            elif what == "keep":
                run.keep(value, b"content")
            elif what == "content":
                run.keep("name", value)
            else:
                run.report(**{"loss": 1.0, what: value})
        except Exception as error:
            text = str(error)
            if (
                len(text) > 400
                or "\n" in text
                or not text.isprintable()
                or not isinstance(error, tr.errors.TruingError)
            ):
                raise SystemError(text[:100]) from None
            print("refused:", text)
            run.report(loss=2.0)
            return
        raise SystemError("not refused")

    return train


@pytest.mark.parametrize("value", VALUES.values(), ids=list(VALUES))
@pytest.mark.parametrize("what", ["loss", "other", "train", "epoch"])
def test_a_report_of_it_is_refused_and_the_run_goes_on(run, what, value):
    found = run.inline(use(what, value))
    assert found["state"] == "completed", found
    assert found["scores"] == {"loss": 2.0}
    assert found["curve"] == [[1, 3.0], [2, 2.0]], "the refused report left no trace"
    encode(found)


@pytest.mark.parametrize("name", ["\ud800", "x" * 10_000, "two\nlines", "nul\0"], ids=ascii)
@pytest.mark.parametrize("what", ["name", "keep"])
def test_a_name_of_it_is_refused(run, what, name):
    found = run.inline(use(what, name))
    assert (found["state"], found["scores"]) == ("completed", {"loss": 2.0}), found


@pytest.mark.parametrize("value", ["text", None, 3, object(), {1}, lambda: 1], ids=lambda value: type(value).__name__)
def test_only_bytes_are_kept(run, value):
    found = run.inline(use("content", value))
    assert (found["state"], found["scores"]) == ("completed", {"loss": 2.0}), found


def test_a_float_beyond_all_bounds_is_infinite(run):
    assert run.inline(lambda run: run.report(loss=1e400))["state"] == "diverged"


@pytest.mark.parametrize("value", VALUES.values(), ids=list(VALUES))
def test_a_space_refuses_it(value):
    for make in (
        lambda: tr.Space(a=tr.Choice([value, 1])),
        lambda: tr.Space(a=tr.Choice([float("nan"), 1])),
        lambda: tr.Space(**{"\ud800": tr.Int(1, 2)}),
    ):
        if value in ([1.0], 10**400) or isinstance(value, Rude):
            continue  # those are JSON, and what has no text is another matter
        with pytest.raises(tr.errors.SpaceError) as caught:
            make()
        assert len(str(caught.value)) < 400


def test_in_a_process_it_is_the_same(run):
    found = run(use("loss", object()))
    assert (found["state"], found["scores"]) == ("completed", {"loss": 2.0}), found
    found = run(lambda run: run.report(loss=np.float64(1.0), extra=np.int64(3)))
    assert found["scores"] == {"loss": 1.0, "extra": 3.0}
