"""The fork server: one process that has everything imported and forks a fresh child for every run.

It is started by exec, so it holds none of the coordinator's locks, threads or connections. It stays single-threaded
and never touches CUDA. It speaks with the coordinator over one connection, in tuples:

| coordinator -> server                    |                                                                        |
|------------------------------------------|------------------------------------------------------------------------|
| ("job", n, place, plain, reference)      | what all runs of a study share; `place` is the working directory, ... |
| ("content", n, bytes)                    | the pickled parts that the server said it is missing                   |
| ("fork", token, n, spec) + descriptor    | start a run; the descriptor is its end of the channel                  |
| ("signal", token, number)                | send a signal to the run's process group                               |
| ("forget", n)                            | the study is done                                                      |

| server -> coordinator                    |                                                                        |
|------------------------------------------|------------------------------------------------------------------------|
| ("ready", error)                         | the user's file is executed; `error` is a traceback or None            |
| ("job", n, missing)                      | it has the job, or (what is missing, why)                              |
| ("forked", token, pid), ("exited", token, status) |                                                               |
| ("exceeded", token, bytes)               | the run holds more than run_memory and is killed                       |

When the coordinator's end closes, for whatever reason, all children are killed and the server ends.
"""

from __future__ import annotations

import contextlib
import gc
import os
import selectors
import shutil
import signal
import sys
import threading
import time
import traceback
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NoReturn

from truing.execution import descendants, memory, script
from truing.execution.child import live
from truing.execution.forking import fork
from truing.execution.guard import Guard
from truing.execution.handover import received_descriptor
from truing.execution.job import Job
from truing.execution.output import PART, Output
from truing.execution.reference import Missing, Reference, resolve
from truing.execution.warm import warm_torch
from truing.record.interfaces import RunSpec

ORPHAN_CHECK = 1.0  # seconds between looks whether the coordinator, whose end a stranger may hold open, still lives
LOOK = 0.1  # seconds between looks at what runs hold and write, as long as there are any


