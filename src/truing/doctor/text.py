"""The findings as lines that fit a terminal."""

from __future__ import annotations

import textwrap

from truing.doctor.findings import Finding, can_run

STATUS, NAME = 9, 15  # columns


def text(found: list[Finding], width: int) -> str:
    """A line for each finding, what to do below it, and at the end whether Truing runs here.

    >>> print(text([Finding("gpu", "note", "one, but torch is a CPU build", "install another torch")], 80))
    note     gpu            one, but torch is a CPU build
                            -> install another torch
    <BLANKLINE>
    Truing runs here.
    A report of a fault should hold what this prints: truing doctor --json
    """
    lines = []
    for finding in found:
        head = f"{finding.status:<{STATUS}}{finding.name:<{NAME}}"
        lines += _wrapped(head, finding.text, width)
        if finding.advice:
            lines += _wrapped(" " * (STATUS + NAME), f"-> {finding.advice}", width)
    faults = [finding.name for finding in found if finding.status == "fault"]
    ending = "Truing runs here." if can_run(found) else f"Truing does not run here as it stands: {', '.join(faults)}."
    closing = "A report of a fault should hold what this prints: truing doctor --json"
    return "\n".join([*lines, "", *_wrapped("", ending, width), *_wrapped("", closing, width)])


def _wrapped(head: str, words: str, width: int) -> list[str]:
    return textwrap.wrap(
        words,
        width,
        initial_indent=head,
        subsequent_indent=" " * len(head) + ("   " if words.startswith("-> ") else ""),
        break_on_hyphens=False,
    )
