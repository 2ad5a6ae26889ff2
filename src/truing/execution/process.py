"""Runs in processes of their own, forked from a warm server; each can be stopped, timed out and killed whole."""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from multiprocessing import Pipe, connection, reduction
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from truing.errors import ObjectiveError, UsageError
from truing.execution import script
from truing.execution.job import Job
from truing.execution.reference import Reference, copy, lives_in_main, refer
from truing.execution.worker import tail
from truing.record.events import Event
from truing.record.interfaces import Decision, RunSpec
from truing.record.source import is_users_file
from truing.record.state import State
from truing.record.trial import Reason

FROM_OUTSIDE = {signal.SIGKILL, signal.SIGTERM, signal.SIGHUP}
GRACE = 2.0  # seconds between SIGTERM and SIGKILL when a run is cancelled or timed out


class ServerGoneError(ConnectionError):
    """The fork server died; a new one can be started."""


class ForkServer:
    """The coordinator's end of one fork server."""

    def __init__(self, target: dict[str, Any] | None, folder: Path, threads: int) -> None:
        self.target = target
        self.threads = threads
        self._jobs = 0
        ours, theirs = Pipe()
        environment = os.environ | {
            name: str(threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
        }
        environment.setdefault("PYTHONHASHSEED", "0")
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "server.log").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "truing.execution.server", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,
            )
        theirs.close()
        self.control = ours
        self.pid = self._process.pid
        hello = {
            "argv": sys.argv if target is not None else [""],
            "path": sys.path,
            "cwd": script.working_directory(),
            "folder": str(folder.resolve()),
            "torch": "torch" in sys.modules,
            "target": target,
        }
        self.send(hello)
        kind, error = self.receive()
        if kind == "ready" and error is not None:
            self.close()
            raise ObjectiveError(
                "The study's file failed when the worker processes executed it up to its first run():\n" + error
            )

    def alive(self) -> bool:
        return not self.control.closed and self._process.poll() is None

    def send(self, message: Any) -> None:
        try:
            self.control.send(message)
        except (OSError, ValueError) as error:
            raise ServerGoneError("the fork server is gone") from error

    def receive(self) -> Any:
        try:
            return self.control.recv()
        except (EOFError, OSError) as error:
            raise ServerGoneError("the fork server is gone") from error

    def register(self, job: Job, reference: Reference) -> int:
        """Make a job known to the server; its objective travels by reference where that is possible."""
        self._jobs += 1
        number = self._jobs
        plain = replace(job, objective=None, data=None, test=None)
        self.send(("job", number, plain, reference))
        missing = self._answer(number)
        if missing is not None and not missing.startswith("!"):
            try:
                content = copy(job.objective, job.data, job.test)
            except Exception as error:
                raise UsageError(
                    f"The objective has no importable name and cannot be copied to the workers ({error}); "
                    "define it in a module, or use workers=0."
                ) from error
            self.send(("pickle", number, content))
            missing = self._answer(number)
        if missing is not None:
            raise ObjectiveError("The workers cannot load the objective:\n" + missing.lstrip("!"))
        return number

    def _answer(self, number: int) -> str | None:
        while True:
            message = self.receive()
            if message[0] == "job" and message[1] == number:
                return message[2]

    def fork(self, run: int, number: int, output: Path) -> Connection:
        """Start a child for a run; the connection reaches it."""
        ours, theirs = Pipe()
        self.send(("fork", run, number, str(output)))
        try:
            reduction.send_handle(self.control, theirs.fileno(), self.pid)
        except OSError as error:
            ours.close()
            raise ServerGoneError("the fork server is gone") from error
        finally:
            theirs.close()
        return ours

    def close(self) -> None:
        """End the server and all it started."""
        with contextlib.suppress(OSError):
            self.control.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


_servers: list[ForkServer] = []


def _server(target: dict[str, Any] | None, folder: Path, threads: int) -> ForkServer:
    """The running server for this target, or a new one; later studies of a script reuse it."""
    for server in list(_servers):
        if not server.alive():
            _servers.remove(server)
        elif server.target == target and server.threads == threads:
            return server
    server = ForkServer(target, folder, threads)
    _servers.append(server)
    return server


