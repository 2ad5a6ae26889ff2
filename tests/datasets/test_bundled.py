"""The bundled data against what their sources say of them."""

from __future__ import annotations

import numpy as np

from truing import datasets


def test_digits_are_images_from_zero_to_one() -> None:
    data = datasets.digits()

    assert (data.x.shape, data.x.dtype.name, data.y.dtype.name) == ((1797, 1, 8, 8), "float32", "int64")
    assert (data.x.min(), data.x.max()) == (0.0, 1.0)
    # Rows of the UCI file optdigits.tes: the first image is a 0, whose top line is 0 0 5 13 9 1 0 0.
    assert (data.x[0, 0, 0] * 16).tolist() == [0, 0, 5, 13, 9, 1, 0, 0]
    assert np.bincount(data.y).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def test_breast_cancer_counts_as_published() -> None:
    """UCI: 357 benign, 212 malignant; scikit-learn's own coding is 0 = malignant."""
    data = datasets.breast_cancer()

    names, counts = np.unique(data.y, return_counts=True)
    assert dict(zip(names.tolist(), counts.tolist(), strict=True)) == {"benign": 357, "malignant": 212}
    assert (data.x.shape, data.x.dtype.name) == ((569, 30), "float32")
    radius = data.x[:, 0]
    assert radius[data.y == "malignant"].mean() > radius[data.y == "benign"].mean()


def test_diabetes_is_regression() -> None:
    data = datasets.diabetes()

    assert (data.x.shape, data.y.dtype.name) == ((442, 10), "float32")
    assert (data.y.min(), data.y.max(), round(float(data.y.mean()), 2)) == (25.0, 346.0, 152.13)
