"""Linear algebra in this process runs on as many threads as a run's own process has."""

import numpy as np  # noqa: F401 - loads the library whose threads are limited
from threadpoolctl import threadpool_info

from truing.execution.threads import ThreadLimit


def _threads() -> list[int]:
    return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]


def test_limits_while_held_and_puts_back() -> None:
    """The libraries' own report, before, while and after."""
    before = _threads()
    limit = ThreadLimit(1)
    limit.hold()
    assert set(_threads()) == {1}
    limit.close()
    assert _threads() == before
