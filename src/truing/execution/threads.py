"""As many threads for linear algebra in this process as a run has in a process of its own.

A product of matrices on two threads adds up in another order than on one, so a run would give other numbers inline.
"""

from __future__ import annotations

import sys
from typing import Any


class ThreadLimit:
    """Limits the threads of the BLAS and OpenMP libraries loaded so far; `close` puts them back.

    Args:
        threads: of one run.
    """

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._limits: list[Any] = []
        self._modules = 0
        self._torch: int | None = None

    def hold(self) -> None:
        """Limit the libraries that were loaded since the last call; looking for them takes a millisecond."""
        if len(sys.modules) == self._modules:
            return
        from threadpoolctl import threadpool_limits

        torch = sys.modules.get("torch")
        if torch is not None and self._torch is None:
            # asked before the limit, which it would repeat; its linear algebra has a number of its own beside OpenMP's
            self._torch = torch.get_num_threads()
            torch.set_num_threads(self._threads)
        self._limits.append(threadpool_limits(self._threads))
        self._modules = len(sys.modules)

    def close(self) -> None:
        """Put back what was there before."""
        while self._limits:
            self._limits.pop().restore_original_limits()
        if self._torch is not None:
            sys.modules["torch"].set_num_threads(self._torch)
            self._torch = None
        self._modules = 0
