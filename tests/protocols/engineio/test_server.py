"""Many clients: which session a request belongs to, and any course of events."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from agent.protocols.engineio import (
    Accept,
    Answer,
    Closed,
    Decoded,
    Effect,
    Frames,
    HangUp,
    Kind,
    Limits,
    Message,
    Opened,
    Packet,
    Problem,
    Reason,
    Server,
    decode_packet,
    decode_payload,
    encode_payload,
)
from agent.protocols.engineio.effects import refuse

if TYPE_CHECKING:
    from collections.abc import Sequence

NOW = 50.0
WIRE = 7
BEGIN = {"EIO": "3", "transport": "polling", "t": "Nabc"}


def make_server(sessions: int = 2) -> Server:
    numbers = itertools.count()
    return Server(lambda: f"sid{next(numbers)}", sessions=sessions)


def begin(server: Server, wire: int = 1) -> str:
    opened = server.http(wire, "GET", BEGIN, b"", NOW)[-1]
    assert isinstance(opened, Opened)
    return opened.sid


def of(sid: str, transport: str = "polling") -> dict[str, str]:
    return {"EIO": "3", "transport": transport, "sid": sid}


@pytest.mark.parametrize(
    ("method", "query", "problem"),
    [
        ("GET", {}, Problem.TRANSPORT),
        ("GET", {"transport": "flashsocket"}, Problem.TRANSPORT),
        ("GET", {**BEGIN, "EIO": "4"}, Problem.VERSION),
        ("GET", {**BEGIN, "EIO": ""}, Problem.VERSION),
        ("GET", {**BEGIN, "transport": "websocket"}, Problem.REQUEST),
        ("GET", {**BEGIN, "j": "0"}, Problem.REQUEST),
        ("POST", BEGIN, Problem.METHOD),
        ("DELETE", BEGIN, Problem.METHOD),
        ("GET", {**BEGIN, "sid": "nobody"}, Problem.SID),
        ("POST", {**BEGIN, "sid": "nobody"}, Problem.SID),
        ("GET", of("nobody", "websocket"), Problem.SID),
        ("PUT", of("sid0"), Problem.REQUEST),
        ("GET", of("sid0", "websocket"), Problem.REQUEST),
    ],
)
def test_a_request_that_fits_nothing_is_refused(method, query, problem):
    server = make_server()
    begin(server)
    assert server.http(WIRE, method, query, b"1:2", NOW) == [refuse(WIRE, problem)]
    assert server.sids == ("sid0",)


def test_a_client_that_does_not_say_its_version_is_served():
    assert make_server().http(1, "GET", {"transport": "polling"}, b"", NOW)[-1] == Opened("sid0")
    assert make_server().http(1, "GET", {**BEGIN, "sid": ""}, b"", NOW)[-1] == Opened("sid0")


def test_a_websocket_of_nobody_is_refused_and_one_of_its_own_begins_a_session():
    server = make_server()
    refused = server.websocket(WIRE, of("nobody", "websocket"), NOW)
    assert refused == [refuse(WIRE, Problem.SID)]
    assert server.websocket(WIRE, BEGIN, NOW) == [refuse(WIRE, Problem.REQUEST)]
    accept, frames, opened = server.websocket(WIRE, {"transport": "websocket"}, NOW)
    assert (accept, opened) == (Accept(WIRE), Opened("sid0"))
    assert isinstance(frames, Frames)
    assert server.sent(WIRE) == []
    assert server.frame(WIRE, "4a", NOW) == [Message("sid0", "a")]
    assert server.lost(WIRE) == [Closed("sid0", Reason.LOST)]
    assert server.sids == ()


def test_there_are_no_more_clients_than_allowed_until_one_goes():
    server = make_server(sessions=2)
    first, second = begin(server), begin(server)
    assert server.http(WIRE, "GET", BEGIN, b"", NOW) == [refuse(WIRE, Problem.FULL)]
    server.http(WIRE, "POST", of(first), b"1:1", NOW)
    assert server.sids == (second,)
    begin(server)


def test_clients_do_not_hear_each_other():
    server = make_server()
    first, second = begin(server), begin(server)
    server.http(10, "GET", of(first), b"", NOW)
    server.http(20, "GET", of(second), b"", NOW)
    assert server.send(second, "x") == [Answer(20, body=b"2:4x")]
    # What one of them does wrong ends with it.
    assert server.http(11, "POST", of(first), b"poison", NOW)[-1] == refuse(11, Problem.REQUEST)
    server.http(21, "GET", of(second), b"", NOW)
    assert server.send(second, "y") == [Answer(21, body=b"2:4y")]


def test_nothing_happens_for_a_client_or_a_wire_that_is_not_there():
    server = make_server()
    assert server.send("nobody", "x") == []
    assert server.close("nobody", NOW) == []
    assert server.waiting("nobody") == server.waiting_chars("nobody") == 0
    assert server.lost(99) == []
    assert server.sent(99) == []
    assert server.frame(99, "4x", NOW) == []
    assert server.next_deadline is None


def test_the_next_deadline_is_that_of_the_first_session():
    server = make_server()
    begin(server)
    sid = begin(server)
    assert server.next_deadline == NOW + 85
    server.http(10, "GET", of(sid), b"", NOW)
    assert server.next_deadline == NOW + 20
    assert server.tick(NOW + 20) == [Answer(10, body=b"1:6")]


LIMITS = Limits(queue_packets=12, batch_chars=30, packets=20, body_bytes=400)
TEXTS = st.lists(st.text(st.characters(codec="utf-8"), max_size=4), min_size=1, max_size=4)


class AnyCourse(RuleBasedStateMachine):
    """One client after the other, whose requests, sockets and clock go any way they like."""

    def __init__(self) -> None:
        super().__init__()
        self.server = Server(lambda: f"sid{next(self.numbers)}", LIMITS)
        self.numbers = itertools.count()
        self.now = 0.0
        self.sid = ""
        self.requests: set[int] = set()
        """HTTP requests that have no answer yet."""
        self.asked: set[int] = set()
        self.sockets: set[int] = set()
        """Accepted and not hung up."""
        self.unsent: list[int] = []
        self.closing = False
        self.posted: list[str] = []
        self.told: list[str] = []
        self.given: list[str] = []
        self.heard: list[str] = []
        self.upgraded: int | None = None

    def wire(self) -> int:
        return next(self.numbers)

    def see(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Answer(wire=wire, status=status, body=body):
                    assert wire in self.requests | self.asked, "answered twice, or never asked"
                    self.requests.discard(wire)
                    self.asked.discard(wire)
                    if status == 200 and body != b"ok":
                        self.hear(list(decode_payload(body, 99)))
                case Accept(wire=wire):
                    self.asked.remove(wire)
                    self.sockets.add(wire)
                case Frames(wire=wire, frames=frames):
                    assert wire in self.sockets
                    probe = frames == ("3probe",)
                    assert probe or self.closing or wire not in self.unsent
                    self.unsent.append(wire)
                    self.hear([decode_packet(frame) for frame in frames])
                case HangUp(wire=wire):
                    self.sockets.remove(wire)
                case Opened(sid=sid):
                    self.sid = sid
                    self.posted, self.told, self.given, self.heard = [], [], [], []
                case Message(sid=sid, text=text):
                    assert sid == self.sid
                    self.told.append(text)
                case Closed(sid=sid):
                    assert sid == self.sid
                    self.sid, self.upgraded, self.closing = "", None, False
                case _:
                    raise AssertionError(effect)

    def hear(self, packets: Sequence[Decoded]) -> None:
        for packet in packets:
            assert isinstance(packet, Packet)
            if packet.kind is Kind.MESSAGE:
                self.heard.append(packet.data)

    def http(self, method: str, body: bytes = b"") -> None:
        wire = self.wire()
        self.requests.add(wire)
        query = {"transport": "polling", "sid": self.sid}
        self.see(self.server.http(wire, method, query, body, self.now))

    @precondition(lambda self: not self.sid)
    @rule(websocket=st.booleans())
    def begin(self, *, websocket: bool) -> None:
        if not websocket:
            self.http("GET")
            return
        wire = self.wire()
        self.asked.add(wire)
        self.see(self.server.websocket(wire, {"transport": "websocket"}, self.now))
        self.upgraded = wire

    @precondition(lambda self: self.sid)
    @rule()
    def poll(self) -> None:
        self.http("GET")

    @precondition(lambda self: self.sid and self.upgraded is None and not self.closing)
    @rule(texts=TEXTS, ping=st.booleans())
    def post(self, texts: list[str], *, ping: bool) -> None:
        packets = [Packet(Kind.MESSAGE, text) for text in texts]
        self.posted += texts
        self.http("POST", encode_payload([*packets, *([Packet(Kind.PING)] if ping else [])]))

    @precondition(lambda self: self.sid)
    @rule()
    def ask_websocket(self) -> None:
        wire = self.wire()
        self.asked.add(wire)
        query = {"transport": "websocket", "sid": self.sid}
        self.see(self.server.websocket(wire, query, self.now))

    @precondition(lambda self: self.sockets)
    @rule(data=st.data(), text=st.sampled_from(["2probe", "2probe", "5", "5", "2", "4x", "1", ""]))
    def say(self, data: st.DataObject, text: str) -> None:
        wire = data.draw(st.sampled_from(sorted(self.sockets)))
        if text == "5" and self.upgraded is None:
            self.upgraded = wire
        elif text == "4x" and wire == self.upgraded:
            self.posted.append("x")
        self.see(self.server.frame(wire, text, self.now))

    @precondition(lambda self: self.unsent)
    @rule()
    def sent(self) -> None:
        self.see(self.server.sent(self.unsent.pop(0)))

    @precondition(lambda self: self.requests or self.sockets)
    @rule(data=st.data())
    def lose(self, data: st.DataObject) -> None:
        wire = data.draw(st.sampled_from(sorted(self.requests | self.sockets)))
        self.requests.discard(wire)
        self.sockets.discard(wire)
        self.see(self.server.lost(wire))

    @precondition(lambda self: self.sid and not self.closing)
    @rule(text=st.text("ab😀", max_size=9))
    def send(self, text: str) -> None:
        self.given.append(text)
        self.see(self.server.send(self.sid, text))

    @rule(seconds=st.sampled_from([0.05, 0.1, 3.0, 20.0, 60.0]))
    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        self.see(self.server.tick(self.now))

    @precondition(lambda self: self.sid and not self.closing)
    @rule()
    def close(self) -> None:
        self.closing = True
        self.see(self.server.close(self.sid, self.now))

    @precondition(lambda self: self.sid)
    @rule()
    def poison(self) -> None:
        if self.upgraded is None:
            self.http("POST", b"99:4short")
            assert not self.sid

    @invariant()
    def messages_are_complete_and_in_order(self) -> None:
        assert self.told == self.posted
        assert self.heard == self.given[: len(self.heard)]
        if self.sid:
            waiting = self.server.waiting(self.sid)
            assert len(self.given) - len(self.heard) <= waiting <= LIMITS.queue_packets + 1

    @invariant()
    def at_most_one_poll_waits_and_nothing_outlives_its_session(self) -> None:
        assert len(self.requests) <= (1 if self.sid else 0)
        assert not self.asked
        assert self.sid or not self.sockets
        assert self.server.wires == len(self.requests | self.sockets)
        assert self.server.sids == ((self.sid,) if self.sid else ())

    @invariant()
    def what_was_due_is_done(self) -> None:
        self.see(self.server.tick(self.now))
        due = self.server.next_deadline
        assert (due is None) == (not self.sid)
        assert due is None or due > self.now


TestAnyCourse = AnyCourse.TestCase
TestAnyCourse.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_the_client_is_told_the_times_that_hold():
    limits = Limits(ping_interval_s=1.5, ping_timeout_s=2)
    server = Server(lambda: "x", limits)
    answer = server.http(1, "GET", BEGIN, b"", NOW)[0]
    assert isinstance(answer, Answer)
    told = json.loads(answer.body[answer.body.index(b"{") :])
    assert (told["pingInterval"], told["pingTimeout"]) == (1500, 2000)
    assert server.next_deadline == NOW + 3.5
