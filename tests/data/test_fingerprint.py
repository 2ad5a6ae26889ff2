"""The fingerprint changes with the content and with nothing else."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from truing.data.data import Data
from truing.data.fingerprint import sampled

X = np.arange(12, dtype=np.float32).reshape(4, 3)


class Items:
    def __init__(self, items: list[Any]) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, row: int) -> Any:
        item = self.items[row]
        return item() if callable(item) else item


def test_equal_content_has_one_fingerprint_however_it_lies_in_memory() -> None:
    gaps = np.zeros((8, 3), np.float32)
    gaps[::2] = X

    prints = {Data(x, [0, 1, 0, 1]).fingerprint() for x in (X, X.copy(), np.asfortranarray(X), gaps[::2])}

    assert len(prints) == 1


def test_every_kind_of_change_is_seen() -> None:
    edited, y = X.copy(), [0, 1, 0, 1]
    edited[3, 2] += 1e-6 * edited[3, 2]
    variants = [
        Data(X, y),
        Data(edited, y),
        Data(X.astype(np.float64), y),
        Data(X.view(np.int32), y),
        Data(X.reshape(4, 3, 1), y),
        Data(X[::-1], y),
        Data(X, [0, 1, 1, 1]),
        Data(X, ["0", "1", "0", "1"]),
        Data(X),
        Data(X, groups=y),
        Data(X, y, groups=y),
    ]

    assert len({data.fingerprint() for data in variants}) == len(variants)


def test_an_array_edited_later_is_another() -> None:
    data = Data(X.copy())
    before = data.fingerprint()

    data.x[0, 0] = 5

    assert data.fingerprint() != before


def test_chunks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(0).normal(size=(1000, 7))
    whole = Data(x).fingerprint()

    monkeypatch.setattr("truing.data.bytes.CHUNK", 100)

    assert Data(x).fingerprint() == whole


@pytest.mark.parametrize("n", [1, 2, 63, 64, 65, 1000, 10**9])
def test_sampled_rows_are_spread_evenly(n: int) -> None:
    rows = sampled(n)

    assert len(rows) == min(n, 64)
    assert (rows[0], rows[-1]) == (0, n - 1)
    assert len(rows) < 3 or np.ptp(np.diff(rows)) <= 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 2),
        (1, 1.0),
        ("a", b"a"),
        (None, 0),
        ((1, 2), [1, 2]),
        ((1, (2, 3)), ((1, 2), 3)),
        ({"a": 1}, {"a": 2}),
        ({"a": 1}, {"b": 1}),
        (np.zeros(2), np.zeros(3)),
        (np.zeros(2, np.float32), np.zeros(2, np.int32)),
        (np.array(["a"], dtype=object), np.array(["b"], dtype=object)),
    ],
)
def test_rows_of_a_dataset_are_told_apart(one: Any, other: Any) -> None:
    assert Data(Items([one])).fingerprint() != Data(Items([other])).fingerprint()
    assert Data(Items([one])).fingerprint() == Data(Items([one])).fingerprint()


def test_the_order_of_keys_does_not_matter() -> None:
    assert Data(Items([{"a": 1, "b": 2}])).fingerprint() == Data(Items([{"b": 2, "a": 1}])).fingerprint()


def test_images_and_tensors_count_by_content() -> None:
    torch = pytest.importorskip("torch")

    class Image:  # what PIL's images have
        mode, size = "L", (2, 1)

        def __init__(self, content: bytes) -> None:
            self.content = content

        def tobytes(self) -> bytes:
            return self.content

    assert Data(Items([Image(b"ab")])).fingerprint() == Data(Items([Image(b"ab")])).fingerprint()
    assert Data(Items([Image(b"ab")])).fingerprint() != Data(Items([Image(b"ac")])).fingerprint()
    ones, halves = torch.ones(3), torch.ones(3, dtype=torch.bfloat16)
    assert Data(Items([ones])).fingerprint() == Data(Items([ones.clone()])).fingerprint()
    assert Data(Items([ones])).fingerprint() != Data(Items([halves])).fingerprint()


def test_augmentation_changes_nothing_and_leaves_the_global_streams_alone() -> None:
    torch = pytest.importorskip("torch")
    draws = [lambda: random.random(), lambda: np.random.rand(), lambda: torch.rand(2)]  # noqa: NPY002
    before = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()  # type: ignore[index]  # noqa: NPY002

    first = Data(Items(draws)).fingerprint()

    after = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()  # type: ignore[index]  # noqa: NPY002
    assert before == after
    assert Data(Items(draws)).fingerprint() == first
