"""F27: hundreds of tiny trials leave no descriptor, thread or process behind; benchmarks/leak.py does thousands."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import pytest

import truing as tr
from truing.loop import Session

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="descriptors are counted in /proc")


def train(run: Any) -> None:
    run.report(loss=run.config["x"])


def held() -> tuple[int, int, int]:
    """Open descriptors, threads, children."""
    me = os.getpid()
    children = sum(len(p.read_text().split()) for p in Path(f"/proc/{me}/task").glob("*/children"))
    return len(os.listdir("/proc/self/fd")), threading.active_count(), children


@pytest.mark.parametrize(("workers", "trials"), [(2, 300), (0, 300)])
def test_what_a_study_holds_does_not_grow_and_goes_with_it(
    tmp_path: Path, workers: int, trials: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if workers and not hasattr(os, "fork"):
        pytest.skip("processes need fork")

    def study(name: str) -> tr.Study:
        return tr.Study(train, tr.Space(x=tr.Float(0, 1)), metric=tr.Metric("loss", goal="min"), folder=tmp_path / name)

    study("warm").run(trials=3, workers=workers)  # the fork server stays, for the next study
    before, looks = held(), []
    step = Session.step

    def watched(session: Session, queue: Any) -> Any:
        if len(session.history.runs) % 20 == 0:
            looks.append(held())
        return step(session, queue)

    monkeypatch.setattr(Session, "step", watched)
    study("many").run(trials=trials, workers=workers)

    assert held() == before
    for count in range(3):
        early = max(look[count] for look in looks[: len(looks) // 3])
        assert max(look[count] for look in looks[len(looks) // 3 :]) <= early + 1
