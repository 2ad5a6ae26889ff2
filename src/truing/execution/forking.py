"""Fork this process, whatever threads it has."""

from __future__ import annotations

import os
import warnings


def fork() -> int:
    """os.fork, without the warning that threads of this process will not exist in the other.

    They are threads that the user's script or a library started, and no run may count on them.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()
