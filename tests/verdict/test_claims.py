"""How often a gain is claimed where there is none, and where there is one: whole studies with a known truth."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import truing as tr

STUDIES = 20


def neighbours(run: Any) -> Any:
    """k nearest neighbours on some columns, smoothed: cheap, and easily overfitted by choosing."""
    k, columns = run.config["k"], run.config["columns"]
    x, positive = np.array(run.train.x)[:, :columns], run.train.labels == run.classes[1]

    def predict(rows: Any) -> np.ndarray:
        distance = ((rows[:, None, :columns] - x[None]) ** 2).sum(2)
        near = np.argpartition(distance, k, axis=1)[:, :k]
        return (positive[near].sum(1) + 1) / (k + 2)

    run.report(predict(run.valid.x))
    return predict


def study(judged: Any, seed: int, metric: str, *, signal: bool) -> Any:
    rng = np.random.default_rng([seed, 7])
    x = rng.normal(size=(120, 6))
    y = (x[:, 0] + x[:, 1] + 0.3 * rng.normal(size=120) > 0).astype(int)
    labels = y if signal else rng.permutation(y)
    # without a signal the smoothest guess is the best there is, so no configuration is truly better than the defaults
    space = tr.Space(k=tr.Int(1, 40, default=40), columns=tr.Int(1, 6, default=3))
    if signal:  # the defaults look at one column of noise; from three columns on the signal is there
        x = x[:, [2, 0, 1, 3, 4, 5]]
        space = tr.Space(k=tr.Int(5, 20, default=10), columns=tr.Int(1, 6, default=1))
    return judged(
        neighbours, data=tr.Data(x, labels), metric=metric, space=space, trials=12, seed=seed, validation=tr.KFold(3)
    ).verdict


@pytest.mark.parametrize("metric", ["log_loss", "accuracy"])
def test_permuted_labels_earn_no_claim(judged: Any, metric: str) -> None:
    """Nothing can be learned; the search's own best beats the defaults all the same, and the verdict sees through."""
    verdicts = [study(judged, seed, metric, signal=False) for seed in range(STUDIES // 2)]
    assert sum(v.gain for v in verdicts) <= 1
    assert all(v.headline.startswith(("No gain shown", "The defaults were kept")) for v in verdicts if not v.gain)


def test_best_of_the_search_would_have_claimed_where_the_verdict_does_not(judged: Any) -> None:
    """The same null studies: what the search saw is better than the fresh runs on average, which is its luck."""
    verdicts = [study(judged, seed, "accuracy", signal=False) for seed in range(100, 100 + STUDIES // 2)]
    found = [v.to_dict()["validation"] for v in verdicts]
    luck = [f["as_searched"] - f["selected"] for f in found]
    assert np.mean(luck) > 0.02
    assert abs(np.mean([f["selected"] for f in found]) - 0.5) < 0.1


@pytest.mark.parametrize("metric", ["log_loss", "accuracy"])
def test_a_clear_gain_is_claimed(judged: Any, metric: str) -> None:
    verdicts = [study(judged, seed, metric, signal=True) for seed in range(3)]
    assert all(v.gain for v in verdicts)
    assert all(v.headline.startswith("Tuning helped: on rows never seen") for v in verdicts)
