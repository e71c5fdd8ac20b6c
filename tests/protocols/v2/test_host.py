"""The host machine alone: recorded bytes of boards, and bytes that no board sends."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.protocols.v2 import conversations
from agent.protocols.v2.asking import NACK_PAUSE_S
from agent.protocols.v2.frames import (
    Control,
    Frame,
    FrameDecoder,
    PacketType,
    encode_control,
    encode_frame,
)
from agent.protocols.v2.host import (
    ASK_AGAIN_LIMIT,
    Ended,
    Event,
    Failed,
    Finished,
    Heard,
    HostMachine,
    LogText,
)
from agent.protocols.v2.messages import (
    BleAddress,
    HardwareId,
    LibraryVersion,
    Network,
    NetworkList,
    PublicKey,
    SketchVersion,
    Status,
    Timestamp,
    Token,
    WifiFirmware,
    decode_from_board,
    encode_from_board,
    encode_to_board,
)
from agent.protocols.v2.status import STATUSES, StatusCode
from agent.protocols.v2.talk import Conversation, Reason
from agent.settings import Secret
from agent.settings.network import WiFi
from tests.protocols.conftest import OWN_VECTORS, read_vectors

SETTINGS = WiFi(ssid="HomeNet", password=Secret("correct horse"))
LIST = NetworkList((Network(b"HomeNet", -45),))
ASKING: dict[int, Conversation[Any]] = {
    1: conversations.configure(SETTINGS),
    2: conversations.identity(1_750_000_000),
    3: conversations.ble_address(),
    4: conversations.reset(),
    100: conversations.scan(),
    101: conversations.wifi_firmware(),
    200: conversations.sketch_version(),
    201: conversations.library_version(),
}


def frame(message: Any) -> bytes:
    return encode_frame(PacketType.DATA, encode_from_board(message))


SCANNED = frame(Status(100)) + frame(LIST)
"""A scan of the board's own accord, which shows that its configurator is served."""


def opened() -> HostMachine:
    host = HostMachine()
    host.start(conversations.opening(), 0)
    host.receive(frame(LIST) + SCANNED, 0)
    host.take_events()
    host.take_writes()
    return host


def sent(host: HostMachine) -> list[str]:
    return [data.hex() for data in host.take_writes()]


# --- recorded conversations ----------------------------------------------------------------------


def test_recorded_conversations_of_the_vectors_are_heard_in_order(sessions_vector: dict[str, Any]):
    """The recorded bytes come in reply to whatever conversation the recorded request was of."""
    host = HostMachine()
    now = 0.0
    for step in [{"board": sessions_vector.get("at_boot", [])}, *sessions_vector["steps"]]:
        start(host, bytes.fromhex(step.get("send", "")), now)
        wanted: list[Event] = []
        for element in step.get("board", []):
            now += 0.001
            if "text" in element:
                data = bytes.fromhex(element["hex"])
                wanted.append(LogText(data))
            else:
                data = bytes.fromhex(element["frame"])
                wanted.append(
                    Heard(decode_from_board(data[5:-4])) if "data" in element else Ended()
                )
            host.receive(data, now)
        heard = [e for e in host.take_events() if not isinstance(e, (Finished, Failed))]
        assert heard == wanted
        host.tick(now)
        now += (step.get("wait_ms", 0) + step.get("idle_ms", 0)) / 1000
        host.receive(b"", now)


def start(host: HostMachine, data: bytes, now: float) -> None:
    """Begin the conversation whose request was recorded, giving up one that still runs."""
    frames = [piece for piece in FrameDecoder().feed(data) if isinstance(piece, Frame)]
    for one in frames[-1:]:
        host.abandon()
        if one.type is PacketType.CONTROL:
            if one.payload[0] == Control.CONNECT:
                host.start(conversations.opening(), now)
            else:
                host.disconnect(now)
        elif one.payload.startswith(bytes.fromhex("da00012003")):
            host.start(ASKING.get(one.payload[-1], conversations.sketch_version()), now)
    host.take_writes()
    host.take_events()


EXPECTED: dict[str, dict[int, Any]] = {
    "identity": {200: "0.6.2", 201: "0.5.1", 101: "0.6.0", 3: bytes.fromhex("a1b2c3d4e5f6")},
    "app-commands": {200: "", 201: "0.5.1", 101: "0.6.0"},
    "error-scan": {4: True},
}


