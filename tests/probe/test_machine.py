"""What timings hold for."""

from __future__ import annotations

import json
import os
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from truing.probe.machine import Machine, available, cores


def test_it_says_what_the_machine_is_and_not_whose() -> None:
    here = Machine.here()

    assert 1 <= here.cores <= (os.cpu_count() or 1)
    assert here.cores == cores()
    assert str(here.cores) in str(here)
    assert socket.gethostname() not in json.dumps(here.to_dict())


def test_stored_and_read_again_it_is_the_same() -> None:
    here = Machine.here("Some GPU")

    assert Machine.of(json.loads(json.dumps(here.to_dict()))) == here
    assert here.other_than(here) == []
    assert replace(here, gpu="").other_than(here) == ["gpu none, here Some GPU"]


@pytest.mark.skipif(not Path("/proc/meminfo").exists(), reason="the system has no /proc/meminfo")
def test_no_more_is_available_than_there_is() -> None:
    found, here = available(), Machine.here()

    assert found is not None
    assert here.memory is not None
    assert 0 <= found <= (here.memory + 1) * 2**30
