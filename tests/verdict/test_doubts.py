"""Each doubt is made to happen, and a healthy study has none of them."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import truing as tr
from truing.statistics.tries import rows_for
from truing.verdict.remedies import REMEDIES, with_remedy

ROOT = Path(__file__).resolve().parents[2]
NEW = {"one_class", "no_better_than_commonest", "small_validation", "at_edge", "best_epoch_last", "class_shift"}


def codes(done) -> dict[str, str]:
    return {warning["code"]: warning["message"] for warning in done.verdict.warnings}


def table(n=500, seed=0, cut=0.0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 4))
    return x, (x[:, 0] + 0.6 * x[:, 1] + 0.5 * rng.normal(size=n) > cut).astype(int)


def test_a_healthy_study_has_none_of_them(judged, logistic) -> None:
    space = tr.Space(l2=tr.Float(1e-4, 1e4, log=True, default=1e-1))
    done = judged(logistic(), data=tr.Data(*table()), space=space, trials=4)
    assert set(codes(done)) & NEW == set()


def test_predicting_one_class_only(judged) -> None:
    def shy(run):
        p = np.full(len(run.valid), 0.1 + 0.01 * run.config["x"])
        run.report(p)
        return lambda x: np.full(len(x), 0.1 + 0.01 * run.config["x"])

    settings = {"space": tr.Space(x=tr.Float(0, 1, default=0.5)), "data": tr.Data(*table(cut=1.0)), "trials": 3}
    found = codes(judged(shy, **settings))
    assert "predicts 0 for all of the locked rows" in found["one_class"]
    assert "threshold=" in found["one_class"]
    assert "always guessing the commonest class, 0" in found["no_better_than_commonest"]
    found = codes(judged(shy, test=None, **settings))
    assert found["one_class"].startswith("Each fresh run predicts 0")
    assert "no_better_than_commonest" not in found


def test_validation_smaller_than_the_tries_support(judged, logistic) -> None:
    found = codes(judged(logistic(), data=tr.Data(*table(60)), trials=12))
    assert f"Each trial is scored on 48 rows, and 12 tries need {rows_for(12)}" in found["small_validation"]
    assert "Nested" in found["small_validation"]
    grouped = tr.Data(*table(500), groups=np.repeat(np.arange(50), 10))
    assert "40 groups" in codes(judged(logistic(), data=grouped, trials=6))["small_validation"]
    assert "small_validation" not in codes(judged(logistic(), data=tr.Data(*table(500)), trials=6))


def test_winner_at_the_edge_of_a_range(judged) -> None:
    def slope(run):
        run.report(
            reward=run.config["up"] + 3.0 * run.config["whole"] - run.config["log"] + (run.config["kind"] == "a")
        )

    space = tr.Space(
        up=tr.Float(0.0, 1.0, default=1.0),
        whole=tr.Int(1, 5, default=5),
        log=tr.Float(1e-3, 1.0, log=True, default=0.02),
        kind=tr.Choice(["a", "b", "c"], default="a"),  # without order there is no edge
        fixed=tr.Float(0.0, 1.0, default=0.0, role="fixed"),
    )
    metric = tr.Metric("reward", goal="max")
    found = codes(judged(slope, space=space, metric=metric, data=None, validation=None, test=None, trials=1))
    assert re.search(r"up \(1(\.0)?, at the upper end\), whole \(5, at the upper end\) stand", found["at_edge"])
    assert "kind" not in found["at_edge"]
    assert "fixed (" not in found["at_edge"]
    assert "extend=True" in found["at_edge"]


@pytest.mark.parametrize(("best", "expected"), [("last", True), ("middle", False)])
def test_best_epoch_at_the_end(judged, best, expected) -> None:
    def curve(run):
        for epoch in run.epochs():
            at = epoch if isinstance(epoch, int) else 0
            away = -at if best == "last" else abs(at - 3)
            run.report(loss=1.0 + 0.01 * away + run.config["x"])

    settings = {"space": tr.Space(x=tr.Float(0, 1, default=0.5)), "metric": tr.Metric("loss", goal="min")}
    done = judged(curve, **settings, data=None, validation=tr.Seeds(3), test=None, epochs=6, trials=3)
    assert ("best_epoch_last" in codes(done)) is expected


def test_classes_that_are_not_as_common_on_both_sides(judged, logistic) -> None:
    other = tr.Data(*table(300, seed=1, cut=0.8))
    found = codes(judged(logistic(), data=tr.Data(*table(400)), test=other))
    assert "chi-squared test of homogeneity, p below 0.001" in found["class_shift"]
    assert "prevalence=" in found["class_shift"]
    same = tr.Data(*table(300, seed=2))
    assert "class_shift" not in codes(judged(logistic(), data=tr.Data(*table(400)), test=same))


def test_few_rows_name_the_remedy(judged, logistic, rows) -> None:
    found = codes(judged(logistic()))
    for code in ("small_test_set", "few_positives"):
        assert "study.evaluate(tr.Nested(5))" in found[code]


def test_groups_and_copies_on_both_sides_name_the_remedy(judged, logistic) -> None:
    x, y = table(200)
    x[150:] = x[:50]
    y[150:] = y[:50]
    found = codes(judged(logistic(), data=tr.Data(x, y), test=np.arange(150, 200)))
    assert "Drop the copies" in found["duplicates"]
    grouped = tr.Data(x, y, groups=np.arange(200) % 150)
    found = codes(judged(logistic(), data=grouped, test=np.arange(150, 200)))
    assert "keeps them whole" in found["groups_on_both_sides"]


def test_every_code_has_a_remedy_and_stands_on_the_page() -> None:
    source = "".join(
        (ROOT / "src" / "truing" / "verdict" / f"{name}.py").read_text() for name in ("warnings", "doubts")
    )
    used = set(re.findall(r'\(\s*"([a-z_]+)",\s*f?"', source)) | set(re.findall(r'yield \(?\s*"([a-z_]+)"', source))
    for path in (ROOT / "src" / "truing" / "data").glob("*.py"):
        used |= set(re.findall(r'Finding\("([a-z_]+)"', path.read_text()))
    used |= {"few_positives", "race_failed", "estimate_failed", "refit_failed", "rare_class"}
    assert len(used) > 25
    assert used - {"few_locked_groups"} - set(REMEDIES) == set()
    page = (ROOT / "docs" / "warnings.md").read_text()
    assert {code for code in {*used, *REMEDIES} if f"| `{code}` |" not in page} == set()


def test_a_remedy_is_said_once() -> None:
    assert with_remedy("at_edge", "x is at the edge.") == f"x is at the edge. {REMEDIES['at_edge']}"
    assert with_remedy("few_locked_groups", "So it is.") == "So it is."
