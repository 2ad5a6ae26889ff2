"""What timings hold for."""

from __future__ import annotations

import importlib.util
import json
import os
import socket
from dataclasses import replace
from pathlib import Path

import pytest

import truing as tr
from truing.errors import UsageError
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


@pytest.mark.parametrize("asked", [tr.inspect, tr.runtime, tr.range_test])
def test_without_pytorch_the_sentence_names_what_was_asked_for(monkeypatch, asked) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if name == "torch" else found(name, *more)
    )
    with pytest.raises(UsageError, match=f"^{asked.__name__} needs PyTorch, which is not installed"):
        asked(lambda config: None)
