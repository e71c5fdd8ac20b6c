"""Packets and bodies of Engine.IO 3: lengths as JavaScript counts them, both framings, bounds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.protocols.engineio import (
    Binary,
    Decoded,
    Kind,
    Malformed,
    Packet,
    decode_binary,
    decode_packet,
    decode_payload,
    encode_packet,
    encode_payload,
    utf16_units,
    well_formed,
)

MOST = 100
ASTRAL = "\N{GRINNING FACE}"
PLAIN = st.text(st.characters(codec="utf-8"), max_size=30)
KINDS = st.sampled_from(Kind)
PACKETS = st.lists(st.builds(Packet, KINDS, PLAIN), max_size=8)
ANY_TEXT = st.text(st.characters(), max_size=30)
"""With lone surrogates."""


def read(body: bytes) -> list[Decoded]:
    return list(decode_payload(body, MOST))


def in_bytes(packet: Packet | bytes) -> bytes:
    """The other framing, as clients of other languages write it."""
    data = packet if isinstance(packet, bytes) else encode_packet(packet).encode()
    digits = bytes(map(int, str(len(data))))
    return bytes([isinstance(packet, bytes)]) + digits + b"\xff" + data


@given(PACKETS)
def test_any_packets_come_back_from_a_body(packets):
    assert read(encode_payload(packets)) == packets


@given(PACKETS)
def test_any_packets_come_back_from_the_framing_in_bytes(packets):
    body = b"".join(map(in_bytes, packets))
    assert read(body) == (packets or [Malformed("empty body")])


@given(PACKETS, PACKETS)
def test_two_bodies_behind_one_another_are_one_body(first, second):
    assert read(encode_payload(first) + encode_payload(second)) == first + second


@given(st.builds(Packet, KINDS, PLAIN))
def test_a_packet_comes_back_from_a_message(packet):
    assert decode_packet(encode_packet(packet)) == packet


@given(ANY_TEXT)
def test_half_a_character_is_sent_as_browsers_send_it(text):
    (packet,) = read(encode_payload([Packet(Kind.MESSAGE, text)]))
    assert packet == Packet(Kind.MESSAGE, well_formed(text))
    assert utf16_units(well_formed(text)) == utf16_units(text)


def test_halves_that_stand_together_are_one_character():
    assert well_formed("\ud83d\ude00") == ASTRAL
    assert well_formed("\ude00\ud83d") == "\ufffd\ufffd"


@pytest.mark.parametrize(
    ("data", "length"), [("a", 2), ("é", 2), ("€", 2), (ASTRAL, 3), (f"{ASTRAL}x{ASTRAL}", 6)]
)
def test_a_length_counts_units_of_16_bits(data, length):
    body = f"{length}:4{data}".encode()
    assert encode_payload([Packet(Kind.MESSAGE, data)]) == body
    assert read(body) == [Packet(Kind.MESSAGE, data)]


def test_no_packets_are_a_body_all_the_same():
    assert encode_payload([]) == b"0:"
    assert read(b"0:") == []
    assert read(b"0:2:4a0:") == [Packet(Kind.MESSAGE, "a")]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty body"),
        (b"\xff\xfe", "body is not UTF-8"),
        (b"4a", "length of a packet is not a number"),
        (b":4a", "length of a packet is not a number"),
        (b" 2:4a", "length of a packet is not a number"),
        (b"+2:4a", "length of a packet is not a number"),
        (b"2.0:4a", "length of a packet is not a number"),
        (b"0x2:4a", "length of a packet is not a number"),
        ("٢:4a".encode(), "length of a packet is not a number"),
        (b"0000000002:4a", "length of a packet is not a number"),
        (b"-1:", "length of a packet is not a number"),
        (b"999999999:4a", "packet ends before its length"),
        (f"3:4{ASTRAL}a".encode(), "length of a packet is not a number"),
        (f"2:4{ASTRAL}".encode(), "length of a packet divides a character"),
        (f"4:4{ASTRAL}".encode(), "packet ends before its length"),
        (b"1:9", "unknown kind of packet"),
        (b"2:b9", "unknown kind of packet"),
        (b"\0\2\xff4", "packet ends before its length"),
        (b"\0\xff4", "length of a packet is not a number"),
        (b"\0\2", "length of a packet is not a number"),
        (b"\0\x0b\xff4", "length of a packet is not a number"),
        (b"\0" + b"\1" * 10 + b"\xff4", "length of a packet is not a number"),
        (b"\0\2\xff4\xff", "packet is not UTF-8"),
        (b"\1\1\xff\x09", "unknown kind of packet"),
    ],
)
def test_what_is_no_body_says_why(body, reason):
    assert read(body)[-1] == Malformed(reason)


def test_what_stands_before_a_mistake_counts_and_nothing_after_it_does():
    assert read(b"2:4a1:x2:4b") == [Packet(Kind.MESSAGE, "a"), Malformed("unknown kind of packet")]
    body = in_bytes(Packet(Kind.PING)) + b"\2" + in_bytes(Packet(Kind.PING))
    assert read(body) == [Packet(Kind.PING), Malformed("length of a packet is not a number")]


def test_packets_of_one_body_are_counted_the_empty_ones_too():
    full = b"1:2" * MOST
    assert len(read(full)) == MOST
    assert read(full + b"1:2")[-1] == Malformed("more than 100 packets in one body")
    assert read(b"0:" * (MOST + 1)) == [Malformed("more than 100 packets in one body")]


@given(st.binary(max_size=60))
def test_any_bytes_give_packets_and_at_most_one_mistake_at_their_end(body):
    assert not any(isinstance(each, Malformed) for each in read(body)[:-1])


@given(PACKETS.filter(bool), st.data())
def test_a_body_that_was_cut_never_gives_what_was_not_sent(packets, data):
    body = encode_payload(packets)
    got = read(body[: data.draw(st.integers(0, len(body) - 1))])
    whole = [each for each in got if not isinstance(each, Malformed)]
    assert whole == packets[: len(whole)]


def test_binary_data_is_seen_and_measured_only():
    assert decode_packet("b4AAEC") == Binary(Kind.MESSAGE, 3)
    assert decode_binary(b"\4\0\1\2") == Binary(Kind.MESSAGE, 3)
    assert decode_binary(b"") == Malformed("unknown kind of packet")
    assert read(b"6:b4AAEC" + b"1:2") == [Binary(Kind.MESSAGE, 3), Packet(Kind.PING)]
    body = in_bytes(b"\4\0\1\2") + in_bytes(Packet(Kind.PING, ASTRAL))
    assert read(body) == [Binary(Kind.MESSAGE, 3), Packet(Kind.PING, ASTRAL)]


def test_an_empty_message_is_no_packet():
    assert decode_packet("") == Malformed("empty packet")
    assert decode_packet("b") == Malformed("unknown kind of packet")
