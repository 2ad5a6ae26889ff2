"""What every searcher must do: run `check_searcher` on your own before you register it.

Each check builds histories of small spaces, asks for proposals, and raises `ConformanceError` with one
sentence that says which promise is broken, on which space and how.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from truing.record.events import Event
from truing.record.history import History
from truing.record.seeds import stream
from truing.space.condition import at_least
from truing.space.configuration import Configuration
from truing.space.parameter import Choice, Float, Int
from truing.space.repeat import Repeat
from truing.space.space import Space

if TYPE_CHECKING:
    from truing.record.interfaces import Searcher

Make = Callable[[], "Searcher"]


class ConformanceError(AssertionError):
    """A member of a family that breaks one of the family's promises."""


def spaces() -> dict[str, Space]:
    """The spaces the checks run on: what each is about -> the space."""
    return {
        "mixed": Space(rate=Float(0.0, 1.0), width=Int(1, 64), kind=Choice(["a", "b", None])),
        "log": Space(rate=Float(1e-5, 1e-1, log=True), width=Int(8, 512, log=True)),
        "stepped": Space(rate=Float(0.0, 0.9, step=0.1), width=Int(16, 128, step=16)),
        "conditional": Space(
            momentum=Float(0.0, 0.9, step=0.3, when={"optimizer": "sgd"}),
            optimizer=Choice(["sgd", "adam"], default="adam"),
            nesterov=Choice([True, False], when={"optimizer": "sgd", "momentum": [0.6, 0.9]}),
        ),
        "groups": Space(
            layers=Int(1, 4, group="architecture"),
            rate=Float(1e-3, 1.0, log=True, default=0.1),
            kind=Choice(["a", "b"], group="architecture"),
            share=Float(0.0, 0.5, when={"kind": "b"}),
        ),
        "one value": Space(only=Choice(["value"]), fixed=Int(1, 9, default=4, role="fixed")),
        "one value beside others": Space(only=Choice([1.5]), width=Int(1, 6)),
        "repeated": Space(
            Repeat(
                "layer",
                count="layers",
                kind=Choice({"conv": max, "dense": min}),
                size=Choice([1, 3, 5], ordered=True, when={"kind": "conv"}),
            ),
            layers=Int(0, 2, default=1),
            skip=Choice([True, False], when={"layers": at_least(2)}),
        ),
    }


def history(
    space: Space, goal: str, *configs: Configuration, states: str = "completed", value: Callable[[int], float]
) -> History:
    """A history of trials with these configurations, as a journal would tell it.

    Args:
        states: the state of all trials, or "mixed" for completed, failed, stopped and running ones in turn.
        value: number of a trial -> its value, where it completed.
    """
    view = History(space, goal)
    kinds = ["completed", "failed", "stopped", "running"] if states == "mixed" else [states]
    for number, config in enumerate(configs):
        state = kinds[number % len(kinds)]
        score = value(number)
        events = [
            Event("proposed", {"trial": number, "config": config.to_dict(), "seen": number}),
            Event("started", {"run": number, "trial": number, "purpose": "search", "replicate": 0}),
        ]
        if state != "running":
            done = state == "completed"
            scores = {"loss": score} if done else {}
            run = {"run": number, "state": state, "scores": scores, "seconds": 1.0, "epochs": 1}
            trial = {"trial": number, "state": state, "value": score if done else None, "scores": scores}
            events += [Event("finished", run), Event("judged", trial)]
        view.extend(events)
    return view


def _value(number: int) -> float:
    return ((number * 37) % 11) / 8  # eighths, so that the mirrored history has exactly the mirrored values


