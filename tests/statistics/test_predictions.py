import numpy as np
import pytest
from scipy.special import expit, softmax

from truing.errors import PredictionError
from truing.statistics import NotFinite, as_probabilities, as_values

GOOD = np.array([[0.2, 0.3, 0.5], [1.0, 0.0, 0.0]])


def test_good_probabilities_come_back_as_they_are():
    for given in (GOOD, GOOD.tolist(), GOOD.astype(np.float32), tuple(map(tuple, GOOD))):
        found = as_probabilities(given, 2, 3)
        assert found == pytest.approx(GOOD)
        assert found.dtype == (np.float32 if getattr(given, "dtype", None) == np.float32 else np.float64)


@pytest.mark.parametrize("shape", [(3,), (3, 1)])
def test_one_column_is_the_second_class_of_two(shape):
    p = np.array([0.1, 0.5, 1.0])
    found = as_probabilities(p.reshape(shape), 3, 2)
    assert found.tolist() == [[0.9, 0.1], [0.5, 0.5], [0.0, 1.0]]
    assert as_probabilities(np.array([True, False]), 2, 2).tolist() == [[0, 1], [1, 0]]


def test_logits_become_probabilities():
    z = np.array([[0.0, 1.0, -2.0], [900.0, -900.0, 0.0]])
    assert as_probabilities(z, 2, 3, logits=True) == pytest.approx(softmax(z, axis=1))
    one = np.array([-800.0, -1.0, 0.0, 40.0])
    found = as_probabilities(one, 4, 2, logits=True)
    assert found[:, 1] == pytest.approx(expit(one), rel=1e-12)
    assert found[:, 0] == pytest.approx(expit(-one), rel=1e-12)
    assert as_probabilities(one.reshape(-1, 1), 4, 2, logits=True) == pytest.approx(found)
    assert as_probabilities(z.astype(np.float32), 2, 3, logits=True).dtype == np.float32


def test_columns_go_where_the_order_says():
    found = as_probabilities(GOOD, 2, 3, order=[2, 0, 1])
    assert found.tolist() == [[0.3, 0.5, 0.2], [0.0, 0.0, 1.0]]
    assert as_probabilities([0.3], 1, 2, order=[1, 0]).tolist() == [[0.3, 0.7]]
    with pytest.raises(PredictionError, match=r"each of the 3 classes once; got the indices \[0, 0, 1\]"):
        as_probabilities(GOOD, 2, 3, order=[0, 0, 1])


@pytest.mark.parametrize(
    ("values", "rows", "classes", "said"),
    [
        (GOOD, 5, 3, "have 2 rows, but 5 rows are scored"),
        (GOOD, 2, 4, "have 3 columns, but there are 4 classes"),
        (GOOD[:, :1], 2, 3, "have 1 columns, but there are 3"),
        (GOOD, 2, 2, "have 3 columns, but there are 2"),
        ([0, 2], 2, 3, "a probability for every class, not the predicted class"),
        (0.5, 1, 2, r"got shape \(\)"),
        (np.zeros((2, 3, 1)), 2, 3, r"got shape \(2, 3, 1\)"),
        ([["a", "b"]], 1, 2, "must be numbers; got .*'a'"),
        ([[None, 0.5]], 1, 2, "must be numbers"),
        ({"p": 1}, 1, 2, "must be numbers"),
        ([[0.5, 0.5], [1.0]], 2, 2, "cannot be made an array"),
        (GOOD + 1j, 2, 3, "must be numbers; got complex128"),
        ([[2.0, -1.0]], 1, 2, "hold -1, .*looks like logits: pass report"),
        ([[2.0, 1.0]], 1, 2, "Row 0 of the predictions sums to 3, .*looks like logits"),
        ([[0.5, 0.4985]], 1, 2, "looks like logits"),
        (np.log(GOOD[:1]), 1, 3, "looks like logits"),
        ([0.5, 3.5], 2, 2, "hold 3.5, .*looks like logits: .*sigmoid"),
        ([0.5, -3.5], 2, 2, "hold -3.5, .*looks like logits"),
    ],
)
def test_what_cannot_be_scored_is_refused_in_one_sentence(values, rows, classes, said):
    with pytest.raises(PredictionError, match=said) as caught:
        as_probabilities(values, rows, classes)
    assert not isinstance(caught.value, NotFinite)


def test_rounding_is_forgiven():
    assert as_probabilities([[0.5, 0.4995]], 1, 2).tolist() == [[0.5, 0.4995]]
    assert as_probabilities([[1.0000001, -1e-7]], 1, 2).tolist() == [[1.0, 0.0]]
    rng = np.random.default_rng(0)
    p = softmax(rng.normal(size=(200, 100)), axis=1).astype(np.float16)
    assert as_probabilities(p, 200, 100).dtype == np.float32


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("logits", [False, True])
def test_diverged_predictions_are_told_apart(bad, logits):
    p = GOOD.copy()
    p[1, 2] = bad
    with pytest.raises(NotFinite, match="NaN or infinity in 1 of 2 rows"):
        as_probabilities(p, 2, 3, logits=logits)
    with pytest.raises(NotFinite, match="1 of 2 rows"):
        as_values([1.0, bad], 2)


def test_numbers_of_a_regression():
    for given in ([1, 2], [[1.0], [2.0]], np.array([1, 2], np.int32)):
        assert as_values(given, 2).tolist() == [1.0, 2.0]
    with pytest.raises(PredictionError, match="have 2 rows, but 3"):
        as_values([1, 2], 3)
    with pytest.raises(PredictionError, match=r"shape \(2,\), one number a row; got \(2, 2\)"):
        as_values([[1, 2], [3, 4]], 2)
    with pytest.raises(PredictionError, match="must be numbers"):
        as_values(["high", "low"], 2)


def test_no_rows_are_no_mistake():
    assert as_probabilities(np.zeros((0, 3)), 0, 3).shape == (0, 3)
    assert as_probabilities(np.zeros(0), 0, 2).shape == (0, 2)
    assert as_probabilities(np.zeros(0), 0, 2, logits=True).shape == (0, 2)
    assert as_probabilities(np.zeros((0, 3)), 0, 3, logits=True).shape == (0, 3)
    assert as_values([], 0).shape == (0,)


def test_torch_tensors_of_any_precision():
    torch = pytest.importorskip("torch")
    z = torch.randn(50, 10, generator=torch.Generator().manual_seed(0), requires_grad=True)
    p = z.softmax(dim=1)
    found = as_probabilities(p, 50, 10)
    assert found.dtype == np.float32
    assert found == pytest.approx(p.detach().numpy())
    for narrow in (torch.float16, torch.bfloat16):
        assert as_probabilities(p.to(narrow), 50, 10) == pytest.approx(p.detach().numpy(), abs=5e-3)
        expected = z.to(narrow).float().softmax(dim=1).detach().numpy()
        assert as_probabilities(z.to(narrow), 50, 10, logits=True) == pytest.approx(expected, abs=1e-6)
    assert as_probabilities(z.double(), 50, 10, logits=True).dtype == np.float64
    assert as_values(z[:, 0], 50) == pytest.approx(z[:, 0].detach().numpy())
    with pytest.raises(PredictionError, match="looks like logits"):
        as_probabilities(z, 50, 10)
