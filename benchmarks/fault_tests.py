"""Every fault test with 20 seeds: processes killed, disks full, files torn, clocks turned back, functions that hang.

A test fails where a fault loses a finished run, counts one twice, leaves a run or a process behind, or is not said.
`--only f16 --seeds 1 --no-write` gives a first look.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

from _record import record

ROOT = Path(__file__).parents[1]
SEEDS = 20


def carry_out(seeds: int, only: str, processes: int, report: Path) -> int:
    """Run the fault tests, show what pytest shows, and give its exit code."""
    files = sorted(file for file in (ROOT / "tests" / "faults").glob("test_*.py") if only in file.name)
    if not files:
        sys.exit(f"No file of tests/faults has {only!r} in its name: give a part of one, such as f16.")
    words = ["--fault-seeds", str(seeds), "-n", str(processes), "--dist", "loadfile", "-q", f"--junitxml={report}"]
    return subprocess.run([sys.executable, "-m", "pytest", *map(str, files), *words], cwd=ROOT, check=False).returncode


def counted(report: Path) -> tuple[Counter[str], list[str]]:
    """How many tests passed, failed and were skipped, and which failed, as pytest's report has it.

    An error while a test is set up or cleaned away is a failure of that test.
    """
    ends: dict[str, str] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        found = {child.tag for child in case}
        end = "failed" if found & {"failure", "error"} else "skipped" if "skipped" in found else "passed"
        ends[name] = "failed" if ends.get(name) == "failed" else end
    return Counter(ends.values()), sorted(name for name, end in ends.items() if end == "failed")


def main(given: argparse.Namespace) -> None:
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        code = carry_out(given.seeds, given.only, given.processes, report)
        if not report.exists():
            sys.exit(f"pytest ended with {code} and wrote no report: its own words stand above.")
        ends, failed = counted(report)
    minutes = (time.monotonic() - began) / 60
    skipped = f", {ends['skipped']:,} skipped" if ends["skipped"] else ""
    figure = f"{ends['passed']:,} passed, {ends['failed']:,} failed{skipped}; {minutes:.1f} min"
    if not given.write:
        print(f"fault_tests: {figure}")
        return
    record(
        "fault_tests",
        reached=code == 0 and not ends["failed"] and ends["passed"] > 0,
        figure=figure,
        seeds=given.seeds,
        passed=ends["passed"],
        failed=failed,
        skipped=ends["skipped"],
        minutes=round(minutes, 1),
    )


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--seeds", type=int, default=SEEDS, help="how often each test is carried out")
    parser.add_argument("--only", default="", help="the files of tests/faults whose name holds this")
    parser.add_argument("--processes", type=int, default=2, help="of pytest")
    parser.add_argument("--write", action=argparse.BooleanOptionalAction, default=True, help="into results/")
    found = parser.parse_args()
    if found.write and (found.only or found.seeds < SEEDS):
        parser.error(f"the table's row is that of all files with {SEEDS} seeds: add --no-write")
    return found


if __name__ == "__main__":
    main(parsed())