@pytest.mark.parametrize("name", EXPECTED)
def test_recorded_answers_end_the_conversations_with_their_values(name: str):
    (vector,) = [v for v in read_vectors("sessions", OWN_VECTORS) if v["id"] == name]
    host = HostMachine()
    found: dict[int, Any] = {}
    for number, step in enumerate(vector["steps"]):
        data = bytes.fromhex(step.get("send", ""))
        start(host, data, number)
        answers = [bytes.fromhex(e["frame"]) for e in step.get("board", []) if "frame" in e]
        host.receive(b"".join(answers), number + 0.1)
        host.receive(SCANNED if number == 0 else b"", number + 0.1)
        for event in host.take_events():
            if isinstance(event, Finished):
                found[data[-5]] = event.value
    assert {code: found.get(code) for code in EXPECTED[name]} == EXPECTED[name]


# --- bytes on the wire ---------------------------------------------------------------------------


def test_opening_sends_connect_alone_and_nothing_before_the_list():
    host = HostMachine()
    host.start(conversations.opening(), 10)
    assert sent(host) == ["55aa03000301e1f1aa55"]
    host.tick(12.9)
    assert sent(host) == []
    host.tick(13)
    assert sent(host) == ["55aa03000302d36aaa55"]
    host.tick(13.29)
    assert sent(host) == []
    host.tick(13.3)
    assert sent(host) == ["55aa03000301e1f1aa55"]
    assert host.next_deadline == 23.3
    host.tick(23.3)
    assert sent(host) == ["55aa03000301e1f1aa55"]


def test_the_limit_for_the_first_frame_is_longer_after_flashing():
    host = HostMachine()
    host.start(conversations.opening(flashed=True), 0)
    host.tick(3)
    host.tick(3.3)
    host.tick(59.9)
    assert host.busy
    host.tick(60)
    assert host.busy  # the sketch is there, so it can only be the list
    host.tick(130)
    (event,) = host.take_events()
    assert isinstance(event, Failed)
    assert event.failure.reason is Reason.NO_LIST


def test_the_timestamp_and_the_command_behind_it_are_two_writes():
    host = opened()
    host.start(conversations.identity(1_750_000_000), 1)
    assert sent(host) == [
        "55aa02000dda00012002811a684ee1801dc8aa55",
        "55aa020009da0001200381024c80aa55",
    ]


def test_connect_is_sent_only_when_the_board_is_known_to_have_the_settings():
    host = opened()
    host.start(conversations.configure(SETTINGS), 1)
    settings = encode_frame(PacketType.DATA, encode_to_board(SETTINGS)).hex()
    assert sent(host) == [settings, "55aa02000ada000120038118c85699aa55"]
    host.receive(frame(SketchVersion("0.6.2")), 1.01)
    assert sent(host) == ["55aa020009da0001200381017e1baa55"]
    host.receive(frame(Status(1)) + frame(Status(2)), 5)
    assert Finished(True) in host.take_events()


def test_a_request_is_sent_again_two_hundred_milliseconds_after_a_nack():
    host = opened()
    host.start(conversations.reset(), 1)
    first = sent(host)
    host.receive(encode_control(Control.NACK), 1.1)
    host.tick(1.29)
    assert sent(host) == []
    host.tick(1.31)
    assert sent(host) == first


def test_a_second_conversation_is_refused_while_one_runs():
    host = opened()
    host.start(conversations.reset(), 1)
    with pytest.raises(RuntimeError, match="one conversation at a time"):
        host.start(conversations.reset(), 1)


def test_goodbye_is_said_only_where_hello_was_said():
    host = HostMachine()
    host.disconnect(0)
    assert sent(host) == []
    host = opened()
    host.disconnect(1)
    assert sent(host) == ["55aa03000302d36aaa55"]
    host.disconnect(2)
    assert sent(host) == []


def test_an_abandoned_conversation_leaves_no_event_and_no_deadline():
    host = opened()
    host.start(conversations.reset(), 1)
    host.abandon()
    host.receive(frame(Status(4)), 2)
    assert host.take_events() == [Heard(Status(4))]
    assert host.next_deadline == math.inf


def test_a_false_start_on_the_line_delays_an_answer_by_a_quarter_second_at_most():
    host = opened()
    host.start(conversations.reset(), 1)
    host.receive(b"\x55\xaa\x02\x03\x00" + frame(Status(4)), 1.1)
    assert Finished(True) not in host.take_events()
    assert host.next_deadline == pytest.approx(1.35)
    host.tick(host.next_deadline)
    assert Finished(True) in host.take_events()


