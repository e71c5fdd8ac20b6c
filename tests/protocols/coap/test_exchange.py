"""One request and its whole answer, over a network that loses, doubles and reorders."""

from __future__ import annotations

from collections import deque
from itertools import chain, repeat
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agent.protocols.coap.exchange import (
    ACK_RANDOM_FACTOR,
    ACK_TIMEOUT_S,
    MAX_RETRANSMIT,
    Answer,
    Exchange,
    Failed,
    Request,
)
from agent.protocols.coap.messages import (
    ACK,
    BLOCK1,
    BLOCK2,
    CON,
    CONTENT_FORMAT,
    CONTINUE,
    EMPTY,
    ETAG,
    GET,
    NON,
    POST,
    RST,
    TOO_LARGE,
    URI_HOST,
    URI_PATH,
    Block,
    CoapMessage,
    decode,
    encode,
)
from agent.simulator.coap_server import CoapAnswer, CoapRequest, CoapTalk

if TYPE_CHECKING:
    from collections.abc import Iterable

SEED = b"\x01\x02\x03\x04\x05\x06\x07\x80"
CREATED, CONTENT, NOT_FOUND = 0x41, 0x45, 0x84
THERE = ("127.0.0.1", 1)
FATES = st.sampled_from(["pass", "lose", "twice", "later", "noise"])


def begun(request: Request | None = None, **more: int) -> tuple[Exchange, CoapMessage]:
    """An exchange that is on its way, and its first message."""
    machine = Exchange(request or Request(GET, ("a",)), seed=SEED, **more)
    machine.start(0.0)
    return machine, sent(machine)


def sent(machine: Exchange) -> CoapMessage:
    (data,) = machine.take()
    return decode(data)


def answer(to: CoapMessage, code: int, payload: bytes = b"", *options: tuple[int, bytes]) -> bytes:
    return encode(CoapMessage(ACK, code, to.mid, to.token, options, payload))


def block(number: int, exponent: int = 6, *, more: bool) -> bytes:
    return Block(number, more, exponent).pack()


class Net:
    """A server behind a network whose datagrams have the fates that are given, then none."""

    def __init__(self, reply: bytes, fates: Iterable[str]) -> None:
        self.asked: list[CoapRequest] = []
        self._reply = reply
        self._fates = chain(fates, repeat("pass"))
        self._there: deque[bytes] = deque()
        self._here: deque[bytes] = deque()
        self._talk = CoapTalk(self._answer, lambda data, _: self._carry(data, self._here))

    def _answer(self, request: CoapRequest) -> CoapAnswer:
        self.asked.append(request)
        return CoapAnswer(CONTENT, self._reply)

    def _carry(self, data: bytes, queue: deque[bytes]) -> None:
        fate = next(self._fates)
        if fate == "noise":
            queue.append(data[::-1])
        if fate == "later" and queue:
            queue.insert(len(queue) - 1, data)
        elif fate != "lose":
            queue.extend([data] * (2 if fate == "twice" else 1))

    def run(self, machine: Exchange) -> None:
        now = 0.0
        machine.start(now)
        while machine.answer is None and machine.failed is None:
            for data in machine.take():
                self._carry(data, self._there)
            if self._there:
                self._talk.hear(self._there.popleft(), THERE)
            elif self._here:
                machine.feed(self._here.popleft(), now)
            else:
                assert machine.deadline is not None
                now = machine.deadline
                machine.tick(now)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([0, 1, 1024, 1025, 5000]),
    st.sampled_from([0, 1024, 1025, 3 * 1024, 5000]),
    st.sampled_from([4, 5, 6]),
    st.lists(FATES, max_size=40),
)
@example(3000, 3000, 6, ["lose"] * 4)
@example(3000, 3000, 6, ["twice", "later"] * 20)
def test_whatever_the_network_does_it_is_asked_once_and_the_answer_is_whole(
    length: int, long: int, exponent: int, fates: list[str]
) -> None:
    payload, reply = bytes(i % 251 for i in range(length)), bytes(i % 241 for i in range(long))
    net = Net(reply, fates)
    machine = Exchange(Request(POST, ("a", "b"), payload), seed=SEED, exponent=exponent)
    net.run(machine)
    if machine.failed is not None:
        assert machine.failed is Failed.SILENT
        assert fates.count("lose") > MAX_RETRANSMIT
        assert len(net.asked) <= 1
        return
    assert machine.answer == Answer(CONTENT, reply)
    assert [request.payload for request in net.asked] == [payload]


