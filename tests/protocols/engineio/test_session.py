"""One client: polls, posts, the way to a WebSocket, signs of life, bounds, the end."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.protocols.engineio import (
    Accept,
    Answer,
    BinaryDropped,
    Closed,
    Effect,
    Frames,
    HangUp,
    Kind,
    Limits,
    Message,
    Opened,
    Packet,
    Reason,
    Session,
    State,
    decode_payload,
    encode_payload,
)

SID = "s"
NOOP = b"1:6"
CLOSE = b"1:1"
FIRST, POLL, POST, SOCKET, OTHER = 1, 2, 3, 4, 5
SILENCE_S = 85.0


@dataclass
class Desk:
    """A session, what came of it, and the time."""

    limits: Limits = field(default_factory=Limits)
    now: float = 1000.0

    def __post_init__(self) -> None:
        self.session = Session(SID, self.limits, self.now)
        self.opened = self.session.begin(FIRST, self.now, websocket=False)

    def poll(self, wire: int = POLL) -> list[Effect]:
        return self.session.poll(wire, self.now)

    def post(self, *texts: str) -> list[Effect]:
        body = "".join(f"{len(text)}:{text}" for text in texts)
        return self.session.post(POST, body.encode(), self.now)

    def ask_websocket(self, wire: int = SOCKET) -> list[Effect]:
        return self.session.websocket(wire, self.now)

    def frame(self, text: str | bytes, wire: int = SOCKET) -> list[Effect]:
        return self.session.frame(wire, text, self.now)

    def pass_time(self, seconds: float) -> list[Effect]:
        """All that ticks give until then, each at its time."""
        end = self.now + seconds
        effects: list[Effect] = []
        while (due := self.session.next_deadline) is not None and due <= end:
            self.now = due
            effects += self.session.tick(due)
        self.now = end
        return effects

    def upgrade(self) -> None:
        assert self.ask_websocket() == [Accept(SOCKET)]
        assert self.frame("2probe") == [Frames(SOCKET, ("3probe",))]
        assert self.session.sent(SOCKET) == []
        assert self.frame("5") == []
        assert self.session.state is State.WEBSOCKET


def refused(wire: int) -> Answer:
    body = b'{"code": 3, "message": "Bad request"}'
    return Answer(wire, 400, body, "application/json")


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_the_first_answer_tells_id_times_and_that_a_websocket_may_follow(desk):
    answer, opened = desk.opened
    assert isinstance(answer, Answer)
    (packet,) = decode_payload(answer.body, 9)
    assert isinstance(packet, Packet)
    assert packet.kind is Kind.OPEN
    times = {"pingInterval": 25000, "pingTimeout": 60000}
    assert json.loads(packet.data) == {"sid": SID, "upgrades": ["websocket"], **times}
    assert (answer.status, answer.media_type) == (200, "text/plain; charset=UTF-8")
    assert opened == Opened(SID)


def test_what_is_sent_waits_for_a_poll_and_a_poll_for_what_is_sent(desk):
    assert desk.session.send("a") == []
    assert desk.session.send("b") == []
    assert desk.poll() == [Answer(POLL, body=b"2:4a2:4b")]
    assert desk.poll() == []
    assert desk.session.send("c") == [Answer(POLL, body=b"2:4c")]


def test_a_poll_ends_with_a_noop_before_anybody_loses_patience(desk):
    desk.poll()
    assert desk.pass_time(19.9) == []
    assert desk.pass_time(0.2) == [Answer(POLL, body=NOOP)]


def test_a_lost_poll_loses_no_packet(desk):
    desk.poll()
    assert desk.session.lost(POLL) == []
    assert desk.session.send("a") == []
    assert desk.poll(OTHER) == [Answer(OTHER, body=b"2:4a")]


def test_of_two_polls_at_once_the_second_gets_the_packets_and_the_first_ends(desk):
    desk.poll(POLL)
    assert desk.poll(OTHER) == [Answer(POLL, body=NOOP)]
    assert desk.session.lost(POLL) == []
    assert desk.session.send("a") == [Answer(OTHER, body=b"2:4a")]


def test_what_is_posted_is_told_in_order_and_answered(desk):
    assert desk.post("4a", "6", "3", "0", "5", "4", "4b") == [
        Message(SID, "a"),
        Message(SID, ""),
        Message(SID, "b"),
        Answer(POST),
    ]


def test_a_ping_is_answered_with_its_data(desk):
    desk.poll()
    assert desk.post("2x") == [Answer(POLL, body=b"2:3x"), Answer(POST)]


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=9), max_size=12), st.data())
def test_messages_are_the_same_however_they_are_packed(texts, data):
    desk = Desk()
    told: list[str] = []
    rest = list(texts)
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        body = encode_payload(Packet(Kind.MESSAGE, text) for text in rest[:size])
        effects = desk.session.post(POST, body, desk.now)
        told += [effect.text for effect in effects if isinstance(effect, Message)]
        assert effects[-1] == Answer(POST)
        del rest[:size]
    assert told == texts


def test_the_client_moves_to_the_websocket_once_its_poll_has_ended(desk):
    desk.poll()
    assert desk.ask_websocket() == [Accept(SOCKET)]
    assert desk.frame("2probe") == [Frames(SOCKET, ("3probe",)), Answer(POLL, body=NOOP)]
    assert desk.session.state is State.PROBING
    desk.session.send("a")
    desk.session.sent(SOCKET)
    assert desk.frame("5") == [Frames(SOCKET, ("4a",))]
    assert desk.frame("4b") == [Message(SID, "b")]


def test_a_poll_that_crosses_the_probe_ends_at_once(desk):
    desk.ask_websocket()
    desk.frame("2probe")
    assert desk.poll() == []
    assert desk.pass_time(0.1) == [Answer(POLL, body=NOOP)]


def test_while_it_probes_packets_still_travel_by_polls_and_posts(desk):
    desk.ask_websocket()
    desk.frame("2probe")
    desk.session.send("a")
    assert desk.poll() == [Answer(POLL, body=b"2:4a")]
    assert desk.post("4b") == [Message(SID, "b"), Answer(POST)]


def test_a_poll_left_behind_ends_at_the_upgrade(desk):
    desk.ask_websocket()
    desk.poll()
    assert desk.frame("5") == [Answer(POLL, body=NOOP)]


def test_after_the_upgrade_http_is_refused(desk):
    desk.upgrade()
    assert desk.poll() == [refused(POLL)]
    assert desk.post("4a") == [refused(POST)]
    assert desk.ask_websocket(OTHER) == [refused(OTHER)]


def test_trying_a_websocket_is_a_sign_of_life(desk):
    desk.pass_time(80)
    desk.ask_websocket()
    desk.frame("2probe")
    assert desk.pass_time(9) == []
    desk.frame("5")
    assert desk.pass_time(SILENCE_S - 0.1) == []
    assert desk.pass_time(0.1) == [HangUp(SOCKET), Closed(SID, Reason.SILENT)]


def test_the_answer_to_the_probe_is_sent_before_anything_else_goes_there(desk):
    desk.ask_websocket()
    desk.frame("2probe")
    desk.frame("2probe")
    desk.frame("5")
    desk.session.send("a")
    assert desk.session.sent(SOCKET) == []
    assert desk.session.sent(SOCKET) == [Frames(SOCKET, ("4a",))]


def test_what_a_websocket_that_was_given_up_still_owes_does_not_hold_the_next_one_up(desk):
    desk.ask_websocket(OTHER)
    desk.frame("2probe", OTHER)
    desk.session.lost(OTHER)
    desk.upgrade()
    assert desk.session.send("a") == [Frames(SOCKET, ("4a",))]


def test_only_one_websocket_is_tried_at_a_time(desk):
    desk.ask_websocket()
    assert desk.ask_websocket(OTHER) == [refused(OTHER)]
    assert desk.frame("4x", OTHER) == []
    assert desk.session.sent(OTHER) == []


@pytest.mark.parametrize("first", ["4a", "2", "1", "", b"\x04a"])
def test_a_websocket_that_does_not_begin_with_a_probe_is_given_up_and_polls_go_on(desk, first):
    desk.ask_websocket()
    assert desk.frame(first) == [HangUp(SOCKET)]
    assert desk.post("4a") == [Message(SID, "a"), Answer(POST)]
    assert desk.ask_websocket(OTHER) == [Accept(OTHER)]


def test_a_websocket_that_breaks_while_it_is_tried_leaves_the_polls(desk):
    desk.ask_websocket()
    desk.frame("2probe")
    assert desk.session.lost(SOCKET) == []
    assert desk.session.state is State.POLLING
    desk.poll()
    assert desk.pass_time(19) == []


def test_a_websocket_that_never_takes_over_is_given_up(desk):
    desk.ask_websocket()
    desk.frame("2probe")
    assert desk.pass_time(10) == [HangUp(SOCKET)]
    assert desk.session.state is State.POLLING


def test_a_client_may_begin_with_a_websocket():
    session = Session(SID, Limits(), 0.0)
    accept, frames, opened = session.begin(SOCKET, 0.0, websocket=True)
    assert (accept, opened) == (Accept(SOCKET), Opened(SID))
    assert isinstance(frames, Frames)
    assert json.loads(frames.frames[0][1:])["upgrades"] == []
    assert session.send("a") == []
    assert session.sent(SOCKET) == [Frames(SOCKET, ("4a",))]


def test_a_websocket_gets_the_next_packets_when_the_last_ones_are_sent(desk):
    desk.upgrade()
    assert desk.session.send("a") == [Frames(SOCKET, ("4a",))]
    assert desk.session.send("b") == []
    assert desk.frame("2") == []
    assert desk.session.sent(SOCKET) == [Frames(SOCKET, ("4b", "3"))]


def test_what_a_websocket_was_given_waits_until_it_says_that_it_is_sent(desk):
    desk.upgrade()
    assert desk.session.waiting_chars == 0
    desk.session.send("aaa")
    desk.session.send("bb")
    assert (desk.session.waiting, desk.session.waiting_chars) == (1, 4 + 3)
    desk.session.sent(SOCKET)
    assert (desk.session.waiting, desk.session.waiting_chars) == (0, 3)
    desk.session.sent(SOCKET)
    assert desk.session.waiting_chars == 0


def test_what_no_poll_has_taken_waits_and_nothing_does_after_the_end(desk):
    desk.session.send("aaa")
    assert desk.session.waiting_chars == 4
    desk.poll()
    assert desk.session.waiting_chars == 0
    desk.session.send("a")
    desk.post("1")
    assert (desk.session.state, desk.session.waiting_chars) == (State.CLOSED, 0)


def test_large_packets_go_one_after_the_other():
    desk = Desk(Limits(batch_chars=5))
    for text in ("aaaaa", "bb", "cc", "d"):
        desk.session.send(text)
    assert desk.poll() == [Answer(POLL, body=b"6:4aaaaa")]
    assert desk.poll() == [Answer(POLL, body=b"3:4bb3:4cc")]
    assert desk.session.waiting == 1


def test_a_client_that_says_nothing_is_gone_after_interval_and_timeout(desk):
    desk.pass_time(25)
    desk.post("2")
    assert desk.pass_time(SILENCE_S - 0.1) == []
    assert desk.pass_time(0.1) == [Closed(SID, Reason.SILENT)]
    assert desk.session.next_deadline is None


def test_polls_alone_are_no_sign_of_life(desk):
    for _ in range(8):
        desk.poll()
        desk.pass_time(10)
    desk.poll()
    assert desk.pass_time(10)[-2:] == [Answer(POLL, body=CLOSE), Closed(SID, Reason.SILENT)]


def test_a_silent_websocket_is_hung_up(desk):
    desk.upgrade()
    assert desk.pass_time(SILENCE_S) == [HangUp(SOCKET), Closed(SID, Reason.SILENT)]


def test_a_client_closes_by_post_and_its_poll_ends(desk):
    desk.poll()
    assert desk.post("4a", "1", "4b") == [
        Message(SID, "a"),
        Answer(POLL, body=NOOP),
        Closed(SID, Reason.CLIENT),
        Answer(POST),
    ]


def test_a_client_closes_by_websocket(desk):
    desk.upgrade()
    assert desk.frame("1") == [HangUp(SOCKET), Closed(SID, Reason.CLIENT)]
    assert desk.frame("4a") == []


def test_a_lost_websocket_ends_the_session(desk):
    desk.upgrade()
    assert desk.session.lost(SOCKET) == [Closed(SID, Reason.LOST)]
    assert desk.session.send("a") == []
    assert desk.session.close(desk.now) == []
    assert desk.session.tick(desk.now) == []


def test_we_close_and_the_waiting_poll_hears_it(desk):
    desk.poll()
    desk.session.send("a")
    desk.poll()
    closed = desk.session.close(desk.now)
    assert closed == [Answer(POLL, body=CLOSE), Closed(SID, Reason.SERVER)]


def test_we_close_and_the_next_poll_gets_the_last_packets(desk):
    desk.session.send("a")
    assert desk.session.close(desk.now) == []
    assert desk.session.send("b") == []
    assert desk.post("4ignored", "2") == [Answer(POST)]
    answer = Answer(POLL, body=b"2:4a1:1")
    assert desk.poll() == [answer, Closed(SID, Reason.SERVER)]


def test_we_close_and_nobody_comes_for_the_last_packets(desk):
    desk.session.close(desk.now)
    assert desk.pass_time(29) == []
    assert desk.pass_time(1) == [Closed(SID, Reason.SERVER)]


def test_we_close_and_many_packets_are_fetched_by_several_polls():
    desk = Desk(Limits(batch_chars=2))
    desk.session.send("aa")
    desk.session.send("bb")
    desk.session.close(desk.now)
    assert desk.poll() == [Answer(POLL, body=b"3:4aa")]
    assert desk.poll() == [Answer(POLL, body=b"3:4bb")]
    assert desk.poll() == [Answer(POLL, body=CLOSE), Closed(SID, Reason.SERVER)]


def test_we_close_a_client_that_was_silent_for_long_and_it_has_its_time_all_the_same(desk):
    desk.pass_time(SILENCE_S - 5)
    desk.session.close(desk.now)
    desk.now += 10
    assert desk.session.tick(desk.now) == []


def test_we_close_while_a_websocket_is_tried(desk):
    desk.ask_websocket()
    assert desk.session.close(desk.now) == [HangUp(SOCKET)]
    assert desk.ask_websocket(OTHER) == [refused(OTHER)]


def test_we_close_a_websocket_behind_all_that_waits():
    desk = Desk(Limits(batch_chars=2))
    desk.upgrade()
    for text in "abc":
        desk.session.send(text)
    assert desk.session.close(desk.now) == [
        Frames(SOCKET, ("4b", "4c")),
        Frames(SOCKET, ("1",)),
        HangUp(SOCKET),
        Closed(SID, Reason.SERVER),
    ]


def test_binary_data_is_dropped_and_the_session_goes_on(desk):
    assert desk.post("b4AAEC", "4a") == [BinaryDropped(SID, 3), Message(SID, "a"), Answer(POST)]
    desk.upgrade()
    assert desk.frame(b"\4\0\1") == [BinaryDropped(SID, 2)]
    assert desk.frame("4b") == [Message(SID, "b")]


def test_a_body_that_cannot_be_read_ends_the_session_after_what_stands_before_it(desk):
    assert desk.post("4a", "9", "4b") == [
        Message(SID, "a"),
        Closed(SID, Reason.MALFORMED),
        refused(POST),
    ]


def test_a_frame_that_is_no_packet_ends_the_session(desk):
    desk.upgrade()
    assert desk.frame("x") == [HangUp(SOCKET), Closed(SID, Reason.MALFORMED)]


def test_too_large_a_body_is_refused_and_ends_the_session():
    desk = Desk(Limits(body_bytes=4))
    assert desk.post("4") == [Message(SID, ""), Answer(POST)]
    answer, closed = desk.post("4aa")
    assert isinstance(answer, Answer)
    assert answer.status == 413
    assert closed == Closed(SID, Reason.TOO_LARGE)


def test_too_large_a_frame_ends_the_session():
    desk = Desk(Limits(body_bytes=4))
    desk.upgrade()
    assert desk.frame("4aaa") == [Message(SID, "aaa")]
    assert desk.frame("4aaaa") == [HangUp(SOCKET), Closed(SID, Reason.TOO_LARGE)]


def test_a_client_that_takes_nothing_is_closed_at_the_number_of_packets():
    desk = Desk(Limits(queue_packets=3))
    assert [desk.session.send("a") for _ in range(3)] == [[], [], []]
    assert desk.session.send("a") == [Closed(SID, Reason.SLOW)]
    assert desk.session.waiting == 0


def test_a_client_that_takes_nothing_is_closed_at_the_number_of_characters():
    desk = Desk(Limits(queue_chars=5))
    desk.upgrade()
    assert desk.session.send("long, but at once on its way") != []
    assert desk.session.send("aaaa") == []
    assert desk.session.send("b") == [HangUp(SOCKET), Closed(SID, Reason.SLOW)]


def test_what_is_taken_leaves_room_again():
    desk = Desk(Limits(queue_chars=6))
    for _ in range(5):
        assert desk.session.send("aaaaa") == []
        assert desk.poll() == [Answer(POLL, body=b"6:4aaaaa")]


def test_a_flood_of_pings_is_a_client_that_takes_nothing():
    desk = Desk(Limits(queue_packets=3))
    assert desk.post(*["2"] * 9) == [Closed(SID, Reason.SLOW), Answer(POST)]


def test_a_post_with_many_packets_leaves_turns_to_others_and_is_answered_at_its_end():
    desk = Desk(Limits(packets_at_once=3))
    messages = [Message(SID, str(number)) for number in range(7)]
    assert desk.post(*(f"4{number}" for number in range(7))) == messages[:3]
    assert desk.session.post(OTHER, b"2:4x", desk.now) == [refused(OTHER)]
    assert desk.session.resume(OTHER, desk.now) == []
    assert desk.session.resume(POST, desk.now) == messages[3:6]
    assert desk.session.post_wire == POST
    assert desk.session.resume(POST, desk.now) == [*messages[6:], Answer(POST)]
    assert desk.session.resume(POST, desk.now) == []
    assert desk.post("4a") == [Message(SID, "a"), Answer(POST)]


def test_a_mistake_at_the_end_of_a_long_post_is_answered_after_what_stood_before_it():
    desk = Desk(Limits(packets_at_once=2))
    assert desk.post("4a", "4b", "x") == [Message(SID, "a"), Message(SID, "b")]
    assert desk.session.resume(POST, desk.now) == [
        Closed(SID, Reason.MALFORMED),
        refused(POST),
    ]


def test_a_session_that_ends_meanwhile_reads_no_more_of_a_post():
    desk = Desk(Limits(packets_at_once=2))
    desk.post(*["4a"] * 9)
    desk.session.close(desk.now)
    assert desk.session.resume(POST, desk.now) == [Answer(POST)]


def test_a_post_that_is_given_up_is_forgotten_and_the_next_one_is_read():
    desk = Desk(Limits(packets_at_once=2))
    desk.post(*["4a"] * 9)
    assert desk.session.lost(POST) == []
    assert desk.session.resume(POST, desk.now) == []
    assert desk.session.post(OTHER, b"2:4b", desk.now) == [Message(SID, "b"), Answer(OTHER)]