def test_repeated_and_unasked_messages_are_not_answers():
    host = opened()
    host.start(conversations.reset(), 1)
    for message in (Status(100), LIST, Status(-1), Status(-3), Status(2), SketchVersion("1")):
        host.receive(frame(message), 1.1)
    assert host.busy
    host.receive(frame(Status(4)), 1.2)
    assert not host.busy


# --- anything at all -----------------------------------------------------------------------------

replies = st.one_of(
    st.sampled_from(sorted(STATUSES)).map(lambda code: frame(Status(code))),
    st.sampled_from(Control).map(encode_control),
    st.sampled_from(
        [
            frame(LIST),
            frame(SketchVersion("0.6.2")),
            frame(LibraryVersion("0.5.1")),
            frame(WifiFirmware("0.6.0")),
            frame(BleAddress(bytes(6))),
            frame(HardwareId(bytes(32))),
            frame(PublicKey("pem")),
            frame(Token(Secret("a.b.c"))),
            frame(LIST)[:20],
            b"\x55\xaa\x02\x02\x00",
            b"log text\r\n",
            encode_frame(PacketType.DATA, encode_to_board(Timestamp(1))),
            encode_frame(PacketType.DATA, b""),
        ]
    ),
    st.binary(max_size=40),
)
happenings = st.lists(st.one_of(replies, st.floats(0, 40, allow_nan=False)), max_size=40)
everything = [conversations.opening(), *ASKING.values()]


@given(st.sampled_from(everything), st.booleans(), happenings)
def test_nothing_makes_the_machine_raise_and_every_conversation_ends_by_its_limit(
    conversation: Conversation[Any], connected: bool, script: list[bytes | float]
):
    host = opened() if connected else HostMachine()
    now = 1.0
    host.start(conversation, now)
    deadline = now + conversation.limit_s
    writes: list[bytes] = []
    ends: list[float] = []

    def collect() -> None:
        writes.extend(host.take_writes())
        ended = [event for event in host.take_events() if isinstance(event, (Finished, Failed))]
        ends.extend(now for _ in ended)

    for happening in script:
        if isinstance(happening, bytes):
            host.receive(happening, now)
        else:
            now += happening
            host.tick(now)
        collect()
    while host.busy:
        # Only deadlines from here on; each must lead further.
        assert host.next_deadline <= deadline
        now = max(now, host.next_deadline)
        host.tick(now)
        collect()
    assert len(ends) == 1
    assert ends[0] <= deadline + 40  # the longest pause between two ticks above
    for data in writes:  # whole frames, and none without a payload
        pieces = FrameDecoder().feed(data)
        assert all(isinstance(piece, Frame) and piece.payload for piece in pieces)
        assert sum(len(piece.payload) + 9 for piece in pieces if isinstance(piece, Frame)) == len(
            data
        )


@given(happenings)
def test_a_board_that_may_be_in_run_is_never_sent_what_would_block_it(
    script: list[bytes | float],
):
    """Whatever it says: only a RESET that succeeded, or -7 to 200, opens the way."""
    host = HostMachine()
    host.start(conversations.opening(), 0)
    host.receive(frame(Status(2)) + frame(LIST), 0)
    host.take_writes()
    now = 0.0
    for happening in script:
        if isinstance(happening, bytes):
            if frame(Status(4)) in happening or frame(Status(-7)) in happening:
                return
            host.receive(happening, now)
        else:
            now += happening
            host.tick(now)
        if not host.busy:
            host.start(ASKING[(1, 100, 101, 201)[len(script) % 4]], now)
        for data in host.take_writes():
            if data[5:10] == bytes.fromhex("da00012003"):
                assert data[-5] not in {1, 100, 101, 201}


@given(st.sampled_from(everything), st.lists(replies, max_size=20), st.lists(st.integers(0)))
def test_any_split_of_what_a_board_sends_gives_the_same_events(
    conversation: Conversation[Any], script: list[bytes], cuts: list[int]
):
    data = b"".join(script)
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    whole, pieces = opened(), opened()
    for host in (whole, pieces):
        host.start(conversation, 1)
    whole.receive(data, 1)
    for begin, end in pairwise(edges):
        pieces.receive(data[begin:end], 1)
    assert told(whole) == told(pieces)


def told(host: HostMachine) -> list[str]:
    return [
        repr(event.failure) if isinstance(event, Failed) else repr(event)
        for event in host.take_events()
        if not isinstance(event, LogText)
    ]


# --- what is sent again --------------------------------------------------------------------------