@atexit.register
def close_servers() -> None:
    """End all fork servers of this process."""
    while _servers:
        _servers.pop().close()


def target_of(job: Job) -> dict[str, Any] | None:
    """Which file the server must execute to have the objective by name; None where importing or copying does."""
    if not lives_in_main(job.objective, job.data, job.test):
        file = sys.modules.get(script.MODULE)
        if (file is not None and getattr(job.objective, "__module__", None) == script.MODULE) or _from_study_file(job):
            return {"path": getattr(file, "__file__", None), "run_name": script.MODULE}
        return None
    main = sys.modules["__main__"]
    path = getattr(main, "__file__", None)
    if not path or not is_users_file(path) or not Path(path).is_file():
        return None
    spec = getattr(main, "__spec__", None)
    if spec is not None and spec.name:
        return {"module": spec.name.removesuffix(".__main__"), "run_name": "__main__"}
    return {"path": str(Path(path).resolve()), "run_name": "__main__"}


def _from_study_file(job: Job) -> bool:
    from truing.execution.reference import _anchors

    items = [*_anchors(job.objective), *(type(d.x) for d in (job.data, job.test) if d is not None)]
    return script.MODULE in sys.modules and any(getattr(i, "__module__", None) == script.MODULE for i in items)


@dataclass
class _Child:
    spec: RunSpec
    channel: Connection
    began: float
    pid: int | None = None
    outcome: dict[str, Any] | None = None
    ending: State | None = None
    kill_at: float | None = None


