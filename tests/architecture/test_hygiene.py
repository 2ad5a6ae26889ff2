"""Rules that hold for every file of the package."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "truing"
FILES = sorted(SOURCE.rglob("*.py"))
SLOW = ("torch", "sklearn", "scipy", "pandas", "plotly", "rich", "typer", "jinja2")


def name(path: Path) -> str:
    return str(path.relative_to(SOURCE))


def test_import_truing_loads_nothing_slow() -> None:
    code = f"import sys, truing; print([m for m in {SLOW} if m in sys.modules])"

    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert printed.strip() == "[]"


def test_every_module_of_the_registries_exists() -> None:
    """A row is a string; a renamed file would otherwise show only on first use."""
    from truing import registry

    tables = [table for table in vars(registry).values() if isinstance(table, registry.Registry)]

    missing = [
        row
        for table in tables
        for row in table.rows.values()
        if not (SOURCE.parent / (row.partition(":")[0].replace(".", "/") + ".py")).is_file()
    ]

    assert tables
    assert missing == []


@pytest.mark.parametrize("path", FILES, ids=name)
def test_file_is_named_after_its_idea(path: Path) -> None:
    words = path.stem.strip("_").split("_")

    assert not {"util", "utils", "helper", "helpers", "manager", "managers", "misc", "common"} & set(words)


@pytest.mark.parametrize("path", FILES, ids=name)
def test_module_says_what_it_is(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    only_marks_a_folder = path.stem == "__init__" and len(tree.body) <= 1

    assert only_marks_a_folder or ast.get_docstring(tree)


@pytest.mark.parametrize("path", [p for p in FILES if not name(p).startswith("testing/")], ids=name)
def test_source_raises_instead_of_asserting(path: Path) -> None:
    """`python -O` drops assert statements, and their message is for nobody."""
    tree = ast.parse(path.read_text(encoding="utf-8"))

    assert [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Assert)] == []
