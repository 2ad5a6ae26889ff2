"""The memory-mapped row store: x, y and groups once on disk as .npy, for any number of workers to map.

data.json     kind, dtypes, length, fingerprint; written last, so a store without it is not one
x.npy         absent for a Dataset, and where x is a memory map of a file: data.json then says which
y.npy, groups.npy
"""

from __future__ import annotations

import contextlib
import errno
import json
import mmap
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from truing.data.bytes import plain
from truing.data.checksum import crc_of
from truing.data.tensor import to_tensor
from truing.errors import DataError, JournalError

if TYPE_CHECKING:
    from truing.data.data import Data

INDEX = "data.json"


def store(data: Data, folder: Path) -> str:
    """Write `data` into `folder` unless the same content is already there, undamaged; return its fingerprint.

    Each file is written under another name and renamed, data.json last: whatever is killed, what is there
    is whole.

    Raises:
        JournalError: a file cannot be written; `errno` says why.
    """
    fingerprint = data.fingerprint()
    file = file_behind(data.x) if data.kind == "array" else None
    old = _index(folder)
    if old is not None and old["fingerprint"] == fingerprint and _whole(folder, old, file):
        return fingerprint
    folder.mkdir(parents=True, exist_ok=True)
    (folder / INDEX).unlink(missing_ok=True)  # first, or it would vouch for half-replaced files
    index: dict[str, Any] = {"kind": data.kind, "rows": len(data), "fingerprint": fingerprint}
    if data.kind != "dataset":
        x, dtype = plain(data.x)
        index["x"] = {"dtype": dtype, **({"file": file} if file else {})}
        if file is None:
            index["x"]["crc"] = _write(folder / "x.npy", x)
    for name, values in (("y", data.labels), ("groups", data.group_labels)):
        if values is not None:
            index[name] = {"dtype": _torch_name(data.y) if name == "y" and data.y_as_tensor else values.dtype.str}
            index[name]["tensor"] = name == "y" and data.y_as_tensor
            index[name]["crc"] = _write(folder / f"{name}.npy", values)
    _write_text(folder / INDEX, json.dumps(index, indent=1))
    return fingerprint


def load(folder: Path, dataset: Any = None) -> tuple[Any, Any, Any]:
    """x, y and groups as `store` wrote them, mapped and not read."""
    index = _index(folder)
    if index is None:
        raise DataError(f"There is no data in {folder}: store it first.")
    if index["kind"] == "dataset":
        if dataset is None:
            raise DataError("x is a Dataset, which is not stored: give it as Data.open(folder, dataset).")
        if len(dataset) != index["rows"]:
            raise DataError(f"The Dataset has {len(dataset)} rows; the stored one had {index['rows']}.")
        x = dataset
    elif "file" in index["x"]:
        x = _reopened(index["x"]["file"])
    elif index["kind"] == "tensor":
        x = to_tensor(_mapped(folder / "x.npy", writable=True), index["x"]["dtype"])
    else:
        x = _mapped(folder / "x.npy")
    y = _mapped(folder / "y.npy", writable=index["y"]["tensor"]) if "y" in index else None
    if y is not None and index["y"]["tensor"]:
        y = _as_torch(y, index["y"]["dtype"])
    return x, y, _mapped(folder / "groups.npy") if "groups" in index else None


def file_behind(x: np.ndarray) -> dict[str, Any] | None:
    """Where x lies, if it is a memory map of a file that any process can map again; else None.

    A copy-on-write map is none, for its changes are in memory only, and neither is one with gaps.
    """
    base: Any = x
    while base is not None and not isinstance(base, np.memmap):
        base = getattr(base, "base", None)
    pages = getattr(base, "_mmap", None)  # None for a copy of rows of a map, which still is a memmap by type
    if base is None or pages is None or base.filename is None or base.mode == "c":
        return None
    if not (x.flags.c_contiguous or x.flags.f_contiguous):
        return None
    if base.mode != "r":
        base.flush()
    # A view keeps its parent's offset, so the true one is counted from the start of the map.
    start = base.offset - base.offset % mmap.ALLOCATIONGRANULARITY
    buffer = np.frombuffer(pages, dtype=np.uint8)
    offset = start + x.__array_interface__["data"][0] - buffer.__array_interface__["data"][0]
    return {
        "path": str(Path(base.filename).resolve()),
        "dtype": x.dtype.str,
        "shape": list(x.shape),
        "offset": int(offset),
        "order": "C" if x.flags.c_contiguous else "F",
    }


