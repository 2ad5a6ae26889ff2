"""Each finding on faked facts: what is good, what is said, and what to do."""

from __future__ import annotations

import ast
import json
import re
import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from truing.doctor.facts import EXTRAS, Disk, Facts, Torch
from truing.doctor.findings import GIB, INSTALL, MIB, USES, Finding, can_run, document, findings
from truing.doctor.text import text
from truing.doctor.trial import Tried

SOURCE = Path(__file__).parents[2] / "src" / "truing"
GOOD = Facts(
    truing="0.1.0",
    python="CPython 3.11.9",
    system="Linux 6.1.0 x86_64",
    wanted={"numpy": "1.26", "rich": "13.7"},
    installed={"numpy": "2.4.6", "rich": "13.10.0", "pandas": "3.1.1", "polars": "2.1.0"},
    cores=8,
    allowed=8,
    disk=Disk(70 * GIB, "ext4"),
    sqlite="3.53.0",
    inline=Tried(True, 0.4, 0.003),
    process=Tried(True, 0.5, 0.012),
    memory=24 * GIB,
    available=20 * GIB,
    torch=Torch("2.9.0", "12.8", gpus=1),
    gpus=("NVIDIA H100, 81559 MiB",),
    spread=("0",),
    shared=12 * GIB,
)


def found(name: str, **changes: object) -> Finding:
    (one,) = [finding for finding in findings(replace(GOOD, **changes)) if finding.name == name]  # type: ignore[arg-type]
    return one


def test_a_good_machine_has_nothing_to_say() -> None:
    made = findings(GOOD)

    assert {finding.status for finding in made} == {"ok"}
    assert [finding.advice for finding in made if finding.advice] == []
    assert can_run(made)


@pytest.mark.parametrize(
    ("name", "changes", "status", "says", "advises"),
    [
        ("packages", {"wanted": {}}, "note", "runs from its source", ""),
        ("packages", {"installed": {"rich": "13.10"}}, "fault", "numpy", 'pip install "numpy>=1.26"'),
        ("packages", {"installed": {"numpy": "1.9", "rich": "14.0"}}, "fault", "numpy 1.9 (needs 1.26)", "numpy>=1.26"),
        ("cores", {"allowed": 2}, "ok", "2 cores of the machine's 8", ""),
        (
            "cores",
            {"cpu_limit": 1.5},
            "note",
            "8 cores are seen, but the container grants the time of 1.5",
            "workers=1",
        ),
        ("cores", {"cpu_limit": 0.5}, "note", "of 0.5", "workers=1"),
        ("cores", {"cpu_limit": 16.0}, "ok", "8 cores: as many runs", ""),
        ("cores", {"cores": 1, "allowed": 1}, "ok", "1 core:", ""),
        ("memory", {"memory": None}, "note", "does not say", ""),
        ("memory", {"available": None}, "ok", "24.0 GiB", ""),
        ("memory", {"available": GIB}, "note", "24.0 GiB, 1.0 GiB of it available", "workers=1"),
        ("memory", {"memory_limit": 512 * MIB}, "note", "the container grants 512 MiB", "workers=1"),
        ("memory", {"memory_limit": 8 * GIB}, "ok", "the container grants 8.0 GiB", ""),
        ("folder", {"disk": Disk(70 * GIB, "nfs4", network=True)}, "fault", "on nfs4: a network", "local disk"),
        ("folder", {"disk": Disk(70 * GIB, "ext4", writable=False)}, "fault", "cannot be written", "another folder"),
        ("folder", {"disk": Disk(100 * MIB, "ext4")}, "note", "100 MiB free on ext4", "free some"),
        ("folder", {"disk": Disk(70 * GIB, "tmpfs")}, "note", "gone with the machine", "on a disk"),
        ("folder", {"disk": Disk(70 * GIB)}, "ok", "70.0 GiB free", ""),
        ("shared memory", {"shared": 64 * MIB}, "note", "64 MiB in /dev/shm", "--shm-size"),
        ("sqlite", {"sqlite": "3.23.1"}, "fault", "too old", "3.24"),
        ("terminal", {"encoding": "ascii"}, "note", "cannot be shown", "PYTHONUTF8=1"),
        ("terminal", {"encoding": ""}, "note", "no encoding", "PYTHONUTF8=1"),
        ("terminal", {"terminal": True, "columns": 132}, "ok", "132 columns", ""),
        ("threads", {"threads": {"OMP_NUM_THREADS": "8"}}, "ok", "OMP_NUM_THREADS=8", ""),
        ("torch", {"torch": None}, "missing", "TorchTrainer", ".[torch]"),
        ("torch", {"torch": Torch("2.9.0", error="libcudart.so.12: no such file")}, "note", "libcudart", "anew"),
        ("torch", {"torch": Torch("2.9.0+cpu")}, "ok", "a CPU build", ""),
        ("gpu", {"torch": Torch("2.9.0+cpu")}, "note", "H100, 81559 MiB, but torch is a CPU build", "CUDA line"),
        ("gpu", {"torch": Torch("2.9.0", "12.8")}, "note", "but torch finds none", "driver"),
        ("gpu", {"torch": Torch("2.9.0", "12.8"), "visible": "7"}, "note", "CUDA_VISIBLE_DEVICES='7'", "unset"),
        ("gpu", {"torch": None}, "note", "without torch", ""),
        ("gpu", {"torch": Torch("2.9.0", "12.8", gpus=2), "spread": ("0", "1")}, "ok", "spread over them", ""),
        ("gpu", {"spread": ()}, "note", "Truing counts 0", "CUDA_VISIBLE_DEVICES"),
        ("pandas", {"installed": {}}, "missing", "pandas frame", "pip install pandas"),
        ("polars", {}, "ok", "polars 2.1.0", ""),
        ("gpu", {"gpus": (), "torch": Torch("2.9.0+cpu")}, "ok", "none", ""),
        ("gpu", {"gpus": (), "torch": Torch("2.9.0", mps=True)}, "ok", "mps", ""),
        ("gpu", {"visible": "0"}, "ok", "1 for torch by CUDA_VISIBLE_DEVICES=0: NVIDIA", ""),
        ("inline", {"inline": Tried(False, why="no space left")}, "fault", "no space left", ""),
        ("process", {"process": None}, "note", "cannot fork", "workers=0"),
        ("process", {"process": Tried(False, why="it did not end")}, "fault", "it did not end", "workers=0"),
        ("process", {}, "ok", "works, 0.012 s each", ""),
    ],
)
def test_a_finding(name: str, changes: dict[str, object], status: str, says: str, advises: str) -> None:
    one = found(name, **changes)

    assert one.status == status
    assert says in one.text
    assert advises in one.advice
    assert bool(advises) == bool(one.advice)


