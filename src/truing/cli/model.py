"""What `truing inspect FILE:build` names, and its options."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from truing.errors import UsageError

MAKES = "has a function build(config), or a module class"


def model_of(name: str, execute: Callable[[str, str, str], dict[str, Any]], rows: str | None = None) -> tuple[Any, Any]:
    """What FILE:build names, or the file's study of it where there is one, which knows more; and its rows.

    Args:
        rows: a name in the file for the data instead.
        name: FILE or FILE:build; without a name it is `build`, else what the only study trains.
        execute: (path, what the file is, what it should do) -> the file's names.

    Raises:
        UsageError: no such file, or no such name in it.
    """
    path, variable = name, ""
    if ":" in name and not Path(name).exists():
        path, _, variable = name.rpartition(":")
    names = execute(path, "model file", MAKES)
    studies = {id(one): one for one in names.values() if hasattr(one, "objective") and hasattr(one, "space")}.values()
    if not variable:
        variable = "build" if "build" in names else ""
        if not variable and len(studies) == 1:
            found = next(iter(studies))
        elif not variable:
            raise UsageError(f"{path} has no function named `build`: give {path}:NAME of what builds the network.")
    if variable:
        if variable not in names:
            here = [key for key, item in names.items() if callable(item) and not key.startswith("_")]
            raise UsageError(f"{path} has nothing named {variable!r}; it has {', '.join(here) or 'nothing to call'}.")
        found = names[variable]
    if rows is not None and rows not in names:
        here = [key for key, item in names.items() if hasattr(item, "__len__") and not key.startswith("_")]
        raise UsageError(f"{path} has no data named {rows!r}; it has {', '.join(here) or 'none'}.")
    given = None if rows is None else names[rows]
    for study in [found, *studies]:
        builder = getattr(getattr(study, "objective", None), "build", None)
        if (builder is not None and builder is getattr(found, "build", found)) or (study is found and builder):
            return study, study.data if given is None else given
    return found, given


def shape_of(given: str) -> list[tuple[int, ...]] | tuple[int, ...]:
    """`3,32,32` or `3x32x32` as a shape; several with a semicolon between.

    Raises:
        UsageError: something else.

    >>> shape_of("3,32,32"), shape_of("5x16;7x16")
    ((3, 32, 32), [(5, 16), (7, 16)])
    """
    shapes = []
    for part in given.split(";"):
        sizes = part.lower().replace("x", ",").strip(" ,").split(",")
        if not all(size.strip().isdecimal() and int(size) > 0 for size in sizes):
            raise UsageError(f"--input takes the shape of one row, such as 3,32,32; got {given!r}.")
        shapes.append(tuple(int(size) for size in sizes))
    return shapes[0] if len(shapes) == 1 else shapes


def asked(settings: Sequence[str]) -> dict[str, Any]:
    """`width=32` as a name and a value; what is no Python value is a word.

    Raises:
        UsageError: no equals sign.

    >>> asked(["width=32", "activation=relu"])
    {'width': 32, 'activation': 'relu'}
    """
    found = {}
    for item in settings:
        name, sign, value = item.partition("=")
        if not sign or not name.strip():
            raise UsageError(f"--set takes NAME=VALUE, such as width=32; got {item!r}.")
        try:
            found[name.strip()] = ast.literal_eval(value.strip())
        except (ValueError, SyntaxError):
            found[name.strip()] = value.strip()
    return found
