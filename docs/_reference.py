"""Make docs/reference/*.md from the docstrings, the registries and the command line: `make docs`.

Nothing in it depends on the machine: not the versions of Python or of packages, not what else is installed.
"""

from __future__ import annotations

import importlib
import inspect
import re
import sys
import textwrap
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import truing as tr
from truing import registry
from truing.record.run import Run

HERE = Path(__file__).parent / "reference"
# Rooms in the order in which a person meets them, and what their page is called; a room not named here comes after.
TITLES = {
    "study": "The study",
    "record": "The run",
    "space": "The space",
    "knowledge": "Cards",
    "data": "Data",
    "datasets": "Bundled data",
    "statistics": "Metrics",
    "validation": "Validation",
    "search": "Searchers",
    "schedule": "Schedules",
    "objective": "Objectives",
    "probe": "A model to look at",
    "worth": "Advice before tuning",
    "one_at_a_time": "One parameter at a time",
    "verdict": "The verdict",
    "report": "A study to look at",
    "errors": "Errors",
}
SECTION = re.compile(r"(Args|Attributes|Returns|Yields|Raises):$")
MADE = "<!-- Made by `make docs` from the docstrings; edit those. -->\n"


def pages() -> dict[str, str]:
    """File name -> content, for the whole folder."""
    rooms: dict[str, list[tuple[str, Any]]] = {}
    for name, item in [*((name, getattr(tr, name)) for name in tr.__all__), ("Run", Run)]:
        home = item.__name__ if inspect.ismodule(item) else item.__module__
        rooms.setdefault(home.split(".")[1], []).append((name, item))
    order = [*(room for room in TITLES if room in rooms), *(room for room in rooms if room not in TITLES)]
    made = {f"{room}.md": page(TITLES.get(room, room.capitalize()), rooms[room]) for room in order}
    return {"README.md": index(rooms, order), **made, "commands.md": commands(), "plugins.md": plugins()}


def index(rooms: dict[str, list[tuple[str, Any]]], order: list[str]) -> str:
    """One line for each public name."""
    lines = [MADE, "# Reference\n"]
    lines.append(
        "Public names are had by `import truing as tr`, such as `tr.Study`; a `Run` is what a training function gets.\n"
        "Examples are those of the docstrings and run as tests; a name without `tr.` is what it is in its module.\n"
    )
    lines += ["| name | what it is |", "|---|---|"]
    for room in order:
        for name, item in rooms[room]:
            lines.append(f"| [`{name}`]({room}.md#{name.lower()}) | {cell(first(item))} |")
    lines += ["| [commands](commands.md) | the command line, every option, exit codes |"]
    lines += ["| [plug-ins](plugins.md) | what is registered, the interfaces, the conformance suites |", ""]
    return "\n".join(lines)


def page(title: str, items: list[tuple[str, Any]]) -> str:
    """All names of a room, each with what may be called on it."""
    parts = [MADE, f"# {title}\n"]
    for name, item in items:
        parts.append(f"## {name}\n")
        if inspect.ismodule(item):
            parts.append(markdown(inspect.getdoc(item) or ""))
            for member in item.__all__:
                parts.append(entry(f"{name}.{member}", getattr(item, member), "###"))
        elif isinstance(item, type) and issubclass(item, BaseException):
            parts += [markdown(inspect.getdoc(item) or ""), errors(item)]
        else:
            prefix = "" if item is Run else "tr."
            parts.append(f"```text\n{signature(prefix + name, item)}\n```\n" if item is not Run else "")
            parts.append(markdown(inspect.getdoc(item) or ""))
            parts += [entry(*member, "###") for member in members(name, item)]
    return "\n".join(part for part in parts if part).rstrip() + "\n"


def members(name: str, item: Any) -> Iterator[tuple[str, Any]]:
    """Public methods and properties that have a docstring, in the order of the source."""
    for key, value in vars(item).items() if isinstance(item, type) else ():
        if key.startswith("_"):
            continue
        if isinstance(value, property | cached_property | classmethod | staticmethod) or inspect.isfunction(value):
            function = value.__func__ if isinstance(value, classmethod | staticmethod) else value
            if inspect.getdoc(function):
                yield f"{name}.{key}", value


def entry(name: str, item: Any, heading: str) -> str:
    """One function, method or property."""
    text = markdown(inspect.getdoc(item) or "")
    if isinstance(item, property | cached_property):
        return f"{heading} {name}\n\n{text}"
    function = item.__func__ if isinstance(item, classmethod | staticmethod) else item
    return f"{heading} {name}\n\n```text\n{signature(name, function)}\n```\n\n{text}"


