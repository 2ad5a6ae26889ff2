"""One coordinator a folder: a lock that the system itself frees when its holder dies, however it dies."""

from __future__ import annotations

import contextlib
import fcntl
import getpass
import json
import os
import socket
import time
import weakref
from datetime import datetime
from pathlib import Path
from types import TracebackType

from truing.errors import FolderInUseError, JournalError
from truing.storage.mounts import refuse_network

FILE = "lock"


class FolderLock:
    """A held folder; `release()` or the end of a `with` block frees it.

    The lock is flock(2) on the file `lock`: the file's text only says who holds it, and a text left behind by
    a killed process blocks nobody. The file stays: removing it would let two processes lock two files of one
    name.
    """

    def __init__(self, folder: Path, descriptor: int) -> None:
        self.folder = folder
        self._descriptor = descriptor
        _HELD.add(self)

    def release(self) -> None:
        """Free the folder; a second call does nothing."""
        if self._descriptor >= 0:
            os.ftruncate(self._descriptor, 0)
            # not by closing alone: a child on its way to its exec holds the same lock until it is there
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
            self._close()

    def _close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> FolderLock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def __del__(self) -> None:
        self._close()


_HELD: weakref.WeakSet[FolderLock] = weakref.WeakSet()


def _let_go_in_child() -> None:
    # A fork shares the lock: a data-loading worker that outlives a killed coordinator would keep the folder.
    # Closing the child's descriptor leaves the parent's lock as it is. (An exec closes it by O_CLOEXEC.)
    for lock in list(_HELD):
        lock._close()


os.register_at_fork(after_in_child=_let_go_in_child)


def hold(folder: Path) -> FolderLock:
    """Take `folder` for this coordinator, at once or not at all; the folder is made when it does not exist.

    A second call is refused in the same process too.

    Raises:
        FolderInUseError: another coordinator holds it; the message names process, host and since when.
        JournalError: the folder cannot be written to.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, hold(Path(folder)) as lock:
    ...     lock.folder == Path(folder)
    True
    """
    folder = Path(folder)
    path = folder / FILE
    refuse_network(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    except OSError as error:
        raise JournalError(
            f"The folder {folder} cannot be used ({error.strerror}): choose a folder that can be written to."
        ) from error
    try:
        _lock(descriptor)
        os.ftruncate(descriptor, 0)
        with contextlib.suppress(OSError):  # a full disk: the lock is held all the same, only without a name
            os.pwrite(descriptor, _who().encode(), 0)
    except BlockingIOError:
        holder = os.pread(descriptor, 4096, 0)
        os.close(descriptor)
        raise FolderInUseError(_refusal(folder, holder)) from None
    except OSError as error:
        os.close(descriptor)
        raise JournalError(f"The folder {folder} cannot be locked ({error.strerror}): use a local disk.") from error
    return FolderLock(folder, descriptor)


def refuse_held(folder: Path) -> None:
    """Refuse a folder that another coordinator holds, at once: before data are read, and without leaving a trace.

    Raises:
        FolderInUseError: as `hold`, which is still needed: this only spares the wait.
    """
    refuse_network(folder)
    try:
        descriptor = os.open(folder / FILE, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:  # nobody has been here, or `hold` will say what is wrong
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        raise FolderInUseError(_refusal(folder, os.pread(descriptor, 4096, 0))) from None
    except OSError:
        return
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> None:
    """Lock it, or raise BlockingIOError; a second look spares whoever meets `refuse_held` in its moment."""
    for pause in (0.01, 0.05, None):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if pause is None:
                raise
            time.sleep(pause)


def _who() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container may run under a number without a name
        user = str(os.getuid())
    started = datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")
    return json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "user": user, "started": started})


def _refusal(folder: Path, holder: bytes) -> str:
    look = f"let it finish, or stop it there; `truing show {folder}` shows how far it is."
    try:
        who = json.loads(holder)
        name = f"process {who['pid']} of {who['user']} on {who['host']} since {who['started']}"
    except (
        ValueError,
        KeyError,
        TypeError,
    ):  # it took the lock a moment ago and has not written its name yet
        name = "another process"
    return f"The folder {folder} is in use by {name}: {look}"
