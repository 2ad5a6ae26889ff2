"""The processes that train, seen from the one that asks; whatever happens, none is left behind."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any

from truing.errors import UsageError
from truing.execution.copying import copy
from truing.probe.feasible import DoesNotFit
from truing.probe.race import CannotRun
from truing.probe.workload import Work

PATIENCE = 600.0  # seconds for one answer; importing torch from a slow disk takes a minute
_CODE = """import json, sys
sys.path[:] = json.loads(sys.argv[2])
from truing.probe.child import main
main(int(sys.argv[1]))"""


class Children:
    """Processes that know the work; they start when they are first needed.

    Args:
        work: what is trained.

    Raises:
        UsageError: the network's function cannot be sent to another process.
    """

    def __init__(self, work: Work) -> None:
        try:
            self._work = copy({"work": work, "build": work.build, "loss": work.loss, "dataset": work.dataset})
        except UsageError as error:
            raise UsageError(
                f"{work.name} cannot be sent to the process that times it ({error.__cause__}): define it in a file."
            ) from error
        self._children: list[_Child] = []
        self.batch_size = work.standard.batch_size

    def __enter__(self) -> Children:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def start(self, count: int) -> None:
        """Have so many at hand, all started at once."""
        new = [_Child() for _ in range(count - len(self._children))]
        self._children += new
        for child in new:
            child.send("work", self._work)
        for child in new:
            child.receive()

    def ask(self, command: str, *arguments: Any) -> Any:
        """One answer of the first."""
        return self.ask_all(1, command, *arguments)[0]

    def ask_all(self, count: int, command: str, *arguments: Any) -> list[Any]:
        """The answers of so many to the same question, asked of all before any is waited for.

        Raises:
            CannotRun: one of them failed, or is gone; all are then made anew when next needed.
            DoesNotFit: it failed for want of memory, or was ended.
        """
        return self.ask_each([(command, *arguments)] * count)

    def ask_each(self, questions: list[tuple[Any, ...]]) -> list[Any]:
        """As `ask_all`, with a question of its own for each."""
        self.start(len(questions))
        asked = self._children[: len(questions)]
        try:
            for child, question in zip(asked, questions, strict=True):
                child.send(*question)
            answers: list[Any] = []
            wrong: Exception | None = None
            for child in asked:
                try:
                    answers.append(child.receive())
                except (CannotRun, DoesNotFit) as error:
                    wrong = wrong or error
        except _Gone as gone:
            self.close()
            raise DoesNotFit(str(gone)) from None
        except BaseException:
            self.close()
            raise
        if wrong is not None:
            raise wrong
        return answers

    def close(self) -> None:
        """End them, and what they started."""
        for child in self._children:
            child.end()
        self._children = []


class _Gone(Exception):
    pass


class _Child:
    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _CODE, str(theirs.fileno()), json.dumps(sys.path)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=None if os.environ.get("TRUING_TRACEBACKS") else subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # its loading processes go with it
            )
        self._line = Connection(ours.detach())

    def send(self, *question: Any) -> None:
        try:
            self._line.send(question)
        except OSError:
            raise _Gone(self._end_in_words()) from None

    def receive(self) -> Any:
        if not self._line.poll(PATIENCE):
            raise _Gone(f"it gave no answer in {PATIENCE:.0f} s")
        try:
            answer = self._line.recv()
        except (EOFError, OSError):
            raise _Gone(self._end_in_words()) from None
        if answer[0] == "done":
            return answer[1]
        raise (DoesNotFit if answer[2] else CannotRun)(answer[1])

    def _end_in_words(self) -> str:
        code = self._process.wait()
        return (
            f"its process was ended by {signal.Signals(-code).name}" if code < 0 else f"its process ended with {code}"
        )

    def end(self) -> None:
        with contextlib.suppress(OSError):
            self._line.close()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
