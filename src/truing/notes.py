"""What else a person should know before the first trial."""

from __future__ import annotations

import os
from collections.abc import Mapping

from truing.execution.size import in_words
from truing.record.source import Source
from truing.setting import Setting


def notes(
    setting: Setting,
    source: Source,
    objects: Mapping[str, Mapping[str, Source]],
    *,
    rows: str,
    run_memory: int | None,
    workers: int,
    out_of_order: bool,
    metric_given: bool,
) -> list[str]:
    """One sentence for each thing of the study that can surprise, and for what nobody asked for by name.

    Args:
        source, objects: what the function and the labelled objects of the space are.
        rows: what is known of them, in words; may be empty.
        run_memory: bytes that a run may hold; None = no limit.
        out_of_order: proposals go by whatever is complete.
    """
    found = []
    if setting.data is not None and rows:
        found.append(f"Data: {len(setting.data)} rows, {rows}.")
    behind = [f"{name}={label}" for name, labelled in objects.items() for label, one in labelled.items() if one.unread]
    if unread := [*source.unread, *behind]:
        names = ", ".join(unread)
        found.append(f"Note: the source of {names} cannot be read, so changes to it cannot be seen.")
    if run_memory is not None and not workers:
        found.append("Note: run_memory cannot be enforced with workers=0, where runs train in this very process.")
    elif run_memory is not None and (there := _memory_here()) and run_memory * workers > there:
        found.append(
            f"Note: {workers} runs at a time of {in_words(run_memory)} each may hold more than the "
            f"{in_words(there)} of this machine."
        )
    if out_of_order and workers > 1:
        found.append("Note: with lookahead=None the trials depend on who finishes first; a repeat will differ.")
    if not metric_given and setting.task.classes is not None:
        name, many = setting.task.primary.name, len(setting.task.classes)
        found.append(f"Note: no metric= was given; it is {name}, for y has {many} classes.")
    return found


def _memory_here() -> int | None:
    """The machine's memory in bytes; None where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return None