@pytest.mark.parametrize(
    ("version", "affected"),
    [
        ("3.40.1", True),
        ("3.44.5", True),
        ("3.44.6", False),
        ("3.45.0", True),
        ("3.50.6", True),
        ("3.50.7", False),
        ("3.51.0", True),
        ("3.51.2", True),
        ("3.51.3", False),
        ("3.53.0", False),
    ],
)
def test_the_wal_reset_bug_is_named_where_it_is_and_troubles_nobody(version: str, affected: bool) -> None:
    """https://sqlite.org/wal.html: 3.7.0 to 3.51.2, mended in 3.44.6, 3.50.7, 3.51.3 and 3.53.0."""
    one = found("sqlite", sqlite=version)

    assert one.status == "ok"
    assert ("WAL-reset" in one.text) == affected


def test_nothing_is_said_of_what_is_not_there() -> None:
    names = {finding.name for finding in findings(replace(GOOD, shared=None, threads={}))}

    assert not {"shared memory", "threads"} & names


def test_only_a_fault_keeps_it_from_running() -> None:
    assert can_run(findings(replace(GOOD, torch=None, cpu_limit=1.0, process=None)))
    assert not can_run(findings(replace(GOOD, inline=Tried(False, why="x"))))


def test_every_extra_is_one_that_truing_imports_and_every_other_is_needed() -> None:
    """An extra that nothing uses would be advice to install what does not help; one not named would be missed."""
    imported = set()
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            imported |= {name.partition(".")[0] for name in names}
    project = tomllib.loads((SOURCE.parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = {re.match(r"[\w-]+", line)[0] for line in project["dependencies"]}  # type: ignore[index]
    ours = {
        "truing",
        "sklearn",
        "markupsafe",
        *sys.stdlib_module_names,
        *needed,
    }  # scikit-learn's, and a part of jinja2

    assert set(EXTRAS) == set(USES) == set(INSTALL) == imported - ours


@pytest.mark.parametrize("width", [80, 60, 120])
def test_the_text_fits(width: int) -> None:
    bad = replace(
        GOOD,
        sqlite="3.40.1",
        torch=Torch("2.9.0+cpu"),
        shared=64 * MIB,
        disk=Disk(100 * MIB, "ext4"),
        process=Tried(False, why="it did not end within 120 s"),
        threads={"OMP_NUM_THREADS": "8", "MKL_NUM_THREADS": "8"},
    )
    printed = text(findings(bad), width)

    assert max(map(len, printed.splitlines())) <= width
    assert [line.split()[0] for line in printed.splitlines() if line[:1].isalpha()].count("fault") == 1
    assert "does not run here as it stands: process." in " ".join(printed.split())
    assert " ".join(printed.split()).endswith("truing doctor --json")


def test_the_document_is_plain() -> None:
    made = findings(GOOD)

    told = json.loads(json.dumps(document(GOOD, made), allow_nan=False))

    assert told["can_run"] is True
    assert told["facts"]["disk"]["filesystem"] == "ext4"
    assert set(told["findings"][0]) == {"name", "status", "text", "advice"}
