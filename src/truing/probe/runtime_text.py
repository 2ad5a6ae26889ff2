"""What `truing runtime` prints, at 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

from truing.probe.equivalence import Equivalence

if TYPE_CHECKING:
    from truing.probe.throughput import Candidate, Runtime

WIDTH = 80
MOST = 12  # settings that are shown


def text(found: Runtime, width: int = WIDTH) -> str:
    """All of it."""
    head = (
        f"{found.name} on {found.machine}: {len(found.candidates)} settings timed in "
        f"{found.seconds['timing']:.1f} s. Batches of {found.batch_size} out of {found.rows}, {found.optimizer}."
    )
    parts = [_wrapped(head, width), "\n".join(_table(found, width)), _wrapped(_recommended(found), width)]
    said = _check(found.recommended.equivalence)
    if said:
        parts.append(_wrapped(said, width))
    if found.alone.setting != found.recommended.setting:
        parts.append(_wrapped(_alone(found), width))
    parts.append("\n".join(_batches(found, width)))
    parts += ["\n".join(_wrapped(one, width) for one in found.notes)] if found.notes else []
    parts += (
        ["\n".join(_wrapped(f"Did not run: {one} ({why}).", width) for one, why in found.failed.items())]
        if found.failed
        else []
    )
    parts.append(f"To paste below your space:\n\n{found.code}")
    return "\n\n".join(parts)


def _wrapped(words: str, width: int) -> str:
    return "\n".join(textwrap.wrap(words, width, break_on_hyphens=False, break_long_words=True))


def _table(found: Runtime, width: int) -> Iterator[str]:
    ranked = sorted(found.candidates, key=lambda one: -one.rate)
    top = max(found.recommended.rate, ranked[0].rate)
    shown = ranked[:MOST]
    shown += [one for one in (found.recommended, found.reference) if one not in shown]
    rows = [("setting", "rows/s", "of most", "trains alike")]
    for one in shown:
        mark = "* " if one == found.recommended else "  "
        rows.append((f"{mark}{one.setting}", f"{one.rate:,.0f}", f"{one.rate / top:.0%}", _verdict(found, one)))
    size = [max(len(row[column]) for row in rows) for column in range(3)]
    for number, row in enumerate(rows):
        name = row[0] if number else "  setting"
        yield f"{name:<{size[0]}}  {row[1]:>{size[1]}}  {row[2]:>{size[2]}}  {row[3]}".rstrip()[:width]
    if len(ranked) > len(shown):
        yield f"  ... and {len(ranked) - len(shown)} slower ones"


def _verdict(found: Runtime, one: Candidate) -> str:
    if one == found.reference:
        return "the reference"
    told = one.equivalence
    if told is None:
        return "not asked"
    return {"same": "same arithmetic", "equivalent": "yes"}.get(told.verdict, told.verdict)


def _recommended(found: Runtime) -> str:
    setting = found.recommended.setting
    if found.recommended == found.reference:
        return (
            "Recommended (*): what you have without asking, one run on one thread in float32. Nothing faster was "
            "shown to train alike."
        )
    return (
        f"Recommended (*): {setting}. {found.gain:.1f} times as many rows a second as one run on one thread in "
        f"float32{', over all runs together' if setting.runs > 1 else ''}."
    )


def _check(told: Equivalence | None) -> str:
    if told is None or told.verdict == "same":
        return "It trains as the reference does: the arithmetic of a run is the same." if told else ""
    if told.difference is None or told.low is None or told.high is None or told.margin is None:
        return ""
    steps = (
        ", ".join(map(str, told.steps[:-1])) + f" and {told.steps[-1]}" if len(told.steps) > 1 else str(told.steps[0])
    )
    return (
        f"{told.seeds} pairs of trainings with equal seeds: after {steps} steps its loss differs by "
        f"{told.difference:+.2g} at the end, 90 % intervals within [{told.low:+.2g}, {told.high:+.2g}]; the margin is "
        f"{told.margin:.2g}, 1 % of the constant prediction's loss. It is therefore taken as equivalent."
    )


def _alone(found: Runtime) -> str:
    one = found.alone
    asked = (
        "" if one.equivalence is not None and one.equivalence.is_shown else "; whether it trains alike was not asked"
    )
    if one.equivalence is not None and not one.equivalence.is_shown:
        asked = f"; trained alike: {one.equivalence.verdict}"
    return f"One training alone is fastest with {one.setting}: {one.rate:,.0f} rows a second{asked}."


def _batches(found: Runtime, width: int) -> Iterator[str]:
    if not found.batches.batches:
        yield _wrapped(f"Batch sizes: none was timed, for {found.batches.ended}.", width)
        return
    yield "Batch sizes, one run alone in the recommended setting:"
    for one in found.batches.batches:
        memory = "" if one.memory is None else f"  {one.memory / 2**20:>8,.0f} MiB"
        yield f"  {one.rows:>6,}  {one.rate:>12,.0f} rows/s{memory}"
    yield _wrapped(
        f"It ends there: {found.batches.ended}. {found.batches.enough:,} rows have 95 % of the highest rate. None is "
        "recommended: batch_size belongs to training. Another one is another training, and learning_rate has to be "
        "tuned anew with it.",
        width,
    )
