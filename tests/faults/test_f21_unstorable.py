"""F21: what no file can hold is refused where it is given, in a sentence one can read; the study is as it was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import truing as tr
from truing.errors import TruingError
from truing.report.study import JOURNAL

LONG = "x" * 5_000_000
HALF = "\ud800"  # of a surrogate pair
ODD = {"object": object(), "set": {1}, "bytes": b"a", "function": len, "long": LONG, "half": HALF, "nan": float("nan")}


def refused(make: Callable[[], Any]) -> str:
    with pytest.raises(TruingError) as error:
        make()
    text = str(error.value)
    text.encode("utf-8")
    assert len(text) < 3000
    return text


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_options_labels_and_defaults(odd: Any) -> None:
    refused(lambda: tr.Space(a=tr.Choice([odd, 1])))
    refused(lambda: tr.Space(a=tr.Choice(["b", 1], default=odd)))
    refused(lambda: tr.Space(a=tr.Float(0, 1, default=odd)))
    if odd.__hash__ is not None:
        refused(lambda: tr.Space(a=tr.Choice({odd: 1, "b": 2})))


@pytest.mark.parametrize("name", [HALF, LONG, "", 3, None])
def test_names(name: Any) -> None:
    refused(lambda: tr.Space({name: tr.Float(0, 1)}))
    refused(lambda: tr.Space(a=tr.Float(0, 1, group=name)))
    refused(lambda: tr.Metric(name, goal="min"))


@pytest.mark.parametrize("folder", [HALF, "a\0b"])
def test_folders(tmp_path: Path, folder: str) -> None:
    space, metric = tr.Space(a=tr.Float(0, 1)), tr.Metric("loss", goal="min")
    refused(lambda: tr.Study(len, space, metric=metric, folder=f"{tmp_path}/{folder}"))


@pytest.mark.parametrize("odd", [object(), {1}, b"a", None, HALF, LONG], ids=range(6))
def test_labels(odd: Any) -> None:
    labels = np.empty(20, dtype=object)
    labels[:] = "a"
    labels[3] = odd

    def study() -> None:
        data = tr.Data(np.zeros((20, 1)), labels)
        tr.Study(len, tr.Space(a=tr.Float(0, 1)), data=data, metric="log_loss", folder="never")

    refused(study)


NUMBERS = {"object": object(), "set": {1}, "bytes": b"a", "text": "3.5", "long": LONG, "complex": 1j, "huge": 10**400}


@pytest.mark.parametrize("odd", NUMBERS.values(), ids=NUMBERS)
def test_a_number_that_is_none_fails_its_trial_and_leaves_the_others(tmp_path: Path, odd: Any) -> None:
    def train(run: Any) -> None:
        run.report(loss=run.config["a"], extra=odd if run.config["a"] == 2 else 0.0)

    folder = tmp_path / "study"
    study = tr.Study(
        train, tr.Space(a=tr.Choice([1, 2, 3])), metric=tr.Metric("loss", goal="min"), search="grid", folder=folder
    )
    study.run(workers=0)

    rows = {row["config"]["a"]: row for row in study.trials(as_dicts=True)}
    assert [rows[a]["state"] for a in (1, 2, 3)] == ["completed", "failed", "completed"]
    assert "extra" in rows[2]["reason"] or "Overflow" in rows[2]["reason"]
    assert (folder / JOURNAL).stat().st_size < 1_000_000


@pytest.mark.parametrize("name", [HALF, LONG], ids=["half", "long"])
def test_a_name_that_cannot_be_kept_fails_its_trial(tmp_path: Path, name: str) -> None:
    def train(run: Any) -> None:
        run.report(loss=run.config["a"], **({name: 1.0} if run.config["a"] == 2 else {}))

    study = tr.Study(
        train, tr.Space(a=tr.Choice([1, 2])), metric=tr.Metric("loss", goal="min"), search="grid", folder=tmp_path / "s"
    )
    study.run(workers=0)

    states = {row["config"]["a"]: row["state"] for row in study.trials(as_dicts=True)}
    assert states == {1: "completed", 2: "failed"}
