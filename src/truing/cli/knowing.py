"""Commands on a model and its hyperparameters, without a study: explain, inspect, runtime, range."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from truing.cli.named import executed
from truing.cli.options import Json
from truing.cli.terminal import print_json, say, width
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

    build, data = model_of(file, executed)
    shape = data if given is None else shape_of(given)
    found = inspect_model(build, input=shape, config=asked(settings or []))
    if as_json:
        print_json(found.to_dict())
    else:
        print(found)


Model = Annotated[str, typer.Argument(metavar="FILE[:build]", help="A file with `build(config)` or a module class.")]
Shape = Annotated[str | None, typer.Option("--input", metavar="3,32,32", help="Shape of one row. Default: guessed.")]
Values = Annotated[
    list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A value for build or TorchTrainer; repeatable.")
]
Rows = Annotated[
    str | None, typer.Option("--data", metavar="NAME", help="A name in FILE for rows. Default: its study's, or drawn.")
]
Device = Annotated[str, typer.Option(help="cpu, cuda or cuda:1.")]


def runtime(
    file: Model,
    given: Shape = None,
    settings: Values = None,
    data: Rows = None,
    device: Device = "cpu",
    full: Annotated[
        bool, typer.Option("--full", help="Time every setting at length; takes five times as long.")
    ] = False,
    save: Annotated[Path | None, typer.Option(help="Keep it as JSON, with the machine it holds for.")] = None,
    as_json: Json = False,
) -> None:
    """Threads, runs at a time, precision, memory order and batches that fit, for throughput on this machine."""
    from truing.cli.model import asked, model_of, shape_of
    from truing.probe import runtime as timed
    from truing.probe.inspection import needs_torch
    from truing.probe.stored import read

    if file.endswith(".json"):
        stored = read(file)
        if as_json:
            print_json(stored.to_dict())
        else:
            print(stored)
        return
    build, rows = model_of(file, executed, data)
    needs_torch("runtime")
    say("Timing short trainings; what else runs on the machine disturbs it ...")
    found = timed(
        build,
        input=None if given is None else shape_of(given),
        data=rows,
        config=asked(settings or []),
        device=device,
        full=full,
    )
    if save is not None:
        found.save(save)
    if as_json:
        print_json(found.to_dict())
    else:
        print(found)


def range_test(
    file: Model,
    given: Shape = None,
    settings: Values = None,
    data: Rows = None,
    device: Device = "cpu",
    steps: Annotated[int, typer.Option(help="Steps from the lowest rate to the highest.")] = 100,
    seeds: Annotated[int, typer.Option(help="Trainings.")] = 3,
    as_json: Json = False,
) -> None:
    """A learning-rate range test: between which rates a training works at all, as a prior for the search."""
    from truing.cli.model import asked, model_of, shape_of
    from truing.probe import range_test as tested

    build, rows = model_of(file, executed, data)
    found = tested(
        build,
        input=None if given is None else shape_of(given),
        data=rows,
        config=asked(settings or []),
        device=device,
        steps=steps,
        seeds=seeds,
    )
    if as_json:
        print_json(found.to_dict())
    else:
        print(found)
