"""Imports in `src/truing` point down only, and rooms on one floor never import each other."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "truing"
FLOORS = [
    ["errors", "registry"],
    ["arguments"],  # standard library only, too
    ["space", "data"],
    ["statistics", "knowledge", "datasets"],
    ["record"],
    ["search", "schedule", "validation", "objective", "execution", "storage"],
    ["setting", "code"],  # what a study rests on, made from what was given; its code, read now
    ["identity", "judge", "parts"],
    ["several"],  # one study over several datasets: its setting and its judge
    ["loop", "resume"],
    ["verdict", "advice", "notes", "asked"],
    ["one_at_a_time"],  # one parameter moves, the others are held: sweeps
    ["worth"],  # is tuning worth it: runs of the defaults alone, by the means of both
    ["report"],
    ["probe"],  # draws with the means of the report
    ["opening"],  # a folder, its lock, journal, executor and session
    ["evaluate", "sitting"],  # the designs that tune inside, carried out
    ["study"],
    ["comparing", "portfolios"],  # several studies side by side
    ["__init__"],  # the public face: stands on all of it, and only what shows it may import it
    ["demo", "doctor"],
    ["cli", "web", "testing"],
    ["__main__"],
]
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}


def imported(tree: ast.AST, package: list[str]) -> Iterator[str]:
    """Dotted names of all modules (and names taken from them) that a file imports, anywhere in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = [*base, *(node.module.split(".") if node.module else [])]
            yield from (".".join([*module, alias.name]) for alias in node.names)


def violations(source: Path) -> list[str]:
    """One sentence for each import below `source` that the house forbids."""
    found = []
    for path in sorted(source.rglob("*.py")):
        parts = ["truing", *path.relative_to(source).with_suffix("").parts]
        room, where = parts[1], path.relative_to(source)
        if room not in FLOOR:
            found.append(f"{where}: the room {room!r} has no floor")
            continue
        if where == Path("__init__.py"):
            continue
        for name in imported(ast.parse(path.read_text(encoding="utf-8")), parts[:-1]):
            top, _, rest = name.partition(".")
            if top != "truing":
                if FLOOR[room] == 0 and top not in sys.stdlib_module_names:
                    found.append(f"{where} imports {name}, which is not in the standard library")
                continue
            if rest == "__version__":
                continue
            other = rest.split(".")[0]
            other = other if other in FLOOR else "__init__"
            if other != room and FLOOR[other] >= FLOOR[room] and (room, other) != ("registry", "errors"):
                found.append(f"{where} imports {name}, which is not below it")
    return found


def test_imports_point_down() -> None:
    assert violations(SOURCE) == []


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("search/grid.py", "from truing.storage.sqlite import SqliteJournal"),  # beside
        ("record/trial.py", "import truing.loop"),  # above
        ("space/space.py", "def f():\n    from truing import study"),  # inside a function
        ("data/data.py", "if TYPE_CHECKING:\n    from truing.record.events import Event"),  # for types only
        ("storage/sqlite.py", "from ..execution import inline"),  # relative
        ("loop.py", "from truing import Study"),  # through the public face
        ("errors.py", "import numpy"),  # not the standard library
        ("errors.py", "from truing.registry import Registry"),  # only the other way round
        ("odds/ends.py", "import os"),  # a room the house does not know
    ],
)
def test_a_forbidden_import_is_found(tmp_path: Path, file: str, line: str) -> None:
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text(line + "\n")

    assert len(violations(tmp_path)) == 1


def test_allowed_imports_are_let_through(tmp_path: Path) -> None:
    allowed = {
        "registry.py": "from truing.errors import UsageError\nimport json",
        "search/grid.py": "from truing.search.random import R\nfrom ..record.history import H",
        "cli/__init__.py": "import truing\nfrom truing.study import Study",
        "report/html.py": "from truing import __version__\nimport plotly",
    }
    for file, text in allowed.items():
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text(text + "\n")

    assert violations(tmp_path) == []
