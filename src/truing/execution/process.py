"""Runs in processes of their own, forked from a warm server; each can be stopped, timed out and killed whole."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing import connection
from typing import Any

from truing.errors import ObjectiveError
from truing.execution import ending
from truing.execution.channel import Channel
from truing.execution.failure import tail
from truing.execution.forkserver import ForkServer, ServerGoneError, StaleError, lease, retire
from truing.execution.job import Job, sweep
from truing.execution.shortage import Shortage
from truing.execution.target import target_of
from truing.record.events import Event
from truing.record.interfaces import Decision, RunSpec
from truing.record.state import State
from truing.record.trial import Reason

GRACE = 2.0  # seconds between SIGTERM and SIGKILL when a run is cancelled or timed out
STILL = 1.0  # seconds between two looks at the runs that are not counted as standing still
LAST = 5.0  # seconds that `close` waits for killed runs
ATTEMPTS = 3  # to start a fork server


@dataclass
class _Child:
    """A run and its process.

    Args:
        ending: the state it is to end in, once it has been told to stop.
        held: bytes, where it was more than it may.
        kill_at: when to stop asking (monotonic seconds).
        curve: [epoch, score] of what it reported.
        outcome: what it said at its end, kept back until its process is gone.
    """

    spec: RunSpec
    channel: Channel
    began: float
    pid: int | None = None
    ending: State | None = None
    held: int = 0
    kill_at: float | None = None
    curve: list[list[Any]] = field(default_factory=list)
    outcome: Event | None = None


class ProcessExecutor:
    """Runs each in a forked process; at most `workers` at a time.

    A run's end is an event as soon as the run has sent its outcome; its process goes in the meantime. A run without
    an outcome ends when its process has, which the server tells; so does a run on a GPU, since its memory is taken till
    then.
    """

    def __init__(self, job: Job, workers: int) -> None:
        self._job = job
        self._workers = workers
        self._training: dict[int, _Child] = {}  # by the server's token
        self._leaving: dict[int, _Child] = {}  # with an outcome, their process not yet gone
        self._ended: deque[Event] = deque()
        self._closed = False
        self._shortage = Shortage()
        self._looked = time.monotonic()
        job.output(0).parent.mkdir(parents=True, exist_ok=True)
        sweep(job)
        self._server, self._number = self._connect()

    def _connect(self) -> tuple[ForkServer, int]:
        """A fork server that has the job.

        Raises:
            ObjectiveError: it dies again and again, or cannot load the objective.
        """
        words = ""
        for _ in range(ATTEMPTS):
            server = None
            try:
                server = lease(target_of(self._job), self._job)
                return server, server.register(self._job)
            except ServerGoneError as error:
                words = str(error)
            except StaleError:
                words = "It executed the study's file, but lacks what the study needs."
            except BaseException:
                if server is not None:
                    retire(server)
                raise
            if server is not None:
                retire(server)
        raise ObjectiveError(f"The worker processes cannot be started; use workers=0 to see more. {words}")

    def free(self) -> int:
        """How many more runs may start."""
        return self._workers - len(self._training) - self._kept_back()

    def start(self, runs: Sequence[RunSpec]) -> None:
        """Fork a process for each run."""
        for spec in runs:
            for attempt in range(ATTEMPTS):
                try:
                    token, channel = self._server.fork(spec, self._number)
                except ServerGoneError as error:
                    self._server_died()
                    if attempt + 1 == ATTEMPTS:
                        raise ObjectiveError(f"The worker processes die again and again. {error}") from error
                else:
                    self._training[token] = _Child(spec, channel, time.monotonic())
                    break

    def wait(self, timeout: float, decide: Callable[[Event], Decision]) -> Sequence[Event]:
        """Block until a run ends, or `timeout` seconds have passed."""
        deadline = time.monotonic() + timeout
        self._forgive(0.0)
        while (self._training or self._kept_back()) and not self._ended:
            left = deadline - time.monotonic()
            pause = max(0.0, min(left, self._next_limit()))
            self._listen(pause, decide)
            self._forgive(pause)
            self._enforce_limits()
            if left <= 0:
                break
        events = list(self._ended)
        self._ended.clear()
        return events

    def cancel(self, run: int) -> None:
        """Stop a run: SIGTERM to its group, SIGKILL after two seconds; it ends as cancelled."""
        for token, child in self._training.items():
            if child.spec.run == run:
                self._end(token, child, State.CANCELLED)

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def close(self) -> None:
        """Kill what still runs; the server stays for the next study of this process."""
        if self._closed:
            return
        self._closed = True
        try:
            self._empty()
            self._server.forget(self._number)
            self._server.leased = False
        except ServerGoneError:
            self._kill_groups()
            retire(self._server)
        for child in (*self._training.values(), *self._leaving.values()):
            child.channel.close()
        self._training.clear()
        self._leaving.clear()
        sweep(self._job)

    # -- inside ----------------------------------------------------------------------------------------------------

    def _listen(self, timeout: float, decide: Callable[[Event], Decision]) -> None:
        """Take in what the server and the runs say within `timeout`."""
        channels = {child.channel: token for token, child in self._training.items() if not child.channel.ended}
        ready = connection.wait([self._server.control, *channels], timeout)  # type: ignore[list-item]
        for end in ready:
            token = channels.get(end)  # type: ignore[call-overload]
            if token is not None and token in self._training:
                self._from_child(token, decide)
        if self._server.control in ready:
            try:
                while self._server.poll():
                    self._from_server(self._server.receive(), decide)
            except ServerGoneError:
                self._server_died()

    def _from_child(self, token: int, decide: Callable[[Event], Decision] | None) -> None:
        child = self._training[token]
        for kind, *content in child.channel.arrived():
            if kind == "finished":
                self._spoken(token, content[0])
                return
            epoch, score = content
            child.curve.append([epoch, score])
            if decide is None:
                continue
            decision = decide(
                Event("reported", {"run": child.spec.run, "epoch": epoch, "score": score}, time=self.now())
            )
            with contextlib.suppress(OSError):  # it died; its exit status comes from the server
                child.channel.send(str(decision))

    def _spoken(self, token: int, outcome: dict[str, Any]) -> None:
        """A run has sent its outcome."""
        child = self._leaving[token] = self._training.pop(token)
        child.channel.close()
        if child.ending is not None and outcome["state"] != State.COMPLETED:  # what it says of being stopped
            outcome |= {"state": str(child.ending), "reason": self._why_stopped(child).to_dict()}
        elif ending.blames_a_kill(outcome) and self._shortage.recent():
            outcome |= {"state": str(State.OUT_OF_MEMORY)}
        event = Event("finished", outcome, time=self.now())
        if child.spec.gpus:
            child.outcome, child.kill_at = event, time.monotonic() + GRACE
        else:
            self._ended.append(event)

    def _kept_back(self) -> int:
        """Runs whose outcome is known and whose process still holds its GPUs."""
        return sum(child.outcome is not None for child in self._leaving.values())

    def _gone(self, token: int) -> None:
        """The process of a run that had sent its outcome is gone, and its GPUs are free."""
        child = self._leaving.pop(token, None)
        if child is not None and child.outcome is not None:
            self._ended.append(child.outcome)

    def _from_server(self, message: tuple[Any, ...], decide: Callable[[Event], Decision] | None) -> None:
        match message:
            case ("forked", token, pid):
                for child in (self._training.get(token), self._leaving.get(token)):
                    if child is not None:
                        child.pid = pid
            case ("exceeded", token, held) if token in self._training:
                child = self._training[token]
                if child.ending is None:
                    child.ending, child.held = State.OUT_OF_MEMORY, held
            case ("exited", token, status):
                if token in self._training:  # its last word may still be in the channel
                    self._from_child(token, decide)
                self._gone(token)
                if token in self._training:
                    self._silent(token, status)

    def _silent(self, token: int, status: int) -> None:
        """A run's process is gone without an outcome."""
        child = self._training.pop(token)
        child.channel.close()
        if child.ending is not None:
            state, reason = child.ending, self._why_stopped(child)
        else:
            state, reason = ending.ended_by(status, tail(self._job.output(child.spec.run)))
            if reason.kind == "SIGKILL" and self._shortage.recent():
                state, reason = State.OUT_OF_MEMORY, ending.short_of_memory(reason.tail)
        seconds = time.monotonic() - child.began
        outcome = ending.finished(child.spec.run, state, reason, seconds, child.curve)
        self._ended.append(Event("finished", outcome, time=self.now()))

    def _why_stopped(self, child: _Child) -> Reason:
        written = tail(self._job.output(child.spec.run))
        if child.ending is State.OUT_OF_MEMORY:
            return ending.over_memory(child.held, self._job.run_memory or 0, written)
        return ending.stopped(child.ending or State.CANCELLED, self._job.run_seconds, written)

    def _server_died(self) -> None:
        """All its runs die with it, which is not their fault; a new server takes over."""
        self._kill_groups()
        retire(self._server)
        for token in list(self._training):
            self._from_child(token, None)  # one that had sent its outcome has ended well
            if token in self._training:
                self._silent(token, signal.SIGKILL)
        for token in list(self._leaving):
            self._gone(token)
        self._server, self._number = self._connect()

    def _kill_groups(self) -> None:
        """With the server gone nobody else kills what the runs started."""
        for child in (*self._training.values(), *self._leaving.values()):
            if child.pid is not None:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(child.pid, signal.SIGKILL)

    def _forgive(self, pause: float) -> None:
        """Take from the runs' time what this process stood still beyond `pause`: stopped, or held up by a full disk.

        A run that reports waits for an answer, and those that end wait to be heard.
        """
        now = time.monotonic()
        still = now - self._looked - pause
        if still > STILL:
            for child in self._training.values():
                child.began += min(still, now - child.began)
        self._looked = now

    def _enforce_limits(self) -> None:
        now = time.monotonic()
        self._shortage.look()
        limit = self._job.run_seconds
        for token, child in self._training.items():
            if child.kill_at is not None:
                if now >= child.kill_at:
                    self._signal(token, signal.SIGKILL)
                    child.kill_at = now + GRACE
            elif limit is not None and now - child.began >= limit:
                self._end(token, child, State.TIMED_OUT)
        for token, child in self._leaving.items():
            if child.outcome is not None and child.kill_at is not None and now >= child.kill_at:
                self._signal(token, signal.SIGKILL)
                child.kill_at = now + GRACE

    def _next_limit(self) -> float:
        now = time.monotonic()
        moments = [c.kill_at for c in self._training.values() if c.kill_at is not None]
        if self._job.run_seconds is not None:
            moments += [c.began + self._job.run_seconds for c in self._training.values() if c.kill_at is None]
        return max(0.0, min(moments, default=now + 3600.0) - now)

    def _end(self, token: int, child: _Child, state: State) -> None:
        if child.ending is None:
            child.ending = state
            child.kill_at = time.monotonic() + GRACE
            self._signal(token, signal.SIGTERM)

    def _signal(self, token: int, number: int) -> None:
        """By way of the server, the only process that knows for sure whose number it is."""
        with contextlib.suppress(ServerGoneError):  # then they are dead, and it is noticed soon
            self._server.send(("signal", token, int(number)))

    def _empty(self) -> None:
        """Kill what still runs and wait until it is gone."""
        for token in self._training:
            self._signal(token, signal.SIGKILL)
        deadline = time.monotonic() + LAST
        while (self._training or self._leaving) and (left := deadline - time.monotonic()) > 0:
            if left < LAST / 2:
                for token in self._leaving:
                    self._signal(token, signal.SIGKILL)
            if self._server.poll(min(left, LAST / 10)):
                message = self._server.receive()
                if message[0] == "exited":
                    for table in (self._training, self._leaving):
                        if (child := table.pop(message[1], None)) is not None:
                            child.channel.close()
