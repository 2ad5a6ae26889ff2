"""From facts to findings: what is good, what to know, what is missing, what keeps Truing from running. No effects."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from truing.doctor.facts import Facts, Torch
from truing.doctor.trial import Tried

Status = Literal["ok", "note", "missing", "fault"]
GIB, MIB = 1 << 30, 1 << 20
LITTLE_DISK = 2 * GIB  # kept predictions alone may take 1 GB a study
LITTLE_MEMORY = 2 * GIB  # importing torch and a small training take about one
LITTLE_SHARED = 1 * GIB  # containers often get 64 MiB
IN_MEMORY = frozenset({"tmpfs", "ramfs"})

# What each extra package is used for: named here only if Truing imports it.
USES: Mapping[str, str] = {
    "torch": "TorchTrainer, tensors and torch Datasets, `truing demo`",
    "pandas": "tr.Data of a pandas frame",
    "polars": "tr.Data of a polars frame",
}
INSTALL: Mapping[str, str] = {
    "torch": 'pip install ".[torch]" in your copy of Truing\'s repository',
    "pandas": "pip install pandas",
    "polars": "pip install polars",
}


@dataclass(frozen=True)
class Finding:
    """One line.

    Args:
        status: "ok"; "note" = runs, but know this; "missing" = an extra that is not there; "fault" = cannot run.
        text: what is so.
        advice: what to do; empty where nothing has to be done.
    """

    name: str
    status: Status
    text: str
    advice: str = ""


def findings(facts: Facts) -> list[Finding]:
    """All findings, the machine first and the trials last.

    >>> from truing.doctor.facts import Disk, Facts
    >>> from truing.doctor.trial import Tried
    >>> facts = Facts("0.1.0", "CPython 3.11.9", "Linux 6.1 x86_64", {}, {}, 8, 8, Disk(1 << 40), "3.53.0",
    ...               inline=Tried(True), process=Tried(False, why="it did not end within 120 s"))
    >>> found = {finding.name: finding.status for finding in findings(facts)}
    >>> found["cores"], found["torch"], found["process"]
    ('ok', 'missing', 'fault')
    """
    made = [check(facts) for check in CHECKS]
    return [finding for finding in made if finding is not None]


def can_run(found: list[Finding]) -> bool:
    """Whether Truing runs here: nothing is at fault."""
    return not any(finding.status == "fault" for finding in found)


def document(facts: Facts, found: list[Finding]) -> dict[str, Any]:
    """Findings and facts as plain values; neither host nor user is asked for."""
    return {"can_run": can_run(found), "findings": [asdict(finding) for finding in found], "facts": asdict(facts)}


# -- the machine -----------------------------------------------------------------------------------------------------


def python(facts: Facts) -> Finding:
    return Finding("python", "ok", f"{facts.python} on {facts.system}")


def packages(facts: Facts) -> Finding:
    """What Truing needs, at the version it needs."""
    if not facts.wanted:
        return Finding("packages", "note", f"Truing {facts.truing} runs from its source; versions are not checked")
    absent = [name for name in facts.wanted if name not in facts.installed]
    old = [
        f"{name} {facts.installed[name]} (needs {least})"
        for name, least in facts.wanted.items()
        if name in facts.installed and _numbers(facts.installed[name]) < _numbers(least)
    ]
    if absent or old:
        names = " ".join(f'"{name}>={facts.wanted[name]}"' for name in facts.wanted if _in(name, absent, old))
        return Finding(
            "packages", "fault", f"not there or too old: {', '.join([*absent, *old])}", f"pip install {names}"
        )
    return Finding("packages", "ok", f"Truing {facts.truing} and the {len(facts.wanted)} packages that it needs")


def cores(facts: Facts) -> Finding:
    """Those that this process may use; a container's limit is not seen by what counts cores."""
    usable, machine = facts.allowed, f" of the machine's {facts.cores}" if facts.allowed < facts.cores else ""
    text = f"{usable} core{'s' * (usable != 1)}{machine}: as many runs at a time by default"
    if facts.cpu_limit is not None and facts.cpu_limit < usable:
        few = max(1, int(facts.cpu_limit))
        return Finding(
            "cores",
            "note",
            f"{usable} cores are seen{machine}, but the container grants the time of {facts.cpu_limit:g}",
            f"give workers={few}: more runs at a time would only wait for each other",
        )
    return Finding("cores", "ok", text)


def memory(facts: Facts) -> Finding:
    """What is there for all runs together."""
    if facts.memory is None:
        return Finding("memory", "note", "the system does not say how much there is")
    text, least = f"{_size(facts.memory)}", facts.memory
    if facts.available is not None:
        text, least = f"{text}, {_size(facts.available)} of it available", facts.available
    if facts.memory_limit is not None and facts.memory_limit < facts.memory:
        text, least = f"{text}; the container grants {_size(facts.memory_limit)}", min(least, facts.memory_limit)
    if least < LITTLE_MEMORY:
        return Finding("memory", "note", text, "a training with torch takes about 1 GiB: give workers=1, or free some")
    return Finding("memory", "ok", text)


def disk(facts: Facts) -> Finding:
    """The place of the studies: the journal needs a local file system that keeps what it was given."""
    found = facts.disk
    kind = f" on {found.filesystem}" if found.filesystem else ""
    text = f"{_size(found.free)} free{kind}"
    if found.network:
        return Finding(
            "folder",
            "fault",
            f"{text}: a network file system, where the journal is not safe",
            "give the study a folder= on a local disk, and copy it when it has ended",
        )
    if not found.writable:
        return Finding("folder", "fault", f"{text}, but it cannot be written to", "choose another folder")
    if found.free < LITTLE_DISK:
        advice = "free some: a study keeps up to 1 GB of predictions beside its data"
        return Finding("folder", "note", text, advice)
    if found.filesystem in IN_MEMORY:
        return Finding("folder", "note", f"{text}: in memory, gone with the machine", "choose a folder on a disk")
    return Finding("folder", "ok", text)


def sqlite(facts: Facts) -> Finding:
    """The version that Python was built with. https://sqlite.org/wal.html has the WAL-reset bug."""
    version = _numbers(facts.sqlite)
    if version < (3, 24):
        advice = "use a Python that was built with SQLite 3.24 or later"
        return Finding("sqlite", "fault", f"SQLite {facts.sqlite} is too old for the journal", advice)
    if _resets(version):
        why = "its WAL-reset bug needs two connections that write, and a study has one"
        return Finding("sqlite", "ok", f"SQLite {facts.sqlite}; {why}")
    return Finding("sqlite", "ok", f"SQLite {facts.sqlite}")


def threads(facts: Facts) -> Finding | None:
    """Variables that a person may take for the threads of a run."""
    if not facts.threads:
        return None
    set_to = ", ".join(f"{name}={value}" for name, value in facts.threads.items())
    return Finding("threads", "ok", f"{set_to} holds outside the runs; a run has Study(threads=1), or what you give")


def shared_memory(facts: Facts) -> Finding | None:
    """The workers of a torch DataLoader hand their batches over through it."""
    if facts.shared is None:
        return None
    text = f"{_size(facts.shared)} in /dev/shm"
    if facts.shared < LITTLE_SHARED:
        advice = "DataLoader(num_workers=0), or start the container with --shm-size=2g: else a bus error may end a run"
        return Finding("shared memory", "note", text, advice)
    return Finding("shared memory", "ok", text)


def terminal(facts: Facts) -> Finding:
    """Messages hold characters such as ± and ·."""
    place = f"{facts.columns} columns" if facts.terminal else "no terminal: plain lines"
    try:
        "±·…×²√–".encode(facts.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return Finding(
            "terminal",
            "note",
            f"{place}, {facts.encoding or 'no encoding'}: ± and · cannot be shown",
            "set PYTHONUTF8=1",
        )
    return Finding("terminal", "ok", f"{place}, {facts.encoding}")


# -- extras ----------------------------------------------------------------------------------------------------------


def torch(facts: Facts) -> Finding:
    if facts.torch is None:
        return Finding("torch", "missing", f"for {USES['torch']}", INSTALL["torch"])
    found = facts.torch
    if found.error:
        advice = "install it anew; until then only functions without torch run"
        return Finding("torch", "note", f"torch {found.version} cannot be imported: {found.error}", advice)
    build = f"built for {found.cuda}" if found.cuda else "a CPU build"
    return Finding("torch", "ok", f"torch {found.version}, {build}")


def pandas(facts: Facts) -> Finding:
    return _extra("pandas", facts)


def polars(facts: Facts) -> Finding:
    return _extra("polars", facts)


def _extra(name: str, facts: Facts) -> Finding:
    if name not in facts.installed:
        return Finding(name, "missing", f"for {USES[name]}", INSTALL[name])
    return Finding(name, "ok", f"{name} {facts.installed[name]}, for {USES[name]}")


def gpus(facts: Facts) -> Finding:
    """What the driver has and what torch would use."""
    there = "; ".join(facts.gpus)
    used = facts.torch or Torch("")
    if used.gpus:
        narrowed = f" by CUDA_VISIBLE_DEVICES={facts.visible}" if facts.visible is not None else ""
        text = f"{used.gpus} for torch{narrowed}" + (f": {there}" if there else "")
        if len(facts.spread) != used.gpus:
            advice = "name those to use in CUDA_VISIBLE_DEVICES"
            return Finding("gpu", "note", f"{text}; Truing counts {len(facts.spread)}", advice)
        return Finding("gpu", "ok", f"{text}; runs are spread over them" if used.gpus > 1 else text)
    if used.mps:
        return Finding("gpu", "ok", "Apple's, by torch's mps")
    if not there:
        return Finding("gpu", "ok", "none: runs train on the CPU")
    if facts.torch is None or used.error:
        return Finding("gpu", "note", f"{there}; without torch nothing here uses it")
    if used.cuda is None:
        return Finding(
            "gpu", "note", f"{there}, but torch is a CPU build", "install torch by the CUDA line of its page"
        )
    if facts.visible is not None:
        advice = "unset CUDA_VISIBLE_DEVICES, or name one that is there"
        return Finding("gpu", "note", f"{there}, but CUDA_VISIBLE_DEVICES={facts.visible!r} leaves none", advice)
    advice = "compare the driver's version with the CUDA version that torch was built for"
    return Finding("gpu", "note", f"{there}, but torch finds none", advice)


# -- the trials ------------------------------------------------------------------------------------------------------


def inline(facts: Facts) -> Finding:
    return _tried("inline", "a run in the calling process (workers=0)", facts.inline, "")


def process(facts: Facts) -> Finding:
    if facts.process is None:
        return Finding("process", "note", "this system cannot fork: runs train in your own process", "give workers=0")
    advice = "until it is mended, workers=0 trains in your own process" if facts.inline.works else ""
    return _tried("process", "a run in a process", facts.process, advice)


def _tried(name: str, what: str, found: Tried, advice: str) -> Finding:
    if not found.works:
        return Finding(name, "fault", f"{what} fails: {found.why}", advice)
    return Finding(name, "ok", f"{what}: works, {found.run:.3f} s each; {found.start:.1f} s to start")


CHECKS: tuple[Callable[[Facts], Finding | None], ...] = (
    python,
    packages,
    cores,
    memory,
    disk,
    shared_memory,
    sqlite,
    torch,
    gpus,
    pandas,
    polars,
    threads,
    terminal,
    inline,
    process,
)


def _resets(version: tuple[int, ...]) -> bool:
    """Whether this SQLite has the WAL-reset bug: 3.7.0 to 3.51.2, but for the mended 3.44.6 and 3.50.7."""
    mended = any(version[:2] == branch[:2] and version >= branch for branch in ((3, 44, 6), (3, 50, 7)))
    return (3, 7) <= version < (3, 51, 3) and not mended


def _numbers(version: str) -> tuple[int, ...]:
    """
    >>> _numbers("2.13.0+cpu"), _numbers("3.9rc1") < _numbers("3.10")
    ((2, 13, 0), True)
    """
    return tuple(int(part) for part in re.findall(r"\d+", re.match(r"[\d.]*", version)[0]))  # type: ignore[index]


def _in(name: str, absent: list[str], old: list[str]) -> bool:
    return name in absent or any(text.split()[0] == name for text in old)


def _size(count: int) -> str:
    """
    >>> _size(64 * 2**20), _size(25_276_809_216), _size(3 * 2**40)
    ('64 MiB', '23.5 GiB', '3,072 GiB')
    """
    if count < GIB:
        return f"{count / MIB:.0f} MiB"
    return f"{count / GIB:.1f} GiB" if count < 100 * GIB else f"{count / GIB:,.0f} GiB"
