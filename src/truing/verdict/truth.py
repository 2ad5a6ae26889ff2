"""The labels of the locked rows beside the kept predictions for them: what a confusion matrix or a ROC needs later."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from truing.errors import DataError
from truing.setting import Setting

FILE = Path("predictions") / "locked-truth.npz"


def keep_truth(setting: Setting, folder: Path) -> None:
    """Write class codes or values, and codes of the groups, of the locked rows, in the order of their predictions.

    Nothing where there are no locked rows, or none with labels.
    """
    rows, official = setting.plan.locked, setting.official is not None
    source = setting.official if official else setting.data
    if rows is None or source is None or source.labels is None:
        return
    kept = {"truth": setting.truth(rows, official=official)}
    if source.group_labels is not None:
        kept["groups"] = np.unique(source.group_labels[rows], return_inverse=True)[1].reshape(-1)
    path = folder / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    with part.open("wb") as file:
        np.savez(file, **kept)  # type: ignore[arg-type]
    part.replace(path)


def kept_truth(folder: Path) -> tuple[np.ndarray, np.ndarray | None]:
    """Codes or values (n,), and the codes of the groups (n,) or None.

    Raises:
        DataError: they were not kept, or the file is damaged (it carries checksums).
    """
    path = folder / FILE
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as found:
            return np.asarray(found["truth"]), np.asarray(found["groups"]) if "groups" in found else None
    except FileNotFoundError:
        raise DataError(
            f"The labels of the locked rows were not kept ({path}): a verdict made with this version keeps them."
        ) from None
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise DataError(f"The kept labels of the locked rows are damaged ({path}: {error}).") from error