@pytest.mark.parametrize("command", [100, 101, 201])
def test_a_command_that_blocks_a_board_in_run_is_not_repeated_once_it_is_there(command: int):
    host = opened()
    host.start(ASKING[command], 1)
    assert sent(host)
    host.receive(encode_control(Control.NACK), 1.1)
    host.receive(frame(Status(StatusCode.CONNECTED)), 1.2)
    host.tick(1.2 + NACK_PAUSE_S)
    assert sent(host) == []
    failed = [event for event in host.take_events() if isinstance(event, Failed)]
    assert [event.failure.reason for event in failed] == [Reason.ONLINE]


def test_each_request_may_ask_for_its_answer_as_often_as_the_one_before():
    host = opened()
    nack = encode_control(Control.NACK).hex()

    def nacks(now: float) -> int:
        host.start(conversations.ble_address(), now)
        heard = 0
        while heard < 10 * ASK_AGAIN_LIMIT and host.next_deadline < now + 50:
            host.tick(host.next_deadline)
            heard += sent(host).count(nack)
        host.abandon()
        return heard

    assert nacks(0) == ASK_AGAIN_LIMIT
    assert nacks(100) == ASK_AGAIN_LIMIT


def test_an_error_of_the_board_is_tried_once_more_and_then_believed():
    host = opened()
    host.start(conversations.reset(), 0)
    assert len(sent(host)) == 1
    host.receive(frame(Status(StatusCode.ERROR)), 1)
    host.tick(1)
    assert len(sent(host)) == 1
    host.receive(frame(Status(StatusCode.ERROR)), 2)
    host.tick(2)
    assert sent(host) == []
    (failed,) = (event for event in host.take_events() if isinstance(event, Failed))
    assert (failed.failure.reason, failed.failure.status) == (Reason.STATUS, StatusCode.ERROR)


@pytest.mark.parametrize(("write_bytes", "looks"), [(20, False), (52, True), (None, True)])
def test_a_look_that_would_not_arrive_together_is_not_taken(write_bytes, looks):
    host = HostMachine(write_bytes)
    host.start(conversations.opening(), 0.0)
    host.receive(frame(LIST), 0.0)
    host.take_writes()
    host.start(conversations.wifi_firmware(), 0.0)
    sent = b"".join(host.take_writes())
    commands = [
        piece.payload[-1] for piece in FrameDecoder().feed(sent) if isinstance(piece, Frame)
    ]
    assert commands == ([3, 200, 200] if looks else [101])


def joining(write_bytes: int | None) -> HostMachine:
    """The board has the settings and says that it tries them."""
    host = HostMachine(write_bytes)
    host.start(conversations.opening(), 0)
    host.receive(frame(LIST) + SCANNED, 0)
    host.start(conversations.configure(SETTINGS), 0)
    host.receive(frame(SketchVersion("0.6.2")), 1)
    host.receive(frame(Status(StatusCode.CONNECTING)), 2)
    host.take_events()
    host.take_writes()
    return host


def ends(host: HostMachine) -> list[Event]:
    return [event for event in host.take_events() if isinstance(event, Finished | Failed)]


def test_a_link_that_the_board_ends_while_it_joins_says_that_it_has_joined():
    host = joining(None)
    host.receive(encode_control(Control.DISCONNECT), 3)
    assert ends(host) == [Finished(True)]


@pytest.mark.parametrize("write_bytes", [20, 247])
def test_in_the_air_only_a_board_that_said_so_has_joined_when_its_link_ends(write_bytes):
    told = joining(write_bytes)
    told.receive(frame(Status(StatusCode.CONNECTED)) + encode_control(Control.DISCONNECT), 3)
    assert ends(told) == [Finished(True)]
    lost = joining(write_bytes)
    lost.receive(encode_control(Control.DISCONNECT), 3)
    assert ends(lost) == []
    lost.tick(4)
    assert sent(lost) == [encode_control(Control.CONNECT).hex()]
    # It had joined meanwhile, and says so first.
    lost.receive(frame(Status(StatusCode.CONNECTED)) + frame(LIST), 5)
    assert ends(lost) == [Finished(True)]


def test_in_the_air_a_board_that_says_nothing_of_its_attempt_gets_everything_again():
    host = joining(20)
    host.receive(encode_control(Control.DISCONNECT), 3)
    host.tick(4)
    host.take_writes()
    host.receive(frame(LIST), 5)
    assert ends(host) == []
    settings = encode_frame(PacketType.DATA, encode_to_board(SETTINGS)).hex()
    assert sent(host)[0] == settings
    # The attempt of before succeeds before the new command is taken.
    host.receive(frame(Status(StatusCode.CONNECTED)) + frame(SketchVersion("0.6.2")), 6)
    assert ends(host) == [Finished(True)]
