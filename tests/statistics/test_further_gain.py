"""Against least squares, and against random searches that went on."""

from collections.abc import Callable

import numpy as np
import pytest

from truing.errors import MetricError
from truing.statistics.further_gain import FEWEST, further_gain, residual_variance

Surface = Callable[[np.ndarray], np.ndarray]


def bowl(x: np.ndarray) -> np.ndarray:
    return -np.square(x - 0.37).sum(axis=1)


def branin(x: np.ndarray) -> np.ndarray:
    a, b = 15 * x[:, 0] - 5, 15 * x[:, 1]
    found = np.square(b - 5.1 / (4 * np.pi**2) * a**2 + 5 / np.pi * a - 6) + 10 * (1 - 1 / (8 * np.pi)) * np.cos(a) + 10
    return -np.asarray(found)


def cliff(x: np.ndarray) -> np.ndarray:
    """A learning rate past which networks diverge, and a parameter that matters less."""
    rate = 4 * x[:, 0]
    return np.where(rate > 3.3, 0.1, 0.9 - 0.15 * np.abs(rate - 2.5) ** 1.5) - 0.1 * x[:, 1] ** 2


def normal(x: np.ndarray) -> np.ndarray:
    """A sum of many small parts: a tail without a visible end."""
    return x.sum(axis=1)


SURFACES = {
    "bowl": (bowl, 1),
    "wide bowl": (bowl, 4),
    "branin": (branin, 2),
    "cliff": (cliff, 2),
    "normal": (normal, 12),
}


def better_spread(surface: Surface, size: int, rng: np.random.Generator) -> float:
    """Root mean square of the better half's distance from the median."""
    values = surface(rng.uniform(size=(20_000, size)))
    away = values - np.median(values)
    return float(np.sqrt(np.square(away[away > 0]).mean()))


@pytest.mark.parametrize("name", SURFACES)
@pytest.mark.parametrize("noise", [0.0, 0.25, 0.5])
@pytest.mark.parametrize("tried", [20, 60])
def test_the_expected_gain_is_that_of_a_random_search_that_goes_on(name: str, noise: float, tried: int) -> None:
    """The error that the docstring states: 0.2 too much, never 0.1 too little on these surfaces, in better spreads."""
    surface, size = SURFACES[name]
    rng = np.random.default_rng(3)
    unit = better_spread(surface, size, rng)
    expected, came = [], []
    for _ in range(150):
        true = surface(rng.uniform(size=(2 * tried, size)))
        seen = true[:tried] + rng.normal(0, noise * unit, tried)
        expected.append(further_gain(seen, (noise * unit) ** 2, tried).value)
        came.append(true.max() - true[:tried].max())
    error = (np.mean(expected) - np.mean(came)) / unit
    assert -0.1 < error < 0.25


def test_rare_and_much_better_configurations_are_underestimated_by_a_stated_amount() -> None:
    """Hartmann's function of six parameters (Surjanovic & Bingham): most of the space is flat and bad."""
    a = np.array(
        [[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]]
    )
    p = 1e-4 * np.array(
        [
            [1312, 1696, 5569, 124, 8283, 5886],
            [2329, 4135, 8307, 3736, 1004, 9991],
            [2348, 1451, 3522, 2883, 3047, 6650],
            [4047, 8828, 8732, 5743, 1091, 381],
        ]
    )

    def hartmann(x: np.ndarray) -> np.ndarray:
        inner = (a[None] * np.square(x[:, None] - p[None])).sum(axis=2)
        return np.asarray((np.array([1.0, 1.2, 3.0, 3.2]) * np.exp(-inner)).sum(axis=1))

    rng = np.random.default_rng(4)
    unit = better_spread(hartmann, 6, rng)
    expected, came = [], []
    for _ in range(200):
        true = hartmann(rng.uniform(size=(80, 6)))
        expected.append(further_gain(true[:40], 0.0, 40).value)
        came.append(true.max() - true[:40].max())
    assert -0.35 < (np.mean(expected) - np.mean(came)) / unit < 0.0
    assert np.mean(expected) > 0.15 * unit  # and it is seen that something is to be had


