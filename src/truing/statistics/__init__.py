"""Metrics, and what their values are worth: scores, intervals and comparisons."""

from truing.statistics.comparison import Comparison, corrected_t, rows_and_seeds
from truing.statistics.constant import base_rate, constant_predictions
from truing.statistics.delivered import delivered
from truing.statistics.interval import Interval
from truing.statistics.metric import ALIASES, METRICS, Metric, metric
from truing.statistics.predictions import NotFinite, as_probabilities, as_values
from truing.statistics.proportions import wilson
from truing.statistics.score import Score, per_class, predicted, score
from truing.statistics.summary import Summary, summary

__all__ = [
    "ALIASES",
    "METRICS",
    "Comparison",
    "Interval",
    "Metric",
    "NotFinite",
    "Score",
    "Summary",
    "as_probabilities",
    "as_values",
    "base_rate",
    "constant_predictions",
    "corrected_t",
    "delivered",
    "metric",
    "per_class",
    "predicted",
    "rows_and_seeds",
    "score",
    "summary",
    "wilson",
]
