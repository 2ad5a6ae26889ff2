"""What cards say of a library's default is what the library has."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from truing.knowledge import card, cards


def default(function: Callable[..., Any], name: str) -> Any:
    return inspect.signature(function).parameters[name].default


def test_of_pytorch() -> None:
    torch = pytest.importorskip("torch", reason="the defaults are PyTorch's")
    optim, nn = torch.optim, torch.nn

    for name in ("adam", "adamw"):
        own = getattr(optim, {"adam": "Adam", "adamw": "AdamW"}[name])
        assert card("learning_rate").under(optimizer=name).default == default(own, "lr")
        assert (card("momentum").under(optimizer=name).default, card("beta2").default) == default(own, "betas")
        assert card("epsilon").default == default(own, "eps")
    assert card("weight_decay").under(optimizer="adamw").default == default(optim.AdamW, "weight_decay")
    assert card("momentum").under(optimizer="rmsprop").default == default(optim.RMSprop, "momentum")
    assert default(optim.RMSprop, "lr") == 0.01  # as the card says in words
    assert default(optim.SGD, "momentum") == 0
    assert card("nesterov").default is default(optim.SGD, "nesterov") is False
    assert card("norm_momentum").default == default(nn.BatchNorm2d, "momentum")
    assert default(nn.TransformerEncoderLayer, "norm_first") is False
    assert default(nn.Conv2d, "padding") == 0
    assert card("label_smoothing").default == default(nn.CrossEntropyLoss, "label_smoothing")
    assert default(torch.optim.swa_utils.get_ema_avg_fn, "decay") == 0.999
    loader = torch.utils.data.DataLoader
    assert card("workers").default == default(loader, "num_workers")
    assert card("pinned_memory").default is default(loader, "pin_memory") is False
    assert card("cudnn_benchmark").default is torch.backends.cudnn.benchmark is False
    assert loader([1], num_workers=1).prefetch_factor == card("prefetch").default


def test_of_scikit_learn() -> None:
    pytest.importorskip("sklearn", reason="the defaults are scikit-learn's")
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.svm import SVR

    boosting = HistGradientBoostingClassifier
    assert card("learning_rate").under(model="gradient_boosting").default == default(boosting, "learning_rate")
    for name in ("max_leaf_nodes", "min_samples_leaf", "l2_regularization"):
        assert card(name).default == default(boosting, name)
    assert card("penalty").default == default(SVR, "C")
    assert card("epsilon").under(model="svr").default == default(SVR, "epsilon")
    assert default(SVR, "gamma") == "scale"


def test_of_transformers() -> None:
    transformers = pytest.importorskip("transformers", reason="the defaults are transformers'")
    bert, vit = transformers.BertConfig(), transformers.ViTConfig()

    assert bert.hidden_act == vit.hidden_act == card("activation").under(model="transformer").default == "gelu"
    assert bert.intermediate_size / bert.hidden_size == vit.intermediate_size / vit.hidden_size == 4
    assert card("mlp_ratio").default == 4
    assert bert.attention_probs_dropout_prob == card("attention_dropout").default
    assert vit.attention_probs_dropout_prob == 0
    assert vit.patch_size == card("patch_size").default
    assert bert.num_hidden_layers == 12


def test_a_page_of_pytorch_is_that_of_the_thing_named() -> None:
    for one in cards().values():
        for source in one.to_dict()["source"]:
            title, _, address = source.rpartition(", ")
            if "/generated/" in address:
                assert address.endswith(f"/{title}.html"), source
