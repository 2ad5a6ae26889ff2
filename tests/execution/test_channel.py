"""Messages between a run and the coordinator, whole and in pieces."""

from __future__ import annotations

import math
import socket
import threading

import pytest

from truing.execution.channel import Channel


@pytest.fixture
def pair():
    ours, theirs = Channel.pair()
    yield ours, theirs
    ours.close()
    theirs.close()


def test_messages_keep_their_order_and_values(pair):
    ours, theirs = pair
    sent = [["reported", 1, math.nan], ["reported", 2, None], ["finished", {"state": "failed", "text": 'a\n"b"\ud800'}]]
    for message in sent:
        theirs.send(message)
    found = ours.arrived()
    assert math.isnan(found[0][2])
    assert found[1:] == sent[1:]
    assert not ours.ended


def test_half_a_message_makes_nobody_wait(pair):
    ours, theirs = pair
    for piece in (b'["rep', b'orted", 1,', b" 0.5", b']\n["fin'):
        assert ours.arrived() == []
        theirs._end.sendall(piece)
    assert ours.arrived() == [["reported", 1, 0.5]]
    theirs.close()
    assert ours.arrived() == []
    assert ours.ended


def test_what_was_said_before_the_end_is_still_heard(pair):
    ours, theirs = pair
    theirs.send(["finished", 1])
    theirs.close()
    assert ours.arrived() == [["finished", 1]]
    assert ours.ended


def test_noise_of_a_stranger_is_skipped(pair):
    ours, theirs = pair
    theirs._end.sendall(b"Traceback (most recent call last):\n\xff\xfe\n")
    theirs.send(["finished", 1])
    assert ours.arrived() == [["finished", 1]]


def test_a_message_larger_than_the_pipe(pair):
    ours, theirs = pair
    message = ["finished", list(range(300_000))]
    sender = threading.Thread(target=theirs.send, args=(message,))
    sender.start()
    found = []
    while not found:
        found = ours.arrived()
    sender.join()
    assert found == [message]


def test_the_run_waits_for_an_answer_and_sees_the_end(pair):
    ours, theirs = pair
    ours.send("go_on")
    ours.send("stop")
    assert (theirs.receive(), theirs.receive()) == ("go_on", "stop")
    ours.close()
    with pytest.raises(EOFError):
        theirs.receive()
    with pytest.raises(OSError, match=r"[Pp]ipe"):
        theirs.send("anybody there?")


def test_of_a_descriptor():
    one, other = socket.socketpair()
    ours, theirs = Channel(one), Channel.of(other.detach())
    theirs.send([1])
    assert ours.arrived() == [[1]]
    theirs.close()
    assert theirs.closed
    ours.close()
