"""Hand an open descriptor to another process over a connection.

`multiprocessing.reduction` would do, but on macOS it waits for an answer on the same connection, where other messages
may come first. Instead the sender keeps its own copy open until it hears that the other side has the descriptor.
"""

from __future__ import annotations

import os
import socket
from multiprocessing.connection import Connection


def hand_over(connection: Connection, descriptor: int) -> None:
    """Send `descriptor`; the caller closes its own copy later.

    Raises:
        OSError: the other side is gone.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, fileno=os.dup(connection.fileno())) as end:
        socket.send_fds(end, [b"d"], [descriptor])


def received_descriptor(connection: Connection) -> int:
    """The descriptor that comes next on the connection.

    Raises:
        EOFError: the other side is gone.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, fileno=os.dup(connection.fileno())) as end:
        _, descriptors, _, _ = socket.recv_fds(end, 1, 1)
    if not descriptors:
        raise EOFError("the coordinator is gone")
    return int(descriptors[0])
