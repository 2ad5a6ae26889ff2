"""The limits of faked control groups, laid out as the kernel's documentation has them."""

from __future__ import annotations

from pathlib import Path

import pytest

from truing.doctor.control_groups import Limits, limits


def tree(root: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content + "\n")
    return root


V2, V1 = "sys/fs/cgroup/", "sys/fs/cgroup/"
SELF = "proc/self/cgroup"
ROOM = 9223372036854771712  # version 1's "no limit"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, Limits()),
        ({SELF: "0::/"}, Limits()),
        ({SELF: "0::/", V2 + "cpu.max": "150000 100000", V2 + "memory.max": "1073741824"}, Limits(1.5, 1 << 30)),
        ({SELF: "0::/", V2 + "cpu.max": "max 100000", V2 + "memory.max": "max"}, Limits()),
        # the tighter one above holds
        (
            {
                SELF: "0::/user/job",
                V2 + "user/cpu.max": "200000 100000",
                V2 + "user/job/cpu.max": "400000 100000",
                V2 + "user/job/memory.max": "2147483648",
            },
            Limits(2.0, 2 << 30),
        ),
        # in a container the own group is the mount, and its path from outside is not there
        ({SELF: "0::/docker/abc", V2 + "memory.max": "536870912"}, Limits(None, 512 << 20)),
        (
            {
                SELF: "5:cpu,cpuacct:/docker/abc\n4:memory:/docker/abc\n1:name=systemd:/docker/abc\n0::/",
                V1 + "cpu,cpuacct/cpu.cfs_quota_us": "50000",
                V1 + "cpu,cpuacct/cpu.cfs_period_us": "100000",
                V1 + "memory/docker/abc/memory.limit_in_bytes": "1073741824",
                V1 + "memory/memory.limit_in_bytes": str(ROOM),
            },
            Limits(0.5, 1 << 30),
        ),
        (
            {
                SELF: "5:cpu,cpuacct:/\n4:memory:/",
                V1 + "cpu/cpu.cfs_quota_us": "-1",
                V1 + "cpu/cpu.cfs_period_us": "100000",
                V1 + "memory/memory.limit_in_bytes": str(ROOM),
            },
            Limits(),
        ),
        ({SELF: "nonsense\n\n0::/", V2 + "cpu.max": "100000 0", V2 + "memory.max": "much"}, Limits()),
    ],
)
def test_the_tightest_limit_counts(tmp_path: Path, files: dict[str, str], expected: Limits) -> None:
    assert limits(tree(tmp_path, files)) == expected