class ProcessExecutor:
    """Runs each in a forked process; at most `workers` at a time."""

    def __init__(self, job: Job, workers: int) -> None:
        self._job = job
        self._workers = workers
        self._children: dict[int, _Child] = {}
        self._lost: deque[Event] = deque()
        self._reference = refer(job.folder, job.objective, job.data, job.test)
        self._target = target_of(job)
        job.output(0).parent.mkdir(parents=True, exist_ok=True)
        self._connect()

    def _connect(self) -> None:
        self._server = _server(self._target, self._job.folder, self._job.threads)
        self._number = self._server.register(self._job, self._reference)

    def free(self) -> int:
        return self._workers - len(self._children)

    def start(self, runs: Sequence[RunSpec]) -> None:
        for spec in runs:
            try:
                channel = self._server.fork(spec.run, self._number, self._job.output(spec.run))
            except ServerGoneError:
                self._server_died()
                self._connect()
                channel = self._server.fork(spec.run, self._number, self._job.output(spec.run))
            self._children[spec.run] = _Child(spec, channel, time.monotonic())
            with contextlib.suppress(OSError):  # a child that died at once is told of by its exit
                channel.send(spec)

    def wait(self, timeout: float, decide: Callable[[Event], Decision]) -> Sequence[Event]:
        """Block until a run ends, or `timeout` seconds have passed."""
        deadline = time.monotonic() + timeout
        events: list[Event] = []
        while not events:
            while self._lost:
                events.append(self._lost.popleft())
            self._enforce_limits()
            left = deadline - time.monotonic()
            if events or not self._children or left <= 0:
                break
            channels = {c.channel: c for c in self._children.values() if not c.channel.closed}
            for ready in connection.wait([self._server.control, *channels], min(left, self._next_limit())):
                if ready is self._server.control:
                    events += self._from_server()
                elif ready in channels:
                    self._from_child(channels[ready], decide)
        return events

    def cancel(self, run: int) -> None:
        """Stop a run: SIGTERM to its group, SIGKILL after two seconds; it ends as cancelled."""
        child = self._children.get(run)
        if child is not None:
            self._end(child, State.CANCELLED)

    def now(self) -> float:
        return time.time()

    def close(self) -> None:
        """Kill what still runs; the server stays for the next study of this process."""
        for child in self._children.values():
            self._signal(child, signal.SIGKILL)
        deadline = time.monotonic() + 5
        with contextlib.suppress(ServerGoneError, OSError):
            while self._children and time.monotonic() < deadline:
                if self._server.control.poll(0.1):
                    self._from_server()
        for child in self._children.values():
            child.channel.close()
        self._children.clear()

    # -- inside ----------------------------------------------------------------------------------------------------

    def _from_server(self) -> list[Event]:
        events: list[Event] = []
        try:
            while self._server.control.poll():
                message = self._server.receive()
                child = self._children.get(message[1])
                if child is None:
                    continue
                if message[0] == "forked":
                    child.pid = message[2]
                    if child.ending is not None:
                        self._signal(child, signal.SIGTERM)
                elif message[0] == "exited":
                    events.append(self._finished(child, message[2]))
        except (ServerGoneError, OSError):
            self._server_died()
        return events

    def _from_child(self, child: _Child, decide: Callable[[Event], Decision]) -> None:
        try:
            message = child.channel.recv()
            if message[0] == "reported":
                data = {"run": child.spec.run, "epoch": message[1], "score": message[2]}
                child.channel.send(str(decide(Event("reported", data, time=self.now()))))
            else:
                child.outcome = message[1]
                child.channel.send("got it")
                child.channel.close()
        except (EOFError, OSError):
            child.channel.close()  # it died; its exit status comes from the server

    def _finished(self, child: _Child, status: int) -> Event:
        del self._children[child.spec.run]
        if not child.channel.closed:
            with contextlib.suppress(EOFError, OSError):  # its last word may still be in the pipe
                while child.outcome is None and child.channel.poll():
                    message = child.channel.recv()
                    child.outcome = message[1] if message[0] == "finished" else None
            child.channel.close()
        if child.outcome is not None:
            return Event("finished", child.outcome, time=self.now())
        return Event("finished", self._end_of(child, status), time=self.now())

    def _end_of(self, child: _Child, status: int) -> dict[str, Any]:
        """The data of a run that ended without its own word."""
        seconds = time.monotonic() - child.began
        written = tail(self._job.output(child.spec.run))
        if child.ending is State.TIMED_OUT:
            limit = (self._job.run_seconds or 0) / 60
            state, reason = (
                State.TIMED_OUT,
                Reason("TimeLimit", f"still running after run_minutes={limit:g}", "", written),
            )
        elif child.ending is not None:
            state, reason = child.ending, Reason("Cancelled", "stopped on request", "", written)
        elif os.WIFSIGNALED(status):
            number = os.WTERMSIG(status)
            name = signal.Signals(number).name
            if number in FROM_OUTSIDE:
                state, reason = State.LOST, Reason(name, f"killed from outside by {name}", "", written)
            else:
                state, reason = State.CRASHED, Reason(name, f"the process died of {name}", "", written)
        else:
            code = os.WEXITSTATUS(status)
            text = f"the process ended by itself with exit code {code}, without a result"
            state, reason = State.CRASHED, Reason(f"exit {code}", text, "", written)
        return {"run": child.spec.run, "state": str(state), "reason": reason.to_dict(), "seconds": seconds}

    def _server_died(self) -> None:
        """All its children die with it; their runs are lost, which is not their fault."""
        self._server.close()
        for child in list(self._children.values()):
            self._lost.append(self._finished(child, signal.SIGKILL))

    def _enforce_limits(self) -> None:
        now = time.monotonic()
        limit = self._job.run_seconds
        for child in self._children.values():
            if child.kill_at is not None:
                if now >= child.kill_at:
                    self._signal(child, signal.SIGKILL)
                    child.kill_at = now + GRACE
            elif limit is not None and now - child.began >= limit and child.outcome is None:
                self._end(child, State.TIMED_OUT)

    def _next_limit(self) -> float:
        now = time.monotonic()
        moments = [c.kill_at for c in self._children.values() if c.kill_at is not None]
        if self._job.run_seconds is not None:
            moments += [c.began + self._job.run_seconds for c in self._children.values() if c.kill_at is None]
        return max(0.0, min(moments, default=now + 3600.0) - now)

    def _end(self, child: _Child, state: State) -> None:
        if child.ending is None:
            child.ending = state
            child.kill_at = time.monotonic() + GRACE
            self._signal(child, signal.SIGTERM)

    def _signal(self, child: _Child, number: int) -> None:
        if child.pid is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, number)
