"""Two modules: for each architecture the other parameters are tuned anew, with equally many trials."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from truing.errors import UsageError
from truing.record.events import Event
from truing.record.history import History
from truing.record.seeds import seed_of, stream
from truing.search.part import part_of
from truing.space.configuration import Configuration
from truing.space.encoding import default_of
from truing.space.space import Space

MOST = 1000  # architectures; more is a mistake in the space, and would be listed for minutes


@dataclass(frozen=True)
class Retuning:
    """Every architecture with every one of its trials: known before the first of them has run.

    Draw number j is the same for all architectures, so that they meet the same luck, and comes for all of them before
    the next one does: a search cut short anywhere leaves them within one trial of each other.

    Args:
        space: of the study.
        seed: of the study.
        outer, inner: names of what makes an architecture, and of what is tuned for each.
        lists: makes the architectures.
        tunes: makes what is tried for each; neither may read scores.
        number: architectures, and trials for each, where the searcher has no end of its own.
    """

    space: Space
    seed: int
    outer: tuple[str, ...]
    inner: tuple[str, ...]
    lists: Any
    tunes: Any
    number: int

    @cached_property
    def architectures(self) -> tuple[Configuration, ...]:
        """Those of the defaults first; what is tuned for each stands at its defaults.

        Raises:
            UsageError: more than a thousand.
        """
        part = self._part({}, self.outer)  # a design, so it does not change with the study's seed
        whole = self.lists.trials(part) if hasattr(self.lists, "trials") else self.number
        if whole > MOST:
            raise UsageError(
                f"nested=True would tune anew for each of {whole:,} architectures ({', '.join(self.outer)}), more than "
                f"{MOST:,}; take fewer values, such as inner={{'architecture': tr.GridSearch(points=2)}}, or name the "
                "parameters that matter, such as order=[['layers'], 'training']."
            )
        return tuple(self._asked(self.lists, part, whole, 0))

    def of(self, place: int) -> tuple[Configuration, ...]:
        """The trials of one architecture, that with the defaults first; as many for all, unless it has no more."""
        if place not in self._trials:
            part = self._part(self.architectures[place], self.inner)
            whole = self.tunes.trials(part) if hasattr(self.tunes, "trials") else self.number
            self._trials[place] = tuple(self._asked(self.tunes, part, whole, self.seed))
        return self._trials[place]

    @cached_property
    def _trials(self) -> dict[int, tuple[Configuration, ...]]:
        return {}

    @cached_property
    def course(self) -> tuple[tuple[int, Configuration], ...]:
        """All trials in their order, each with the place of its architecture."""
        every = [self.of(place) for place in range(len(self.architectures))]
        longest = max((len(one) for one in every), default=0)
        return tuple((a, one[draw]) for draw in range(longest) for a, one in enumerate(every) if draw < len(one))

    def next(self, used: Callable[[str], bool]) -> Configuration | None:
        """The first that is not a trial yet; None where all are."""
        return next((config for _, config in self.course if not used(config.key)), None)

    def place(self, config: Mapping[str, Any]) -> int | None:
        """Which architecture a configuration has; None where it is none of these."""
        return self._places.get(self._key(config))

    @cached_property
    def _places(self) -> dict[str, int]:
        return {self._key(config): place for place, config in enumerate(self.architectures)}

    def values(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """What makes its architecture: name -> value, without what is inactive."""
        return {name: config[name] for name in self.outer if name in config}

    def _key(self, config: Mapping[str, Any]) -> str:
        return json.dumps(self.values(config))

    def _part(self, at: Mapping[str, Any], free: tuple[str, ...]) -> Space:
        values = {name: at[name] if name in at else default_of(self.space[name]) for name in self.space}
        return part_of(self.space, json.dumps(values), free)

    def _asked(self, searcher: Any, part: Space, whole: float, seed: int) -> Sequence[Configuration]:
        """What the searcher makes of a part of the space by itself, its defaults first."""
        view = History(part, "min")
        view.seed = seed_of(seed, "nested")
        found: list[Configuration] = []
        while len(found) < whole:
            rng = stream(seed, "nested", len(found))
            config = part.defaults() if not found else searcher.suggest(view, rng)
            if config is None:
                break
            view.extend([Event("proposed", {"trial": len(found), "config": config.to_dict()})])
            found.append(self.space.restore(config))
        return found
