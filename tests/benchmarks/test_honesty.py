"""The benchmark of honesty is itself honest: its networks are what plain loops give, and its control fails."""

from __future__ import annotations

from pathlib import Path

import honesty
import numpy as np
import pytest
from _honesty.drawing import drawn
from _honesty.figures import BANDS, corrected, less_luck, mean, measured
from _honesty.kinds import NOTHING, Kind, Simulated, kinds, tables
from _honesty.networks import Training, alone, train
from _honesty.study import conduct
from _honesty.words import reached, table, written


def some(number: int, *, dtype: type = np.float64) -> list[Training]:
    rng = np.random.default_rng(0)
    found = []
    for seed in range(number):
        rows = int(rng.integers(20, 50))
        config = {
            "learning_rate": 0.3 * rng.random(),
            "momentum": 0.9 * rng.random(),
            "weight_decay": 0.05 * rng.random(),
            "dropout": 0.4 * (seed % 2),
            "width": int(rng.integers(2, 12)),
            "batch_size": (8, 16)[seed % 3 == 0],
            "epochs": int(rng.integers(1, 6)),
            "placebo": 0.5,
        }
        x = rng.standard_normal((rows, 4)).astype(dtype)
        found.append(Training(x, rng.integers(0, 3, rows), 3, config, seed))
    return found


def test_networks_trained_together_are_what_plain_loops_give() -> None:
    trainings = some(12)

    for training, network in zip(trainings, train(trainings, np.float64), strict=True):
        other = alone(training)
        for name in ("w1", "b1", "w2", "b2"):
            np.testing.assert_allclose(getattr(network, name), getattr(other, name), rtol=0, atol=1e-12)


def test_a_network_is_the_same_in_whatever_company() -> None:
    trainings = some(9)

    together, apart = train(trainings, np.float64), [train([t], np.float64)[0] for t in trainings]

    for first, second in zip(together, apart, strict=True):
        np.testing.assert_allclose(first.predict(trainings[0].x), second.predict(trainings[0].x), rtol=0, atol=1e-12)


def test_single_precision_is_near_double() -> None:
    trainings = some(6, dtype=np.float32)

    for single, double in zip(train(trainings), train(trainings, np.float64), strict=True):
        np.testing.assert_allclose(single.predict(trainings[0].x), double.predict(trainings[0].x), atol=1e-3)


def test_there_are_as_many_kinds_as_promised_and_each_is_another() -> None:
    every = kinds()
    facts = [tuple(v for k, v in kind.facts().items() if k not in ("name", "priors")) for kind in every]

    assert len(every) >= 60
    assert len({kind.name for kind in every}) == len(every)
    assert len({(*own, kind.priors) for own, kind in zip(facts, every, strict=True)}) == len(every)
    assert {kind.rows for kind in every} == {120, 160, 220, 300, 400, 550, 750, 1000}
    assert sum(kind.no_gain for kind in every) >= 15


@pytest.mark.parametrize("signal", ["linear", "sparse", "pairs", "radial", "clusters", "waves", NOTHING])
def test_a_source_gives_the_classes_their_shares(signal: str) -> None:
    kind = Kind("k", 200, 3, (0.5, 0.3, 0.2), 0.1, 0, signal, 8, "accuracy")

    _, y, groups = Simulated(kind, np.random.default_rng(1)).rows(20_000, np.random.default_rng(2))

    np.testing.assert_allclose(np.bincount(y) / len(y), kind.priors, atol=0.03)
    assert groups is None


def test_rows_of_a_group_resemble_each_other() -> None:
    kind = Kind("k", 200, 2, (0.5, 0.5), 0.0, 4, "linear", 8, "accuracy")

    x, _, groups = Simulated(kind, np.random.default_rng(1)).rows(4000, np.random.default_rng(2))

    means = np.array([x[groups == g].mean(0) for g in np.unique(groups)[:-1]])
    assert 3 <= len(x) / len(np.unique(groups)) <= 5
    assert means.var(0).mean() > 1.3 * x.var() / 4  # independent rows would give a quarter of the variance


