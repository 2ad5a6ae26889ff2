"""What was changed about a study while it went on, as its journal tells: when, and from which trial on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from truing.record.history import History, Mark

FUNCTION, SPACE, SEARCH, SETTING, WORKERS, VERSIONS, RESTARTED, SET_ASIDE = (
    "function",
    "space",
    "search",
    "setting",
    "workers",
    "versions",
    "restarted",
    "set_aside",
)
_SETTINGS = {
    "lookahead": "lookahead",
    "run_minutes": "run_minutes",
    "run_memory": "run_memory",
    "also": "also",
    "threshold": "threshold",
    "prevalence": "prevalence",
}

_NAMES = {  # a change of the one is a change of the other
    "source": "function",
    "source_readable": "function",
    "source_unread": "function",
    "objective": "function",
    "objects": "function",
    "validation_text": "validation",
    "test_rows": "test",
    "assumed_defaults": "space",
    "metric_kind": "metric",
}


@dataclass(frozen=True)
class Change:
    """One change.

    Args:
        kind: one of the kinds of this module.
        time: seconds since the epoch.
        trial: number of the first trial proposed after it.
        text: what changed, without a full stop.
        detail: of a changed function the diff.
    """

    kind: str
    time: float
    trial: int
    text: str
    detail: str = ""

    @property
    def when(self) -> str:
        """The day and minute, by this machine's clock, and the trial.

        >>> Change("search", 0.0, 12, "search was random and is now grid").when.split(", ")[1]
        'from trial 12 on'
        """
        moment = datetime.fromtimestamp(self.time).isoformat(sep=" ", timespec="minutes")
        return f"{moment}, from trial {self.trial} on"

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def changes_of(history: History) -> list[Change]:
    """All changes, in their order; pure."""
    found: list[Change] = []
    study: Mapping[str, Any] | None = None
    workers: int | None = None
    for mark in history.marks:
        data = mark.data
        said: list[tuple[str, str, str]] = []
        match mark.kind:
            case "accepted":
                said = [(FUNCTION, _function(history, mark), data.get("diff", ""))]
            case "extended":
                said = [(SPACE, _grown((study or {}).get("space"), data["space"]), "")]
            case "restarted":
                before = f" after {data['trials']} trials" if data.get("trials") else ""
                names = dict.fromkeys(_NAMES.get(key, key) for key in data.get("changed", ()))
                what = f" ({', '.join(names)})" if names else ""
                said = [(RESTARTED, f"nothing had completed{before}, the study was changed{what} and begun anew", "")]
                study = None
            case "set_aside":
                said = [
                    (SET_ASIDE, f"an earlier study of {data['trials']} trials was set aside in {data['folder']}", "")
                ]
            case "study":
                said = [(kind, text, "") for kind, text in _settings(study or data, data)]
                study = data
            case "opened":
                if workers is not None and data.get("workers") != workers:
                    said = [(WORKERS, f"workers was {workers} and is now {data.get('workers')}", "")]
                workers = data.get("workers")
        found += [Change(kind, mark.time, mark.trial, text, detail) for kind, text, detail in said]
    return found


def own_looks(history: History) -> list[dict[str, Any]]:
    """The verdicts' looks at rows that were set aside; not those at data that came later."""
    return [look for look in history.notes.get("look", ()) if "external" not in look]


def earlier_looks(history: History) -> tuple[int, int, str]:
    """Looks of studies that were set aside: at these very locked rows, at rows of the same data, and where they are."""
    study = history.last("study") or {}
    own = study.get("data") or {}
    same, data, folders = 0, 0, []
    for mark in history.marks:
        if mark.kind == "set_aside":
            for look in mark.data.get("looked", ()):
                if look["looks"] and look.get("data") is not None and look["data"] == own.get("data"):
                    these = look.get("test") == own.get("test")
                    same, data = same + look["looks"] * these, data + look["looks"] * (not these)
                    folders.append(mark.data["folder"])
    return same, data, ", ".join(dict.fromkeys(folders))


def looked(history: History) -> list[dict[str, Any]]:
    """What a study that is set aside hands on: how often which locked rows were looked at, by itself and before it."""
    study = history.last("study") or {}
    prints = study.get("data") or {}
    own = {"data": prints.get("data"), "test": prints.get("test"), "looks": len(own_looks(history))}
    before = [look for mark in history.marks if mark.kind == "set_aside" for look in mark.data.get("looked", ())]
    return [look for look in (*before, own) if look["looks"]]


def _function(history: History, mark: Mark) -> str:
    mixed = []
    for trial in history.trials:
        done = [number for number in trial.runs if history.runs[number].state.ended]
        if done and min(done) < mark.run <= max(done):
            mixed.append(str(trial.number))
    text = "the training function was changed, and the change accepted"
    if mixed:
        text += f"; trial{'s' * (len(mixed) > 1)} {', '.join(mixed)} had runs of both"
    return text


def _grown(old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> str:
    before = {item["name"]: item for item in (old or {}).get("parameters", ())}
    after = {item["name"]: item for item in new.get("parameters", ())}
    fresh = [name for name in after if name not in before]
    wider = [name for name in after if name in before and after[name] != before[name]]
    parts = [f"{word} {', '.join(names)}" for word, names in (("with", fresh), ("wider in", wider)) if names]
    return f"the space grew{', ' if parts else ''}{' and '.join(parts)}; what is new stood at its default before"


def _settings(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if old.get("search") != new.get("search"):
        yield SEARCH, f"search was {_shown(old.get('search'))} and is now {_shown(new.get('search'))}"
    for key, name in _SETTINGS.items():
        if key in old and old.get(key) != new.get(key):
            yield SETTING, f"{name} was {_shown(old.get(key))} and is now {_shown(new.get(key))}"
    was, now = old.get("versions") or {}, new.get("versions") or {}
    differ = [f"{name} {was.get(name, 'none')} to {now.get(name, 'none')}" for name in {**was, **now}
              if was.get(name) != now.get(name)]  # fmt: skip
    if was and now and differ:
        yield VERSIONS, f"versions changed: {', '.join(differ)}"


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        inner = ", ".join(f"{key}={item}" for key, item in value.items() if key != "name" and item is not None)
        return f"{value.get('name', '')}({inner})"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None else str(value)