def test_a_request_says_what_is_asked() -> None:
    _, first = begun(Request(POST, ("api", "v1"), b"{}", 50, host="tb.example"))
    assert (first.kind, first.code, first.payload) == (CON, POST, b"{}")
    assert first.values(URI_PATH) == [b"api", b"v1"]
    assert (first.values(URI_HOST), first.values(CONTENT_FORMAT)) == ([b"tb.example"], [b"\x32"])
    assert len(first.token) == 8


def test_silence_is_met_with_repetitions_that_become_rarer_and_then_given_up() -> None:
    machine, first = begun()
    waits, last = [], 0.0
    while machine.failed is None:
        due = machine.deadline
        assert due is not None
        machine.tick(due - 0.001)
        assert machine.take() == []
        machine.tick(due)
        waits.append(due - last)
        last = due
        assert all(decode(data) == first for data in machine.take())
    assert machine.failed is Failed.SILENT
    assert len(waits) == MAX_RETRANSMIT + 1
    assert ACK_TIMEOUT_S <= waits[0] <= ACK_TIMEOUT_S * ACK_RANDOM_FACTOR
    assert waits == pytest.approx([waits[0] * 2**n for n in range(5)])


def test_an_answer_may_come_by_itself_before_or_after_the_confirmation() -> None:
    for confirmed in (True, False):
        machine, first = begun()
        if confirmed:
            machine.feed(encode(CoapMessage(ACK, EMPTY, first.mid)), 1.0)
            assert machine.deadline is None
        late = CoapMessage(CON, CONTENT, 77, first.token, (), b"late")
        machine.feed(encode(late), 2.0)
        assert machine.answer == Answer(CONTENT, b"late")
        assert decode(machine.take()[0]) == CoapMessage(ACK, EMPTY, 77)


def test_what_needs_no_confirmation_gets_none() -> None:
    machine, first = begun()
    machine.feed(encode(CoapMessage(NON, CONTENT, 77, first.token, (), b"x")), 1.0)
    assert machine.answer == Answer(CONTENT, b"x")
    assert machine.take() == []


def test_a_server_that_knows_nothing_of_it_ends_it() -> None:
    machine, first = begun()
    machine.feed(encode(CoapMessage(RST, EMPTY, first.mid + 1)), 1.0)
    assert machine.failed is None
    machine.feed(encode(CoapMessage(RST, EMPTY, first.mid)), 1.0)
    assert machine.failed is Failed.RESET


def test_what_belongs_to_nobody_is_refused_or_passed_over() -> None:
    machine, first = begun()
    for stray in (
        CoapMessage(CON, CONTENT, 5, b"other"),
        CoapMessage(CON, EMPTY, 6),  # a ping
        CoapMessage(CON, GET, 7, b"x"),
    ):
        machine.feed(encode(stray), 1.0)
        assert decode(machine.take()[0]) == CoapMessage(RST, EMPTY, stray.mid)
    for stray in (
        CoapMessage(NON, CONTENT, 5, b"other"),
        CoapMessage(ACK, CONTENT, first.mid + 1, first.token),
        CoapMessage(ACK, CONTENT, first.mid, b"other"),
        CoapMessage(RST, CONTENT, first.mid, first.token),
    ):
        machine.feed(encode(stray), 1.0)
    machine.feed(b"", 1.0)
    assert machine.take() == []
    assert (machine.answer, machine.failed) == (None, None)
    machine.feed(answer(first, CONTENT), 1.0)
    machine.feed(answer(first, NOT_FOUND), 1.0)  # the first counts
    assert machine.answer == Answer(CONTENT)


def test_an_option_that_must_be_understood_and_is_not_is_no_answer() -> None:
    machine, first = begun()
    machine.feed(answer(first, CONTENT, b"x", (9, b"x")), 1.0)
    assert machine.failed is Failed.OPTION
    machine, first = begun()
    machine.feed(answer(first, CONTENT, b"x", (10, b"x")), 1.0)
    assert machine.answer == Answer(CONTENT, b"x")


def test_a_server_may_want_smaller_blocks_from_the_start_or_on_the_way() -> None:
    body = bytes(range(256)) * 8
    machine, first = begun(Request(POST, ("a",), body))
    assert first.block(BLOCK1) == Block(0, True, 6)
    machine.feed(answer(first, TOO_LARGE, b"", (BLOCK1, block(0, 5, more=False))), 1.0)
    second = sent(machine)
    assert (second.block(BLOCK1), second.payload) == (Block(0, True, 5), body[:512])
    machine.feed(answer(second, CONTINUE, b"", (BLOCK1, block(0, 4, more=True))), 1.0)
    third = sent(machine)
    assert (third.block(BLOCK1), third.payload) == (Block(2, True, 4), body[512:768])
    assert third.token != second.token


