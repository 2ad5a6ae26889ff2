"""docs/reference is what `make docs` makes of the docstrings, the registries and the command line today."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

import truing as tr

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "docs" / "_reference.py"


def load():
    spec = importlib.util.spec_from_file_location("_reference", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


reference = load()


def test_the_pages_are_up_to_date() -> None:
    wanted = reference.pages()
    stored = {page.name: page.read_text(encoding="utf-8") for page in reference.HERE.glob("*.md")}
    stale = [name for name in {**wanted, **stored} if wanted.get(name) != stored.get(name)]

    assert stale == [], (
        "make docs (or python docs/_reference.py) brings docs/reference up to date; commit what it writes"
    )


def test_the_table_of_designs_is_up_to_date() -> None:
    stored = (ROOT / "docs" / "validation.md").read_text(encoding="utf-8")

    assert "(validation_kfold.md)" in stored
    assert reference.overview(stored) == stored


def test_they_do_not_depend_on_the_process(tmp_path: Path) -> None:
    """Another hash seed, another width of the terminal, another directory."""
    code = (
        f"import importlib.util as u; s = u.spec_from_file_location('r', {str(SCRIPT)!r}); m = u.module_from_spec(s); "
    )
    code += "s.loader.exec_module(m); print('\\0'.join(m.pages().values()))"
    made = [
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=tmp_path,
            env={
                "PYTHONPATH": ":".join(filter(None, sys.path)),
                "PYTHONHASHSEED": seed,
                "COLUMNS": columns,
                "LC_ALL": "C",
            },
            capture_output=True,
            check=True,
        ).stdout.decode()
        for seed, columns in (("1", "40"), ("2", "200"))
    ]

    assert made[0] == made[1] == "\0".join(reference.pages().values()) + "\n"
    assert not re.search(r"0x[0-9a-f]{6}", made[0])


def test_every_public_name_is_there_with_its_docstring() -> None:
    pages = "\n".join(reference.pages().values())
    headings = set(re.findall(r"^## (\w+)$", pages, re.MULTILINE))

    assert {*tr.__all__, "Run"} <= headings
    assert {f"truing {name}" for name in ("run", "verdict", "doctor")} <= set(
        re.findall(r"^## (.+)$", pages, re.MULTILINE)
    )


@pytest.mark.parametrize("name", [name for name in tr.__all__ if name != "datasets"])
def test_every_public_docstring_says_what_it_is_and_shows_it(name: str) -> None:
    """Errors are told by their table; everything else has an example that runs."""
    found = getattr(tr, name).__doc__ or ""

    assert re.match(r"\S.*\.\s", found + "\n"), f"{name} must say what it is in its first line"
    if not (isinstance(getattr(tr, name), type) and issubclass(getattr(tr, name), Exception)):
        assert ">>> " in found, f"{name} must have an example"


def test_a_docstring_becomes_markdown() -> None:
    made = reference.markdown(
        "First line.\n\nArgs:\n    a, b: two\n        numbers, a < b.\n    **more: by name.\n\n"
        "Raises:\n    UsageError: in <folder>.\n\nAfter.\n\n    indented\n\n>>> 1\n1"
    )

    assert made == (
        "First line.\n\n**Args**\n\n- `a, b`: two numbers, a < b.\n- `**more`: by name.\n\n"
        "**Raises**\n\n- `UsageError`: in &lt;folder>.\n\nAfter.\n\n```text\nindented\n```\n\n```pycon\n>>> 1\n1\n```\n"
    )


def test_signatures_are_as_a_person_writes_them() -> None:
    def f(a: int, /, b: str = "x", *rest: float, c: object = object(), **more: bool) -> None: ...

    assert reference.signature("f", f) == (
        "f(a: int, /, b: str = 'x', *rest: float, c: object = ..., **more: bool) -> None"
    )
    assert reference.signature("tr.KFold", tr.KFold) == "tr.KFold(folds: int = 5, repeats: int = 1)"