@dataclass
class _Child:
    """A run's process.

    Args:
        limit: bytes that it and all it started may hold; None = no limit.
        over: it held more and has been told to end.
        count_at: when to count what it holds again (monotonic seconds).
    """

    pid: int
    scratch: Path
    output: Output
    limit: int | None
    over: bool = False
    count_at: float = 0.0

    def signal(self, number: int) -> None:
        """Send a signal to its process group."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)


def main(descriptor: int) -> None:
    """Serve the coordinator at the other end of `descriptor` until it goes away."""
    coordinator = os.getppid()
    control = Connection(descriptor)
    hello = control.recv()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    hello["place"].enter()
    server = Server(control, coordinator)
    found: list[Any] = []
    guard = Guard(Path(hello["folder"]))

    def serve(study: Any) -> None:
        guard.lift()
        if threading.current_thread() is threading.main_thread():
            server.serve(study)
        found.append(study)  # forking is for the main thread, which comes back when the file has ended

    try:
        if hello["torch"]:
            warm_torch()
        if hello["target"] is not None:
            script.serve_inside(hello["target"], Path(hello["folder"]), serve)
    except BaseException as error:  # whatever the script does wrong here is told, not lost
        if not found:
            text = "".join(traceback.format_exception(error))
            with contextlib.suppress(OSError):
                control.send(("ready", text))
            server.leave()
    guard.lift()
    server.serve(found[0] if found else None)


class Server:
    """The loop of the fork server."""

    def __init__(self, control: Connection, coordinator: int) -> None:
        self._control = control
        self._coordinator = coordinator
        self._jobs: dict[int, Job] = {}
        self._plain: dict[int, tuple[Job, Reference]] = {}
        self._children: dict[int, _Child] = {}
        self._looked = 0.0
        self._study: Any = None
        self._own: set[int] = set()
        self._close_in_child: tuple[int, ...] = ()
        self._warm = False

    def serve(self, study: Any) -> NoReturn:
        """Serve until the coordinator goes away; `study` is the one whose run() was reached, or None."""
        self._study = study
        script.clear()
        self._own = descendants.children()  # what the script itself started is not a run's
        descendants.adopt_orphans()
        wake, wakened = os.pipe()
        for end in (wake, wakened):
            os.set_blocking(end, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wakened, warn_on_full_buffer=False)
        gc.collect()
        gc.freeze()  # what is here now is shared with all children; collecting it there would copy its pages
        with selectors.DefaultSelector() as selector:
            selector.register(self._control.fileno(), selectors.EVENT_READ)
            selector.register(wake, selectors.EVENT_READ)
            own = [selector.fileno()] if hasattr(selector, "fileno") else []
            self._close_in_child = (wake, wakened, self._control.fileno(), *own)
            try:
                self._control.send(("ready", None))
                while os.getppid() == self._coordinator:
                    for key, _ in selector.select(LOOK if self._children else ORPHAN_CHECK):
                        if key.fd == wake:
                            with contextlib.suppress(BlockingIOError):
                                os.read(wake, 4096)
                    self._reap()
                    self._look()
                    while self._control.poll():
                        self._obey(self._control.recv())
            except (EOFError, OSError):
                pass
            self.leave()

    def leave(self) -> NoReturn:
        """Kill what still runs and end, without the user's exit handlers: they belong to the coordinator."""
        with contextlib.suppress(BaseException):
            for child in self._children.values():
                descendants.kill_all({child.pid})
                shutil.rmtree(child.scratch, ignore_errors=True)
            for _ in range(3):  # killing a parent hands its children over
                descendants.kill_all(descendants.children())
        os._exit(0)

    def _obey(self, message: tuple[Any, ...]) -> None:
        match message:
            case ("job", number, place, plain, reference):
                place.enter()
                self._plain[number] = (plain, reference)
                self._resolve(number, None)
            case ("content", number, content):
                self._resolve(number, content)
            case ("fork", token, number, spec):
                self._fork(token, self._jobs[number], spec, received_descriptor(self._control))
            case ("signal", token, number) if token in self._children:
                self._children[token].signal(number)
            case ("forget", number):
                self._jobs.pop(number, None)
                self._plain.pop(number, None)

    def _resolve(self, number: int, content: bytes | None) -> None:
        plain, reference = self._plain[number]
        try:
            if reference.torch and not self._warm:
                warm_torch()
                self._warm = True
            objective, data, test, objects, outside = resolve(reference, plain.study, self._study, content)
        except Missing as missing:
            self._control.send(("job", number, ("missing", missing.why)))
            return
        except BaseException as error:
            self._control.send(("job", number, ("error", "".join(traceback.format_exception(error)))))
            return
        self._jobs[number] = replace(plain, objective=objective, data=data, test=test, objects=objects, outside=outside)
        del self._plain[number]
        self._control.send(("job", number, None))

    def _fork(self, token: int, job: Job, spec: RunSpec, descriptor: int) -> None:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        parent, scratch = os.getpid(), job.scratch(spec.run, token)
        pid = fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            for end in self._close_in_child:
                with contextlib.suppress(OSError):
                    os.close(end)
            live(job, spec, descriptor, parent, scratch)
        os.close(descriptor)
        with contextlib.suppress(OSError):
            os.setpgid(pid, pid)  # in both, so that the group exists whoever comes first
        self._children[token] = _Child(pid, scratch, Output(job.output(spec.run)), job.run_memory)
        self._control.send(("forked", token, pid))

    def _reap(self) -> None:
        ended = []
        for token, child in list(self._children.items()):
            status = _ended(child.pid)
            if status is None:
                continue
            del self._children[token]
            shutil.rmtree(child.scratch, ignore_errors=True)
            child.output.shorten(2 * PART + 4096)
            ended.append((token, status))
        if ended or not self._children:
            self._kill_orphans()
        for token, status in ended:
            self._control.send(("exited", token, status))

    def _kill_orphans(self) -> None:
        """Kill what runs that have ended left behind outside their groups.

        A living run adopts its own orphans, so whatever else is handed over to this process belongs to none.
        """
        for _ in range(100):  # killing a parent hands its children over
            left = descendants.children() - self._own - {child.pid for child in self._children.values()}
            if not left:
                return
            descendants.kill_all(left)

    def _look(self) -> None:
        """Hold the runs to what they may hold and write."""
        now = time.monotonic()
        if not self._children or now - self._looked < LOOK:
            return
        self._looked = now
        for token, child in self._children.items():
            child.output.shorten()
            if child.over:  # it was told before
                child.signal(signal.SIGKILL)
            elif child.limit is not None and now >= child.count_at:
                self._count(token, child, child.limit)

    def _count(self, token: int, child: _Child, limit: int) -> None:
        began = time.monotonic()
        found = memory.held(child.pid, limit)
        now = time.monotonic()
        child.count_at = now + 9 * (now - began)  # much memory takes long to count: at most a tenth of the time
        if found > limit:
            child.over = True
            self._control.send(("exceeded", token, found))
            child.signal(signal.SIGTERM)  # leaves the line where it stands in the output


def _ended(pid: int) -> int | None:
    """The wait status of a child that has ended, its group killed with it; None while it lives."""
    if hasattr(os, "waitid"):
        # WNOWAIT keeps its number from being given to another until its group is killed
        if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
            return None
        _kill_group(pid)
        return os.waitpid(pid, 0)[1]
    found, status = os.waitpid(pid, os.WNOHANG)
    if not found:
        return None
    _kill_group(pid)
    return status


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