def _cases(goal: str = "min") -> Iterator[tuple[str, History]]:
    """Histories of many kinds on all the spaces, each with its name."""
    for name, space in spaces().items():
        rng = np.random.default_rng(7)
        trials = [space.defaults(), *(space.sample(rng) for _ in range(11))]
        trials = list(dict.fromkeys(trials))
        yield f"{name}, no trial", history(space, goal, value=_value)
        yield f"{name}, the defaults", history(space, goal, trials[0], value=_value)
        yield f"{name}, completed trials", history(space, goal, *trials, value=_value)
        yield f"{name}, tied trials", history(space, goal, *trials, value=lambda number: 0.5)
        for state in ("failed", "running", "mixed"):
            yield f"{name}, {state} trials", history(space, goal, *trials, states=state, value=_value)
        whole = history(space, goal, *trials, value=_value)
        yield f"{name}, trials whose scores are not known yet", whole.at_step(min(3, len(trials)))


def _ask(searcher: Searcher, view: History, name: str) -> Configuration | None:
    return searcher.suggest(view, stream(0, "search", name))


def _answers(searcher: Searcher) -> dict[str, Any]:
    """The answer in every case, as JSON values that tell 1, 1.0 and True apart."""
    asked = ((name, _ask(searcher, view, name)) for name, view in _cases())
    return {name: None if config is None else json.dumps(dict(config)) for name, config in asked}


def _differing(first: dict[str, Any], second: dict[str, Any]) -> str:
    name = next(name for name in first if first[name] != second[name])
    return f"{name}: {first[name]} and then {second[name]}"


def inside_the_space(make: Make) -> None:
    """A proposal is a Configuration of the space, in its order, of plain JSON types."""
    for name, view in _cases():
        config = _ask(make(), view, name)
        if config is None:
            continue
        if not isinstance(config, Configuration):
            raise ConformanceError(f"On {name}: a proposal must be a Configuration, but is {config!r}.")
        try:
            right = view.space.check(config)
        except ValueError as error:
            raise ConformanceError(f"On {name}: the proposal {config!r} is outside the space: {error}") from error
        if [(k, type(v)) for k, v in right.items()] != [(k, type(v)) for k, v in config.items()]:
            raise ConformanceError(
                f"On {name}: a proposal must be plain JSON values in the space's order, but is "
                f"{[(k, type(v).__name__, v) for k, v in config.items()]}."
            )


def same_answer_again(make: Make) -> None:
    """The same history and stream give the same answer, whatever the searcher was asked before."""
    searcher = make()
    first = _answers(searcher)
    for label, again in (("asked twice", searcher), ("made anew", make())):
        second = _answers(again)
        if first != second:
            raise ConformanceError(f"It gives other answers when {label}, on {_differing(first, second)}.")


_CHILD = """
import json, sys, cloudpickle
from truing.testing.searchers import _answers
print(json.dumps(_answers(cloudpickle.loads(sys.stdin.buffer.read()))))
"""


def same_answer_in_another_process(make: Make) -> None:
    """The same answer in a new process, where sets and hashes have another order."""
    import cloudpickle

    searcher = make()
    module = sys.modules[type(searcher).__module__]
    by_value = not module.__name__.startswith("truing.")  # a test's or a notebook's module cannot be imported
    if by_value:
        cloudpickle.register_pickle_by_value(module)
    try:
        shipped = cloudpickle.dumps(searcher)
    finally:
        if by_value:
            cloudpickle.unregister_pickle_by_value(module)
    here = _answers(searcher)
    for seed in ("1", "2"):
        environment = {
            **os.environ,
            "PYTHONHASHSEED": seed,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        }
        done = subprocess.run(
            [sys.executable, "-c", _CHILD], input=shipped, env=environment, capture_output=True, timeout=120
        )
        if done.returncode != 0:
            raise ConformanceError(f"It fails in another process: {done.stderr.decode(errors='replace')}")
        there = json.loads(done.stdout)
        if here != there:
            raise ConformanceError(f"It gives other answers in another process, on {_differing(here, there)}.")


def only_the_given_stream(make: Make) -> None:
    """Global random numbers are neither used nor moved."""
    before = random.getstate(), _numpy_state()
    try:
        answers = []
        for seed in (1, 2):
            random.seed(seed)
            np.random.seed(seed)  # noqa: NPY002
            states = random.getstate(), repr(_numpy_state())
            answers.append(_answers(make()))
            if states != (random.getstate(), repr(_numpy_state())):
                raise ConformanceError("It draws from the global random numbers instead of the stream it is given.")
        if answers[0] != answers[1]:
            raise ConformanceError(f"Its answers depend on global random numbers, on {_differing(*answers)}.")
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])  # noqa: NPY002


