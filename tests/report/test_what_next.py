"""What next, as a person and a program see it."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import truing as tr
from truing.report.show import study_dict, study_text
from truing.report.study import read

SPACE = tr.Space(rate=tr.Float(1e-5, 1e-1, log=True), act=tr.Choice({"size": abs, "near": round}), idle=tr.Float(0, 1))


def train(run: Any) -> None:
    run.report(loss=(math.log10(run.config["rate"]) + 1) ** 2 + 0.01 * run.config["idle"])


def test_the_checklist_and_the_space_everywhere(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    study = tr.Study(
        train, SPACE, metric=tr.Metric("loss", goal="min"), folder=folder, test=None, validation=None, seed=1
    )
    study.run(trials=30, workers=0)
    found = study.what_next()

    assert [check.name for check in found.warnings] == ["best at the edge of its range"]
    assert {check.state for check in found.checks} == {"pass", "warn", "not judged"}
    assert all(check.evidence for check in found.checks)
    assert found.space["rate"].high > 0.1
    assert found.space["act"].objects is not None
    names = {"tr": tr}
    exec(found.code, names)
    assert names["space"] == found.space
    assert all(len(line) <= 80 for line in str(found).splitlines())
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["code"] == found.code

    seen = tr.load(folder).what_next()
    assert (seen.checks, seen.space) == (found.checks, found.space)
    history, about = read(folder)
    text = " ".join(study_text(folder, history, about, 80).split())
    assert f"What next: {found.passed}" in text
    assert "best at the edge of its range: The best trial has rate" in text
    assert study_dict(folder, history, about)["what_next"]["checks"] == [check.to_dict() for check in found.checks]
    page = study.report().read_text(encoding="utf-8")
    assert 'id="what-next"' in page
    assert "space = tr.Space(" in page
