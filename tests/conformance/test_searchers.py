"""Every registered searcher keeps every promise, and every check catches one that breaks it."""

import random
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pytest

from truing.record.events import Event
from truing.registry import SEARCHERS
from truing.search.random import RandomSearch
from truing.space.configuration import Configuration
from truing.testing import searchers
from truing.testing.searchers import CHECKS, ConformanceError, check_searcher


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", list(SEARCHERS))
def test_a_registered_searcher_keeps_its_promises(name, check):
    check(SEARCHERS.get(name))


@dataclass(frozen=True)
class Good:
    """What the broken ones are broken copies of."""

    def suggest(self, view, rng):
        return RandomSearch().suggest(view, rng)


@dataclass(frozen=True)
class NumpyValues:
    def suggest(self, view, rng):
        config = RandomSearch().suggest(view, rng)
        if config is None:
            return None
        values = {k: np.float64(v) if isinstance(v, float) else v for k, v in config.items()}
        return Configuration(values)


@dataclass(frozen=True)
class PlainDict:
    def suggest(self, view, rng):
        config = RandomSearch().suggest(view, rng)
        return None if config is None else config.to_dict()


@dataclass(frozen=True)
class GivesInactive:
    def suggest(self, view, rng):
        config = RandomSearch().suggest(view, rng)
        if config is None or "optimizer" not in config:
            return config
        return Configuration({"momentum": 0.3, **config})


@dataclass(frozen=True)
class Remembers:
    asked: list = field(default_factory=list, compare=False)

    def suggest(self, view, rng):
        self.asked.append(1)
        rng.random(len(self.asked))
        return RandomSearch().suggest(view, rng)


@dataclass(frozen=True)
class HashOrder:
    def suggest(self, view, rng):
        rng.random(hash("".join(sorted(view.keys)) + "salt") % 1000)
        return RandomSearch().suggest(view, rng)


@dataclass(frozen=True)
class GlobalRandom:
    def suggest(self, view, rng):
        return RandomSearch().suggest(view, np.random.default_rng(random.getrandbits(32)))


@dataclass(frozen=True)
class ReadsGlobalSeed:
    def suggest(self, view, rng):
        rng.random(int(np.random.get_state()[1][0]) % 7)  # noqa: NPY002
        return RandomSearch().suggest(view, rng)


@dataclass(frozen=True)
class WritesHistory:
    def suggest(self, view, rng):
        config = RandomSearch().suggest(view, rng)
        if config is not None:
            view.extend([Event("proposed", {"trial": len(view), "config": config.to_dict()})])
        return config


@dataclass(frozen=True)
class NeedsScores:
    def suggest(self, view, rng):
        if len(view) and min(trial.value for trial in view.trials) < 0:
            return None
        return RandomSearch().suggest(view, rng)


@dataclass(frozen=True)
class ForgetsGoal:
    def suggest(self, view, rng):
        best = min(view.completed, key=lambda trial: trial.value, default=None)
        rng.random(0 if best is None else best.number)
        return RandomSearch().suggest(view, rng)


@dataclass(frozen=True)
class PeeksAtScores:
    adaptive: ClassVar[bool] = False

    def suggest(self, view, rng):
        rng.random(len(view.completed))
        return RandomSearch().suggest(view, rng)


@dataclass(frozen=True)
class Repeats:
    def suggest(self, view, rng):
        return view.space.sample(rng)


@dataclass(frozen=True)
class GivesUp:
    def suggest(self, view, rng):
        return None if len(view) >= 4 else RandomSearch().suggest(view, rng)


@dataclass(frozen=True)
class NeverEnds:
    def suggest(self, view, rng):
        return RandomSearch().suggest(view, rng) or view.space.sample(rng)


class NoDataclass:
    def suggest(self, view, rng):
        return RandomSearch().suggest(view, rng)


@dataclass(frozen=True)
class OddSettings:
    scale: object = frozenset({1})

    def suggest(self, view, rng):
        return RandomSearch().suggest(view, rng)


@dataclass(frozen=True)
class TupleSettings:
    scale: tuple = (1, 2)

    def suggest(self, view, rng):
        return RandomSearch().suggest(view, rng)


@dataclass(frozen=True)
class NeedsMoreThanItSays:
    def sees(self, view):
        return 0

    def suggest(self, view, rng):
        rng.random(len(view.completed))
        return RandomSearch().suggest(view, rng)


@dataclass(frozen=True)
class NeedsTheFuture:
    def sees(self, view):
        return len(view) + 1

    def suggest(self, view, rng):
        return RandomSearch().suggest(view, rng)


@dataclass(frozen=True)
class DecidesByTheLastScore:
    """What it says depends on scores that it has not asked for."""

    def sees(self, view):
        return len(view) if view.trials[-1].value == 0.5 else 0

    def suggest(self, view, rng):
        return RandomSearch().suggest(view, rng)


@dataclass(frozen=True)
class EndsAtOnce:
    def trials(self, space, before=()):
        return None

    def suggest(self, view, rng):
        return None


@dataclass(frozen=True)
class Mumbles:
    def says(self, view):
        return "best so far"

    def suggest(self, view, rng):
        return RandomSearch().suggest(view, rng)


BROKEN = [
    (NumpyValues, "inside_the_space", "plain JSON values"),
    (PlainDict, "inside_the_space", "must be a Configuration"),
    (GivesInactive, "inside_the_space", "outside the space: Parameter 'momentum'"),
    (Remembers, "same_answer_again", "other answers when asked twice"),
    (HashOrder, "same_answer_in_another_process", "other answers in another process"),
    (GlobalRandom, "only_the_given_stream", "draws from the global random numbers"),
    (ReadsGlobalSeed, "only_the_given_stream", "depend on global random numbers"),
    (WritesHistory, "leaves_the_history_alone", "changes the history"),
    (NeedsScores, "copes_with_any_history", "raises TypeError"),
    (ForgetsGoal, "mirrored_goal", "maximising the negative gives"),
    (PeeksAtScores, "keeps_its_word_about_scores", "adaptive is False"),
    (Repeats, "no_repeats", "repeats"),
    (GivesUp, "no_repeats", "ends after 4 trials"),
    (EndsAtOnce, "no_repeats", "ends after 1 trials"),
    (NeedsMoreThanItSays, "says_what_it_must_see", "must see 0 trials, but it is"),
    (NeedsTheFuture, "says_what_it_must_see", "from 0 to 1, but is 2"),
    (DecidesByTheLastScore, "says_what_it_must_see", "must see .* but 0 where the first"),
    (Mumbles, "speaks_in_sentences", "must give a list of sentences, but gives 'best so far'"),
    (NeverEnds, "ends_when_nothing_is_left", "every configuration has been a trial"),
    (NoDataclass, "settings_are_plain", "must be a frozen dataclass"),
    (OddSettings, "settings_are_plain", "do not go through JSON"),
    (TupleSettings, "settings_are_plain", r"make TupleSettings\(scale=\[1, 2\]\)"),
]


@pytest.mark.parametrize(("broken", "check", "words"), BROKEN, ids=lambda item: getattr(item, "__name__", None))
def test_a_broken_searcher_is_caught(broken, check, words):
    with pytest.raises(ConformanceError, match=words):
        getattr(searchers, check)(broken)


def test_every_check_is_proved_on_a_broken_searcher():
    assert {check for _, check, _ in BROKEN} == {check.__name__ for check in CHECKS}


def test_the_whole_suite_passes_a_good_one_from_outside_and_stops_at_a_broken_one():
    check_searcher(Good)
    with pytest.raises(ConformanceError):
        check_searcher(Repeats)
