"""What a metric is called in a sentence."""

from __future__ import annotations

_SPOKEN = {
    "roc_auc": "ROC AUC",
    "rmse": "RMSE",
    "mae": "MAE",
    "r2": "R2",
    "mcc": "MCC",
    "f1": "F1",
    "brier": "Brier score",
}


def spoken(metric: str) -> str:
    """A metric's name in a sentence.

    >>> spoken("log_loss"), spoken("roc_auc")
    ('log loss', 'ROC AUC')
    """
    return _SPOKEN.get(metric, metric.replace("_", " "))
