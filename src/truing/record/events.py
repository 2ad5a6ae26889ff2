"""The events of a study: the only thing a journal stores. State is what they fold to (`history.py`).

| kind       | data                                                                                           |
|------------|------------------------------------------------------------------------------------------------|
| study      | what the study is: space, metric, validation, test, seed, data fingerprint, source, versions    |
| opened     | a coordinator took the folder: pid, host, epoch, workers, gpus, gpus_per_run                    |
| rehearsed  | seconds of one epoch, epochs asked for, whether predict was returned, kind of report            |
| proposed   | trial, config, seen (number of finished trials the searcher could see)                          |
| started    | run, trial, purpose, replicate, attempt, seed; gpus where it was given some, or kept from all   |
| reported   | run, epoch, scores; live only, never journalled: the finished event carries the whole curve     |
| finished   | run, state, scores, undefined, curve, seconds, epochs, reason, predictions                      |
| damaged    | run, reason: a file it left is damaged, so it is run again                                      |
| judged     | trial, state, value, se, scores, reason                                                         |
| restarted  | nothing had completed and the study changed: what came before is void; what changed, trials     |
| set_aside  | fresh=True: the name the earlier study was set aside under, its trials, its looks               |
| accepted   | a changed function was accepted: the diff                                                       |
| extended   | the space grew: the new space                                                                   |
| ended      | why a call of run() came to its end                                                             |
| look       | rows that were set aside are opened: verdict and number; or data that came later: external (their
               name), number, fingerprint, rows                                                               |
| external   | the figures of data that came later, and the number of their look                              |
| verdict    | the stored verdict                                                                              |
| swept      | a parameter, and the scores at its values with the others held                                 |
| ablated    | the scores on the way from the defaults to the selected, a parameter at a time                  |
| evaluated  | procedure, its settings, trials, result: what a procedure that tunes inside came to             |
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Event:
    """One thing that happened.

    Args:
        kind: one of the kinds in this module's table.
        data: plain JSON values, and NaN or infinity as floats.
        key: idempotency key; a journal keeps one event a key. Empty = no such limit.
        time: seconds since the epoch by the coordinator's wall clock; order is by `seq`, never by time.
        seq: position in the journal, from 1; 0 before it is appended.
    """

    kind: str
    data: dict[str, Any] = field(default_factory=dict)
    key: str = ""
    time: float = 0.0
    seq: int = 0


def encode(data: Any) -> str:
    """JSON text in which NaN and infinity are `{"$float": "nan"}`, so that any reader understands it.

    >>> encode({"a": float("nan")})
    '{"a":{"$float":"nan"}}'
    """
    try:
        text = _ENCODER.encode(data)
    except ValueError:  # the common case has no such float and should not pay for the walk
        return _ENCODER.encode(_marked(data))
    return text if "$" not in text else _ENCODER.encode(_marked(data))


def decode(text: str) -> Any:
    """The inverse of `encode`.

    >>> decode(encode([float("inf"), 1]))
    [inf, 1]
    """
    return (_DECODER if '"$' in text else _PLAIN).decode(text)  # the hook would cost half the time


def decoded(texts: Sequence[str]) -> list[Any] | None:
    """`decode` of each, in one go, which takes half the time and has equal names once; None where one is no JSON.

    >>> decoded(['{"a":1}', '{"a":2}']), decoded(['{"a":1}', '{'])
    ([{'a': 1}, {'a': 2}], None)
    """
    try:
        found = decode(f"[{','.join(texts)}]")
    except (ValueError, TypeError, RecursionError):
        return None
    return found if len(found) == len(texts) else None


def _marked(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return {"$float": repr(value)}
    if isinstance(value, dict):
        inner = {key: _marked(item) for key, item in value.items()}
        # somebody's own dictionary that looks like a mark, such as a configuration with a parameter of that name
        return {"$dict": list(inner.items())} if inner.keys() <= _MARKS and len(inner) == 1 else inner
    if isinstance(value, list | tuple):
        return [_marked(item) for item in value]
    return value


def _unmarked(value: dict[str, Any]) -> Any:
    if len(value) != 1:
        return value
    if "$float" in value:
        return float(value["$float"])
    return dict(value["$dict"]) if "$dict" in value else value


def _refused(word: str) -> Any:
    """A bare NaN or Infinity is no JSON, and nothing here writes one."""
    raise ValueError(f"{word} is no JSON.")


_MARKS = {"$float", "$dict"}
_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=True, allow_nan=False)
_DECODER = json.JSONDecoder(object_hook=_unmarked, parse_constant=_refused)
_PLAIN = json.JSONDecoder(parse_constant=_refused)