def test_each_block_of_ours_may_be_taken_for_itself() -> None:
    machine, first = begun(Request(POST, ("a",), b"x" * 1500))
    machine.feed(answer(first, 0x44, b"", (BLOCK1, block(0, more=False))), 1.0)
    last = sent(machine)
    assert last.block(BLOCK1) == Block(1, False, 6)
    machine.feed(answer(last, 0x44, b"done", (BLOCK1, block(1, more=False))), 1.0)
    assert machine.answer == Answer(0x44, b"done")


def test_a_refusal_in_the_middle_is_the_answer() -> None:
    machine, first = begun(Request(POST, ("a",), b"x" * 5000))
    machine.feed(answer(first, TOO_LARGE, b"no", (BLOCK1, block(0, more=True))), 1.0)
    assert machine.answer == Answer(TOO_LARGE, b"no")


@pytest.mark.parametrize(
    ("code", "options"),
    [
        (CONTINUE, ()),
        (CONTINUE, ((BLOCK1, block(1, more=True)),)),
        (CONTINUE, ((BLOCK1, b"\x07"),)),
        (CONTENT, ((BLOCK2, block(1, more=False)),)),
        (CONTENT, ((BLOCK2, block(0, more=True)),)),  # shorter than a block
    ],
)
def test_blocks_that_do_not_fit_are_no_answer(
    code: int, options: tuple[tuple[int, bytes], ...]
) -> None:
    body = b"x" * 1500 if code == CONTINUE else b""
    machine, first = begun(Request(POST, ("a",), body))
    machine.feed(answer(first, code, b"short", *options), 1.0)
    assert machine.failed is Failed.BLOCKS


def test_an_answer_that_changes_between_its_blocks_is_none() -> None:
    def parts(second: tuple[tuple[int, bytes], ...], code: int = CONTENT) -> Exchange:
        machine, first = begun()
        there = ((ETAG, b"1"), (BLOCK2, block(0, more=True)))
        machine.feed(answer(first, CONTENT, b"x" * 1024, *there), 1.0)
        next_one = sent(machine)
        assert next_one.block(BLOCK2) == Block(1, False, 6)
        assert next_one.payload == b""
        machine.feed(answer(next_one, code, b"y", *second), 1.0)
        return machine

    last = (BLOCK2, block(1, more=False))
    assert parts(((ETAG, b"1"), last)).answer == Answer(CONTENT, b"x" * 1024 + b"y")
    assert parts(((ETAG, b"2"), last)).failed is Failed.BLOCKS
    assert parts((last,)).failed is Failed.BLOCKS
    assert parts(((ETAG, b"1"),)).failed is Failed.BLOCKS
    assert parts(((ETAG, b"1"), last), CREATED).failed is Failed.BLOCKS
    assert parts((), NOT_FOUND).answer == Answer(NOT_FOUND, b"y")


def test_an_answer_without_end_ends_at_the_limit_or_with_its_first_block() -> None:
    machine, asked = begun(body_limit=4096)
    for number in range(5):
        data = answer(asked, CONTENT, b"x" * 1024, (BLOCK2, block(number, more=True)))
        machine.feed(data, 1.0)
        if number < 4:
            asked = sent(machine)
    assert machine.failed is Failed.TOO_LONG
    machine, asked = begun(Request(GET, ("a",), whole=False))
    machine.feed(answer(asked, CONTENT, b"x" * 1024, (BLOCK2, block(0, more=True))), 1.0)
    assert machine.answer == Answer(CONTENT, b"x" * 1024)


def test_an_earlier_answer_that_comes_again_is_confirmed_again() -> None:
    machine, first = begun()
    part = CoapMessage(CON, CONTENT, 50, first.token, ((BLOCK2, block(0, more=True)),), b"x" * 1024)
    machine.feed(encode(part), 1.0)
    confirmed, _ = machine.take()
    machine.feed(encode(part), 2.0)
    assert machine.take() == [confirmed]
    assert machine.failed is None


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(max_size=60), max_size=5))
def test_no_datagram_does_harm(heard: list[bytes]) -> None:
    machine, first = begun()
    for data in heard:
        machine.feed(data, 1.0)
        machine.feed(bytes([0x68, 0x45]) + first.mid.to_bytes(2, "big") + first.token + data, 1.0)
    assert len(machine.take()) <= 2 * len(heard)
