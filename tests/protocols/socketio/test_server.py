"""Events over sessions: names and arguments, acknowledgements, and all that is no event."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.protocols import engineio
from agent.protocols.engineio import Answer, HangUp, Kind, Packet, Reason, decode_payload
from agent.protocols.socketio import Connected, Disconnected, Effect, Event, Ignored, Server

NOW = 50.0
POLL, POST, SOCKET = 100, 200, 300


class Desk:
    """A server with one client that polls."""

    def __init__(self, limits: engineio.Limits | None = None) -> None:
        names = map("sid{}".format, itertools.count())
        self.server = Server(engineio.Server(lambda: next(names), limits))
        self.sid = self.begin()

    def begin(self) -> str:
        answer, connected = self.server.http(1, "GET", {"transport": "polling"}, b"", NOW)
        assert isinstance(answer, Answer)
        assert isinstance(connected, Connected)
        return connected.sid

    def query(self, transport: str = "polling") -> dict[str, str]:
        return {"transport": transport, "sid": self.sid}

    def poll(self) -> list[Effect]:
        return self.server.http(POLL, "GET", self.query(), b"", NOW)

    def post(self, *texts: str) -> list[Effect]:
        """What comes of these messages, without the answer to the POST."""
        body = engineio.encode_payload(Packet(Kind.MESSAGE, text) for text in texts)
        effects = self.server.http(POST, "POST", self.query(), body, NOW)
        assert effects.pop() == Answer(POST)
        return effects

    def heard(self) -> list[str]:
        """What a poll gets; nothing if it would have to wait."""
        answers = [effect for effect in self.poll() if isinstance(effect, Answer)]
        packets = [each for answer in answers for each in decode_payload(answer.body, 9)]
        assert self.server.lost(POLL, NOW) == []
        return [each.data for each in packets if isinstance(each, Packet) and each.data]


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    assert desk.heard() == ["0"]
    return desk


def test_a_client_is_told_that_it_is_connected_before_anything_else():
    desk = Desk()
    desk.server.emit(desk.sid, "message", "hello", now=NOW)
    assert desk.heard() == ["0", '2["message","hello"]']


def test_an_event_has_a_name_and_arguments(desk):
    assert desk.post('2["command","list"]', '2["x",1,null,{"a":[]}]') == [
        Event(desk.sid, "command", ("list",)),
        Event(desk.sid, "x", (1, None, {"a": []})),
    ]


def test_an_event_that_wants_an_answer_gets_it(desk):
    assert desk.post('27["command"]') == [Event(desk.sid, "command", (), 7)]
    assert desk.server.acknowledge(desk.sid, 7, "done", 1, now=NOW) == []
    assert desk.heard() == ['37["done",1]']


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("2", "event without a name"),
        ("2null", "event without a name"),
        ("2[]", "event without a name"),
        ("2[null]", "event without a name"),
        ('2[5,"x"]', "event without a name"),
        ('2[["x"]]', "event without a name"),
        ('2"command"', "event without a name"),
        ('2{"0":"command"}', "event without a name"),
        ("2true", "event without a name"),
        ('2/chat,["x"]', "another namespace"),
        ("1/chat", "another namespace"),
        ("0", "CONNECT packet"),
        ("31[]", "ACK packet"),
        ('4"no"', "ERROR packet"),
        ("nonsense", "unknown kind of packet"),
        ("", "empty packet"),
        ("2" + "[" * 50_000, "not JSON"),
        ('2["command",NaN]', "not JSON"),
    ],
)
def test_what_is_no_event_is_ignored_and_the_client_goes_on(desk, text, reason):
    assert desk.post(text, '2["command"]') == [
        Ignored(desk.sid, reason),
        Event(desk.sid, "command", ()),
    ]
    assert desk.heard() == []


def test_another_namespace_is_refused_in_words(desk):
    assert desk.post("0/chat?a=b") == [Ignored(desk.sid, "another namespace")]
    assert desk.heard() == ['4/chat,"Invalid namespace"']


def test_binary_data_is_refused_in_words_once_and_dropped(desk):
    header = '451-["x",{"_placeholder":true,"num":0}]'
    body = f'{len(header)}:{header}6:b4AAEC13:42["command"]'.encode()
    assert desk.server.http(POST, "POST", desk.query(), body, NOW) == [
        Ignored(desk.sid, "binary data announced"),
        Ignored(desk.sid, "3 bytes of binary data"),
        Event(desk.sid, "command", ()),
        Answer(POST),
    ]
    assert desk.heard() == ['4"Binary data is not supported"']


def test_a_client_that_leaves_is_gone_at_once_and_what_follows_is_not_told(desk):
    assert desk.post('2["a"]', "1", '2["b"]') == [
        Event(desk.sid, "a", ()),
        Disconnected(desk.sid, Reason.CLIENT),
    ]
    assert desk.server.sids == ()
    assert desk.server.emit(desk.sid, "message", now=NOW) == []
    assert desk.poll() == [Answer(POLL, body=b"1:1")]
    assert desk.server.next_deadline is None


def test_binary_data_of_a_client_that_left_is_not_told(desk):
    effects = desk.server.http(POST, "POST", desk.query(), b"2:416:b4AAEC", NOW)
    assert effects == [Disconnected(desk.sid, Reason.CLIENT), Answer(POST)]


def test_a_client_whose_session_ends_is_gone(desk):
    body = b"1:1"
    effects = desk.server.http(POST, "POST", desk.query(), body, NOW)
    assert effects == [Disconnected(desk.sid, Reason.CLIENT), Answer(POST)]


def test_we_close_a_client_and_it_hears_the_end_of_its_session_only(desk):
    assert desk.server.close(desk.sid, NOW) == [Disconnected(desk.sid, Reason.SERVER)]
    assert desk.server.close(desk.sid, NOW) == []
    assert desk.poll() == [Answer(POLL, body=b"1:1")]


def test_a_silent_client_is_gone(desk):
    due = desk.server.next_deadline
    assert due == NOW + 85
    assert desk.server.tick(due) == [Disconnected(desk.sid, Reason.SILENT)]


def test_a_client_that_our_own_answers_fill_is_told_once_that_it_is_gone():
    desk = Desk(engineio.Limits(queue_packets=3))
    # Each of these is answered, and nobody polls.
    effects = desk.post(*["0/chat"] * 9)
    gone = effects.index(Disconnected(desk.sid, Reason.SLOW))
    assert gone == 2
    assert effects[gone + 1 :] == [Ignored(desk.sid, "another namespace")]


def test_over_a_websocket_it_is_the_same():
    desk = Desk()
    server = desk.server
    frames = server.websocket(SOCKET, {"transport": "websocket"}, NOW)
    (sid,) = (effect.sid for effect in frames if isinstance(effect, Connected))
    assert server.sids == (desk.sid, sid)
    assert server.sent(SOCKET, NOW) == [engineio.Frames(SOCKET, ("40",))]
    assert server.frame(SOCKET, '42["a"]', NOW) == [Event(sid, "a", ())]
    assert server.frame(SOCKET, b"\4\0", NOW) == [Ignored(sid, "1 bytes of binary data")]
    assert server.emit(sid, "message", "x", now=NOW) == []
    assert server.waiting(sid) == 1
    assert server.waiting_chars(sid) == len("40") + len('42["message","x"]')
    gone = [Disconnected(sid, Reason.LOST)]
    assert server.lost(SOCKET, NOW) == gone
    assert server.frame(SOCKET, "1", NOW) == []


def test_a_client_that_leaves_over_a_websocket_is_hung_up():
    desk = Desk()
    desk.server.websocket(SOCKET, {"transport": "websocket"}, NOW)
    first, *_, last = desk.server.frame(SOCKET, "41", NOW)
    assert isinstance(first, Disconnected)
    assert last == HangUp(SOCKET)


ARGUMENTS: st.SearchStrategy[list[Any]] = st.lists(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8"), max_size=9),
    max_size=4,
)


@given(st.text(st.characters(), max_size=9), ARGUMENTS)
def test_any_event_arrives_as_it_was_sent(name, arguments):
    desk = Desk()
    sent = json.dumps([name, *arguments], ensure_ascii=False)
    effects = desk.post(f"2{sent}")
    assert effects == [Event(desk.sid, engineio.well_formed(name), tuple(arguments))]
    desk.server.emit(desk.sid, name, *arguments, now=NOW)
    assert json.loads(desk.heard()[-1][1:]) == [engineio.well_formed(name), *arguments]