def signature(name: str, item: Any) -> str:
    """The call with annotations and defaults as the source has them; one argument a line where it is long."""
    try:
        found = inspect.signature(item)
    except (TypeError, ValueError):
        return f"{name}(...)"
    words, kind = [], None
    for parameter in found.parameters.values():
        if parameter.name in ("self", "cls"):
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and kind not in (parameter.KEYWORD_ONLY, parameter.VAR_POSITIONAL):
            words.append("*")
        elif kind is parameter.POSITIONAL_ONLY is not parameter.kind:
            words.append("/")
        kind = parameter.kind
        words.append(one(parameter))
    if kind is inspect.Parameter.POSITIONAL_ONLY:
        words.append("/")
    result = annotation(found.return_annotation)
    gives = f" -> {result}" if result and not isinstance(item, type) else ""
    line = f"{name}({', '.join(words)}){gives}"
    if len(line) <= 100:
        return line
    return f"{name}(\n" + "".join(f"    {word},\n" for word in words) + f"){gives}"


def one(parameter: inspect.Parameter) -> str:
    """A parameter with its annotation and its default."""
    stars = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
    word, kind = stars + parameter.name, annotation(parameter.annotation)
    if kind:
        word += f": {kind}"
    if parameter.default is not parameter.empty:
        word += f" = {default(parameter.default)}" if kind else f"={default(parameter.default)}"
    return word


def annotation(found: Any) -> str:
    if found is inspect.Signature.empty:
        return ""
    return found if isinstance(found, str) else getattr(found, "__name__", str(found))


def default(value: Any) -> str:
    """As the source would have it; never an address in memory."""
    text = repr(value)
    return "..." if re.search(r" at 0x|^<", text) else text


def markdown(text: str) -> str:
    """A docstring as Markdown: sections become lists, examples become code; tables and lists are Markdown already."""
    made: list[str] = []
    lines = text.splitlines()
    at = 0
    while at < len(lines):
        section = SECTION.match(lines[at])
        if section:
            at, block = taken(lines, at + 1, lambda line: not line or line.startswith("    "))
            made += [f"**{section[1]}**", "", *bullets(textwrap.dedent("\n".join(block))), ""]
        elif lines[at].lstrip().startswith(">>>"):
            at, block = taken(lines, at, bool)
            made += ["```pycon", *textwrap.dedent("\n".join(block)).splitlines(), "```"]
        elif lines[at].startswith("    "):
            at, block = taken(lines, at, lambda line: not line or line.startswith("    "))
            made += ["```text", *textwrap.dedent("\n".join(block)).strip("\n").splitlines(), "```", ""]
        else:
            made.append(lines[at] if lines[at].startswith("|") else prose(lines[at]))
            at += 1
    return re.sub(r"\n{3,}", "\n\n", "\n".join(made)).strip() + "\n"


def taken(lines: list[str], at: int, belongs: Callable[[str], Any]) -> tuple[int, list[str]]:
    """The lines from `at` on that belong together, and where the next begins."""
    end = at
    while end < len(lines) and belongs(lines[end]):
        end += 1
    return end, lines[at:end]


def bullets(block: str) -> list[str]:
    """The items of a section: what stands before the colon is code where it is names."""
    items: list[str] = []
    for line in block.splitlines():
        if line.startswith(" ") and items:
            items[-1] += " " + line.strip()
        elif line:
            items.append(line)
    made = []
    for item in items:
        names = re.match(r"(\*{0,2}\w[\w.]*(?:, \*{0,2}\w[\w.]*)*): ", item)
        made.append(f"- `{names[1]}`: {prose(item[names.end() :])}" if names else f"- {prose(item)}")
    return made


def prose(text: str) -> str:
    """Text whose signs Markdown leaves alone, outside code."""
    parts = text.split("`")
    parts[::2] = [re.sub(r"<(?=[a-zA-Z/])", "&lt;", part).replace("**", r"\*\*") for part in parts[::2]]
    return "`".join(parts)


def errors(base: type) -> str:
    """Every error below `base`, with the exit code of the command line."""
    module = importlib.import_module(base.__module__)
    rows = ["| error | exit code | when |", "|---|---|---|"]
    for name, item in vars(module).items():
        if isinstance(item, type) and issubclass(item, base) and item is not base:
            rows.append(f"| `truing.errors.{name}` | {item.exit_code} | {cell(first(item))} |")  # type: ignore[attr-defined]
    return "\n".join(rows) + "\n"