def _reopened(file: dict[str, Any]) -> np.ndarray:
    path = Path(file["path"])
    needed = file["offset"] + int(np.prod(file["shape"], dtype=np.int64)) * np.dtype(file["dtype"]).itemsize
    if not path.exists() or path.stat().st_size < needed:
        state = "is shorter than it was" if path.exists() else "is gone"
        raise DataError(f"The memory-mapped file {path}, which holds x, {state}: put it back.")
    shape = tuple(file["shape"])
    return np.memmap(path, file["dtype"], mode="r", offset=file["offset"], shape=shape, order=file["order"])


def _mapped(path: Path, *, writable: bool = False) -> np.ndarray:
    """The array in a .npy file, mapped.

    `writable` means copy-on-write: the file stays as it is, and torch, which knows no read-only memory, is
    content.
    """
    try:
        return np.load(path, mmap_mode="c" if writable else "r", allow_pickle=False)
    except FileNotFoundError:
        raise DataError(f"{path} is missing: delete {path.parent} so that the data is stored again.") from None
    except (ValueError, EOFError, OSError):  # an array without elements cannot be mapped
        try:
            return np.load(path, allow_pickle=False)
        except (ValueError, EOFError, OSError) as error:
            raise DataError(
                f"{path} is damaged ({error}): delete {path.parent} so that the data is stored again."
            ) from error


def _write(path: Path, array: np.ndarray) -> int:
    """Write the array whole or not at all; its file's checksum."""
    with _put(path, f"{array.nbytes / 1e6:.1f} MB") as temporary:
        with open(temporary, "wb") as file:
            np.save(file, array, allow_pickle=False)
        return crc_of(temporary)


def _write_text(path: Path, text: str) -> None:
    with _put(path, f"{len(text)} bytes") as temporary:
        temporary.write_text(text)


@contextlib.contextmanager
def _put(path: Path, size: str) -> Iterator[Path]:
    """Another name to write to; renamed at the end, and removed after an error.

    Raises:
        JournalError: the system refuses; its `errno` is kept, and NumPy, which keeps none, means a full disk.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        number = error.errno or errno.ENOSPC
        refused = JournalError(
            f"{path.name} ({size}) cannot be stored in {path.parent} ({os.strerror(number)}): make room, or choose "
            "another folder=; x as a memory-mapped file (np.load(..., mmap_mode='r')) is not copied."
        )
        refused.errno = number
        raise refused from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _index(folder: Path) -> dict[str, Any] | None:
    try:
        found = json.loads((folder / INDEX).read_text())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    return found if isinstance(found, dict) and "fingerprint" in found else None


def _whole(folder: Path, index: dict[str, Any], file: dict[str, Any] | None) -> bool:
    """True when the files that data.json speaks of are there undamaged, and x lies where it lay."""
    own = [name for name in ("x", "y", "groups") if name in index and "file" not in index[name]]
    same = index.get("x", {}).get("file") == file
    return same and all(_undamaged(folder / f"{name}.npy", index[name].get("crc")) for name in own)


def _undamaged(path: Path, crc: int | None) -> bool:
    try:
        return crc_of(path) == crc
    except OSError:
        return False


def _torch_name(y: Any) -> str:
    """The torch dtype that y had as a tensor, or "" for numbers from a list."""
    name = str(getattr(y, "dtype", ""))
    return name.removeprefix("torch.") if name.startswith("torch.") else ""


def _as_torch(y: np.ndarray, dtype: str) -> Any:
    import torch

    tensor = torch.from_numpy(np.asarray(y))
    return tensor.to(getattr(torch, dtype)) if dtype else tensor
