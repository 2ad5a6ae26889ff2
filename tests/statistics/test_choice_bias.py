import numpy as np
import pytest

from truing.statistics.bootstrap import units
from truing.statistics.choice_bias import corrected_for_choice, optimism_of_choice


def corrected(right, seed=0, groups=None):
    """BBC of the best of some networks, from which rows each has right, bool (K, n)."""
    right, n = right.astype(float), right.shape[1]
    return corrected_for_choice(
        lambda w: int(np.argmax(right @ w)),
        lambda c, w: float(right[c] @ w / w.sum()),
        units(n, groups),
        n,
        np.random.default_rng(seed),
    )


def test_the_best_of_networks_that_guess_is_corrected_to_chance():
    rng = np.random.default_rng(0)
    best, found = [], []
    for seed in range(40):
        right = rng.random((30, 150)) < 0.5
        best.append(right.mean(axis=1).max())
        found.append(corrected(right, seed).value)
    assert np.mean(best) > 0.57  # what a search would report
    assert np.mean(found) == pytest.approx(0.5, abs=0.02)


def test_networks_that_truly_differ_keep_their_score():
    rng = np.random.default_rng(1)
    right = rng.random((5, 400)) < np.array([0.6, 0.62, 0.64, 0.66, 0.9])[:, None]
    assert corrected(right).value == pytest.approx(right[4].mean(), abs=0.01)


def test_one_configuration_is_nothing_to_choose_from():
    right = np.random.default_rng(2).random((1, 300)) < 0.8
    found = corrected(right)
    assert found.value == pytest.approx(right.mean(), abs=0.005)
    assert found.low < right.mean() < found.high


def test_rows_that_come_in_groups_are_drawn_in_groups():
    """Each of 20 patients has ten equal rows: only by groups is a copy of a row never on both sides."""
    rng = np.random.default_rng(3)
    by_patient = rng.random((30, 20)) < 0.5
    right, groups = np.repeat(by_patient, 10, axis=1), np.repeat(np.arange(20), 10)
    assert corrected(right, groups=groups).value < corrected(right).value - 0.05


def test_a_choice_that_cannot_be_made_says_so():
    found = corrected_for_choice(lambda w: None, lambda c, w: 0.0, units(10, None), 10, np.random.default_rng(0))
    assert found.value is None
    assert found.reason == "it is undefined in 100% of the resamples"
    assert "fewer than two" in corrected(np.ones((1, 4)), groups=np.zeros(4)).reason


@pytest.mark.parametrize("sign", [1, -1])
def test_the_optimism_of_a_choice_among_guesses_is_what_theory_says(sign):
    """Bootstrap noise is as large as the rows' own, so the best of the sum has 1/√2 of its distance from it."""
    rng, best, found = np.random.default_rng(4), [], []
    for seed in range(30):
        right = sign * (rng.random((30, 200)) < 0.5).astype(float)
        best.append(sign * (right.mean(axis=1) * sign).max() - sign * 0.5)
        found.append(
            optimism_of_choice(
                lambda w, r=right: int(np.argmax(sign * (r @ w))),
                lambda c, w, r=right: float(r[c] @ w / w.sum()),
                units(200, None),
                200,
                np.random.default_rng(seed),
                number=300,
            )
        )
    assert np.mean(found) == pytest.approx(np.mean(best) / np.sqrt(2), rel=0.12)


def test_one_configuration_has_no_optimism():
    right = (np.random.default_rng(5).random((1, 300)) < 0.8).astype(float)
    rng = np.random.default_rng(0)
    assert optimism_of_choice(lambda w: 0, lambda c, w: float(right[c] @ w / w.sum()), units(300, None), 300, rng) == 0
