"""The fork server: one process that has everything imported and forks a fresh child for every run.

It is started by exec, so it holds none of the coordinator's locks, threads or connections. It stays single-threaded
and never touches CUDA. It speaks with the coordinator over one connection:

    coordinator -> server   ("job", n, plain, reference) | ("pickle", n, bytes) | ("fork", run, n, output) + descriptor
    server -> coordinator   ("ready", None | error) | ("job", n, None | what is missing) | ("forked", run, pid)
                            | ("exited", run, status)

When the coordinator's end closes, for whatever reason, all children are killed and the server ends.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import selectors
import signal
import sys
import traceback
from dataclasses import replace
from multiprocessing import reduction
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NoReturn

from truing.execution import script
from truing.execution.job import Job
from truing.execution.reference import Missing, resolve
from truing.execution.worker import perform
from truing.record.interfaces import Decision, RunSpec

PR_SET_PDEATHSIG = 1


def main(descriptor: int) -> None:
    """Serve the coordinator at the other end of `descriptor` until it goes away."""
    control = Connection(descriptor)
    hello = control.recv()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.argv[:] = hello["argv"]
    sys.path[:] = hello["path"]
    os.chdir(hello["cwd"])

    def serve(study: Any) -> NoReturn:
        server.serve(study)

    server = Server(control)
    try:
        if hello["torch"]:
            warm_torch()
        target = hello["target"]
        if target is not None:
            path = Path(target["path"]) if target.get("path") else None
            script.serve_inside(path, target.get("module"), target["run_name"], Path(hello["folder"]), serve)
    except BaseException as error:  # whatever the script does wrong here is told, not lost
        text = "".join(traceback.format_exception(error))
        with contextlib.suppress(OSError):
            control.send(("ready", text))
        server.leave()
    server.serve(None)


def warm_torch() -> None:
    """Import what a first training imports lazily, and take one throw-away step on one thread.

    Without it every forked run pays for the import of torch._dynamo, about two seconds.
    """
    try:
        import torch
        import torch._dynamo
    except ImportError:
        return
    torch.set_num_threads(1)
    weight = torch.nn.Parameter(torch.zeros(2))
    for kind in (torch.optim.SGD, torch.optim.AdamW):
        optimizer = kind([weight], lr=0.1)
        weight.sum().backward()
        optimizer.step()


class Server:
    """The loop of the fork server."""

    def __init__(self, control: Connection) -> None:
        self._control = control
        self._jobs: dict[int, Job] = {}
        self._plain: dict[int, tuple[Job, Any]] = {}
        self._children: dict[int, int] = {}
        self._study: Any = None

    def serve(self, study: Any) -> NoReturn:
        """Serve until the coordinator goes away; `study` is the one whose run() was reached, or None."""
        self._study = study
        script.clear()
        wake, wakened = os.pipe()
        for end in (wake, wakened):
            os.set_blocking(end, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wakened, warn_on_full_buffer=False)
        self._close_in_child = (wake, wakened)
        with selectors.DefaultSelector() as selector:
            selector.register(self._control.fileno(), selectors.EVENT_READ)
            selector.register(wake, selectors.EVENT_READ)
            try:
                self._control.send(("ready", None))
                while True:
                    for key, _ in selector.select():
                        if key.fd == wake:
                            with contextlib.suppress(BlockingIOError):
                                os.read(wake, 4096)
                    self._reap()
                    while self._control.poll():
                        self._obey(self._control.recv())
            except (EOFError, OSError):
                self.leave()

    def leave(self) -> NoReturn:
        """Kill what still runs and end, without the user's exit handlers: they belong to the coordinator."""
        for pid in self._children.values():
            _kill_group(pid)
        os._exit(0)

    def _obey(self, message: tuple[Any, ...]) -> None:
        kind = message[0]
        if kind == "job":
            _, number, plain, reference = message
            self._plain[number] = (plain, reference)
            self._resolve(number, None)
        elif kind == "pickle":
            self._resolve(message[1], message[2])
        elif kind == "fork":
            _, run, number, output = message
            descriptor = reduction.recv_handle(self._control)
            self._fork(run, self._jobs[number], output, descriptor)

    def _resolve(self, number: int, content: bytes | None) -> None:
        plain, reference = self._plain[number]
        try:
            objective, dataset, official = resolve(reference, self._study, content)
        except Missing as missing:
            self._control.send(("job", number, str(missing)))
            return
        except Exception as error:
            self._control.send(("job", number, "!" + "".join(traceback.format_exception(error))))
            return
        self._jobs[number] = replace(
            plain,
            objective=objective,
            data=reference.open_data(plain.folder, dataset),
            test=reference.open_test(plain.folder, official),
        )
        del self._plain[number]
        self._control.send(("job", number, None))

    def _fork(self, run: int, job: Job, output: str, descriptor: int) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            _child(job, output, descriptor, parent, (*self._close_in_child, self._control.fileno()))
        os.close(descriptor)
        with contextlib.suppress(OSError):
            os.setpgid(pid, pid)  # in both, so that the group exists whoever comes first
        self._children[run] = pid
        self._control.send(("forked", run, pid))

    def _reap(self) -> None:
        for run, pid in list(self._children.items()):
            if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
                continue
            _kill_group(pid)  # grandchildren go with it, while its number cannot have been given to another
            _, status = os.waitpid(pid, 0)
            del self._children[run]
            self._control.send(("exited", run, status))


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _child(job: Job, output: str, descriptor: int, parent: int, foreign: tuple[int, ...]) -> NoReturn:
    """The life of one run; ends by os._exit, so that nothing of the script's own end happens twice."""
    try:
        os.setpgid(0, 0)
        _die_with(parent)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        for end in foreign:
            os.close(end)
        file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        os.dup2(file, 1)
        os.dup2(file, 2)
        os.close(file)
        sys.stdout, sys.stderr = (
            os.fdopen(end, "w", buffering=1, encoding="utf-8", errors="replace", closefd=False) for end in (1, 2)
        )
        channel = Connection(descriptor)
        spec: RunSpec = channel.recv()

        def send(epoch: int, score: float | None) -> Decision:
            channel.send(("reported", epoch, score))
            return Decision(channel.recv())

        outcome = perform(job, spec, send)
        if outcome.get("reason"):
            print(outcome["reason"]["tail"], file=sys.stderr, flush=True)
        sys.stdout.flush()
        channel.send(("finished", outcome))
        channel.recv()  # the coordinator has it; only then may this process go
    except (EOFError, OSError):
        os._exit(0)  # the coordinator is gone
    except BaseException:
        with contextlib.suppress(BaseException):
            traceback.print_exc()
        os._exit(70)
    os._exit(0)


def _die_with(parent: int) -> None:
    """Ask the kernel to kill this process when the server dies; on macOS the closed connection has to do."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the call
            os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]))
