"""The coordinator's end of a fork server, and the servers this process has."""

from __future__ import annotations

import atexit
import contextlib
import os
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Mapping
from dataclasses import replace
from multiprocessing import Pipe
from pathlib import Path
from typing import Any

from truing.errors import ObjectiveError, UsageError
from truing.execution.channel import Channel
from truing.execution.copying import copy
from truing.execution.failure import tail
from truing.execution.handover import hand_over
from truing.execution.job import Job
from truing.execution.place import THREADS, Place
from truing.execution.reference import Part, Reference, refer
from truing.execution.target import MODULE, Target, uses_polars
from truing.record.interfaces import RunSpec
from truing.record.reach import reached

BOOT = (
    "import sys; sys.path.append(sys.argv.pop()); from truing.execution import server; server.main(int(sys.argv.pop()))"
)
HOME = str(Path(__file__).resolve().parents[2])


class ServerGoneError(ConnectionError):
    """The fork server died; a new one can be started."""


class ForkServer:
    """One fork server: it has executed `target` up to the run() of the study in the job's folder.

    Args:
        job: the study it is started for.
        threads: of one run; libraries read it once, when they are loaded.
    """

    def __init__(self, target: Target | None, job: Job) -> None:
        self.target = target
        self.threads = job.threads
        self.folder = job.study
        self.leased = False
        self._log = job.folder / "server.log"
        self._first: tuple[Any, ...] | None = None
        self._names = _names_of(target)
        self._numbers = self._tokens = 0
        self._unheard: dict[int, Channel] = {}
        ours, theirs = Pipe()
        environment = os.environ | {name: str(job.threads) for name in THREADS}
        environment |= {
            "PYTORCH_NVML_BASED_CUDA_CHECK": "1",  # asking CUDA itself whether it is there breaks it in every fork
            "OBJC_DISABLE_INITIALIZE_FORK_SAFETY": "YES",
        }
        environment.setdefault("PYTHONHASHSEED", "0")
        job.folder.mkdir(parents=True, exist_ok=True)
        flags = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, *flags, "-P", "-c", BOOT, str(theirs.fileno()), HOME],
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
        try:
            self._greet(target, job)
        except BaseException:  # the person's Ctrl-C too
            self.close()
            raise

    def _greet(self, target: Target | None, job: Job) -> None:
        place = Place.at_start(target.path if target is not None and target.run_name == "__main__" else None)
        self.send(
            {
                "place": place if target is not None else replace(place, argv=("",)),
                "folder": str(job.study.resolve()),
                "torch": "torch" in sys.modules,
                "target": target,
            }
        )
        _, error = self.receive()
        if error is not None:
            raise ObjectiveError(
                "The study's file failed when the worker processes executed it up to its first run():\n" + error
            )

    # -- messages --------------------------------------------------------------------------------------------------

    def alive(self) -> bool:
        """True while it serves this process; in a fork of this process it never does."""
        return not self.control.closed and self._process.poll() is None

    def send(self, message: Any) -> None:
        try:
            self.control.send(message)
        except (OSError, ValueError) as error:
            raise self._gone() from error

    def receive(self) -> Any:
        try:
            message = self.control.recv()
        except (EOFError, OSError) as error:
            raise self._gone() from error
        if message[0] == "forked" and (theirs := self._unheard.pop(message[1], None)) is not None:
            theirs.close()
        return message

    def poll(self, timeout: float = 0.0) -> bool:
        try:
            return self.control.poll(timeout)
        except (OSError, ValueError) as error:
            raise self._gone() from error

    def _gone(self) -> ServerGoneError:
        return ServerGoneError(f"The fork server died. {self.last_words()}".strip())

    def last_words(self) -> str:
        """The end of what it wrote."""
        return tail(self._log)

    # -- jobs ------------------------------------------------------------------------------------------------------

    def reached(self, job: Job) -> bool:
        """True when the server was made for this study: executing the file again would change nothing."""
        return self.target is None or self.folder == job.study

    def register(self, job: Job) -> int:
        """Make a job known to the server; the objective and Datasets travel by reference where that is possible.

        Raises:
            StaleError: a server that executes the file up to this study's run() would have what this one lacks.
            UsageError: they can neither be found nor copied.
        """
        self._numbers += 1
        number = self._numbers
        reference = refer(job, by_study=self._unchanged(job), known=self._known)
        self._send_job(number, job, reference)
        why = self._answer(number)
        if why is not None and set(why) & {"dataset", "official"} and not _steady(job):
            self._send_job(number, job, replace(reference, fingerprints=(None, None)))
            why = self._answer(number)
        if why is not None:
            self._send_copies(number, job, why)
        if self._first is None:
            self._first = _identity(job)
        return number

    def _send_job(self, number: int, job: Job, reference: Reference) -> None:
        self.send(
            (
                "job",
                number,
                Place.now(),
                replace(job, objective=None, data=None, test=None, objects={}, outside={}),
                reference,
            )
        )

    def _send_copies(self, number: int, job: Job, why: Mapping[Part, str]) -> None:
        if not self.reached(job) and set(why) & {"dataset", "official", *job.outside}:
            raise StaleError
        parts: dict[str, Any] = {
            "objective": job.objective,
            "dataset": job.data and job.data.x,
            "official": job.test and job.test.x,
        }
        parts |= {"objects": job.objects, **{key: data.x for key, data in job.outside.items()}}
        try:
            content = copy({part: parts[part] for part in why})
        except UsageError as error:
            if not self.reached(job):
                raise StaleError from error
            raise
        self.send(("content", number, content))
        still = self._answer(number)
        if still is not None:
            raise ObjectiveError(f"The worker processes cannot load the objective: {'; '.join(still.values())}")

    def _answer(self, number: int) -> Mapping[Part, str] | None:
        while True:
            message = self.receive()
            if message[0] == "job" and message[1] == number:
                what = message[2]
                if what is not None and what[0] == "error":
                    raise ObjectiveError("The worker processes cannot load the objective:\n" + what[1])
                return what[1] if what is not None else None

    def _unchanged(self, job: Job) -> bool:
        """True when the study is what it was when the server reached it."""
        if self.target is None or self.folder != job.study:
            return False
        now = _identity(job)
        return self._first is None or (
            len(now) == len(self._first) and all(a is b for a, b in zip(self._first, now, strict=True))
        )

    def _known(self, name: str, value: Any) -> bool:
        held = self._names.get(name)
        return held is not None and held() is value

    def forget(self, number: int) -> None:
        """The job's study is done."""
        with contextlib.suppress(ServerGoneError):
            self.send(("forget", number))

    # -- runs ------------------------------------------------------------------------------------------------------

    def fork(self, spec: RunSpec, number: int) -> tuple[int, Channel]:
        """Start a process for a run: its token, and the channel to it."""
        self._tokens += 1
        ours, theirs = Channel.pair()
        self._unheard[self._tokens] = theirs
        try:
            self.send(("fork", self._tokens, number, spec))
            hand_over(self.control, theirs.fileno())
        except OSError as error:
            ours.close()
            self._unheard.pop(self._tokens).close()
            raise error if isinstance(error, ServerGoneError) else self._gone() from error
        return self._tokens, ours

    def close(self) -> None:
        """End the server and all it started."""
        with contextlib.suppress(OSError):
            self.control.close()
        while self._unheard:
            self._unheard.popitem()[1].close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class StaleError(LookupError):
    """The server was made for an earlier study and lacks something of this one."""


