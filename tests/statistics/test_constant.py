import numpy as np
import pytest
from sklearn.dummy import DummyClassifier

from truing.errors import MetricError
from truing.statistics import Metric, base_rate, constant_predictions, score


def test_classes_get_their_frequencies():
    y = np.array([0, 2, 2, 1, 2])
    dummy = DummyClassifier(strategy="prior").fit(y[:, None], y)
    assert constant_predictions("accuracy", y, 3, 3) == pytest.approx(dummy.predict_proba(np.zeros((3, 1))))


@pytest.mark.parametrize("name", ["log_loss", "brier", "mae", "rmse"])
def test_no_other_constant_does_better_on_the_rows_it_was_fitted_on(name):
    rng = np.random.default_rng(0)
    y = rng.choice(3, 31, p=[0.6, 0.3, 0.1]) if name in ("log_loss", "brier") else rng.exponential(size=31)
    fitted = constant_predictions(name, y, 31, 3)
    best = score(name, y, fitted).value
    for _ in range(200):
        other = np.tile(rng.dirichlet(np.ones(3)), (31, 1)) if fitted.ndim == 2 else np.full(31, rng.exponential())
        assert score(name, y, other).value >= best


def test_the_commonest_class_is_what_accuracy_guesses():
    train, test = np.array([1, 1, 1, 0, 2]), np.array([0, 0, 1, 2, 1, 0])
    assert base_rate("accuracy", train, test, 3).value == pytest.approx(2 / 6)
    assert base_rate("sensitivity", train, test, 3).value == pytest.approx(1 / 3)
    assert base_rate("precision", train, test, 3).reason == "no row was predicted as classes 0, 2"
    assert base_rate("roc_auc", train, test, 3).value == 0.5
    assert base_rate("r2", np.array([1.0, 3.0]), np.array([0.0, 4.0])).value == 0.0


def test_what_has_no_base_rate_is_refused():
    with pytest.raises(MetricError, match="'reward' is reported"):
        constant_predictions(Metric("reward", goal="max"), np.zeros(3), 2)
    with pytest.raises(MetricError, match="needs rows"):
        constant_predictions("accuracy", np.zeros(0, int), 2, 2)
    with pytest.raises(MetricError, match="needs the number of classes"):
        constant_predictions("accuracy", np.zeros(2, int), 2)