def _numpy_state() -> Any:
    return np.random.get_state()  # noqa: NPY002 - the legacy state is what is guarded


def leaves_the_history_alone(make: Make) -> None:
    """Asking changes nothing in the history."""
    for name, view in _cases():
        seen = _snapshot(view)
        _ask(make(), view, name)
        if _snapshot(view) != seen:
            raise ConformanceError(f"On {name}: it changes the history it is shown, which it may only read.")


def _snapshot(view: History) -> Any:
    notes = json.dumps(view.notes, default=repr)
    return (
        view.trials,
        dict(view.runs),
        set(view.keys),
        notes,
        view.horizon,
        view.goal,
        view.space,
        dict(view.__dict__),
    )


def copes_with_any_history(make: Make) -> None:
    """No error on no trials, failed, tied, running and unscored ones, whatever the goal."""
    for goal in ("min", "max"):
        for name, view in _cases(goal):
            try:
                _ask(make(), view, name)
            except Exception as error:
                raise ConformanceError(f"On {name}, goal {goal}: it raises {error!r}.") from error


def mirrored_goal(make: Make) -> None:
    """Maximising a value is minimising its negative: the same proposal."""
    for name, space in spaces().items():
        rng = np.random.default_rng(3)
        trials = list(dict.fromkeys(space.sample(rng) for _ in range(12)))
        low = _ask(make(), history(space, "min", *trials, value=_value), name)
        high = _ask(make(), history(space, "max", *trials, value=lambda number: -_value(number)), name)
        if low != high:
            raise ConformanceError(f"On {name}: minimising gives {low!r}, but maximising the negative gives {high!r}.")


def keeps_its_word_about_scores(make: Make) -> None:
    """With `adaptive = False` the scores make no difference, since the loop does not wait for them."""
    if getattr(make(), "adaptive", True):
        return
    for name, space in spaces().items():
        rng = np.random.default_rng(5)
        trials = list(dict.fromkeys(space.sample(rng) for _ in range(12)))
        known = _ask(make(), history(space, "min", *trials, value=_value), name)
        unknown = _ask(make(), history(space, "min", *trials, states="running", value=_value), name)
        if known != unknown:
            raise ConformanceError(
                f"On {name}: adaptive is False, but it gives {known!r} with scores and {unknown!r} without."
            )


def no_repeats(make: Make) -> None:
    """No configuration twice, and none left out: all that it has to offer comes before it ends."""
    for name, space in spaces().items():
        searcher = make()
        offered = searcher.trials(space) if hasattr(searcher, "trials") else space.size
        view = history(space, "min", space.defaults(), value=_value)
        for number in range(1, 150 if offered is None else int(min(offered, 150))):
            config = searcher.suggest(view, stream(0, "search", number))
            if config is None and offered is None and (number > 1 or space.size == 1):
                break  # the scores decided it
            if config is None:
                raise ConformanceError(f"On {name}: it ends after {number} trials of the {offered} it has to offer.")
            if view.used(config.key):
                raise ConformanceError(f"On {name}: trial {number} repeats {config!r} while new ones remain.")
            view.extend([Event("proposed", {"trial": number, "config": config.to_dict()})])


def says_what_it_must_see(make: Make) -> None:
    """The trials are the same whether the scores that it need not see are known or not, as with one worker or many."""
    for name, space in spaces().items():
        searcher: Any = make()
        if not hasattr(searcher, "sees"):
            return
        for lookahead in (1, 4):
            view = history(space, "min", space.defaults(), value=_value)
            known = 0  # trials whose scores earlier steps saw
            for number in range(1, 60):
                known = max(known, number - lookahead)
                told = _must_see(searcher, view, name)
                if (again := _must_see(searcher, view.at_step(known), name)) != told:
                    raise ConformanceError(
                        f"On {name}: trial {number} must see {told} trials where all scores are known, but {again} "
                        f"where the first {known} are."
                    )
                horizon = max(told, number - lookahead)
                known, blind = max(known, horizon), view.at_step(horizon)
                rng = [stream(0, "search", number) for _ in range(2)]
                config, other = searcher.suggest(view, rng[0]), searcher.suggest(blind, rng[1])
                if config != other:
                    raise ConformanceError(
                        f"On {name}: trial {number} says it must see {told} trials, but it is {config!r} where all are "
                        f"known and {other!r} where the first {horizon} are."
                    )
                if config is None:
                    break
                _add(view, number, config)