_servers: list[ForkServer] = []
_choosing = threading.Lock()  # studies may run in several threads of one process


def lease(target: Target | None, job: Job) -> ForkServer:
    """A server for this job, nobody else's until `leased` is False again: a running one where there is one."""
    with _choosing:
        for server in list(_servers):
            if not server.alive():
                retire(server)
            elif not server.leased and _serves(server, target, job) and server.threads == job.threads:
                server.leased = True
                return server
    server = ForkServer(target, job)
    server.leased = True
    _servers.append(server)
    return server


def _serves(server: ForkServer, target: Target | None, job: Job) -> bool:
    """True when the server has, or needs not have, executed the file that the job needs."""
    return server.target == target or (target is None and not uses_polars(job))


def retire(server: ForkServer) -> None:
    """End a server that is of no more use."""
    if server in _servers:
        _servers.remove(server)
    server.close()


@atexit.register
def close_servers() -> None:
    """End all fork servers of this process."""
    while _servers:
        _servers.pop().close()


def _identity(job: Job) -> tuple[Any, ...]:
    behind = [item for labelled in job.objects.values() for item in labelled.values()]
    return (job.objective, job.data, job.test, *job.outside.values(), *behind, *reached(job.objective).others.values())


def _steady(job: Job) -> bool:
    """False when a Dataset gives other rows each time it is asked, so that a comparison says nothing."""
    for data in (job.data, job.test):
        if data is not None and data.kind == "dataset":
            again = replace(data)  # which has no fingerprint yet
            if again.fingerprint() != data.fingerprint():
                return False
    return True


def _names_of(target: Target | None) -> dict[str, Callable[[], Any]]:
    """What the names of the script stand for now, at the moment up to which the server will execute it."""
    module = sys.modules.get(MODULE if target is not None and target.run_name == MODULE else "__main__")
    if target is None or module is None:
        return {}
    return {name: _held(value) for name, value in vars(module).items()}


def _held(value: Any) -> Callable[[], Any]:
    """The value, without keeping it in memory where that can be avoided."""
    try:
        return weakref.ref(value)
    except TypeError:
        return lambda: value
