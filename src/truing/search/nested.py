"""The settings of a nested search, made into the architectures of a space and what is tuned for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from truing.errors import UsageError
from truing.record.history import History
from truing.search.grid import GridSearch
from truing.search.inner import inner_searcher
from truing.search.order import Order, groups_of
from truing.search.retuning import Retuning
from truing.space.configuration import Configuration
from truing.space.space import Space


def modules_of(space: Space) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Which parameters are the architecture, and which are tuned anew for each; where nobody says.

    The architecture is what has that group, except what is a nuisance there (dropout, say); in a space without the
    group what is scientific, where anything is a nuisance. All else is tuned for it.

    >>> from truing.space.parameter import Float, Int
    >>> modules_of(Space(depth=Int(1, 3, group="architecture"), rate=Float(1e-4, 1.0, log=True)))
    (('depth',), ('rate',))
    """
    free = [name for name in space if space.scale(name).count > 1]
    roles = {name: space[name].role for name in free}
    outer = [name for name in free if space.groups[name] == "architecture" and roles[name] != "nuisance"]
    if not outer and "nuisance" in roles.values():
        outer = [name for name in free if roles[name] != "nuisance"]
    return tuple(outer), tuple(name for name in free if name not in outer)


def modules_as_told(space: Space, told: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The same of a nested search that a journal tells of; `told` is what `SequentialSearch.to_dict` gave."""
    order = [one if isinstance(one, str) else tuple(one) for one in told["order"]] if told.get("order") else None
    outer, *rest = Nested(order, None, 1).modules(space).values()
    return outer, tuple(name for names in rest for name in names)


@dataclass(frozen=True)
class Nested:
    """What `SequentialSearch(nested=True)` does.

    Args:
        order, inner, per_group: as it has them.
    """

    order: Order | None
    inner: Any
    per_group: int

    def modules(self, space: Space) -> dict[str, tuple[str, ...]]:
        """The architecture and what is tuned for it: label -> names; both are empty where nothing is."""
        if self.order is not None:
            (first, names), *rest = groups_of(space, self.order).items()
            return {first: names, ", ".join(label for label, _ in rest): tuple(name for _, ns in rest for name in ns)}
        both = modules_of(space)
        labels = [", ".join(dict.fromkeys(space.groups[name] for name in names)) for names in both]
        if labels[0] == labels[1]:  # told apart by their roles in one group
            labels = [", ".join(names) for names in both]
        return dict(zip(labels, both, strict=True))

    def check(self, space: Space) -> dict[str, tuple[str, ...]]:
        """The modules.

        Raises:
            UsageError: one of the two is empty, there are too many architectures, or an inner searcher reads scores.
        """
        found = self.modules(space)
        if len(found) < 2 or not all(found.values()):
            what = (
                "order= must name two groups or more, such as order=['architecture', 'training']."
                if self.order is not None
                else "give parameters group='architecture', or role='nuisance' to what is to be tuned for the others, "
                "or say order=[['layers'], 'training']."
            )
            raise UsageError(f"nested=True needs an architecture and something to tune for it: {what}")
        for searcher in self.inner.values() if isinstance(self.inner, Mapping) else [self.inner]:
            if searcher is not None and getattr(inner_searcher(searcher), "adaptive", True):
                raise UsageError(
                    "nested=True takes inner searchers that read no scores, such as 'random', 'sobol' or 'grid', so "
                    f"that every architecture is tuned with the same draws, not {searcher!r}."
                )
        _ = self.of(space, 0).architectures
        return found

    def of(self, space: Space, seed: int) -> Retuning:
        """The architectures and the trials of each."""
        if (space, seed) not in self._known:
            (outer, names), *rest = self.modules(space).items()
            inner, tuned = rest[0] if rest else ("", ())
            given = self.inner if isinstance(self.inner, Mapping) else {inner: self.inner}
            lists = inner_searcher(given.get(outer) or GridSearch())
            tunes = inner_searcher(given.get(inner) or "random")
            self._known[space, seed] = Retuning(space, seed, names, tuned, lists, tunes, self.per_group)
        return self._known[space, seed]

    @cached_property
    def _known(self) -> dict[tuple[Space, int], Retuning]:
        return {}

    def trials(self, space: Space, before: Sequence[Configuration]) -> int:
        """Those of all architectures, and what is a trial already and has none of these."""
        found = self.of(space, 0)  # a seed draws other trials, and as many
        return len(found.course) + sum(found.place(config) is None for config in before)

    def says(self, view: History) -> list[str]:
        """How many trials of each architecture there will be, or are."""
        found = self.of(view.space, view.seed)
        every = range(len(found.architectures))
        each = [len(found.of(place)) for place in every]
        size = f"{len(each)} architectures ({', '.join(found.outer)})"
        tuned = f"{', '.join(found.inner)} {'is' if len(found.inner) == 1 else 'are'}"
        if len(view) <= 1:
            fewer = sum(count < max(each) for count in each)
            short = f"; {fewer} of them {'has' if fewer == 1 else 'have'} no more" * bool(fewer)
            return [
                f"For each of {size}, {tuned} tuned anew with {max(each)} trials, {sum(each)} in all{short}. Every "
                "draw comes for all of them before the next: cut anywhere, they are within one trial of each other."
            ]
        done = [sum(view.used(config.key) for config in found.of(place)) for place in every]
        if done == each:
            return [f"For each of {size}, {tuned} tuned anew with {max(each)} trials, all of them run."]
        return [
            f"For each of {size}, {tuned} tuned anew: {sum(done)} of {sum(each)} trials so far, {min(done)} to "
            f"{max(done)} each. The same command goes on."
        ]
