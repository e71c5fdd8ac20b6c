"""Bodies and answers over ASGI, without a server."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.compat import exchange
from agent.compat.answer import Answer


class Peer:
    """One that sends these pieces, then what ``last`` says, and keeps what it is sent."""

    def __init__(self, *pieces, last="http.disconnect"):
        self._pieces = list(pieces)
        self._last = last
        self.sent = []

    async def receive(self):
        if self._pieces:
            piece = self._pieces.pop(0)
            return {"type": "http.request", "body": piece, "more_body": bool(self._pieces)}
        if self._last is None:
            await asyncio.Event().wait()
        return {"type": self._last}

    async def send(self, message):
        self.sent.append(message)


def read(peer, limit, limit_s=15.0):
    return asyncio.run(exchange.read_body(peer.receive, limit, limit_s))


@given(st.lists(st.binary(max_size=5), min_size=1, max_size=5), st.integers(0, 30))
def test_a_body_is_what_came_and_a_larger_one_is_cut_one_byte_behind_the_limit(pieces, limit):
    assert read(Peer(*pieces), limit) == b"".join(pieces)[: limit + 1]


def test_a_peer_that_leaves_sent_nothing():
    assert read(Peer(), 10) is None


def test_a_body_that_does_not_come_is_not_waited_for():
    with pytest.raises(TimeoutError):
        read(Peer(last=None), 10, 0.01)


def test_that_a_peer_left_is_seen_behind_its_body():
    asyncio.run(exchange.until_gone(Peer(b"rest").receive))


def sent(answer, **kwargs):
    peer = Peer()
    asyncio.run(exchange.send_answer(peer.send, answer, [(b"vary", b"Origin")], **kwargs))
    start, body = peer.sent
    return start["status"], dict(start["headers"]), body["body"]


def test_an_answer_has_its_type_its_length_and_the_headers_given():
    status, headers, body = sent(Answer(200, b"null"), close=True)
    assert (status, body) == (200, b"null")
    assert headers[b"content-type"] == b"application/json"
    assert headers[b"content-length"] == b"4"
    assert headers[b"connection"] == b"close"
    assert headers[b"vary"] == b"Origin"


def test_an_answer_without_content_says_nothing_of_content():
    _, headers, _ = sent(Answer(204))
    assert not {b"content-type", b"content-length", b"connection"} & headers.keys()


def test_a_peer_that_is_gone_is_not_answered():
    async def broken(_message):
        raise ConnectionResetError

    asyncio.run(exchange.send_answer(broken, Answer(200)))
    asyncio.run(exchange.deny(broken, Answer(403)))


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        (b"EIO=3&transport=polling&sid=", {"EIO": "3", "transport": "polling", "sid": ""}),
        (b"sid=a&sid=b", {"sid": "a"}),
        (b"sid=%F0%9F%98%80", {"sid": "😀"}),
        (b"", {}),
        (b"\xff", {}),
        (b"&".join([b"a=1"] * 1000), {}),
    ],
)
def test_a_query_is_read_once_and_bounded(query, fields):
    assert exchange.query_of({"query_string": query}).keys() >= fields.keys()
    assert fields.items() <= exchange.query_of({"query_string": query}).items()
