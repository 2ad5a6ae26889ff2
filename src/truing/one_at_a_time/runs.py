"""Runs of chosen configurations on the search's own splits and seeds; what has been run is not run again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from truing.execution.job import Job
from truing.loop import Session, carry_out
from truing.record.history import History
from truing.record.interfaces import RunSpec
from truing.record.seeds import seed_of
from truing.record.state import State
from truing.record.trial import SEARCH, TRIED, Replicate, RunRecord
from truing.setting import Setting
from truing.space.configuration import Configuration
from truing.verdict.repeats import Ends

FIRST = 0  # the trial under whose number the runs stand; a configuration is told by its purpose


@dataclass(frozen=True)
class Ground:
    """On which splits and seeds the configurations are tried.

    Args:
        replicates: the splits.
        seeds: the purpose whose seeds the runs have, so that all configurations are paired.
        prefix: of the purpose of these runs.
        fresh: they are other splits than the search's, so that no trial's runs can serve.
    """

    replicates: Sequence[Replicate]
    seeds: str = SEARCH
    prefix: str = TRIED
    fresh: bool = False


def purpose_of(config: Mapping[str, object], prefix: str = TRIED) -> str:
    """What the runs of a configuration are called: whoever asks for it finds them again, whatever it was for.

    >>> purpose_of({"rate": 0.1, "width": 4}) == purpose_of({"width": 4, "rate": 0.1})
    True
    """
    text = json.dumps({name: config[name] for name in sorted(config)}, default=repr)
    return f"{prefix}:{hashlib.sha256(text.encode()).hexdigest()[:16]}"


@dataclass(frozen=True)
class Tried:
    """What is known of each configuration, and what is still to be run.

    Args:
        runs: one list a configuration, in the order of the replicates; None = it has not come to its end.
        specs: the runs to make.
    """

    runs: Sequence[Sequence[RunRecord | None]]
    specs: Sequence[RunSpec]


def tried(
    history: History,
    setting: Setting,
    configs: Sequence[Configuration],
    ground: Ground,
    keep: str = "predictions",
) -> Tried:
    """The runs of the search serve where a trial had the configuration and they say how the training rows do."""
    of_trials = {} if ground.fresh else {purpose_of(t.config): t for t in history.trials if t.runs}
    found: list[list[RunRecord | None]] = []
    specs = []
    for config in configs:
        named = purpose_of(config, ground.prefix)
        ends, known = Ends.of(history, named), {}
        for number in of_trials[named].runs if named in of_trials else ():
            run = history.runs[number]
            if run.id >= history.verdict_since and run.state is State.COMPLETED and _trained(run):
                known[run.replicate] = run
        own = []
        for replicate in ground.replicates:
            run_of_it = known.get(replicate.index) or ends.run((FIRST, replicate.index))
            own.append(run_of_it)
            attempt = ends.to_do((FIRST, replicate.index)) if replicate.index not in known else None
            if attempt is None:
                continue
            spec = setting.plan.spec(
                0, FIRST, config, named, replicate, keep=keep, score_train=replicate.train is not None
            )
            # One seed a replicate: so all are paired with each other, and a sweep with the trials.
            specs.append(replace(spec, seed=seed_of(setting.plan.seed, ground.seeds, replicate.index), attempt=attempt))
        found.append(own)
    return Tried(found, specs)


def carried_out(
    session: Session,
    setting: Setting,
    job: Job,
    configs: Sequence[Configuration],
    ground: Ground,
    *,
    say: Callable[[Tried], str],
    line: Callable[[str], None],
    phase: Callable[[str, int], None],
    name: str,
) -> list[list[RunRecord | None]]:
    """The runs, after what is missing was run.

    Args:
        say: the price in words, said by `line` before the first run.
        name: of what is done, for the progress.

    Raises:
        KeyboardInterrupt: it was interrupted; called again it goes on.
    """
    valid = sum(len(r.valid) for r in ground.replicates if r.valid is not None)
    size = 4 * len(setting.task.classes or (0,)) * valid * len(configs)
    keep = "predictions" if size <= job.predictions_limit else "loss"
    found = tried(session.history, setting, configs, ground, keep)
    line(say(found))
    if found.specs:
        phase(name, len(found.specs))
        if not carry_out(session, list(found.specs)):
            raise KeyboardInterrupt
        found = tried(session.history, setting, configs, ground, keep)
    return [list(runs) for runs in found.runs]


def _trained(run: RunRecord) -> bool:
    return trained(run) is not None or not run.details.get("predict")


def trained(run: RunRecord) -> float | None:
    """The score on the training rows: as predicted at the end, else the last one that was reported."""
    if run.details.get("train") is not None:
        return float(run.details["train"])
    curve = run.details.get("train_curve") or ()
    return None if not curve or curve[-1][1] is None else float(curve[-1][1])
