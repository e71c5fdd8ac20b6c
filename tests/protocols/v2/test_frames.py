from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agent.protocols.v2.frames import (
    HOST_PAYLOAD_LIMIT,
    PAYLOAD_LIMIT,
    Control,
    Frame,
    FrameDecoder,
    Noise,
    PacketType,
    Piece,
    crc16_x25,
    encode_control,
    encode_frame,
)

STATUS = bytes.fromhex("da000120008120")
GOOD = encode_frame(PacketType.DATA, STATUS)

frames = st.builds(
    Frame, st.sampled_from(PacketType), st.binary(min_size=0, max_size=HOST_PAYLOAD_LIMIT)
)
marker_heavy = st.lists(
    st.sampled_from(
        [
            b"\x55",
            b"\xaa",
            b"\x55\xaa",
            b"\xaa\x55",
            b"\x55\xaa\x02\x03\x00",
            b"\x55\xaa\x02\xff\xff",
            b"\x55\xaa\x03\x00\x03",
            b"\x55\xaa\x02\x00\x09\xda\x00\x01\x20",
            GOOD[:-1],
            b"log\r\n",
        ]
    ),
    max_size=8,
).map(b"".join)
noise = st.one_of(st.binary(max_size=60), marker_heavy)


def decode(data: bytes, cuts: list[int] | None = None) -> list[Piece]:
    decoder = FrameDecoder()
    pieces: list[Piece] = []
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts or []), len(data)]
    for begin, end in pairwise(edges):
        pieces += decoder.feed(data[begin:end])
    return pieces + drain(decoder)


def drain(decoder: FrameDecoder) -> list[Piece]:
    """What the host does after a silence, until nothing moves, and at the end of a link."""
    pieces: list[Piece] = []
    while released := decoder.release():
        pieces += released
    return pieces + decoder.reset()


def joined(pieces: list[Piece]) -> list[Piece]:
    """Neighbouring noise as one."""
    result: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, Noise) and result and isinstance(result[-1], Noise):
            result[-1] = Noise(result[-1].data + piece.data)
        else:
            result.append(piece)
    return result


def only_frames(pieces: list[Piece]) -> list[Frame]:
    return [piece for piece in pieces if isinstance(piece, Frame)]


@given(frames)
def test_a_frame_survives_the_round_trip(frame: Frame):
    assert decode(encode_frame(frame.type, frame.payload)) == [frame]


@given(st.lists(st.one_of(noise, frames), max_size=6), st.lists(st.integers(0), max_size=20))
def test_any_split_of_the_input_gives_the_same_pieces(parts: list[bytes | Frame], cuts: list[int]):
    data = b"".join(
        part if isinstance(part, bytes) else encode_frame(part.type, part.payload) for part in parts
    )
    assert joined(decode(data, cuts)) == joined(decode(data))


@given(st.lists(st.tuples(noise, frames), min_size=1, max_size=6), noise)
@example([(b"\x55\xaa\x02\x04\x00", Frame(PacketType.DATA, STATUS))], b"")
@example([(b"\x55", Frame(PacketType.DATA, STATUS))], b"\x55")
@example([(b"\x55\xaa", Frame(PacketType.DATA, b"\x55\xaa\x03"))], b"\x55\xaa\x02")
def test_noise_between_frames_loses_no_good_frame(parts: list[tuple[bytes, Frame]], tail: bytes):
    data = b"".join(noise + encode_frame(f.type, f.payload) for noise, f in parts) + tail
    got = iter(only_frames(decode(data)))
    wanted = [frame for _, frame in parts]
    # The noise may hold whole frames of its own; ours all come through, in order.
    assert all(frame in got for frame in wanted)


@given(st.lists(st.one_of(st.binary(max_size=60), frames), max_size=6))
def test_no_byte_is_dropped(parts: list[bytes | Frame]):
    data = b"".join(
        part if isinstance(part, bytes) else encode_frame(part.type, part.payload) for part in parts
    )
    again = b"".join(
        piece.data if isinstance(piece, Noise) else encode_frame(piece.type, piece.payload)
        for piece in decode(data)
    )
    assert again == data


