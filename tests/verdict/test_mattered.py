"""What the verdict says mattered: against known shares, and where it cannot be told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import truing as tr
from truing.verdict import mattered as room
from truing.verdict.mattered import sentence


def linear(run: Any) -> None:
    """Independent uniform parts: the variances are 9 : 1 : 4, so the shares are 9/14, 1/14 and 4/14."""
    run.report(loss=3 * run.config["a"] + run.config["b"] + 2 * run.config["c"])


SPACE = tr.Space(
    a=tr.Float(0, 1, group="architecture"), b=tr.Float(0, 1), c=tr.Float(0, 1, group="architecture")
)  # b in "training"


def study(folder: Path, space: tr.Space = SPACE, function: Any = linear, **given: Any) -> Any:
    return tr.Study(
        function, space, metric=tr.Metric("loss", goal="min"), seed=1, folder=folder, search="random", **given
    )


def test_shares_are_the_known_ones_and_those_of_study_importance(tmp_path: Path) -> None:
    one = study(tmp_path / "s")
    one.run(trials=40)
    verdict = one.verdict()
    found = verdict.to_dict()["mattered"]
    assert found["reason"] is None
    assert found["trials"] == 40
    assert found["region"] == "over the whole space"
    own = {entry["name"]: entry["share"] for entry in found["parameters"]}
    assert own == pytest.approx({"a": 9 / 14, "c": 4 / 14, "b": 1 / 14}, abs=0.05)
    groups = {entry["name"]: entry["share"] for entry in found["groups"]}
    assert groups == pytest.approx({"architecture": 13 / 14, "training": 1 / 14}, abs=0.05)
    rows = {row["parameter"]: row["share"] for row in one.importance().table()}
    assert rows == {**rows, **own, **{f"group {name}": share for name, share in groups.items()}}
    assert "By group" in one.importance().text
    line = next(line for line in str(verdict).splitlines() if line.startswith("what mattered"))
    assert " a 6" in line
    assert line.index(" a ") < line.index(" c ") < line.index(" b ")
    assert max(map(len, str(verdict).splitlines())) <= 80


def test_of_many_trials_some_are_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "QUICK", 30)
    one = study(tmp_path / "s")
    one.run(trials=45)
    found = one.verdict().to_dict()["mattered"]
    assert found["trials"] == 30
    assert found["parameters"][0]["name"] == "a"
    assert "from 30 of 45 trials" in " ".join(sentence({"mattered": found}).split())


def test_of_many_parameters_study_importance_has_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "WIDE", 2)
    one = study(tmp_path / "s")
    one.run(trials=16)
    found = one.verdict().to_dict()["mattered"]
    assert found["parameters"] is None
    assert found["reason"] == "the shares of 3 parameters take longer, and study.importance() has them"


def test_too_few_trials_is_null_with_the_reason(tmp_path: Path) -> None:
    one = study(tmp_path / "s")
    one.run(trials=4)
    verdict = one.verdict()
    found = verdict.to_dict()["mattered"]
    assert found["parameters"] is None
    assert found["groups"] is None
    assert "too few" in found["reason"]
    assert "what mattered  not told: 4 trials are too few" in str(verdict)


def test_a_stored_verdict_without_the_key_still_prints() -> None:
    assert sentence({}) == ""
    assert sentence({"mattered": None}) == ""
