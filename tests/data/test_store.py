"""What is stored comes back equal, mapped, once; a memory map is referred to, a Dataset left where it is."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from truing.data.data import Data
from truing.data.store import file_behind
from truing.errors import DataError


def mapped(array: np.ndarray) -> bool:
    base: Any = array
    while base is not None and not isinstance(base, np.memmap):
        base = getattr(base, "base", None)
    return base is not None


@pytest.mark.parametrize("dtype", ["uint8", "float16", "float32", "int64", "bool", "complex64"])
@pytest.mark.parametrize("y", [None, [1, 0, 1, 0, 1], list("abcab"), [0.5, 1, 2, 3, 4], [True] * 5])
def test_arrays_come_back_equal_and_mapped(dtype: str, y: Any, tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(5, 2, 3)).astype(dtype)
    data = Data(x, y, groups=None if y is None else [3, 3, 1, 1, 2])

    data.store(tmp_path)
    opened = Data.open(tmp_path)

    assert (opened.kind, opened.x.dtype) == ("array", x.dtype)
    assert np.array_equal(opened.x, x)
    assert mapped(opened.x)
    assert not opened.x.flags.writeable
    for name in ("labels", "group_labels"):
        kept, given = getattr(opened, name), getattr(data, name)
        assert (kept is None) == (given is None)
        assert given is None or (kept.dtype == given.dtype and kept.tolist() == given.tolist())
    assert opened.fingerprint() == data.fingerprint()


def test_object_text_needs_no_pickle(tmp_path: Path) -> None:
    Data(np.zeros((2, 1)), np.array(["é", "漢字"], dtype=object)).store(tmp_path)

    assert np.load(tmp_path / "y.npy", allow_pickle=False).tolist() == ["é", "漢字"]


def test_storing_again_writes_nothing_and_other_content_replaces(tmp_path: Path) -> None:
    data = Data(np.arange(6.0).reshape(3, 2), [0, 1, 0])
    data.store(tmp_path)
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}

    data.store(tmp_path)
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before

    data.x[0, 0] = 9
    old = Data.open(tmp_path)
    data.store(tmp_path)
    assert Data.open(tmp_path).x[0, 0] == 9
    assert old.x[0, 0] == 0  # who has mapped the old file keeps it


def test_a_store_that_was_cut_off_is_written_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop after each rename in turn, as a kill would; never may a wrong content pass for a store."""
    old, new = Data(np.zeros((3, 2)), [0, 0, 0]), Data(np.ones((3, 2)), [1, 1, 1])
    rename = os.replace

    for allowed in range(4):
        folder = tmp_path / str(allowed)
        old.store(folder)
        done = 0

        def cut_off(a: Any, b: Any, allowed: int = allowed) -> None:
            nonlocal done
            if done == allowed:
                raise KeyboardInterrupt
            done += 1
            rename(a, b)

        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", cut_off)
            try:
                new.store(folder)
            except KeyboardInterrupt:
                with pytest.raises(DataError, match="There is no data in"):
                    Data.open(folder)
        new.store(folder)
        assert Data.open(folder).fingerprint() == new.fingerprint()
        assert {path.name for path in folder.iterdir()} == {"data.json", "x.npy", "y.npy"}


@pytest.mark.parametrize(
    "view",
    [
        lambda m: m,
        lambda m: m[3:9],
        lambda m: m[4:],
        lambda m: np.asarray(m)[2:5],
        lambda m: m.T,
        lambda m: m[2],
    ],
    ids=["whole", "part", "tail", "plain view", "transposed", "one row"],
)
def test_a_memory_map_is_referred_to(view: Any, tmp_path: Path) -> None:
    """Offsets that do not lie on a page, and views, whose own `offset` is that of their parent."""
    content = np.arange(60, dtype=np.int32).reshape(10, 6)
    (tmp_path / "raw.dat").write_bytes(b"\0" * 5003 + content.tobytes())
    x = view(np.memmap(tmp_path / "raw.dat", np.int32, mode="r", offset=5003, shape=(10, 6)))

    Data(x).store(tmp_path / "store")
    opened = Data.open(tmp_path / "store")

    assert np.array_equal(opened.x, x)
    assert not (tmp_path / "store" / "x.npy").exists()


def test_a_npy_that_numpy_mapped_is_referred_to(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.arange(12.0).reshape(4, 3))

    Data(np.load(tmp_path / "x.npy", mmap_mode="r"), [0, 1, 0, 1]).store(tmp_path / "store")

    assert {path.name for path in (tmp_path / "store").iterdir()} == {"data.json", "y.npy"}
    assert Data.open(tmp_path / "store").x.tolist() == np.arange(12.0).reshape(4, 3).tolist()
    (tmp_path / "x.npy").unlink()
    with pytest.raises(DataError, match=r"x\.npy, which holds x, is gone: put it back"):
        Data.open(tmp_path / "store")


