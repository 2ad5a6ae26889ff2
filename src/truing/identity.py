"""What a study is, as plain values for the journal, and what may change between two calls."""

from __future__ import annotations

import getpass
import hashlib
import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from truing.data.outside import EXTERNAL, NEGATIVE
from truing.errors import ChangedStudyError
from truing.execution.devices import NO_GPUS, Devices
from truing.execution.script import working_directory
from truing.record.events import Event, decode, encode
from truing.record.source import Source
from truing.setting import Setting
from truing.space.repeat import pattern
from truing.space.space import Space

SCHEMA = 1
SURROUNDINGS = ("name", "file", "variable", "cwd", "versions", "git", "machine", "parts")  # not what the study is
FIXED = {
    "data": "data",
    "named": "the datasets",
    "aggregate": "aggregate",
    "dataset_metric": "metric",
    "metric": "metric",
    "goal": "goal",
    "positive": "positive",
    "validation": "validation",
    "test": "test",
    "external": "external",
    "negative": "negative",
    "seed": "seed",
    "epochs": "epochs",
    "epoch": "epoch",
    "threads": "threads",
    "rope_given": "rope",
}
BEFORE = {"epoch": "last", "external": [], "negative": []}  # what a journal that does not say so was made with


def describe(
    *,
    name: str,
    setting: Setting,
    space: Space,
    source: Source,
    objective: str,
    search: Any,
    file: Path | None,
    variable: str,
    run_minutes: float | None,
    run_memory: int | None,
    lookahead: int | None,
    fingerprints: Mapping[str, str | None],
    objects: Mapping[str, Mapping[str, Source]],
    parts: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The data of the `study` event, as a journal gives it back."""
    task, plan = setting.task, setting.plan
    described = {
        "schema": SCHEMA,
        "name": name,
        "objective": objective,
        "source": dict(source.parts),
        "source_readable": source.readable,
        "source_unread": list(source.unread),
        "file": str(file) if file is not None else None,
        "variable": variable,
        "cwd": working_directory(),
        "space": space.to_dict(),
        "assumed_defaults": list(space.assumed_defaults),
        "metric": task.primary.name,
        "goal": task.goal,
        "metric_kind": task.primary.kind,
        "also": [m.name for m in task.metrics[1:]],
        "classes": len(task.classes) if task.classes is not None else None,
        "positive": [task.classes[c] for c in task.positive] if task.positive and task.classes else None,
        "decision": task.describe_decision(),
        "validation": settings_of(setting.validation),
        "validation_text": setting.validation.describe() if hasattr(setting.validation, "describe") else None,
        "test": setting.locked.how if setting.locked is not None else None,
        **{kind: [o.describe() for o in setting.outside if o.kind == kind] for kind in (EXTERNAL, NEGATIVE)},
        "seed": plan.seed,
        "epochs": plan.epochs,
        "epoch": plan.scored,
        "threads": plan.threads,
        "rope": setting.rope.to_dict(),
        "rope_given": setting.rope.width if setting.rope.given else None,
        "rule": setting.rule,
        "spread": float(setting.validation.spread) if setting.validation is not None else 0.0,
        "fixed_splits": bool(getattr(setting.validation, "fixed", False)),
        "run_minutes": run_minutes,
        "run_memory": run_memory,
        "lookahead": lookahead,
        "threshold": str(setting.threshold) if setting.threshold is not None else None,
        "prevalence": setting.prevalence,
        "search": settings_of(search),
        "data": dict(fingerprints),
        "rows": setting.rows,
        "test_rows": len(plan.locked) if plan.locked is not None else None,
        "parts": parts,
        "facts": setting.data.facts() if setting.data is not None else None,
        "findings": [finding.to_dict() for finding in setting.findings],
        **environment(file),
    }
    if setting.reasons:
        described["chosen"] = list(setting.reasons)
    if objects:
        described["objects"] = {
            name: {label: dict(source.parts) for label, source in labelled.items()}
            for name, labelled in objects.items()
        }
    return dict(decode(encode(described)))


def inside(
    described: Mapping[str, Any], name: str, setting: Setting, parts: Mapping[str, Any] | None
) -> dict[str, Any]:
    """What a study inside a procedure is: one that `describe` described, on other rows of the same Data.

    Args:
        setting, parts: of the study inside.
    """
    whole, rows = described["data"]["data"], setting.plan.rows
    mine = hashlib.sha256(f"{whole} ".encode() + (b"" if rows is None else rows.tobytes())).hexdigest()
    return dict(described) | {
        "name": name,
        "validation": settings_of(setting.validation),
        "test": None,
        "seed": setting.plan.seed,
        "data": {"data": mine, "test": None},
        "rows": setting.rows,
        "test_rows": None,
        "parts": parts,
        "external": [],
        "negative": [],
        "facts": None,
        "findings": [],
    }


def settings_of(part: Any) -> dict[str, Any] | None:
    """A plug-in's class and settings as plain values; what is none is named by its type."""
    if part is None:
        return None
    if hasattr(part, "to_dict"):
        found = dict(part.to_dict())
    else:
        settings = asdict(part) if is_dataclass(part) and not isinstance(part, type) else {}
        found = {"name": type(part).__name__, **settings}
    return {str(key): _plain(value) for key, value in found.items()}


def _plain(value: Any) -> Any:
    try:
        encode(value)
    except (TypeError, ValueError, RecursionError):
        return type(value).__name__
    return value


def environment(file: Path | None) -> dict[str, Any]:
    """Library versions, git commit and machine."""
    versions = {"python": platform.python_version()}
    for package in ("truing", "numpy", "scipy", "scikit-learn", "torch"):
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    machine = {
        "system": f"{platform.system()} {platform.release()}",
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "host": platform.node(),
    }
    return {"versions": versions, "git": _commit(file), "machine": machine}


def coordinator(workers: int, devices: Devices = NO_GPUS) -> dict[str, Any]:
    """The data of the `opened` event."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = ""
    return {
        "pid": os.getpid(),
        "host": platform.node(),
        "user": user,
        "workers": workers,
        "gpus": list(devices.names),
        "gpus_per_run": devices.per_run,
        "argv": sys.argv[:1],
    }


def version_of(study: Mapping[str, Any], source: Source) -> str:
    """A digest of what gives a run its meaning beside its configuration: the study's fixed parts and the function."""
    fixed = {key: study.get(key) for key in FIXED}
    text = encode([fixed, source.identity or dict(source.parts)])
    return hashlib.sha256(text.encode()).hexdigest()


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """What differs of the parts that give a run its meaning, in words; the function and the space apart."""
    found = []
    for key, name in FIXED.items():
        was, now = (side.get(key, BEFORE.get(key)) for side in (old, new))
        if was != now:
            found.append(f"{name} was {_shown(was)} and is now {_shown(now)}")
    if old.get("also") != new.get("also") and old.get("classes") != new.get("classes"):
        found.append(f"also was {_shown(old.get('also'))} and is now {_shown(new.get('also'))}, another kind of task")
    return found


def reconcile(
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    source: Source,
    *,
    accept_change: bool,
    extend: bool,
    folder: Path,
) -> Sequence[Event]:
    """The events by which a study with results goes on under `new`.

    Raises:
        ChangedStudyError: something changed that must not, or must be agreed to.
    """
    ways = _ways(folder)
    different = changes(old, new)
    if different:
        raise ChangedStudyError(another(folder, different))
    events: list[Event] = []
    if old["space"] != new["space"]:
        before, after = Space.from_dict(old["space"]), Space.from_dict(new["space"])
        shrunk = after.grew_from(before)
        if shrunk:
            raise ChangedStudyError(
                f"The space is no longer the one of {folder}, and did not only grow: "
                f"{' '.join(shrunk)} To go on, {ways}."
            )
        if not extend:
            raise ChangedStudyError(f"The space of {folder} grew: go on in it with extend=True (--extend), or {ways}.")
        events.append(Event("extended", {"space": new["space"]}))
    diffs = [source.diff(old["source"], complete=old["source_readable"]), _diff_of_objects(old, new)]
    diff = "\n".join(filter(None, diffs))
    if diff:
        if not accept_change:
            raise ChangedStudyError(
                f"The training function is no longer the one that made the results in {folder}:\n{diff}\n"
                f"Go on all the same with accept_change=True (--accept-change), or {ways}."
            )
        events.append(Event("accepted", {"diff": diff}))
    if old != new:
        events.append(Event("study", dict(new)))
    return events


def _diff_of_objects(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """How what stands behind the labels that both spaces have was changed; a new label is growth of the space."""
    found = []
    for name, label in sorted(_labels(old["space"]) & _labels(new["space"])):
        before, after = (study.get("objects", {}).get(name, {}).get(label, {}) for study in (old, new))
        shared = set(before) & set(after) if before and after else {*before, *after}  # some could not be read
        was, now = ({f"{name}={label} {p}": parts[p] for p in shared if p in parts} for parts in (before, after))
        found.append(Source(now).diff(was))
    return "\n".join(filter(None, found))


def _labels(space: Mapping[str, Any]) -> set[tuple[str, str]]:
    """(name, repr(option)) of each option in a space's description; those of a Repeat once."""
    named = [(item["name"], item) for item in space["parameters"]]
    for repeat in space.get("repeats", ()):
        named += [(pattern(repeat["name"], item["name"]), item) for item in repeat["parameters"]]
    return {(name, repr(option)) for name, item in named for option in item.get("options", ())}


def another(folder: Path, different: Sequence[str]) -> str:
    """The sentence for a folder that holds another study."""
    return f"{folder} holds runs of another study: {'; '.join(different)}; {_ways(folder)}."


def _ways(folder: Path) -> str:
    return f"use another folder, or fresh=True (--fresh) to set {folder} aside"


def differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """The names of what differs of what the study consists of."""
    keys = sorted({*old, *new} - {*SURROUNDINGS})
    return [key for key in keys if old.get(key, BEFORE.get(key)) != new.get(key, BEFORE.get(key))]


def _shown(value: Any) -> str:
    if isinstance(value, dict) and set(value) <= {"data", "test"}:
        return " and ".join(f"{k} {str(v)[:12]}" for k, v in value.items() if v) or "none"
    if isinstance(value, dict) and "name" in value:
        inner = ", ".join(f"{k}={v}" for k, v in value.items() if k != "name")
        return f"{value['name']}({inner})"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None else str(value)


def _commit(file: Path | None) -> str | None:
    """The commit of the user's repository, with "+" when there are uncommitted changes."""
    folder = file.parent if file is not None else Path.cwd()
    try:
        head = _git(folder, "rev-parse", "--short=12", "HEAD")
        dirty = _git(folder, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):
        return None
    return head + ("+" if dirty else "")


def _git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, timeout=5, check=True)
    return done.stdout.strip()
