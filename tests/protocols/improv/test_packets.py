"""Packets on a serial port: any split, any noise, bounded."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.protocols.improv.messages import (
    CurrentState,
    ErrorState,
    Message,
    Rpc,
    RpcResult,
    Unknown,
)
from agent.protocols.improv.packets import (
    HEADER,
    PACKET_LIMIT,
    START,
    PacketDecoder,
    Piece,
    Text,
    encode_message,
    encode_packet,
)

BYTE = st.integers(0, 255)
LENGTH_AT = 8
STRINGS = st.lists(st.binary(max_size=60), max_size=4).map(tuple)
MESSAGES: st.SearchStrategy[Message] = st.one_of(
    BYTE.map(CurrentState),
    BYTE.map(ErrorState),
    st.builds(Rpc, BYTE, st.binary(max_size=200)),
    st.builds(RpcResult, BYTE, STRINGS),
    st.builds(Unknown, st.integers(5, 255), st.binary(max_size=255)),
)
NOISE = st.one_of(
    st.binary(max_size=40), st.sampled_from([b"I", b"IMPRO", b"IMPROV", b"IIMPROV\2", b"log\r\n"])
)


def read(data: bytes, cuts: list[int] | None = None) -> list[Piece]:
    decoder = PacketDecoder()
    pieces: list[Piece] = []
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts or []), len(data)]
    for start, end in itertools.pairwise(places):
        pieces += decoder.feed(data[start:end])
        assert decoder.pending_bytes < PACKET_LIMIT
    return pieces


def messages(pieces: list[Piece]) -> list[Piece]:
    return [piece for piece in pieces if not isinstance(piece, Text)]


def text(pieces: list[Piece]) -> bytes:
    return b"".join(piece.data for piece in pieces if isinstance(piece, Text))


@given(st.lists(MESSAGES, max_size=5))
def test_messages_come_back_without_any_text(sent: list[Message]) -> None:
    assert read(b"".join(map(encode_message, sent))) == sent


@given(st.lists(st.one_of(MESSAGES.map(encode_message), NOISE), max_size=6), st.lists(BYTE))
def test_any_split_gives_the_same(parts: list[bytes], cuts: list[int]) -> None:
    data = b"".join(parts)
    whole, split = read(data), read(data, cuts)
    assert messages(split) == messages(whole)
    assert text(split) == text(whole)


@given(MESSAGES, st.binary(max_size=60).filter(lambda noise: b"I" not in noise))
def test_text_around_a_packet_is_passed_on(message: Message, noise: bytes) -> None:
    pieces = read(noise + encode_message(message) + noise)
    assert messages(pieces) == [message]
    assert text(pieces) == noise + noise


@given(MESSAGES, BYTE, st.integers(0, 7))
def test_one_changed_bit_costs_the_packet_and_nothing_behind_it(
    message: Message, place: int, bit: int
) -> None:
    packet = bytearray(encode_message(message)[:-1])
    place %= len(packet)
    if place == LENGTH_AT:
        return  # reads more or less than the packet; see below
    packet[place] ^= 1 << bit
    decoder = PacketDecoder()
    good = encode_message(CurrentState(2))
    pieces = decoder.feed(bytes(packet) + good)
    while decoder.pending_bytes:
        pieces += decoder.release()
    assert CurrentState(2) in pieces
    assert message not in pieces or message == CurrentState(2)


def test_a_sum_does_not_see_two_bytes_that_changed_places() -> None:
    """What the checksum of the standard cannot find; so nothing is built on a single packet."""
    packet = bytearray(encode_message(RpcResult(4, (b"ab",))))
    packet[12], packet[13] = packet[13], packet[12]
    assert read(bytes(packet)) == [RpcResult(4, (b"ba",))]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param((0, b"J"), id="header"),
        pytest.param((6, b"\2"), id="version"),
        pytest.param((7, b"\2"), id="type"),
        pytest.param((9, b"\4"), id="data"),
        pytest.param((10, b"\0"), id="checksum"),
    ],
)
def test_each_part_of_a_packet_is_checked(change: tuple[int, bytes]) -> None:
    packet = bytearray(encode_message(CurrentState(2)))
    place, value = change
    packet[place : place + 1] = value
    assert messages(read(bytes(packet))) == []


def test_a_wrong_length_holds_back_at_most_one_packet() -> None:
    cut = START + b"\1\xff"
    decoder = PacketDecoder()
    assert decoder.feed(cut + encode_message(CurrentState(4))) == []
    pieces = decoder.feed(b"x" * PACKET_LIMIT)
    assert messages(pieces) == [CurrentState(4)]
    assert decoder.pending_bytes == 0


def test_an_unfinished_packet_is_given_up_when_the_line_is_silent() -> None:
    decoder = PacketDecoder()
    assert decoder.feed(START + b"\1\x40" + encode_message(CurrentState(4))) == []
    assert messages(decoder.release()) == [CurrentState(4)]
    assert decoder.release() == []
    assert decoder.pending_bytes == 0


@given(st.binary(max_size=700))
def test_releasing_ends(data: bytes) -> None:
    decoder = PacketDecoder()
    given_back = text(decoder.feed(HEADER + data))
    for _ in range(len(data) + 20):
        given_back += text(decoder.release())
    assert decoder.pending_bytes == 0


def test_a_packet_of_a_known_type_with_an_unknown_content_keeps_its_bytes() -> None:
    assert read(encode_packet(1, b"\2\3")) == [Unknown(1, b"\2\3")]
    assert read(encode_packet(3, b"\1\5")) == [Unknown(3, b"\1\5")]
    assert read(encode_packet(4, b"\1\5ab")) == [Unknown(4, b"\1\5ab")]


def test_a_packet_that_is_too_long_is_refused() -> None:
    with pytest.raises(ValueError, match="255"):
        encode_packet(3, bytes(256))


def test_only_one_newline_behind_a_packet_belongs_to_it() -> None:
    assert text(read(encode_message(CurrentState(2)) + b"\n")) == b"\n"
    assert text(read(encode_message(CurrentState(2))[:-1] + b"log\n")) == b"log\n"


def test_a_packet_is_read_before_anything_stands_behind_it() -> None:
    assert read(encode_message(CurrentState(2))[:-1]) == [CurrentState(2)]


def test_a_later_newline_is_text_in_whichever_part_it_comes() -> None:
    decoder = PacketDecoder()
    decoder.feed(encode_message(CurrentState(2)))
    assert text(decoder.feed(b"\n")) == b"\n"
    decoder.feed(encode_message(CurrentState(2))[:-1])
    assert text(decoder.feed(b"log") + decoder.feed(b"\nmore")) == b"log\nmore"


def test_the_longest_packet_is_read() -> None:
    packet = encode_packet(9, bytes(range(255)))
    assert len(packet) == PACKET_LIMIT + 1
    assert read(packet) == [Unknown(9, bytes(range(255)))]
