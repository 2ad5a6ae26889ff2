"""The range in which an argument may be tuned: from its card, around the value it has now; else a guess."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from truing.errors import UsageError
from truing.knowledge import Card, card
from truing.probe.repeated import parted
from truing.space.parameter import Choice, Float, Int, Parameter

NEAR = (
    4  # a range reaches at most this factor from the present value: beyond it is another network, and the machine's end
)
TRAINING = ("learning_rate", "weight_decay", "batch_size", "lr_schedule", "warmup")

# Names that people give to what a card knows under another one.
_MEANS = (
    (r"(.*_)?(n?heads?|num_heads)", "heads"),
    (r"(n_|num_)?(.*_)?(layers?|blocks?|depth|stages|levels|repeats)", "depth"),
    (r"(.*_)?(d_model|embed(ding)?(_(size|dim|dims|width))?|emb_size|n_embd)", "embedding_size"),
    (r"base|(.*_)?(channels|filters|feature_maps|planes|ch)", "channels"),
    (r"(.*_)?(kernel|kernel_size|ksize|filter_size)", "kernel_size"),
    (r"(.*_)?(dropout|drop|drop_rate|dropout_rate|p_drop)(_p|_prob|_rate)?", "dropout"),
    (r"(.*_)?(activation|act|nonlinearity)(_fn|_function)?", "activation"),
    (r"(.*_)?(width|units|hidden|hiddens|neurons|dim|dims|latent|bottleneck|code)", "width"),
    (
        r"(.*_)?(hidden|latent|intermediate|ffn?|feedforward|mlp|bottleneck)_(size|dim|dims|units|width|features)",
        "width",
    ),
    (r"dim_feedforward|d_ff|ffn|mlp_dim", "width"),
    (r"(.*_)?(batch_?norm|layer_?norm|norm|bn)", "normalisation"),
    (r"(.*_)?(skip|residual|shortcut)s?", "skip_connections"),
)
# Set by the rows and the labels.
DATA = re.compile(
    r"(n_|num_)?(class(es)?|labels?|outputs?|inputs?|targets?)|(in|out)_(features|channels|dims?|size)|"
    r"(input|output)_(size|dims?|shape|channels|features)|vocab(ulary)?(_size)?|num_embeddings|(image|img)_size|"
    r"max_(len|length|seq_len|position_embeddings)|seq_(len|length)|n_features"
)
# How something is laid out or kept from dividing by zero: not what is tuned.
LAYOUT = re.compile(r"device|dtype|batch_first|inplace|(.*_)?eps(ilon)?|padding_idx|seed|verbose|pretrained|weights")


@dataclass(frozen=True)
class Proposed:
    """A parameter and where its range is from.

    Args:
        card: the name of the card; "" = a guess around the present value.
    """

    parameter: Parameter
    card: str


def known(name: str) -> Card | None:
    """The card of an architecture's argument, by name, alias or what such names usually mean."""
    name = parted(name)[1]
    plain = re.sub(r"(?<=[a-z_])\d+$", "", name.lower()).rstrip("_") or name
    try:
        return card(plain) if len(plain) > 1 else None
    except UsageError:
        pass
    for pattern, meant in _MEANS:
        if re.fullmatch(pattern, plain):
            return card(meant)
    return None


def proposed(name: str, default: Any, options: Sequence[Any], family: str | None, group: str) -> Proposed | None:
    """The parameter of an argument with this default; None where nothing can be said of its range.

    Args:
        options: the words that the code knows for it.
        family: "mlp", "cnn", "rnn" or "transformer": what the network is.
        group: of the parameter, where the card says architecture or nothing.

    >>> proposed("kernel_size", 5, (), "cnn", "architecture").parameter
    Choice([1, 3, 5, 7], ordered=True, default=5, group='architecture')
    >>> proposed("width", 64, (), "mlp", "architecture").parameter
    Int(16, 256, log=True, default=64, group='architecture')
    """
    found = known(name)
    suggestion = found.parameter(model=family) if found is not None else None
    made = _fitted(suggestion, default, options) if suggestion is not None else None
    source = found.name if found is not None and made is not None else ""
    if made is None:
        made = _guess(name, default, options)
    if made is None:
        return None
    role = suggestion.role if suggestion is not None else made.role
    return Proposed(replace(made, group=group, role=role), source)


