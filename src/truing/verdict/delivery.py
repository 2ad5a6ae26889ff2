"""FOLDER/model/: what the delivered network's run leaves, never mixed with what an earlier one left."""

from __future__ import annotations

import contextlib
import shutil
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Delivery:
    """The delivered network's files.

    Args:
        folder: the study's.
        dataset: whose network it is, where the study has several datasets.
    """

    folder: Path
    dataset: str = ""

    @property
    def _model(self) -> Path:
        return self.folder / "model" / self.dataset

    @property
    def _before(self) -> Path:
        return self.folder / "model.before" / self.dataset

    def begin(self, *, keep_old: bool) -> None:
        """Make room; the network of an earlier verdict is put aside until the new one is there."""
        if keep_old and self._model.exists() and not self._before.exists():
            self._before.parent.mkdir(exist_ok=True)
            self._model.rename(self._before)
        shutil.rmtree(self._model, ignore_errors=True)

    def end(self) -> None:
        """The new network is there."""
        shutil.rmtree(self._before, ignore_errors=True)
        if self.dataset:  # the folder of them all goes with the last
            with contextlib.suppress(OSError):
                self._before.parent.rmdir()

    def restore(self) -> None:
        """The new network could not be trained: the earlier one stays."""
        shutil.rmtree(self._model, ignore_errors=True)
        if self._before.exists():
            self._before.rename(self._model)