@settings(max_examples=30)
@given(st.integers(0, 0xFFFF), st.integers(1, 700))
def test_memory_is_bounded_whatever_the_length_field_says(length: int, chunk: int):
    decoder = FrameDecoder()
    data = b"\x55\xaa\x02" + length.to_bytes(2, "big") + b"\x11" * 70_000
    for begin in range(0, len(data), chunk):
        decoder.feed(data[begin : begin + chunk])
        assert decoder.pending_bytes <= HOST_PAYLOAD_LIMIT + 8


@pytest.mark.parametrize("length", [0, 1, HOST_PAYLOAD_LIMIT + 3, 0xFFFF])
def test_an_impossible_length_field_holds_nothing_back(length: int):
    false_start = b"\x55\xaa\x02" + length.to_bytes(2, "big")
    assert FrameDecoder().feed(false_start + GOOD) == [
        Noise(false_start),
        Frame(PacketType.DATA, STATUS),
    ]


def test_a_frame_behind_one_that_was_cut_off_is_released_after_a_silence():
    decoder = FrameDecoder()
    cut_off = encode_frame(PacketType.DATA, bytes(300))[:100]
    assert decoder.feed(cut_off + GOOD + b"text") == []
    assert decoder.release() == [
        Noise(cut_off),
        Frame(PacketType.DATA, STATUS),
        Noise(b"text"),
    ]
    assert decoder.release() == []


def test_a_slow_frame_is_not_given_up_by_a_silence():
    decoder = FrameDecoder()
    pieces = []
    for byte in GOOD:
        pieces += decoder.feed(bytes([byte]))
        pieces += decoder.release()
    assert pieces == [Frame(PacketType.DATA, STATUS)]


def test_a_whole_frame_inside_a_payload_is_payload():
    disconnect = encode_control(Control.DISCONNECT)
    payload = b"\xda\x00\x01\x20\x01\x82\x6a" + disconnect + b"\x20"
    data = encode_frame(PacketType.DATA, payload)
    assert decode(data) == [Frame(PacketType.DATA, payload)]
    assert decode(data, list(range(len(data)))) == [Frame(PacketType.DATA, payload)]


def test_a_frame_that_lacks_its_last_byte_does_not_cost_the_next_one():
    assert decode(GOOD[:-1] + GOOD) == [Frame(PacketType.DATA, STATUS)] * 2
    assert decode(GOOD + b"\xaa" + GOOD)[1:] == [
        Noise(b"\xaa"),
        Frame(PacketType.DATA, STATUS),
    ]


def damaged(at: int, value: int) -> bytes:
    return GOOD[:at] + bytes([value]) + GOOD[at + 1 :]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(damaged(0, 0x54), id="first start byte"),
        pytest.param(damaged(1, 0xAB), id="second start byte"),
        pytest.param(damaged(2, 0x01), id="type"),
        pytest.param(damaged(4, GOOD[4] - 1), id="length too small"),
        pytest.param(damaged(4, GOOD[4] + 1), id="length too large"),
        pytest.param(damaged(8, 0x21), id="payload"),
        pytest.param(damaged(12, GOOD[12] ^ 1), id="check value, high byte"),
        pytest.param(damaged(13, GOOD[13] ^ 1), id="check value, low byte"),
        pytest.param(damaged(14, 0xAB), id="first end byte"),
        pytest.param(damaged(15, 0x54), id="second end byte"),
    ],
)
def test_each_check_alone_refuses_the_frame_and_only_that(data: bytes):
    assert only_frames(decode(data)) == []
    assert only_frames(decode(GOOD + data + GOOD)) == [Frame(PacketType.DATA, STATUS)] * 2


def test_log_text_passes_through_at_once():
    assert FrameDecoder().feed(b"Starting\r\n") == [Noise(b"Starting\r\n")]
    assert not Noise(b"Starting U\r\n").damaged_frame
    assert Noise(damaged(15, 0)).damaged_frame


def test_a_board_can_be_told_to_disconnect_in_ten_bytes():
    assert encode_control(Control.DISCONNECT).hex() == "55aa03000302d36aaa55"


def test_the_check_value_is_that_of_the_catalogues():
    assert crc16_x25(b"123456789") == 0x906E
    assert crc16_x25(b"") == 0


def test_a_payload_that_the_length_field_cannot_say_is_refused():
    with pytest.raises(ValueError, match="65534 bytes"):
        encode_frame(PacketType.DATA, bytes(PAYLOAD_LIMIT + 1))