@pytest.mark.parametrize(
    "edit",
    [
        lambda m: m[::2],
        lambda m: m[[0, 1]],
        lambda m: m + 1,
        lambda m: np.memmap(m.filename, m.dtype, "c", shape=m.shape),
    ],
    ids=["with gaps", "copied rows", "computed", "copy on write"],
)
def test_what_only_looks_like_a_map_is_copied(edit: Any, tmp_path: Path) -> None:
    np.arange(12.0).tofile(tmp_path / "raw.dat")
    x = edit(np.memmap(tmp_path / "raw.dat", np.float64, mode="r", shape=(4, 3)))
    if x.flags.writeable:
        x[0, 0] = 77

    assert file_behind(x) is None
    Data(x).store(tmp_path / "store")
    assert np.array_equal(Data.open(tmp_path / "store").x, x)


def test_a_file_that_was_moved_is_referred_to_anew(tmp_path: Path) -> None:
    np.arange(12.0).tofile(tmp_path / "a.dat")
    Data(np.memmap(tmp_path / "a.dat", np.float64, mode="r", shape=(4, 3))).store(tmp_path / "store")
    (tmp_path / "a.dat").rename(tmp_path / "b.dat")

    Data(np.memmap(tmp_path / "b.dat", np.float64, mode="r", shape=(4, 3))).store(tmp_path / "store")

    assert Data.open(tmp_path / "store").x[3, 2] == 11


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="There is no data in"):
        Data.open(tmp_path)
    Data(np.zeros((2, 1)), [0, 1]).store(tmp_path)
    (tmp_path / "y.npy").unlink()
    with pytest.raises(DataError, match=r"y\.npy is missing: delete"):
        Data.open(tmp_path)


def test_rows_without_any_column_can_be_stored(tmp_path: Path) -> None:
    """There is nothing to map in an empty file."""
    Data(np.zeros((3, 0)), [0, 1, 0]).store(tmp_path)

    assert Data.open(tmp_path).x.shape == (3, 0)


# -- with torch ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16", "uint8", "int64", "bool"])
def test_tensors_come_back_as_tensors(dtype: str, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    x = (torch.arange(12).reshape(4, 3) * 0.7).to(getattr(torch, dtype))
    data = Data(x, torch.tensor([0.5, 1.5, 2.5, 3.5], dtype=torch.bfloat16))

    data.store(tmp_path)
    opened = Data.open(tmp_path)

    assert (opened.kind, opened.x.dtype, opened.y.dtype) == ("tensor", x.dtype, torch.bfloat16)
    assert torch.equal(opened.x, x)
    assert opened.take([3, 1]).y.tolist() == [3.5, 1.5]
    assert opened.fingerprint() == data.fingerprint()
    opened.x[0] = 1  # what one process writes into its map stays its own
    assert torch.equal(Data.open(tmp_path).x, x)


def test_a_list_of_labels_beside_a_tensor_is_a_tensor_from_the_store_too(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    data = Data(torch.zeros(3, 2), [1, 0, 1])

    data.store(tmp_path)

    assert [type(d.take([0]).y) for d in (data, Data.open(tmp_path))] == [torch.Tensor] * 2


def test_a_dataset_larger_than_memory_is_read_at_64_rows(tmp_path: Path) -> None:
    """10 million rows of 16 MB would be 160 TB; storing, hashing and planning read 64 of them."""
    torch = pytest.importorskip("torch")
    read: list[int] = []

    class Big(torch.utils.data.Dataset):  # type: ignore[misc, name-defined]
        def __len__(self) -> int:
            return 10**7

        def __getitem__(self, row: int) -> Any:
            if not 0 <= row < 10**7:
                raise IndexError(row)
            read.append(row)
            return torch.full((2,), row), row % 3

    dataset = Big()
    y = np.arange(10**7, dtype=np.int8) % 3
    data = Data(dataset, y, groups=np.arange(10**7, dtype=np.int32) // 1000)

    fingerprint = data.fingerprint()
    data.store(tmp_path)
    opened = Data.open(tmp_path, dataset)
    rows = opened.take(np.arange(10**6))

    assert len(read) == len(set(read)) <= 64
    assert {min(read), max(read)} == {0, 10**7 - 1}
    assert not (tmp_path / "x.npy").exists()
    assert opened.fingerprint() == fingerprint
    assert (rows.dataset()[7][0].tolist(), rows.y[7]) == ([7, 7], 1)
    with pytest.raises(DataError, match="x is a Dataset, which is not stored"):
        Data.open(tmp_path)
    with pytest.raises(DataError, match="The Dataset has 5 rows; the stored one had 10000000"):
        Data.open(tmp_path, torch.utils.data.TensorDataset(torch.zeros(5)))


def test_the_index_says_what_is_there(tmp_path: Path) -> None:
    data = Data(np.zeros((3, 2), np.float32), ["a", "b", "a"])

    assert data.store(tmp_path) == data.fingerprint() == json.loads((tmp_path / "data.json").read_text())["fingerprint"]
