"""Every Python block of the documentation runs, page by page, as a reader would put it together."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs").glob("*.md"))
ABOVE = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "benchmarks/README.md")]
LINKED = [*sorted((ROOT / "docs").rglob("*.md")), *ABOVE]
RUN = [page for page in [*PAGES, ROOT / "CONTRIBUTING.md"] if "```python" in page.read_text(encoding="utf-8")]
LINK = re.compile(r"""!?\[[^\]]*\]\(([^)\s]+)\)|(?:src|srcset|href)="([^"]+)\"""")


def blocks(page: Path) -> list[str]:
    """The Python blocks; a block under `<!-- not run -->` is left out."""
    text = page.read_text(encoding="utf-8")
    return re.findall(r"^(?<!<!-- not run -->\n)```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def quick(code: str) -> str:
    """The same code with few trials and epochs."""
    code = re.sub(r"\btrials=\d+", "trials=2", code)
    return re.sub(r"\bepochs=\d+", "epochs=2", code)


def run(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Execute code as a script in an empty folder, or its tests where it has some; warnings are errors."""
    script = folder / "page.py"
    script.write_text(code, encoding="utf-8")
    how = ["-m", "pytest", "-q", "-p", "no:cacheprovider"] if "\ndef test_" in code else []
    return subprocess.run(
        [sys.executable, "-W", "error", *how, script.name],
        cwd=folder,
        env=os.environ | {"COLUMNS": "80"},
        capture_output=True,
        text=True,
        timeout=170,
    )


@pytest.mark.parametrize("page", RUN, ids=lambda page: page.stem)
def test_the_code_of_a_page_runs(page: Path, tmp_path: Path) -> None:
    done = run(quick("\n\n".join(blocks(page))), tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr


def test_no_block_escapes_by_another_spelling() -> None:
    """`py` or `Python` after the fence would be a block that nobody runs."""
    fences = {
        fence for page in LINKED for fence in re.findall(r"^```(\S+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    }

    assert fences <= {"python", "pycon", "text", "sh", "json", "toml"}


def anchors(page: Path) -> set[str]:
    """What `#...` may name on a page: its headings, as GitHub makes them."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def targets(page: Path) -> list[str]:
    """Links and pictures of a page that do not lead elsewhere."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    found = ["".join(pair) for pair in LINK.findall(text)]
    return [target for target in found if not re.match(r"[a-z]+:", target)]


def test_links_between_pages_lead_somewhere() -> None:
    broken = []
    for page in LINKED:
        for target in targets(page):
            path, _, anchor = target.partition("#")
            there = page if not path else page.parent / path
            if not there.exists() or (anchor and anchor not in anchors(there)):
                broken.append(f"{page.relative_to(ROOT)}: {target}")

    assert sum(len(targets(page)) for page in LINKED) > 30
    assert broken == []


def test_every_page_is_in_the_index() -> None:
    index = targets(ROOT / "docs" / "index.md")
    wanted = [page.name for page in PAGES if page.name != "index.md"]
    wanted += [f"{page.parent.name}/README.md" for page in (ROOT / "docs").glob("*/README.md")]

    assert [name for name in wanted if name not in index] == []
    for folder in ("reference", "adr"):
        listed = "\n".join(targets(ROOT / "docs" / folder / "README.md"))
        pages = {page.name for page in (ROOT / "docs" / folder).glob("[a-z]*.md")}
        assert sorted(name for name in pages if name not in listed) == []


# -- what is named exists ----------------------------------------------------------------------------------------------


def said(page: Path) -> str:
    """The page's commands: code in the text, and blocks that are no Python."""
    text = page.read_text(encoding="utf-8")
    text = re.sub(r"^```(?:python|pycon)\n.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    text = text.replace("import truing as tr", "")
    fenced = re.findall(r"^```\w*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    rest = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    return "\n".join([*fenced, *(" ".join(code.split()) for code in re.findall(r"`([^`]+)`", rest))])


def test_every_command_and_option_that_is_named_exists() -> None:
    """`truing COMMAND --option`, and `make TARGET`, in the text and in blocks."""
    from typer.main import get_command

    from truing.cli.app import app

    commands = get_command(app).commands  # type: ignore[attr-defined]
    options = {name: {o for p in command.params for o in p.opts} | {"--help"} for name, command in commands.items()}
    make = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    unknown, seen = [], set()
    for page in LINKED:
        for line in said(page).splitlines():
            for called, rest in re.findall(r"(?:^|[ /;])truing ([a-z]+)\b([^;#]*)", line):
                seen.add(called)
                if called not in options or set(re.findall(r"--[a-z][a-z-]*", rest)) - options[called]:
                    unknown.append(f"{page.name}: {line.strip()}")
            for target in re.findall(r"(?:^|[ ;])make ([a-z]+)", line):
                if target not in make:
                    unknown.append(f"{page.name}: {line.strip()}")

    assert set(options) <= seen  # each command is in the docs
    assert unknown == []


def test_every_public_name_that_is_named_exists() -> None:
    import truing as tr

    unknown = [
        f"{page.name}: tr.{name}"
        for page in LINKED
        for name in re.findall(r"\btr\.([A-Za-z_]\w*)", page.read_text(encoding="utf-8"))
        if not hasattr(tr, name)
    ]

    assert unknown == []


def test_every_registered_searcher_and_validation_is_explained() -> None:
    """A new row needs a line in "Which search?" and a page, or its protocol a word on the page of validations."""
    from truing.registry import PROCEDURES, SEARCHERS, VALIDATIONS

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    which = readme[readme.index("### Which search?") :].partition("\n#")[0]
    pages = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    protocols = (ROOT / "docs" / "validation.md").read_text(encoding="utf-8")

    for name, row in SEARCHERS.rows.items():
        called = row.partition(":")[2]
        assert f'"{name}"' in which or called in which, name
        assert f'"{name}"' in pages or called in pages, name
    for name in [*VALIDATIONS.rows, *PROCEDURES.rows]:
        page = ROOT / "docs" / f"validation_{name.replace('-', '_')}.md"
        text = page.read_text(encoding="utf-8").lower()
        assert all(part in text for part in ("## what it estimates", "## when to use it", "## when it misleads")), name
    assert [row for row in VALIDATIONS.rows.values() if row.partition(":")[2] not in protocols] == []


@pytest.mark.parametrize("picture", sorted((ROOT / "docs").rglob("*.svg")), ids=lambda path: path.stem)
def test_a_picture_stands_alone_and_says_what_it_shows(picture: Path) -> None:
    """Shown as an image it can load nothing; its words are there for those who do not see it, in both places."""
    text = picture.read_text(encoding="utf-8")
    root = ElementTree.fromstring(text)
    shown = [page for page in LINKED if picture.name in "".join(targets(page))]

    assert len(root.findtext("{*}title") or "") > 10
    assert len(" ".join((root.findtext("{*}desc") or "").split())) > 100
    assert "prefers-color-scheme: dark" in text
    assert re.findall(r"(?:href|src)=|url\((?!#)|@import|<script", text) == []
    for page in shown:
        (alternative,) = re.findall(rf"!\[([^\]]+)\]\((?:\w+/)*{picture.name}\)", page.read_text(encoding="utf-8"))
        assert len(alternative) > 100
    assert shown
