"""The tables of plug-ins: one row is all that a new searcher, schedule, protocol ... needs besides its file.

A row is `"name": "module:Class"` and is imported on first use. Other packages add rows through the entry-point group
named in the table. Command-line choices, doc tables and the conformance suites are made from these tables.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from truing.errors import UsageError


@dataclass(frozen=True)
class Registry:
    """A lazy table of names and the classes they stand for.

    Args:
        family: what the members are called in messages, such as "searcher".
        group: the entry-point group in which other packages add members.
        rows: name -> "module:Class".
    """

    family: str
    group: str
    rows: dict[str, str]

    def names(self) -> list[str]:
        """All names: built in first, then those of other packages in alphabetical order."""
        return [*self.rows, *sorted(set(self._foreign()) - set(self.rows))]

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def get(self, name: str) -> Any:
        """The class registered under `name`.

        Raises:
            UsageError: no such name; the message gives the nearest one and the full list.
        """
        if name in self.rows:
            module, _, attribute = self.rows[name].partition(":")
            return getattr(import_module(module), attribute)
        foreign = self._foreign()
        if name in foreign:
            return foreign[name].load()
        near = difflib.get_close_matches(str(name), self.names(), 1)
        hint = f"; did you mean {near[0]!r}?" if near else "."
        raise UsageError(f"There is no {self.family} named {name!r}{hint} Known: {', '.join(self.names())}.")

    def _foreign(self) -> dict[str, Any]:
        return {point.name: point for point in entry_points(group=self.group)}


SEARCHERS = Registry(
    "searcher",
    "truing.searchers",
    {
        "random": "truing.search.random:RandomSearch",
        "grid": "truing.search.grid:GridSearch",
        "sobol": "truing.search.sobol:SobolSearch",
        "sequential": "truing.search.sequential:SequentialSearch",
    },
)
SCHEDULES = Registry(
    "schedule",
    "truing.schedules",
    {"full": "truing.schedule.full:Full", "defaults_first": "truing.schedule.defaults_first:DefaultsFirst"},
)
VALIDATIONS = Registry(
    "validation",
    "truing.validations",
    {
        "holdout": "truing.validation.holdout:Holdout",
        "kfold": "truing.validation.kfold:KFold",
        "seeds": "truing.validation.seeds:Seeds",
        "grouped": "truing.validation.grouped:GroupKFold",
        "leave_one_group_out": "truing.validation.leave_one_group_out:LeaveOneGroupOut",
        "time_ordered": "truing.validation.time_ordered:TimeOrdered",
        "splitter": "truing.validation.splitter:Splitter",
        "auto": "truing.validation.auto:Auto",
    },
)
PROCEDURES = Registry(
    "procedure",
    "truing.procedures",
    {
        "nested": "truing.validation.nested:Nested",
        "internal": "truing.validation.internal:Internal",
        "internal-external": "truing.validation.internal_external:InternalExternal",
    },
)
OBJECTIVES = Registry("objective", "truing.objectives", {"trainer": "truing.objective.trainer:TorchTrainer"})
EXECUTORS = Registry(
    "executor",
    "truing.executors",
    {
        "inline": "truing.execution.inline:InlineExecutor",
        "process": "truing.execution.process:ProcessExecutor",
    },
)
JOURNALS = Registry(
    "journal",
    "truing.journals",
    {
        "memory": "truing.storage.memory:MemoryJournal",
        "sqlite": "truing.storage.sqlite:SqliteJournal",
    },
)