def test_the_standard_error_is_by_kind() -> None:
    """Ten studies of a kind that all say the same are one witness."""
    rng = np.random.default_rng(0)
    levels = rng.standard_normal(30)
    studies = [{"kind": str(k), "value": levels[k]} for k in range(30) for _ in range(10)]

    found = mean(studies, lambda s: s["value"])

    assert found is not None
    assert found.value == pytest.approx(levels.mean())
    assert found.se == pytest.approx(levels.std(ddof=1) / np.sqrt(30))


def test_the_luck_of_rows_is_taken_out_and_the_bias_stays() -> None:
    rng = np.random.default_rng(0)
    luck = rng.standard_normal(400)
    names = ("metric", "goal", "kind", "defaults_observed", "validation", "truth")
    studies = [
        dict(
            zip(
                names,
                ("m", "min", str(i), -v, {"selected": -0.3 - v - e}, {"m": {"defaults": 0.0, "selected": 0.0}}),
                strict=True,
            )
        )
        for i, (v, e) in enumerate(zip(luck, 0.1 * rng.standard_normal(400), strict=True))
    ]

    plain, less = mean(studies, corrected), mean(studies, less_luck(studies, corrected))

    assert plain is not None
    assert less is not None
    assert less.value == pytest.approx(0.3, abs=4 * less.se)
    assert less.se < plain.se / 5


def test_a_tiny_run_reaches_the_end_and_its_control_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = ["--studies=7", "--kinds=7", "--real=0", "--sites=6", "--processes=0", "--scale=0.2", "--no-write"]
    given = honesty.parsed([*asked, f"--keep={tmp_path / 'kept.jsonl'}"])
    monkeypatch.setattr(honesty, "kinds", lambda: [kind for kind in kinds() if kind.rows < 220][::2])

    found = honesty.main(given)

    assert found["done"] == found["asked"] == 13
    lucky, corrected = found["bias_best_observed"]["all"], found["bias"]["all"]
    assert lucky["value"] > 0.02  # the best of forty noisy scores
    assert lucky["value"] > corrected["value"] + 0.01
    assert set(reached(found)) == {"bias", "coverage", "site", "regret", "claims", "cost"}
    assert "corrected figure" in table(found)
    assert drawn(found, BANDS).startswith("<svg")
    page = "a\n<!-- honesty: begin -->\nold\n<!-- honesty: end -->\nb"
    assert written(written(page, found), found) == written(page, found)

    # the same command goes on with what is kept: nothing is done again
    monkeypatch.setattr(honesty, "conduct", None)
    monkeypatch.setattr(honesty, "conduct_sites", None)
    again = honesty.main(given)

    assert {**again, "wall_seconds": 0} == {**found, "wall_seconds": 0}


def test_the_truth_of_labels_without_a_signal_is_that_of_a_guess() -> None:
    kind = next(k for k in kinds() if k.signal == NOTHING and k.no_gain and k.metric == "accuracy" and k.rows < 400)

    found = conduct(kind, 0, 3, 8, 1.0)

    assert found["truth"]["accuracy"]["selected"] == pytest.approx(1 / kind.classes, abs=0.01)
    assert found["truth"]["test"]["accuracy"]["delivered"] == pytest.approx(1 / kind.classes, abs=0.015)
    assert measured([found], [])["cost"]["mean"] > 0


def test_the_truth_of_a_real_table_comes_from_other_rows() -> None:
    listed = tables()
    if not listed:
        pytest.skip("the tables of ../shared/data/pmlb are not there")
    from _honesty.kinds import Table

    kind = next(k for k in listed if k.name == "phoneme")
    table_of = Table(kind, np.random.default_rng(0))
    table_of._x = np.arange(len(table_of._x), dtype=np.float32)[:, None]  # each row names itself

    own = set(table_of.study()[0][:, 0].tolist())
    (train_x, _, _), (score_x, _, _) = table_of.fresh(160, 3000, np.random.default_rng(1))

    assert len(own) == kind.rows
    assert not own & set(train_x[:, 0].tolist())
    assert not own & set(score_x[:, 0].tolist())
    assert not set(train_x[:, 0].tolist()) & set(score_x[:, 0].tolist())
