"""The verdict as JSON: every key, its type, and no number that JSON cannot hold, for every kind of study."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import truing as tr
from truing.record.seeds import seed_of
from truing.verdict import Verdict

NUMBER, WORDS = (int, float), str


def wants(value: Any, kind: Any, *, null: bool = False) -> None:
    assert (null and value is None) or (isinstance(value, kind) and not isinstance(value, bool)), value


def check(found: dict[str, Any]) -> None:
    """As the command's schema is written, key by key."""
    assert found["schema"] == 1
    wants(found["metric"], WORDS)
    assert found["goal"] in ("min", "max")
    for side in ("selected", "defaults"):
        wants(found[side], dict)
    assert isinstance(found["gain"], bool)
    valid = found["validation"]
    for key in ("selected", "low", "high", "defaults", "as_searched"):
        wants(valid[key], NUMBER, null=True)
    wants(valid["estimand"], WORDS)
    wants(valid["rows_trained"], int, null=True)
    for key in ("value", "low", "high"):
        wants(valid["difference"][key], NUMBER, null=True)
    wants(valid["difference"]["method"], WORDS)
    if found["test"] is not None:
        assert next(iter(found["test"])) == found["metric"]
        for entry in found["test"].values():
            for key in ("selected", "defaults"):
                wants(entry[key], NUMBER, null=True)
            for part, keys in (("difference", ("value", "low", "high")), ("delivered", ("value", "low", "high"))):
                for key in keys:
                    wants(entry[part][key], NUMBER, null=True)
            wants(entry["delivered"]["method"], WORDS)
            if entry["selected"] is None:
                wants(entry["reason"], WORDS)
            if entry["delivered"]["value"] is None or entry["delivered"]["low"] is None:
                wants(entry["delivered"]["reason"], WORDS)
            if entry["difference"]["value"] is None or entry["difference"]["low"] is None:
                wants(entry["difference"]["reason"], WORDS)
    for one in found["held_fixed"]:
        assert set(one) == {"name", "value", "interacts_with"}
    told = found["mattered"]
    if told["parameters"] is None:
        wants(told["reason"], WORDS)
        assert told["groups"] is None
    for one in (*(told["parameters"] or ()), *(told["groups"] or ())):
        wants(one["name"], WORDS)
        assert 0 <= one["low"] <= one["share"] <= one["high"] <= 1
    assert all(isinstance(line, str) for line in found["search_says"])
    for key in ("looks", "trials", "runs", "verdict_runs"):
        wants(found[key], int)
    wants(found["seconds"], NUMBER)
    for key in ("train", "validation", "test", "retained"):
        wants(found["generalization"][key], NUMBER, null=True)
        if found["generalization"][key] is None:
            wants(found["generalization"]["reasons"][key], WORDS)
    for warning in found["warnings"]:
        assert set(warning) == {"code", "message"}
        assert warning["message"].endswith(".")
    assert len({w["message"] for w in found["warnings"]}) == len(found["warnings"])


def check_text(verdict: Any) -> None:
    text = str(verdict)
    assert max(map(len, text.splitlines())) <= 80
    assert not any(line != line.rstrip() for line in text.splitlines())
    for word in (" None", "nan", "inf]", ".."):
        assert word not in text
    assert text.startswith(verdict.headline[:40])
    assert "luck" in text or verdict.to_dict()["validation"]["selected"] is None


KINDS = [
    "classes",
    "strings",
    "goal max",
    "numbers",
    "locked",
    "no test",
    "official",
    "holdout",
    "seeds",
    "nothing validated",
    "no predict, no test",
    "defaults fail",
    "selected fails afresh",
    "refit fails",
    "undefined",
    "many classes",
    "groups",
    "constant",
]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_study_fills_the_schema(judged, rows, logistic, reward, kind: str) -> None:
    x, y = rows()
    settings: dict[str, Any] = {"also": ["accuracy", "precision"]}
    objective: Any = logistic(noise=0.05)
    match kind:
        case "strings":
            settings |= {"data": tr.Data(x, np.where(y, "malignant", "benign")), "positive": "malignant"}
        case "goal max":
            settings |= {"metric": "roc_auc"}
        case "numbers":
            objective = logistic(predicts=False, numbers=True)
            settings = {"metric": "accuracy", "also": ["precision"]}
        case "locked":
            objective = logistic(predicts=False)
        case "no test":
            settings |= {"test": None}
        case "official":
            settings |= {"test": tr.Data(*rows(40, seed=4))}
        case "holdout":
            settings |= {"validation": tr.Holdout(0.25)}
        case "seeds":
            objective, settings = reward, {"validation": tr.Seeds(3)}
        case "nothing validated":
            objective, settings = reward, {"validation": None}
        case "no predict, no test":
            objective = logistic(predicts=False)
            settings |= {"test": None}
        case "defaults fail":
            objective.refuse = _refuse(lambda run: run.seed == seed_of(0, "search", 2) and run.config["l2"] == 300.0)
        case "selected fails afresh":
            objective.refuse = _refuse(lambda run: run.seed == seed_of(0, "estimate", 3) and run.config["l2"] != 300.0)
        case "refit fails":
            objective.refuse = _refuse(lambda run: run.seed == seed_of(0, "refit", 0) and run.config["l2"] != 300.0)
        case "undefined":
            settings |= {"data": tr.Data(x, (y & (x[:, 1] > 0.9)).astype(int)), "also": ["precision", "f1"]}
        case "many classes":
            objective, settings = _frequencies, {"data": tr.Data(x, y + (x[:, 2] > 1)), "also": ["sensitivity", "mcc"]}
        case "groups":
            settings |= {"data": tr.Data(x, y, groups=np.arange(160) // 8)}
        case "constant":
            objective, settings = _constant, {"data": tr.Data(x, np.full(160, 2.5)), "also": ["r2", "mae"]}
    done = judged(objective, **settings)

    found = done.verdict.to_dict()
    check(json.loads(json.dumps(found, allow_nan=False)))
    check_text(done.verdict)
    assert "second line" not in str(done.verdict)
    stored = done.study.verdict(workers=0)
    assert stored.to_dict() == found
    assert str(stored) == str(done.verdict)


def _refuse(when: Any) -> Any:
    def refuse(run: Any) -> None:
        if when(run):
            raise RuntimeError("refused {here}\nand a second line")

    return refuse


def _frequencies(run: Any) -> Any:
    """The classes' shares, moved by the hyperparameter."""
    shares = np.bincount(np.searchsorted(run.classes, run.train.labels), minlength=len(run.classes)) + run.config["l2"]
    shares = shares / shares.sum()
    run.report(np.tile(shares, (len(run.valid), 1)))
    return lambda x: np.tile(shares, (len(x), 1))


def _constant(run: Any) -> Any:
    run.report(np.full(len(run.valid), run.config["l2"]))
    return lambda x: np.full(len(x), run.config["l2"])


def test_a_verdict_gives_copies_and_says_what_it_is() -> None:
    """Nobody changes the stored figures through what is handed out."""
    verdict = Verdict({"selected": {"a": [1]}, "gain": True, "headline": "h", "warnings": []})
    verdict.to_dict()["selected"]["a"].append(2)
    verdict.selected["b"] = 3
    assert verdict.to_dict()["selected"] == {"a": [1]}
    assert repr(verdict) == "Verdict('h')"
    assert verdict.gain is True
