"""Robustness: which neighbours, paired seeds, what counts as fragile, and that it is asked for, priced and kept."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

import truing as tr
from truing.errors import UsageError
from truing.statistics.comparison import corrected_t
from truing.verdict.robustness import neighbours

SPACE = tr.Space(
    rate=tr.Float(1e-4, 1.0, log=True, default=1e-2),
    width=tr.Int(8, 264, default=100),
    depth=tr.Int(1, 3, default=3),
    size=tr.Choice([32, 64, 128], ordered=True, default=32),
    kind=tr.Choice(["sgd", "adam"], default="adam"),
    momentum=tr.Float(0.0, 1.0, default=0.95, when={"kind": "sgd"}),
    frozen=tr.Float(0.0, 1.0, default=0.5, role="fixed"),
)


def test_each_parameter_takes_a_step_and_nothing_else_moves() -> None:
    config = dict(SPACE.defaults())
    found = [(n.parameter, n.value) for n in neighbours(SPACE, config)]
    assert found == [
        ("rate", pytest.approx(1e-2 * 10**-0.4)),
        ("rate", pytest.approx(1e-2 * 10**0.4)),
        ("width", pytest.approx(100 - 25.7, abs=1)),
        ("width", pytest.approx(100 + 25.7, abs=1)),
        ("depth", 2),  # there is nothing above 3
        ("size", 64),
        ("kind", "sgd"),
    ]
    for neighbour in neighbours(SPACE, config):
        SPACE.check(neighbour.config)
        moved = {k for k in {**config, **neighbour.config} if config.get(k) != neighbour.config.get(k)}
        assert moved == ({"kind", "momentum"} if neighbour.parameter == "kind" else {neighbour.parameter})


def test_a_step_never_passes_an_end_and_what_becomes_inactive_is_left_out() -> None:
    config = {**SPACE.defaults(), "kind": "sgd", "momentum": 0.95, "rate": 1.0}
    found = neighbours(SPACE, config)
    assert [n.value for n in found if n.parameter == "rate"] == [pytest.approx(10**-0.4)]
    assert [n.value for n in found if n.parameter == "momentum"] == [pytest.approx(0.85), 1.0]
    (other,) = [n for n in found if n.parameter == "kind"]
    assert "momentum" not in other.config


@dataclass
class Valley:
    """Rows whose loss is a function of the configuration: flat in `flat`, steep in `steep`; noise by seed."""

    noise: float = 0.01
    fails: float | None = None

    def __call__(self, run) -> None:
        if self.fails is not None and run.config["steep"] > self.fails:
            raise MemoryError("no room")
        noise = self.noise * np.random.default_rng([run.seed, int(1e6 * run.config["steep"])]).normal()
        run.report(loss=(run.config["steep"] - 0.5) ** 2 * 40 + noise)


def study(tmp_path, objective, rope=0.05, **settings):
    space = tr.Space(steep=tr.Float(0.0, 1.0, default=0.5), flat=tr.Float(0.0, 1.0, default=0.5))
    loss = tr.Metric("loss", goal="min")
    settings.setdefault("validation", tr.Seeds(3))
    return tr.Study(objective, space, metric=loss, test=None, folder=tmp_path / "s", rope=rope, **settings)


def test_fragile_is_what_is_surely_worse_by_more_than_matters(tmp_path, capsys) -> None:
    made = study(tmp_path, Valley())
    with pytest.raises(UsageError, match="call verdict"):
        made.robustness()
    made.run(trials=4, workers=0)
    before = made.verdict(workers=0)
    assert before.to_dict()["robustness"] is None
    assert "robustness" not in str(before)
    verdict = made.robustness(workers=0)
    line = " ".join(capsys.readouterr().err.split())
    assert "60 runs (the selected and 4 neighbours, 12 fresh runs each), 500 % of the search's 12" in line
    found = verdict.to_dict()["robustness"]
    by = {(e["parameter"], e["value"] > 0.5): e for e in found["neighbours"]}
    selected = verdict.selected["steep"]
    for side in (False, True):
        step = (min(1.0, selected + 0.1) if side else selected - 0.1) - 0.5
        assert by["steep", side]["worse"] == pytest.approx(40 * (step**2 - (selected - 0.5) ** 2), abs=0.02)
    assert [(e["parameter"]) for e in found["neighbours"] if e["fragile"]] == ["steep", "steep"]
    assert "fragile: steep" in str(verdict)
    assert max(map(len, str(verdict).splitlines())) <= 80
    # the mean neighbour is made from the journal's own scores, and seeds are paired
    runs = [r for r in made._read().runs.values() if r.purpose == "robustness"]
    scores = np.array([r.scores["loss"] for r in sorted(runs, key=lambda r: r.replicate)]).reshape(5, 12)
    seeds = np.array([r.seed for r in sorted(runs, key=lambda r: r.replicate)]).reshape(5, 12)
    assert (seeds == seeds[0]).all()
    assert len(set(seeds[0])) == 12
    mean = corrected_t(scores[1:].mean(axis=0), 0.0)
    assert (found["mean_neighbour"]["low"], found["mean_neighbour"]["high"]) == pytest.approx((mean.low, mean.high))
    assert found["mean_neighbour"]["low"] > found["selected"]["high"]
    # again: the stored one, by any reader, without a run
    assert made.robustness(workers=0).to_dict() == verdict.to_dict() == made.verdict(workers=0).to_dict()
    assert len([r for r in made._read().runs.values() if r.purpose == "robustness"]) == 60
    assert "fragile" in (tmp_path / "s" / "report.html").read_text()


def test_noise_alone_is_not_fragile(tmp_path) -> None:
    made = study(
        tmp_path, lambda run: run.report(loss=np.random.default_rng(run.seed).normal() + _jitter(run)), rope=0.0
    )
    made.run(trials=3, workers=0)
    found = made.verdict(workers=0, robustness=True)
    entries = found.to_dict()["robustness"]["neighbours"]
    assert max(e["worse"] for e in entries) > 0
    assert found.to_dict()["robustness"]["fragile"] == []
    assert "nothing fragile" in str(found)


def _jitter(run) -> float:
    return np.random.default_rng([run.seed, *(int(1e6 * v) for v in run.config.values())]).normal()


def test_a_neighbour_that_fails_is_named_and_not_averaged_away(tmp_path) -> None:
    made = study(tmp_path, Valley(fails=0.55))
    made.run(trials=1, workers=0)
    found = made.verdict(workers=0, robustness=True)
    (lost,) = [e for e in found.to_dict()["robustness"]["neighbours"] if e["score"] is None]
    assert lost["value"] == pytest.approx(0.6)
    assert "no room" in lost["reason"]
    assert "without 1 of 4 neighbours" in " ".join(str(found).split())


def test_a_later_verdict_has_none_until_it_is_asked_for(tmp_path) -> None:
    made = study(tmp_path, Valley())
    made.run(trials=2, workers=0)
    made.verdict(workers=0, robustness=True)
    assert made.verdict(again=True, workers=0).to_dict()["robustness"] is None
    again = made.robustness(workers=0).to_dict()["robustness"]
    assert again["verdict"] == 2


def test_without_fresh_runs_there_is_none(tmp_path) -> None:
    made = study(tmp_path, Valley(), validation=None)
    made.run(trials=2, workers=0)
    made.verdict(workers=0)
    with pytest.raises(UsageError, match="validation=None"):
        made.robustness(workers=0)
