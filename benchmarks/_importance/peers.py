"""Optuna's evaluators of importance, on the same trials."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

import truing as tr

NAMES = ("fANOVA", "MeanDecreaseImpurity", "PED-ANOVA")


def evaluated(
    space: tr.Space, configs: Sequence[Mapping[str, Any]], y: np.ndarray, seed: int
) -> dict[str, dict[str, float]]:
    """Evaluator -> parameter -> importance; fANOVA's as shares of its forest's variance, the others' as they come.

    Its fANOVA and MeanDecreaseImpurity leave out what is not in every trial.
    """
    import optuna
    from optuna.importance import (
        FanovaImportanceEvaluator,
        MeanDecreaseImpurityImportanceEvaluator,
        PedAnovaImportanceEvaluator,
        get_param_importances,
    )

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    kinds = {name: _distribution(parameter) for name, parameter in space.items()}
    study = optuna.create_study()
    for config, value in zip(configs, y, strict=True):
        params = {name: _value(space[name], config[name]) for name in config}
        kept = {name: kinds[name] for name in config}
        study.add_trial(optuna.trial.create_trial(params=params, distributions=kept, value=float(value)))
    found = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, evaluator, normalize in (
            ("fANOVA", FanovaImportanceEvaluator(seed=seed), False),
            ("MeanDecreaseImpurity", MeanDecreaseImpurityImportanceEvaluator(seed=seed), True),
            ("PED-ANOVA", PedAnovaImportanceEvaluator(), True),
        ):
            found[name] = dict(get_param_importances(study, evaluator=evaluator, normalize=normalize))
    return found


def _distribution(parameter: Any) -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(parameter, tr.Choice):
        if parameter.ordered:
            return IntDistribution(0, len(parameter.options) - 1)
        return CategoricalDistribution(list(parameter.options))
    kind = FloatDistribution if isinstance(parameter, tr.Float) else IntDistribution
    return kind(parameter.low, parameter.high, log=parameter.log)


def _value(parameter: Any, value: Any) -> Any:
    return parameter.options.index(value) if isinstance(parameter, tr.Choice) and parameter.ordered else value
