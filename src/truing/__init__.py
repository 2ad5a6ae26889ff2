"""Truing: tune a deep-learning model, and know what the tuning is worth.

>>> import truing as tr
>>> tr.Float(1e-4, 1e-1, log=True, default=1e-2)
Float(0.0001, 0.1, log=True, default=0.01)
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from truing import datasets as datasets
    from truing.comparing import compare as compare
    from truing.data.data import Data as Data
    from truing.errors import TruingError as TruingError
    from truing.knowledge.deck import suggested as suggested
    from truing.objective.trainer import TorchTrainer as TorchTrainer
    from truing.one_at_a_time.ablation import Ablation as Ablation
    from truing.one_at_a_time.sweep import Sweep as Sweep
    from truing.portfolios import Portfolio as Portfolio
    from truing.portfolios import portfolio as portfolio
    from truing.probe.found import Inspection as Inspection
    from truing.probe.inspection import inspect as inspect
    from truing.probe.learning_rates import RangeTest as RangeTest
    from truing.probe.learning_rates import range_test as range_test
    from truing.probe.throughput import Runtime as Runtime
    from truing.probe.throughput import runtime as runtime
    from truing.report.retuned import Retuned as Retuned
    from truing.report.view import StudyView as StudyView
    from truing.report.view import load as load
    from truing.report.what_next import WhatNext as WhatNext
    from truing.search.grid import GridSearch as GridSearch
    from truing.search.random import RandomSearch as RandomSearch
    from truing.search.sequential import SequentialSearch as SequentialSearch
    from truing.search.sobol import SobolSearch as SobolSearch
    from truing.space.condition import at_least as at_least
    from truing.space.condition import at_most as at_most
    from truing.space.condition import between as between
    from truing.space.parameter import Choice as Choice
    from truing.space.parameter import Float as Float
    from truing.space.parameter import Int as Int
    from truing.space.repeat import Repeat as Repeat
    from truing.space.space import Space as Space
    from truing.statistics.metric import Metric as Metric
    from truing.study import Study as Study
    from truing.validation.grouped import GroupKFold as GroupKFold
    from truing.validation.holdout import Holdout as Holdout
    from truing.validation.internal import Internal as Internal
    from truing.validation.internal_external import InternalExternal as InternalExternal
    from truing.validation.kfold import KFold as KFold
    from truing.validation.leave_one_group_out import LeaveOneGroupOut as LeaveOneGroupOut
    from truing.validation.nested import Nested as Nested
    from truing.validation.seeds import Seeds as Seeds
    from truing.validation.time_ordered import TimeOrdered as TimeOrdered
    from truing.verdict.compare import Compared as Compared
    from truing.verdict.evaluation import Evaluation as Evaluation
    from truing.verdict.verdict import Verdict as Verdict
    from truing.worth.advice import Advice as Advice

# Names are imported on first use, so that `import truing` costs next to nothing.
_HOMES = {
    "Ablation": "truing.one_at_a_time.ablation",
    "Advice": "truing.worth.advice",
    "Sweep": "truing.one_at_a_time.sweep",
    "Retuned": "truing.report.retuned",
    "WhatNext": "truing.report.what_next",
    "Choice": "truing.space.parameter",
    "Compared": "truing.verdict.compare",
    "Data": "truing.data.data",
    "Evaluation": "truing.verdict.evaluation",
    "Float": "truing.space.parameter",
    "GridSearch": "truing.search.grid",
    "GroupKFold": "truing.validation.grouped",
    "Holdout": "truing.validation.holdout",
    "Int": "truing.space.parameter",
    "Internal": "truing.validation.internal",
    "InternalExternal": "truing.validation.internal_external",
    "Inspection": "truing.probe.found",
    "KFold": "truing.validation.kfold",
    "LeaveOneGroupOut": "truing.validation.leave_one_group_out",
    "Metric": "truing.statistics.metric",
    "Nested": "truing.validation.nested",
    "Portfolio": "truing.portfolios",
    "RandomSearch": "truing.search.random",
    "RangeTest": "truing.probe.learning_rates",
    "Repeat": "truing.space.repeat",
    "Runtime": "truing.probe.throughput",
    "Seeds": "truing.validation.seeds",
    "SequentialSearch": "truing.search.sequential",
    "SobolSearch": "truing.search.sobol",
    "Space": "truing.space.space",
    "Study": "truing.study",
    "StudyView": "truing.report.view",
    "TimeOrdered": "truing.validation.time_ordered",
    "TorchTrainer": "truing.objective.trainer",
    "TruingError": "truing.errors",
    "Verdict": "truing.verdict.verdict",
    "at_least": "truing.space.condition",
    "at_most": "truing.space.condition",
    "between": "truing.space.condition",
    "compare": "truing.comparing",
    "datasets": "truing.datasets",
    "inspect": "truing.probe.inspection",
    "load": "truing.report.view",
    "portfolio": "truing.portfolios",
    "range_test": "truing.probe.learning_rates",
    "runtime": "truing.probe.throughput",
    "suggested": "truing.knowledge.deck",
}

__all__ = [  # noqa: RUF022 - in the order a person meets them
    "Study",
    "Sweep",
    "Space",
    "Float",
    "Int",
    "Choice",
    "Repeat",
    "at_least",
    "at_most",
    "between",
    "suggested",
    "Data",
    "datasets",
    "Metric",
    "KFold",
    "Holdout",
    "GroupKFold",
    "LeaveOneGroupOut",
    "TimeOrdered",
    "Seeds",
    "Nested",
    "Internal",
    "InternalExternal",
    "GridSearch",
    "RandomSearch",
    "SobolSearch",
    "SequentialSearch",
    "TorchTrainer",
    "inspect",
    "Inspection",
    "Ablation",
    "Advice",
    "runtime",
    "Runtime",
    "range_test",
    "RangeTest",
    "Verdict",
    "Retuned",
    "WhatNext",
    "Evaluation",
    "compare",
    "Compared",
    "portfolio",
    "Portfolio",
    "load",
    "StudyView",
    "TruingError",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'truing' has no attribute {name!r}")
    module = importlib.import_module(_HOMES[name])
    found = module if name == "datasets" else getattr(module, name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