def training(names: Sequence[str]) -> dict[str, Proposed]:
    """What `TorchTrainer` reads and a first study tunes, without the names that are taken."""
    found = {}
    for name in TRAINING:
        if name not in names:
            found[name] = Proposed(card(name).parameter(optimizer="adamw"), name)
    return found


def first_value(name: str, options: Sequence[Any], family: str | None = None) -> Any:
    """What to begin with for an argument that has no default."""
    if options:
        return options[0]
    found = known(name)
    return found.under(model=family).default if found is not None else 2


def _fitted(parameter: Parameter, default: Any, options: Sequence[Any]) -> Parameter | None:
    """The card's parameter around the present value; None where they are of different kinds."""
    if isinstance(default, bool):
        return Choice([False, True], default=default)
    if isinstance(parameter, Choice):
        return _choice(parameter, default, options)
    if isinstance(parameter, Int) and isinstance(default, int):
        low, high = max(parameter.low, -(-default // NEAR)), min(parameter.high, NEAR * default)
        low, high = min(low, default), max(high, default)
        low = low if low < default else max(1, default // 2)
        high = high if high > default else 2 * default
        return replace(parameter, low=low, high=high, default=default) if low < high and default > 0 else None
    if isinstance(parameter, Float) and isinstance(default, float | int):
        least, most = min(parameter.low, default), max(parameter.high, default)
        return replace(parameter, low=least, high=most, default=default) if not parameter.log or least > 0 else None
    return None


def _choice(parameter: Choice, default: Any, options: Sequence[Any]) -> Choice | None:
    if isinstance(default, str):
        words = options or [word for word in parameter.options if isinstance(word, str)]
        if not words:
            return None
        return Choice(list(dict.fromkeys([default, *words])), default=default)
    if isinstance(default, int | float) and all(isinstance(one, int | float) for one in parameter.options):
        if any(isinstance(one, bool) for one in parameter.options):
            return None
        near = [one for one in parameter.options if default == 0 or default / 8 <= one <= default * 8]
        every = sorted({*near, default})
        return Choice(every, ordered=True, default=default) if len(every) > 1 else None
    return None


def _guess(name: str, default: Any, options: Sequence[Any]) -> Parameter | None:
    if isinstance(default, bool):
        return Choice([False, True], default=default)
    if isinstance(default, str):
        words = list(dict.fromkeys([default, *options]))
        return Choice(words, default=default) if len(words) > 1 else None
    if isinstance(default, int):
        if default < 0:
            return None
        if default < 4:
            return Int(max(0, default - 1) if default != 1 else 1, default + 2, default=default)
        return Int(default // 2, 2 * default, log=True, default=default)
    if isinstance(default, float):
        if default == 0.0:
            return Float(0.0, 0.5, default=default)
        if default > 0:
            return Float(default / 2, default * 2, log=True, default=default)
    return None


def is_of_the_data(name: str) -> bool:
    """True for a name that the rows or labels decide, such as `num_classes`."""
    return DATA.fullmatch(parted(name)[1].lower()) is not None


def is_layout(name: str) -> bool:
    """True for a name that is not tuned, such as `batch_first`."""
    return LAYOUT.fullmatch(parted(name)[1].lower()) is not None


def family_of(kinds: Mapping[str, int]) -> str | None:
    """What a network is, by the kinds of its layers."""
    names = " ".join(kinds).lower()
    if "attention" in names:
        return "transformer"
    if any(kind in kinds for kind in ("LSTM", "GRU", "RNN")):
        return "rnn"
    if "conv" in names:
        return "cnn"
    return "mlp" if "linear" in names else None