def test_pure_noise_promises_little_where_the_best_seen_promises_much() -> None:
    rng = np.random.default_rng(5)
    expected, naive = [], []
    for _ in range(300):
        seen = rng.normal(size=40)
        expected.append(further_gain(seen[:20], 1.0, 20).value)
        naive.append(max(0.0, seen.max() - seen[:20].max()))
    assert np.mean(expected) < 0.1 < np.mean(naive)


def test_the_goal_only_turns_the_sign() -> None:
    y = np.random.default_rng(6).gamma(2.0, size=30)
    up = further_gain(y, 0.1, 30, goal="max", other=5.0, limit=9.0)
    down = further_gain(-y, 0.1, 30, goal="min", other=-5.0, limit=-9.0)
    assert up == down


def test_a_better_one_that_was_not_drawn_leaves_less_to_gain_and_no_score_passes_its_end() -> None:
    y = np.random.default_rng(7).normal(0.8, 0.05, 40)
    plain = further_gain(y, 0.0, 40).value
    assert further_gain(y, 0.0, 40, other=float(y.max()) + 0.05).value < plain
    assert further_gain(y, 0.0, 40, other=float(y.min())).value == plain
    room = 1e-4
    assert 0 < further_gain(y, 0.0, 40, limit=float(y.max()) + room).value <= room
    assert further_gain(y, 0.0, 40, limit=float(y.max())).value == 0


def test_more_trials_gain_more_and_units_do_not_matter() -> None:
    y = np.random.default_rng(8).normal(size=40)
    gains = [further_gain(y, 0.2, more).value for more in (0, 1, 10, 100, 1000)]
    assert gains[0] == 0
    assert gains == sorted(gains)
    assert further_gain(1000 * y + 7, 0.2e6, 10).value == pytest.approx(1000 * gains[2])


@pytest.mark.parametrize("y", [[0.5] * 30, [0.5] * 20 + [0.1] * 10])
def test_scores_of_which_half_are_the_best_leave_nothing(y: list[float]) -> None:
    assert further_gain(y, 0.0, 30).value == 0


def test_what_cannot_be_known_says_why() -> None:
    assert "fewer than 15" in (further_gain([0.1] * (FEWEST - 1), 0.0, 5).reason or "")
    with pytest.raises(MetricError, match="goal"):
        further_gain([0.1] * 20, 0.0, 5, goal="up")
    for scores, noise in (([0.1] * 19 + [np.nan], 0.0), ([0.1] * 20, -1.0)):
        with pytest.raises(MetricError, match="numbers"):
            further_gain(scores, noise, 5)
    with pytest.raises(MetricError, match="two trials"):
        residual_variance(np.ones((1, 5)))


def test_the_noise_is_the_residual_mean_square_of_least_squares() -> None:
    rng = np.random.default_rng(9)
    table = rng.normal(size=(7, 1)) + rng.normal(size=(1, 5)) + rng.normal(0, 0.3, (7, 5))
    rows, columns = np.indices(table.shape)
    design = np.hstack([np.eye(7)[rows.ravel()], np.eye(5)[columns.ravel()]])
    residual = table.ravel() - design @ np.linalg.lstsq(design, table.ravel(), rcond=None)[0]
    assert residual_variance(table) == pytest.approx(float(residual @ residual) / (35 - np.linalg.matrix_rank(design)))


def test_half_the_variance_of_paired_differences() -> None:
    rng = np.random.default_rng(10)
    table = rng.normal(0, 0.3, (2, 4000)) + rng.normal(size=(1, 4000))
    assert 2 * residual_variance(table) == pytest.approx(float((table[0] - table[1]).var(ddof=1)))