def commands() -> str:
    """Every command with its arguments and options, from the parser itself."""
    import typer.main

    from truing.cli.app import app

    group = typer.main.get_command(app)
    parts = [MADE, "# Commands\n"]
    parts.append(
        "With `--json` standard output is one JSON document and everything else goes to standard error; NaN is null.\n"
        'A failure is `{"error": {"kind", "message"}}`. Exit codes: 0 done, 1 no trial completed or stopped by\n'
        "failures, 2 usage, 3 the folder is in use, 74 input or output, 130 interrupted.\n"
    )
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        parts += [f"## truing {name}\n", f"{' '.join((command.help or '').split())}\n", "| | |\n|---|---|"]
        for parameter in command.params:
            if parameter.name == "help":
                continue
            said = (getattr(parameter, "help", None) or "").strip()
            given = parameter.default if parameter.param_type_name == "option" else None
            if given not in (None, False, "") and not callable(given):
                said += f" Default: `{given}`."
            called = parameter.metavar if parameter.param_type_name == "argument" else ", ".join(parameter.opts)
            parts[-1] += f"\n| `{called or parameter.name}` | {cell(said)} |"
        parts[-1] += "\n"
    return "\n".join(parts)


FAMILIES = {  # family -> what its interface and its suite are called
    "searcher": ("Searcher", "searchers:check_searcher"),
    "schedule": ("Schedule", "schedules:check_schedule"),
    "validation": ("Validation", "validations:check_validation"),
    "procedure": ("Procedure", "procedures:check_procedure"),
    "objective": ("Objective", "objectives:check_objective"),
    "executor": ("Executor", "executors:check_executor"),
    "journal": ("Journal", "journals:check_journal"),
}


def plugins() -> str:
    """The registries' rows, and for each family its interface and its suite."""
    interfaces = {**vars(importlib.import_module("truing.record.interfaces"))}
    interfaces |= {"Procedure": importlib.import_module("truing.record.procedure").Procedure}
    parts = [MADE, "# Plug-ins\n"]
    parts.append(
        "A plug-in is one file and one row in a registry, or an entry point of another package; "
        "[CONTRIBUTING.md](../../CONTRIBUTING.md)\nshows one of each. The tables are those of `truing.registry`.\n"
    )
    for table in (item for item in vars(registry).values() if isinstance(item, registry.Registry)):
        protocol, suite = FAMILIES[table.family]
        module, function = suite.split(":")
        parts.append(f"## {protocol}\n")
        parts.append(markdown(inspect.getdoc(interfaces[protocol]) or ""))
        lines = source(interfaces[protocol])
        parts.append(f"```text\n{lines}\n```\n")
        parts.append(f"Entry-point group `{table.group}`, suite `truing.testing.{module}.{function}`.\n")
        parts.append("| name | class | what it does |\n|---|---|---|")
        for name, row in table.rows.items():
            home, _, attribute = row.partition(":")
            found = getattr(importlib.import_module(home), attribute)
            parts[-1] += f"\n| `{name}` | `{home}.{attribute}` | {cell(first(found))} |"
        parts[-1] += "\n"
    return "\n".join(parts)


TABLE = re.compile(r"(?<=<!-- designs: made by `make docs` from the registries -->\n).*?(?=<!-- end)", re.DOTALL)


def overview(text: str) -> str:
    """docs/validation.md with the table of every registered design, each with its page."""
    lines = ["| design | called | what it does |", "|---|---|---|"]
    for table in (registry.VALIDATIONS, registry.PROCEDURES):
        for name, row in table.rows.items():
            home, _, attribute = row.partition(":")
            called = f"`tr.{attribute}`" if attribute in tr.__all__ else f"(`{attribute}`)"
            called += f', `"{name}"`' if table is registry.VALIDATIONS and name != "splitter" else ""
            found = first(getattr(importlib.import_module(home), attribute))
            link = f"[{name.replace('_', ' ')}](validation_{name.replace('-', '_')}.md)"
            lines.append(f"| {link} | {called} | {cell(found)} |")
    return TABLE.sub("\n".join(lines).replace("\\", "\\\\") + "\n", text)


def source(protocol: type) -> str:
    """A Protocol's code without its docstring."""
    text = inspect.getsource(protocol)
    return re.sub(r'\n    """.*?"""\n\n?', "\n", text, count=1, flags=re.DOTALL).rstrip()


def first(item: Any) -> str:
    """The first sentence or line of a docstring."""
    return " ".join((inspect.getdoc(item) or "").split("\n\n")[0].split())


def cell(text: str) -> str:
    """In a table's cell."""
    return prose(" ".join(text.split())).replace("|", "\\|")


if __name__ == "__main__":
    import _cards  # beside this file

    page_of_designs = HERE.parent / "validation.md"
    page_of_designs.write_text(overview(page_of_designs.read_text(encoding="utf-8")), encoding="utf-8")
    made = _cards.written(HERE, pages())
    print(f"{made} pages in docs/reference, {_cards.write()} in docs/cards", file=sys.stderr)
