"""A card that breaks a rule is refused in a sentence that names it."""

from __future__ import annotations

import pytest

from truing.errors import UsageError
from truing.knowledge.reading import read

GOOD = """
[{name}]
role = "nuisance"
kind = "float"
default = 0.1
low = 0.0
high = 0.5
what = "First. Second."
too_low = "Low."
too_high = "High."
cost = "None."
range_from = "Somebody."
source = ["A paper"]
"""


def one(text: str = GOOD, name: str = "drop", **changed: str) -> dict[str, str]:
    """The cards of one group, lines of the good one replaced: a value of "" takes the line out."""
    lines = text.format(name=name).strip().splitlines()
    for key, value in changed.items():
        lines = [line for line in lines if not line.startswith(f"{key} =")]
        lines += [f"{key} = {value}"] if value else []
    return {"training": "\n".join(lines)}


def test_a_card_is_what_its_table_says() -> None:
    card = read(one(aliases='["p"]'))["drop"]

    assert (card.name, card.group, card.role, card.aliases) == ("drop", "training", "nuisance", ("p",))
    assert (card.low, card.high, card.default, card.scale) == (0.0, 0.5, 0.1, "linear")
    assert repr(card.parameter()) == "Float(0.0, 0.5, default=0.1, role='nuisance')"


def test_a_variant_changes_what_it_names_and_nothing_else() -> None:
    text = one()["training"] + '\n[drop.variants."model=cnn"]\nhigh = 0.3\ndefault = 0.2\n'
    card = read({"training": text})["drop"]

    assert card.parameter(model="cnn").high == 0.3
    assert card.parameter(model="cnn").default == 0.2
    assert card.parameter(model="mlp") == card.parameter() == read(one())["drop"].parameter()


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"rnage": "3"}, "Card drop: unknown key 'rnage'."),
        ({"too_low": ""}, "Card drop: too_low is missing."),
        ({"too_low": "", "cost": ""}, "Card drop: too_low and cost are missing."),
        ({"too_high": '" "'}, "Card drop: too_high must be a sentence with its full stop, got ' '."),
        ({"cost": '"no stop"'}, "Card drop: cost must be a sentence with its full stop, got 'no stop'."),
        ({"what": '"One alone."'}, "Card drop: what must be two sentences, got 1."),
        ({"what": '"One. Two. Three."'}, "Card drop: what must be two sentences, got 3."),
        ({"default": "0.6"}, "Card drop: the default 0.6 lies outside of the range 0.0 to 0.5."),
        ({"default": "true"}, "Card drop: float needs low, high and default as numbers"),
        ({"high": ""}, "Card drop: float needs low, high and default as numbers"),
        ({"scale": '"log"'}, "log"),
        ({"scale": '"square"'}, "Card drop: scale must be one of linear, log; got 'square'."),
        ({"role": '"big"'}, "Card drop: role must be one of scientific, nuisance, fixed; got 'big'."),
        ({"kind": '"int"'}, "Card drop: int needs low, high and default as numbers"),
        ({"kind": '"choice"'}, "Card drop: a choice has options, two or more, and no range."),
        ({"interacts": '["nobody"]'}, "Card drop: it interacts with 'nobody', which is no other card."),
        ({"interacts": '["drop"]'}, "Card drop: it interacts with 'drop', which is no other card."),
        ({"aliases": '["drop"]'}, "Card drop: the alias 'drop' already means drop."),
        ({"aliases": '"p"'}, "Card drop: aliases must be a list, got 'p'."),
        ({"source": "[]"}, "Card drop: source must name at least one."),
    ],
)
def test_a_broken_rule_is_named(changed: dict[str, str], says: str) -> None:
    with pytest.raises(UsageError) as raised:
        read(one(**changed))

    assert says in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("variant", "says"),
    [
        ('[drop.variants."optimiser=sgd"]\nhigh = 0.3', "a variant is named as optimizer=sgd"),
        ('[drop.variants."optimizer=sgdd"]\nhigh = 0.3', "a variant is named as optimizer=sgd"),
        ('[drop.variants."model=cnn"]\nkind = "int"', "variant model=cnn: unknown key 'kind'."),
        ('[drop.variants."model=cnn"]\nhigh = 0.05', "variant model=cnn: the default 0.1 lies outside of the range"),
        ('[drop.variants."model=cnn"]\ntoo_low = ""', "variant model=cnn: too_low must be a sentence"),
        ('[drop.variants."model=cnn"]', "variant model=cnn must say what differs"),
    ],
)
def test_a_broken_variant_is_named(variant: str, says: str) -> None:
    with pytest.raises(UsageError, match="Card drop: ") as raised:
        read({"training": one()["training"] + "\n" + variant})

    assert says in str(raised.value)


def test_all_findings_come_at_once() -> None:
    text = one(rnage="3")["training"] + "\n" + one(name="other", too_low="")["training"]

    with pytest.raises(UsageError) as raised:
        read({"training": text})

    assert str(raised.value).splitlines() == ["Card drop: unknown key 'rnage'.", "Card other: too_low is missing."]


def test_a_name_belongs_to_one_card() -> None:
    with pytest.raises(UsageError, match="in two groups"):
        read({"training": one()["training"], "runtime": one()["training"]})
    with pytest.raises(UsageError, match="not valid TOML"):
        read({"training": "[drop"})
    with pytest.raises(UsageError, match="groups"):
        read({"odds": ""})
