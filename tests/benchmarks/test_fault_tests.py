"""The count of the fault tests is pytest's own, of a folder in which some fail."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from fault_tests import counted

SOME = """
import pytest

@pytest.fixture
def leaves_something():
    yield
    raise RuntimeError("it goes on")

@pytest.mark.parametrize("seed", range(3))
def test_passes(seed): pass

def test_fails(): assert 1 == 2

def test_is_skipped(): pytest.skip("no GPU")

@pytest.mark.xfail
def test_may_fail(): assert 1 == 2

def test_leaves(leaves_something): pass

def test_lacks(no_such_fixture): pass
"""


def test_passed_failed_and_skipped_are_counted_once_each(tmp_path: Path) -> None:
    (tmp_path / "test_some.py").write_text(SOME)
    report = tmp_path / "report.xml"
    words = ["-m", "pytest", "-q", "-p", "no:cacheprovider", f"--rootdir={tmp_path}", f"--junitxml={report}"]

    subprocess.run([sys.executable, *words, "test_some.py"], cwd=tmp_path, capture_output=True, check=False)
    ends, failed = counted(report)

    assert ends == {"passed": 3, "failed": 3, "skipped": 2}
    assert [name.partition("::")[2] for name in failed] == ["test_fails", "test_lacks", "test_leaves"]
