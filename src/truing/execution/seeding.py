"""One seed for every global random generator of a run, and one number of threads for torch."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import random
import sys
import types
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np


@contextmanager
def seeded(seed: int, threads: int) -> Iterator[None]:
    """Seed Python's, NumPy's and torch's global generators and set torch's threads; put all back afterwards.

    torch is never imported for this. Where the run itself imports it, it is seeded at that moment: else a run's
    numbers would depend on whether an earlier run of the same process had imported it.
    """
    python_state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002 - the user's global state
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    torch = _Torch(seed, threads)
    late = None
    if "torch" in sys.modules:
        torch.take(sys.modules["torch"])
    else:
        late = _WhenImported(torch)
        sys.meta_path.insert(0, late)
    try:
        yield
    finally:
        if late is not None and late in sys.meta_path:
            sys.meta_path.remove(late)
        random.setstate(python_state)
        np.random.set_state(numpy_state)  # noqa: NPY002
        torch.put_back()


def random_state() -> tuple[Any, dict[str, np.ndarray]]:
    """The state of every global random generator, as JSON values and arrays."""
    version, internal, gauss = random.getstate()
    kind, keys, *rest = np.random.get_state()  # noqa: NPY002
    plain = {"python": [version, gauss], "numpy": [kind, *rest]}
    arrays = {"python": np.array(internal, dtype=np.int64), "numpy": np.asarray(keys)}
    torch = _loaded_torch()
    if torch is not None:
        arrays["torch"] = torch.get_rng_state().numpy()
        if torch.cuda.is_initialized():
            arrays |= {f"cuda{n}": state.cpu().numpy() for n, state in enumerate(torch.cuda.get_rng_state_all())}
    return plain, arrays


def put_back_random_state(plain: Any, arrays: Mapping[str, np.ndarray]) -> None:
    """Set every global random generator to what `random_state` found."""
    version, gauss = plain["python"]
    random.setstate((version, tuple(arrays["python"].tolist()), gauss))
    kind, position, has_gauss, cached = plain["numpy"]
    np.random.set_state((kind, arrays["numpy"], position, has_gauss, cached))  # noqa: NPY002
    torch = _loaded_torch()
    if torch is not None and "torch" in arrays:
        torch.set_rng_state(torch.as_tensor(arrays["torch"]))
        devices = [torch.as_tensor(arrays[f"cuda{n}"]) for n in range(len(arrays)) if f"cuda{n}" in arrays]
        if devices and torch.cuda.is_available() and torch.cuda.device_count() == len(devices):
            torch.cuda.set_rng_state_all(devices)


def _loaded_torch() -> Any:
    torch = sys.modules.get("torch")
    return torch if hasattr(torch, "get_rng_state") else None


class _Torch:
    """torch's random state and threads, before and during a run."""

    def __init__(self, seed: int, threads: int) -> None:
        self._seed, self._threads = seed, threads
        self._before: tuple[Any, Any, int, list[Any]] | None = None

    def take(self, torch: Any) -> None:
        if not hasattr(torch, "get_rng_state"):  # half imported, or something else of that name
            return
        cuda = getattr(torch, "cuda", None)
        devices = cuda.get_rng_state_all() if cuda is not None and cuda.is_initialized() else []
        self._before = (torch, torch.get_rng_state(), torch.get_num_threads(), devices)
        torch.manual_seed(self._seed)
        torch.set_num_threads(self._threads)  # even if it says so already: see threads.py

    def put_back(self) -> None:
        if self._before is None:
            return
        torch, state, threads, devices = self._before
        torch.set_rng_state(state)
        if devices:
            torch.cuda.set_rng_state_all(devices)
        torch.set_num_threads(threads)


class _WhenImported(importlib.abc.MetaPathFinder):
    """Hands torch over when its import has ended, and is gone from then on."""

    def __init__(self, torch: _Torch) -> None:
        self._torch = torch

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != "torch":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec("torch")
        loader = spec.loader if spec is not None else None
        if spec is None or loader is None or not hasattr(loader, "exec_module"):
            return spec
        execute = loader.exec_module

        def exec_module(module: types.ModuleType) -> None:
            execute(module)
            self._torch.take(module)

        loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec
