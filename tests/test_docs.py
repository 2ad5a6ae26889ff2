"""Every Python block of the documentation runs, page by page, as a reader would put it together."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted(path for path in (ROOT / "docs").glob("*.md"))
LINKED = [*PAGES, *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "benchmarks/README.md"))]


def blocks(page: Path) -> list[str]:
    """The Python blocks; a block under `<!-- not run -->` is left out."""
    text = page.read_text(encoding="utf-8")
    return re.findall(r"^(?<!<!-- not run -->\n)```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def quick(code: str) -> str:
    """The same code with few trials and epochs."""
    code = re.sub(r"\btrials=\d+", "trials=2", code)
    return re.sub(r"\bepochs=\d+", "epochs=2", code)


def run(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Execute code as a script in an empty folder; warnings are errors."""
    script = folder / "page.py"
    script.write_text(code, encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-W", "error", script.name],
        cwd=folder,
        env=os.environ | {"COLUMNS": "80"},
        capture_output=True,
        text=True,
        timeout=170,
    )


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)], ids=lambda page: page.stem)
def test_the_code_of_a_page_runs(page: Path, tmp_path: Path) -> None:
    done = run(quick("\n\n".join(blocks(page))), tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr


def test_no_block_escapes_by_another_spelling() -> None:
    """`py` or `Python` after the fence would be a block that nobody runs."""
    fences = {
        fence for page in LINKED for fence in re.findall(r"^```(\S+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    }

    assert fences <= {"python", "text", "sh", "json"}


def test_links_between_pages_lead_somewhere() -> None:
    broken = [
        f"{page.name}: {target}"
        for page in LINKED
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]

    assert broken == []


def test_every_page_is_in_the_index() -> None:
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")

    assert [page.name for page in PAGES if page.name != "index.md" and f"({page.name})" not in index] == []
