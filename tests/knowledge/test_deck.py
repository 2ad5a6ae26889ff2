"""The cards that are shipped: enough of them, found by any of their names, and of use in a space."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
from pathlib import Path

import pytest

import truing as tr
from truing.errors import ArgumentError, UsageError
from truing.knowledge import CONTEXTS, card, cards
from truing.objective import standard

ROOT = Path(__file__).parents[2]
SPACES = [*sorted((ROOT / "examples").glob("*.py")), ROOT / "src" / "truing" / "demo.py"]
KINDS = ("Float", "Int", "Choice")


def names_of(tree: ast.AST) -> set[str]:
    """Names of the parameters that are written as `name=tr.Float(...)` or `{"name": tr.Float(...)}`."""

    def is_parameter(node: ast.AST | None) -> bool:
        return (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == "tr"
            and node.func.attr in KINDS
        )

    found = {node.arg for node in ast.walk(tree) if isinstance(node, ast.keyword) and is_parameter(node.value)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            found |= {key.value for key, value in pairs if isinstance(key, ast.Constant) and is_parameter(value)}
    return {name for name in found if name is not None}


def test_there_are_enough_of_each_group() -> None:
    groups = [one.group for one in cards().values()]

    assert len(groups) >= 40
    assert min(groups.count(group) for group in ("architecture", "training", "runtime")) >= 10


@pytest.mark.parametrize("file", SPACES, ids=lambda file: file.name)
def test_every_name_of_an_examples_space_has_a_card(file: Path) -> None:
    names = names_of(ast.parse(file.read_text(encoding="utf-8")))

    assert names, "the file has no space any more that this test can read"
    for name in names:
        card(name)


def test_every_name_of_the_readmes_space_has_a_card() -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    names = set().union(*(names_of(ast.parse(block)) for block in blocks))

    assert {"kernel_size", "learning_rate"} <= names
    for name in names:
        card(name)


def test_every_name_that_the_trainer_reads_has_a_card_with_that_name() -> None:
    read = {item.name for item in dataclasses.fields(standard.Standard)}
    source = inspect.getsource(standard)

    assert read == set(re.findall(r'(?:_number|_whole|_one_of|_flag|_yes_or_no|_boolean)\(config, "(\w+)"', source))
    assert read | {"epochs"} <= set(cards())


def test_the_trainer_takes_what_is_suggested() -> None:
    """Every value that a search in the suggested space can propose, under each optimizer."""
    import numpy as np

    rng = np.random.default_rng(0)
    for optimizer in standard.OPTIMIZERS:
        read = [item.name for item in dataclasses.fields(standard.Standard) if item.name != "optimizer"]
        space = tr.Space(**{name: tr.suggested(name, optimizer=optimizer) for name in read})
        for config in [space.defaults(), *(space.sample(rng) for _ in range(50))]:
            made = standard.Standard.of({**config, "optimizer": optimizer})
            assert made.learning_rate == config["learning_rate"]
    assert set(card("optimizer").options) == set(standard.OPTIMIZERS)
    assert set(card("lr_schedule").options) == set(standard.LR_SCHEDULES)


def test_all_cards_together_make_a_space() -> None:
    for optimizer in (None, *CONTEXTS["optimizer"]):
        for model in (None, *CONTEXTS["model"]):
            space = tr.Space(**{name: tr.suggested(name, optimizer=optimizer, model=model) for name in cards()})
            assert space.defaults()["depth"] >= 1


@pytest.mark.parametrize("name", list(cards()))
def test_a_card_can_be_read(name: str) -> None:
    one = card(name)

    assert all(re.search(r"https?://\S+", source) for source in one.source), "a source is an address to look up"
    assert one.interacts, "nothing is tuned alone"
    assert one.aliases


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("lr", "learning_rate"),
        ("Learning Rate", "learning_rate"),
        ("learning-rate", "learning_rate"),
        ("layer.0.kernel", "kernel_size"),
        ("nhead", "heads"),
        ("C", "penalty"),
        ("beta1", "momentum"),
        ("pin_memory", "pinned_memory"),
    ],
)
def test_a_card_is_found_by_its_other_names(said: str, name: str) -> None:
    assert card(said).name == name
    assert tr.suggested(said) == tr.suggested(name)


def test_a_slip_is_answered_with_the_nearest_name() -> None:
    with pytest.raises(UsageError, match="'kernal_size'; did you mean 'kernel_size'"):
        card("kernal_size")
    with pytest.raises(UsageError, match="did you mean 'learning_rate'"):
        tr.suggested("learning_rte")
    with pytest.raises(UsageError, match="lists all"):
        card("zzzz")
    with pytest.raises(UsageError, match="lists all"):
        card(3)
    with pytest.raises(UsageError, match="no optimizer 'adamv'; did you mean 'adam"):
        tr.suggested("learning_rate", optimizer="adamv")
    with pytest.raises(ArgumentError, match="did you mean optimizer="):
        tr.suggested("learning_rate", optimiser="adam")
    with pytest.raises(UsageError, match="optimizer and model"):
        card("lr").parameter(task="x")


def test_the_range_follows_the_optimizer() -> None:
    """PyTorch's own defaults, and the size of steps that they go with."""
    torch = pytest.importorskip("torch")
    signature = {name: inspect.signature(getattr(torch.optim, name)).parameters for name in ("AdamW", "Adam")}

    for kind, found in signature.items():
        assert tr.suggested("lr", optimizer=kind.lower()).default == found["lr"].default
        assert card("beta2").default == found["betas"].default[1]
        assert card("momentum").under(optimizer=kind.lower()).default == found["betas"].default[0]
        assert card("epsilon").default == found["eps"].default
    assert tr.suggested("weight_decay", optimizer="adamw").default == signature["AdamW"]["weight_decay"].default
    assert tr.suggested("lr", optimizer="sgd").high > tr.suggested("lr", optimizer="adamw").high
    assert tr.suggested("lr", optimizer="lion").high < tr.suggested("lr", optimizer="adamw").high
    assert card("norm_momentum").default == torch.nn.BatchNorm2d(1).momentum


def test_the_cards_are_read_only() -> None:
    with pytest.raises(TypeError):
        cards()["x"] = card("lr")
    with pytest.raises(dataclasses.FrozenInstanceError):
        card("lr").low = 0


def test_a_condition_is_taken_along() -> None:
    space = tr.Space(
        optimizer=tr.suggested("optimizer"),
        momentum=tr.suggested("momentum", optimizer="sgd", when={"optimizer": "sgd"}),
    )

    assert "momentum" not in space.defaults()
    assert tr.suggested("kernel_size").group == "architecture"
    assert tr.suggested("learning_rate").role == "nuisance"
