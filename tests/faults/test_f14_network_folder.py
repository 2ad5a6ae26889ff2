"""F14: a folder on a network file system is refused with advice, before anything is made there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import truing as tr
from truing.errors import JournalError
from truing.storage import mounts


def train(run: Any) -> None:
    run.report(loss=run.config["x"])


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs"])
def test_a_study_on_a_network_disk_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    table = f"/dev/vda / ext4 rw 0 0\nhost:/share {tmp_path.resolve()} {kind} rw 0 0\n"
    real = Path.read_text

    def read_text(self: Path, *given: Any, **named: Any) -> str:
        return table if str(self) == "/proc/mounts" else real(self, *given, **named)

    monkeypatch.setattr(Path, "read_text", read_text)
    assert mounts.network_type(tmp_path) == kind
    study = tr.Study(
        train, space=tr.Space(x=tr.Float(0, 1)), metric=tr.Metric("loss", goal="min"), folder=tmp_path / "study"
    )

    with pytest.raises(JournalError, match=rf"network file system \({kind}\).*put the study's folder on a local disk"):
        study.run(trials=1, workers=0)

    assert list(tmp_path.iterdir()) == []
