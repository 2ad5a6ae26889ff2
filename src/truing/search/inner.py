"""The searcher that a sequential search uses inside, by its name or itself."""

from __future__ import annotations

from dataclasses import asdict, is_dataclass
from difflib import get_close_matches
from typing import Any

from truing.errors import UsageError
from truing.registry import SEARCHERS


def inner_searcher(given: Any) -> Any:
    """The inner searcher that a name or an instance stands for."""
    names = [name for name in SEARCHERS if name != "sequential"]
    found = SEARCHERS.get(given)() if isinstance(given, str) and given in names else given
    if isinstance(found, str | type) or not hasattr(found, "suggest") or hasattr(found, "sees"):
        listed = ", ".join(repr(name) for name in names)
        what = "and no sequential search inside a sequential one" if _sequential(given) else f"not {given!r}"
        near = get_close_matches(given, names, 1) if isinstance(given, str) else []
        raise UsageError(
            f"inner= takes one of {listed}, a searcher such as tr.GridSearch(points=3), or a dict from groups to "
            f"these, {what}{f'; did you mean {near[0]!r}?' if near else '.'}"
        )
    return found


def _sequential(given: Any) -> bool:
    return given == "sequential" or "SequentialSearch" in (getattr(given, "__name__", ""), type(given).__name__)


def named(given: Any) -> Any:
    """The searcher as plain values: its name, or its class's with its settings."""
    if isinstance(given, str):
        return given
    settings = asdict(given) if is_dataclass(given) and not isinstance(given, type) else {}
    return {"name": type(given).__name__, **settings}