def _must_see(searcher: Any, view: History, name: str) -> int:
    told = searcher.sees(view)
    if not isinstance(told, int) or not 0 <= told <= len(view):
        raise ConformanceError(f"On {name}: sees must be a whole number from 0 to {len(view)}, but is {told!r}.")
    return told


def _add(view: History, number: int, config: Configuration) -> None:
    """One more completed trial; the later ones tend to be better, so that what is not seen makes a difference."""
    value = _value(number) - number / 4
    judged = {"trial": number, "state": "completed", "value": value, "scores": {"loss": value}}
    view.extend([Event("proposed", {"trial": number, "config": config.to_dict()}), Event("judged", judged)])


def speaks_in_sentences(make: Make) -> None:
    """What it says of itself is a list of texts, the same again, on any history."""
    searcher: Any = make()
    if not hasattr(searcher, "says"):
        return
    for name, view in _cases():
        seen = _snapshot(view)
        said = searcher.says(view)
        if not isinstance(said, list) or not all(isinstance(line, str) and line.strip() for line in said):
            raise ConformanceError(f"On {name}: says must give a list of sentences, but gives {said!r}.")
        if said != make().says(view) or _snapshot(view) != seen:  # type: ignore[attr-defined]
            raise ConformanceError(f"On {name}: says must give the same again and change nothing, but began: {said}.")


def ends_when_nothing_is_left(make: Make) -> None:
    """None, again and again, once every configuration of the space has been a trial."""
    for name, space in spaces().items():
        if space.size == math.inf or space.size > 1000:
            continue
        every = [space.at(space.combinations, rank) for rank in range(int(space.size))]
        view = history(space, "min", *every, value=_value)
        for number in range(2):
            config = make().suggest(view, stream(0, "search", number))
            if config is not None:
                raise ConformanceError(f"On {name}: it gives {config!r} where every configuration has been a trial.")


def settings_are_plain(make: Make) -> None:
    """A frozen dataclass whose settings go through JSON and make an equal searcher."""
    searcher: Any = make()
    kind: Any = type(searcher)
    if not dataclasses.is_dataclass(searcher) or not kind.__dataclass_params__.frozen:
        raise ConformanceError(f"{kind.__name__} must be a frozen dataclass.")
    settings: dict[str, Any] = {field.name: getattr(searcher, field.name) for field in dataclasses.fields(kind)}
    try:
        again = kind(**json.loads(json.dumps(settings)))
    except (TypeError, ValueError) as error:
        raise ConformanceError(f"The settings {settings!r} do not go through JSON: {error}.") from error
    if again != searcher:
        raise ConformanceError(f"The settings {settings!r} make {again!r} and not {searcher!r}.")


CHECKS: tuple[Callable[[Make], None], ...] = (
    inside_the_space,
    same_answer_again,
    same_answer_in_another_process,
    only_the_given_stream,
    leaves_the_history_alone,
    copes_with_any_history,
    mirrored_goal,
    keeps_its_word_about_scores,
    no_repeats,
    says_what_it_must_see,
    speaks_in_sentences,
    ends_when_nothing_is_left,
    settings_are_plain,
)


def check_searcher(make: Make) -> None:
    """Run every check in `CHECKS` on the searchers that `make` makes.

    Args:
        make: called without arguments, gives a new searcher; the class itself serves where it needs none.

    Raises:
        ConformanceError: the first promise that is broken.
    """
    for check in CHECKS:
        check(make)
