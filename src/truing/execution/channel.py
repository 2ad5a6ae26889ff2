"""JSON messages between a run and the coordinator; neither can be made to wait by half a message."""

from __future__ import annotations

import contextlib
import socket
from typing import Any

from truing.record.events import decode, encode

CHUNK = 1 << 16


class Channel:
    """One end of a connected stream socket; a message is a JSON value on a line of its own.

    JSON and not pickle: whatever a training function reports, the coordinator gets plain values of it and never
    runs code that it sent.

    >>> ours, theirs = Channel.pair()
    >>> theirs.send(["reported", 1, float("nan")])
    >>> ours.arrived()
    [['reported', 1, nan]]
    >>> theirs.close(); ours.arrived(), ours.ended; ours.close()
    ([], True)
    """

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._buffer = bytearray()
        self.ended = False

    @classmethod
    def pair(cls) -> tuple[Channel, Channel]:
        """Two connected ends."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        return cls(ours), cls(theirs)

    @classmethod
    def of(cls, descriptor: int) -> Channel:
        """The end behind a descriptor, which from now on belongs to it."""
        return cls(socket.socket(fileno=descriptor))

    def fileno(self) -> int:
        return self._end.fileno()

    @property
    def closed(self) -> bool:
        return self._end.fileno() < 0

    def send(self, message: Any) -> None:
        """Send a message, waiting for room.

        Raises:
            OSError: the other end is gone.
        """
        self._end.sendall(encode(message).encode() + b"\n")

    def arrived(self) -> list[Any]:
        """The messages that are whole by now, without waiting; `ended` says whether more can come."""
        while not self.ended:
            try:
                part = self._end.recv(CHUNK, socket.MSG_DONTWAIT)
            except BlockingIOError:
                break
            except OSError:  # reset by the end of the other side
                part = b""
            self.ended = not part
            self._buffer += part
        return self._whole()

    def receive(self) -> Any:
        """Wait for one message.

        Raises:
            EOFError: the other end is gone.
        """
        while b"\n" not in self._buffer:
            part = self._end.recv(CHUNK)
            if not part:
                raise EOFError("the coordinator is gone")
            self._buffer += part
        line, _, rest = bytes(self._buffer).partition(b"\n")
        self._buffer = bytearray(rest)
        return decode(line.decode())

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._end.close()

    def _whole(self) -> list[Any]:
        *lines, rest = bytes(self._buffer).split(b"\n")
        self._buffer = bytearray(rest)
        found = []
        for line in lines:
            with contextlib.suppress(ValueError):  # written by something else that got hold of the descriptor
                found.append(decode(line.decode()))
        return found
