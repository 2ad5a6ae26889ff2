"""The data sets that scikit-learn ships."""

from __future__ import annotations

import numpy as np

from truing.data.data import Data


def digits() -> Data:
    """Handwritten digits: x float32 (1797, 1, 8, 8) from 0 to 1, y int64 0 to 9.

    Source: the test part of the UCI set "Optical recognition of handwritten digits" (Alpaydin, Kaynak 1998).

    >>> digits().x.shape
    (1797, 1, 8, 8)
    """
    from sklearn.datasets import load_digits

    bunch = load_digits()
    x = (bunch.data / 16.0).astype(np.float32).reshape(-1, 1, 8, 8)
    return Data(x, bunch.target.astype(np.int64))


def breast_cancer() -> Data:
    """Breast masses: x float32 (569, 30) as measured, not scaled; y "benign" (357) or "malignant" (212).

    Source: Breast Cancer Wisconsin (Diagnostic), UCI (Wolberg, Mangasarian, Street, Street 1995).

    >>> breast_cancer().classes()
    ['benign', 'malignant']
    """
    from sklearn.datasets import load_breast_cancer

    bunch = load_breast_cancer()
    return Data(bunch.data.astype(np.float32), bunch.target_names.astype(str)[bunch.target])


def diabetes() -> Data:
    """Diabetes after a year: x float32 (442, 10), centred and scaled; y float32, 25 to 346, a severity.

    Source: Efron, Hastie, Johnstone, Tibshirani 2004, Least angle regression, section 1.

    >>> diabetes().y.dtype.name
    'float32'
    """
    from sklearn.datasets import load_diabetes

    bunch = load_diabetes()
    return Data(bunch.data.astype(np.float32), bunch.target.astype(np.float32))
