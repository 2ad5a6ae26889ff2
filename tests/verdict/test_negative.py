"""Negative controls: recomputed from the kept predictions, with a truth that is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

import truing as tr
from truing.errors import DataError


def strangers(scale: float, n: int = 200, seed: int = 3) -> np.ndarray:
    return scale * np.random.default_rng(seed).normal(size=(n, 4))


def kept(done: Any, run: dict[str, Any], pattern: str) -> np.ndarray:
    (path,) = (done.study.folder / "predictions").glob(f"run-{run['run']:06d}-{pattern}.npy")
    return np.load(path).astype(float)


def test_the_share_and_the_inputs_that_look_most_like_a_class(judged, rows, logistic) -> None:
    done = judged(logistic(noise=0.1), negative={"far": tr.Data(strangers(3.0))})
    found = done.verdict.to_dict()
    entry = found["negative"]["far"]
    first = done.told.purpose("refit", found["selected_trial"])[0]
    p, inside = kept(done, first, "negative-far-*"), kept(done, first, "locked")
    seen = np.unique(np.concatenate([s["train"] for s in done.objective.seen]))
    truth = np.delete(rows()[1], seen)
    right = inside.max(axis=1)[(inside[:, 1] >= 0.5) == truth]
    assert entry["median"] == pytest.approx(np.median(right))
    assert (entry["correct"], entry["of"]) == (len(right), "locked rows")
    above = int((p.max(axis=1) > np.median(right)).sum())
    ends = stats.binomtest(above, 200).proportion_ci(method="wilson")
    assert (entry["above"]["value"], entry["above"]["low"], entry["above"]["high"]) == pytest.approx(
        (above / 200, ends.low, ends.high)
    )
    order = np.argsort(-p.max(axis=1), kind="stable")[:5]
    assert [m["position"] for m in entry["most"]] == order.tolist()
    assert [m["class"] for m in entry["most"]] == p[order].argmax(axis=1).tolist()
    assert [m["probability"] for m in entry["most"]] == pytest.approx(p[order].max(axis=1).tolist())
    assert "inputs of none of the classes" in str(done.verdict)


def test_strangers_at_the_boundary_are_below_and_far_ones_above(judged, logistic) -> None:
    """Known truth: a logistic network has probability one half in the middle of nowhere and is sure far out."""
    sets = {"near": tr.Data(strangers(1e-3)), "far": tr.Data(strangers(100.0))}
    found = judged(logistic(), negative=sets).verdict.to_dict()["negative"]
    assert found["near"]["above"]["value"] == 0.0
    assert found["far"]["above"]["value"] > 0.95


def test_with_groups_the_interval_is_by_groups(judged, logistic) -> None:
    x, groups = np.repeat(strangers(1.5, 20), 10, axis=0), np.arange(200) // 10
    sets = {"alone": tr.Data(x), "grouped": tr.Data(x, groups=groups)}
    found = judged(logistic(), negative=sets).verdict.to_dict()["negative"]
    wide, narrow = (found[name]["above"]["high"] - found[name]["above"]["low"] for name in ("grouped", "alone"))
    assert found["grouped"]["above"]["value"] == found["alone"]["above"]["value"]
    assert wide > 2 * narrow
    assert found["grouped"]["groups"] == 20


def test_without_a_locked_test_the_fresh_runs_say_what_is_sure(judged, logistic) -> None:
    entry = judged(logistic(), test=None, negative={"far": tr.Data(strangers(3.0))}).verdict.to_dict()
    assert entry["negative"]["far"]["of"] == "validation rows of the fresh runs"
    assert entry["negative"]["far"]["correct"] > 100
    assert entry["refits"] == 1  # a negative control alone takes no refits
    assert entry["external"] is None


def test_a_regression_has_no_top_probability(tmp_path, rows) -> None:
    x, _ = rows()
    study = tr.Study(
        lambda run: None,
        tr.Space(s=tr.Float(0.0, 1.0)),
        data=tr.Data(x, x[:, 0]),
        negative={"far": tr.Data(x)},
        folder=tmp_path / "s",
    )
    with pytest.raises(DataError, match="for classification"):
        study.run(trials=1, workers=0)


def test_the_journal_holds_positions_and_probabilities_and_no_input(judged, logistic) -> None:
    done = judged(logistic(), negative={"far": tr.Data(strangers(3.0))})
    (event,) = done.told.of("verdict")
    entry = event.data["verdict"]["negative"]["far"]
    assert {frozenset(one) for one in entry["most"]} == {frozenset({"position", "class", "probability"})}
    number = f"{strangers(3.0)[0, 0]:.6f}"
    assert number not in str(event.data)
