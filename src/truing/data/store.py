"""The memory-mapped row store: x, y and the rest once on disk as .npy, for any number of workers to map.

data.json     kind, dtypes, length, fingerprint; written last, so a store without it is not one
x.npy         absent for a Dataset, and where x is a memory map of a file: data.json then says which
x.*.npy       the arrays that a pandas frame, a list or a sparse matrix is made of; data.json has the words to them
x.arrow       a polars frame, in polars' own file
y.npy, groups.npy, site.npy, time.npy, ids.npy
y.*           y as it was given, where it was a column of a frame
"""

from __future__ import annotations

import contextlib
import errno
import json
import mmap
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from truing.data.bytes import plain
from truing.data.checksum import crc_of
from truing.data.form import is_polars, parts, real, whole
from truing.data.polars_frame import StoredPolars
from truing.data.stored_labels import StoredLabels
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
    written: dict[str, int] = {}
    index: dict[str, Any] = {"kind": data.kind, "rows": len(data), "fingerprint": fingerprint}
    if data.kind in ("array", "tensor"):
        x, dtype = plain(data.x)
        index["x"] = {"dtype": dtype, **({"file": file} if file else {})}
        if file is None:
            written |= _write(folder / "x.npy", x)
    elif data.kind != "dataset":
        index["x"] = _write_form(folder, "x", data.x, written)
    if data.labels is not None:
        form = data.y_form
        index["y"] = {"dtype": _torch_name(data.y) if form == "tensor" else data.labels.dtype.str, "form": form}
        written |= _write(folder / "y.npy", data.labels)
        if form == "series":
            series = data.y.series if isinstance(data.y, StoredLabels) else data.y
            index["y"]["series"] = _write_form(folder, "y.series", series.to_frame(), written)
            index["y"]["nameless"] = series.name is None
    for name, values in _tags(data):
        index[name] = {"dtype": values.dtype.str}
        written |= _write(folder / f"{name}.npy", values)
    index["files"] = written
    _write_text(folder / INDEX, json.dumps(index, indent=1))
    return fingerprint


def load(folder: Path, dataset: Any = None) -> tuple[Any, Any, dict[str, Any]]:
    """x, y and what is beside them as `store` wrote them, mapped and not read."""
    index = _index(folder)
    if index is None:
        raise DataError(f"There is no data in {folder}: store it first.")
    if index["kind"] == "dataset":
        if dataset is None:
            raise DataError("x is a Dataset, which is not stored: give it as Data.open(folder, dataset).")
        if len(dataset) != index["rows"]:
            raise DataError(f"The Dataset has {len(dataset)} rows; the stored one had {index['rows']}.")
        x = dataset
    elif index["kind"] not in ("array", "tensor"):
        x = _form(folder, "x", index["kind"], index["x"])
    elif "file" in index["x"]:
        x = _reopened(index["x"]["file"])
    elif index["kind"] == "tensor":
        x = to_tensor(_mapped(folder / "x.npy", writable=True), index["x"]["dtype"])
    else:
        x = _mapped(folder / "x.npy")
    tags: dict[str, Any] = {
        name: _mapped(folder / f"{name}.npy") for name in ("groups", "site", "time", "ids") if name in index
    }
    return x, _y(folder, index["y"]) if "y" in index else None, tags


def _y(folder: Path, words: Mapping[str, Any]) -> Any:
    labels = _mapped(folder / "y.npy", writable=words["form"] == "tensor")
    if words["form"] == "tensor":
        return _as_torch(labels, words["dtype"])
    if words["form"] == "series":
        return StoredLabels(labels, "series", _form(folder, "y.series", "frame", words["series"]), words["nameless"])
    return StoredLabels(labels, "list") if words["form"] == "list" else labels


def _tags(data: Data) -> Iterator[tuple[str, np.ndarray]]:
    known = {"groups": data.group_labels, "site": data.site_labels, "time": data.times, "ids": data.id_labels}
    yield from ((name, values) for name, values in known.items() if values is not None)


def _write_form(folder: Path, name: str, x: Any, written: dict[str, int]) -> dict[str, Any]:
    """Write a frame, list or sparse matrix under names that begin with `name`; the words to read it by."""
    x = real(x)
    if is_polars(x):
        path = folder / f"{name}.arrow"
        with _put(path, f"{x.estimated_size() / 1e6:.1f} MB") as temporary:
            x.write_ipc(temporary)
            written[path.name] = crc_of(temporary)
        return {"arrow": True, "rows": len(x)}
    words, arrays = parts(x)
    for key, array in arrays.items():
        written |= _write(folder / f"{name}.{key}.npy", array)
    return {"words": words, "arrays": list(arrays)}


def _form(folder: Path, name: str, kind: str, found: Mapping[str, Any]) -> Any:
    if "arrow" in found:
        return StoredPolars(folder / f"{name}.arrow", found["rows"])
    return whole(kind, found["words"], {key: _mapped(folder / f"{name}.{key}.npy") for key in found["arrays"]})


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


def _write(path: Path, array: np.ndarray | list[np.ndarray]) -> dict[str, int]:
    """Write an array, or arrays of one dtype as the rows of one, whole or not at all; its name and checksum."""
    rows = array if isinstance(array, list) else [array]
    with _put(path, f"{sum(row.nbytes for row in rows) / 1e6:.1f} MB") as temporary:
        with open(temporary, "wb") as file:
            if isinstance(array, np.ndarray):
                np.save(file, array, allow_pickle=False)
            else:
                header = {"descr": array[0].dtype.str, "fortran_order": False, "shape": (len(array), len(array[0]))}
                np.lib.format.write_array_header_2_0(file, header)
                for row in array:  # one after the other, without a copy of them all
                    file.write(np.ascontiguousarray(row).tobytes())
        return {path.name: crc_of(temporary)}


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
    same = index.get("x", {}).get("file") == file
    own = index.get("files")
    return same and own is not None and all(_undamaged(folder / name, crc) for name, crc in own.items())


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
