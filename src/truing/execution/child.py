"""The life of one run in the process that was forked for it."""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import os
import signal
import sys
import traceback
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from truing.execution import descendants
from truing.execution.channel import Channel
from truing.execution.failure import failure, tail
from truing.execution.job import Job
from truing.execution.worker import Outcome, perform
from truing.record.interfaces import Decision, RunSpec
from truing.record.state import State

PR_SET_PDEATHSIG = 1
TOLD = 70  # exit code after a fault of Truing itself; its traceback is in the run's output


class _CoordinatorGoneError(BaseException):
    """Nobody is left to report to; it passes through `except Exception` in the objective."""


def live(job: Job, spec: RunSpec, descriptor: int, parent: int, scratch: Path) -> NoReturn:
    """Train, report, and end by os._exit, so that nothing of the script's own end happens twice.

    Args:
        descriptor: this end of the run's channel.
        parent: the fork server's process number.
        scratch: the folder for the run's own files.
    """
    code = TOLD
    try:
        os.setpgid(0, 0)
        _die_with(parent)
        descendants.adopt_orphans()  # so that all it starts is found below it, and is gone with it
        _offer()
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        log = _write_to(job.output(spec.run))
        channel = Channel.of(descriptor)
        me = os.getpid()

        def send(epoch: int, score: float | None) -> Decision:
            try:
                channel.send(["reported", epoch, score])
                return Decision(channel.receive())
            except (EOFError, OSError):
                raise _CoordinatorGoneError from None

        outcome = perform(job, spec, send, scratch, stops=_CoordinatorGoneError)
        if os.getpid() != me:  # a process that the objective forked, and that came back with its result
            os._exit(0)
        _flush()
        if "reason" in outcome:
            outcome = _with_output(outcome, job, spec, log)
        _tell(channel, outcome)
        code = 0
    except (_CoordinatorGoneError, BrokenPipeError, ConnectionResetError):
        code = 0
    except BaseException:
        with contextlib.suppress(BaseException):
            os.write(2, traceback.format_exc().encode("utf-8", "replace"))
    finally:
        os._exit(code)


def _tell(channel: Channel, outcome: Outcome) -> None:
    try:
        channel.send(["finished", outcome])
    except (TypeError, ValueError) as error:  # a value that is not JSON
        reason = failure(error).to_dict()
        channel.send(["finished", {"run": outcome["run"], "state": str(State.FAILED), "reason": reason}])


def _with_output(outcome: Outcome, job: Job, spec: RunSpec, log: int) -> Outcome:
    """The reason with what the run wrote before it failed; the traceback goes into its output too."""
    reason: dict[str, Any] = dict(outcome["reason"])
    written = tail(job.output(spec.run))
    text = reason["tail"]
    with contextlib.suppress(OSError):  # a full disk, or a descriptor that the objective closed
        os.write(log, (text + "\n").encode("utf-8", "replace"))
    reason["tail"] = f"{written}\n{text}" if written else text
    return outcome | {"reason": reason}


def _write_to(path: os.PathLike[str]) -> int:
    """Send standard output and error, of C code too, into a file; a descriptor the objective does not know of."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o644)
    os.dup2(file, 1)
    os.dup2(file, 2)
    sys.stdout, sys.stderr = (
        os.fdopen(end, "w", buffering=1, encoding="utf-8", errors="replace", closefd=False) for end in (1, 2)
    )
    sys.__stdout__, sys.__stderr__ = sys.stdout, sys.stderr  # type: ignore[misc]
    # a crash, and the stop of a run that hangs, then leave the line where it happened
    faulthandler.enable(file, all_threads=False)
    faulthandler.register(signal.SIGTERM, file, all_threads=False, chain=True)
    # what the run itself forks ends without a word, or their lines would cut the run's own into pieces
    os.register_at_fork(after_in_child=partial(faulthandler.unregister, signal.SIGTERM))
    return file


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        with contextlib.suppress(Exception):  # closed, or replaced by something that has no flush
            stream.flush()  # type: ignore[union-attr]


def _offer() -> None:
    """Where the system must kill something for want of memory, let it be a run rather than the coordinator."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500")


def _die_with(parent: int) -> None:
    """Ask the kernel to kill this process when the server dies; where it cannot, the coordinator does."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the call
            os._exit(0)
