"""An .npz file with the arrays x, y and perhaps groups, as rows of a study that stands already."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from truing.errors import UsageError


@dataclass(frozen=True, eq=False)
class Arrays:
    """What a file holds.

    Args:
        name: how the set is called.
        file: where it was read from.
        x, y, groups: as they are stored; groups may be absent.
    """

    name: str
    file: Path
    x: np.ndarray
    y: np.ndarray
    groups: np.ndarray | None

    def like(self, data: Any) -> Any:
        """A Data of these rows in the type of the study's.

        Raises:
            UsageError: the study's x is no array or tensor, or of another kind of number.
        """
        from truing.data.data import Data

        if data is None or data.kind not in ("array", "tensor"):
            kind = "none" if data is None else data.kind
            raise UsageError(
                f"{self.file} holds arrays, but the study's x is of kind {kind}: call "
                "study.external(name, tr.Data(...)) in Python."
            )
        wanted = np.dtype(str(data.x.dtype).removeprefix("torch.") if data.kind == "tensor" else data.x.dtype)
        if self.x.dtype.kind != wanted.kind and not (self.x.dtype.kind in "iu" and wanted.kind in "iu"):
            raise UsageError(
                f"x of {self.file} is {self.x.dtype} and the study's x {wanted}: give it on that scale, as {wanted}."
            )
        if tuple(self.x.shape[1:]) != tuple(data.x.shape[1:]):
            raise UsageError(
                f"The rows of {self.file} have shape {tuple(self.x.shape[1:])} and those of the study "
                f"{tuple(data.x.shape[1:])}: give both in the same shape."
            )
        x: Any = self.x.astype(wanted)
        if data.kind == "tensor":
            import torch

            x = torch.from_numpy(x)
        return Data(x, self.y, groups=self.groups)


def named(text: str) -> tuple[str, Path]:
    """NAME=FILE.npz as a name and an absolute path.

    Raises:
        UsageError: it is not of that form.

    >>> named("usps=usps.npz")[0]
    'usps'
    """
    name, equals, file = text.partition("=")
    if not (name and equals and file):
        raise UsageError(f"--external takes NAME=FILE.npz, such as usps=usps.npz, got {text!r}.")
    return name, Path(file).expanduser().absolute()


def arrays(name: str, file: Path) -> Arrays:
    """Read a file; nothing in it is ever unpickled.

    Raises:
        UsageError: no such file, none of NumPy's, x or y missing, or lengths and types that do not fit.
    """
    try:
        with np.load(file, allow_pickle=False) as content:
            if not isinstance(content, np.lib.npyio.NpzFile):
                raise UsageError(f"{file} holds a single array; save both: np.savez(file, x=x, y=y).")
            missing = [part for part in ("x", "y") if part not in content.files]
            if missing:
                there = ", ".join(content.files) or "none"
                raise UsageError(
                    f"{file} has no array {' and no array '.join(missing)} (it has {there}): np.savez(file, x=x, y=y)."
                )
            x, y = content["x"], content["y"]
            groups = content["groups"] if "groups" in content.files else None
    except UsageError:
        raise
    except FileNotFoundError:
        raise UsageError(f"There is no file {file}; give NAME=FILE.npz with arrays x and y.") from None
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise UsageError(
            f"{file} cannot be read as an .npz file without pickled objects ({type(error).__name__}: {error}): "
            "np.savez(file, x=x, y=y) writes one."
        ) from error
    for part, values in (("y", y), ("groups", groups)):
        if values is not None and values.shape != (len(x) if x.ndim else 0,):
            shown = "x".join(map(str, values.shape)) or "a single value"
            raise UsageError(
                f"{part} of {file} has shape {shown} for {len(x) if x.ndim else 0} rows of x: give one a row."
            )
    if x.dtype.kind not in "biuf":
        raise UsageError(f"x of {file} has dtype {x.dtype}: give numbers.")
    return Arrays(name, file, x, y, groups)
