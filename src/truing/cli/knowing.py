"""Commands on a model and its hyperparameters, without a study: explain, inspect."""

from __future__ import annotations

from typing import Annotated

import typer

from truing.cli.named import executed
from truing.cli.options import Json
from truing.cli.terminal import print_json, width
from truing.errors import UsageError


def explain(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="A hyperparameter, or another name for it; none = list all.")
    ] = None,
    optimizer: Annotated[str | None, typer.Option(help="As it is with this optimizer, such as sgd.")] = None,
    model: Annotated[str | None, typer.Option(help="As it is in this family of models, such as cnn.")] = None,
    as_json: Json = False,
) -> None:
    """What a hyperparameter does, its range, and where to read of it."""
    from truing.knowledge import card, cards
    from truing.knowledge.text import explained, listing

    if name is None:
        if optimizer is not None or model is not None:
            raise UsageError("--optimizer and --model go with a name, such as truing explain learning_rate.")
        if as_json:
            print_json({"cards": [one.to_dict() for one in cards().values()]})
        else:
            print(listing(cards().values(), width()))
        return
    found = card(name)
    if as_json:
        print_json(found.under(optimizer=optimizer, model=model).to_dict())
    else:
        print(explained(found, width(), optimizer=optimizer, model=model))


def inspect(
    file: Annotated[str, typer.Argument(metavar="FILE[:build]", help="A file with `build(config)` or a module class.")],
    given: Annotated[
        str | None, typer.Option("--input", metavar="3,32,32", help="Shape of one row. Default: guessed.")
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="An argument without a default; repeatable.")
    ] = None,
    as_json: Json = False,
) -> None:
    """What a model has to tune, as a space to copy; trains nothing."""
    from truing.cli.model import asked, model_of, shape_of
    from truing.probe import inspect as inspect_model

    build, data, defaults = model_of(file, executed)
    shape = data if given is None else shape_of(given)
    found = inspect_model(build, input=shape, config=defaults | asked(settings or []))
    if as_json:
        print_json(found.to_dict())
    else:
        print(found)
