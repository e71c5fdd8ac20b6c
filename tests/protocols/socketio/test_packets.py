"""Packets of Socket.IO 2.x: round trips, and what is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.protocols.socketio import Kind, Malformed, Packet, decode_packet, encode_packet

TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
NUMBERS = st.none() | st.integers(0, 10**15 - 1)
NAMESPACES = st.sampled_from(["/", "/a", "/admin-2"])
TEXT_KINDS = [Kind.CONNECT, Kind.DISCONNECT, Kind.EVENT, Kind.ACK, Kind.ERROR]


@given(st.sampled_from(TEXT_KINDS), st.lists(JSON, max_size=4), NUMBERS, NAMESPACES)
def test_any_packet_comes_back(kind, data, number, namespace):
    packet = Packet(kind, data, number, namespace)
    assert decode_packet(encode_packet(packet)) == packet


@given(st.text(st.characters(), max_size=40) | st.from_regex(r"[0-6](/a,)?[0-9]*[\[\]{}\",:1a]*"))
def test_any_text_gives_a_packet_or_a_reason(text):
    assert isinstance(decode_packet(text), Packet | Malformed)


@pytest.mark.parametrize(
    ("text", "packet"),
    [
        ("0", Packet(Kind.CONNECT)),
        ("0/chat", Packet(Kind.CONNECT, namespace="/chat")),
        ("0/chat?token=x", Packet(Kind.CONNECT, namespace="/chat")),
        ("0/?token=x,", Packet(Kind.CONNECT)),
        ("1", Packet(Kind.DISCONNECT)),
        ('2["command","list"]', Packet(Kind.EVENT, ["command", "list"])),
        ('212["command"]', Packet(Kind.EVENT, ["command"], 12)),
        ('2/chat,7["x"]', Packet(Kind.EVENT, ["x"], 7, "/chat")),
        ("37[]", Packet(Kind.ACK, [], 7)),
        ('51-["x",{"_placeholder":true,"num":0}]',
         Packet(Kind.BINARY_EVENT, ["x", {"_placeholder": True, "num": 0}])),
        ("2null", Packet(Kind.EVENT)),
    ],
)  # fmt: skip
def test_a_packet_is_read(text, packet):
    assert decode_packet(text) == packet


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty packet"),
        ("7", "unknown kind of packet"),
        ("x", "unknown kind of packet"),
        ('2["a"', "not JSON"),
        ('2["a"] ["b"]', "not JSON"),
        ("2NaN", "not JSON"),
        ("2[-Infinity]", "not JSON"),
        ('21234567890123456["a"]', "not JSON"),
        ("2" + "[" * 100_000, "not JSON"),
        ('2["' + "x", "not JSON"),
        ("2[" + "9" * 5000 + "]", "not JSON"),
        ('21-["a"]', "number of attachments and kind of packet do not match"),
        ('5["a"]', "number of attachments and kind of packet do not match"),
    ],
)
def test_what_is_no_packet_says_why(text, reason):
    assert decode_packet(text) == Malformed(reason)


def test_json_that_has_no_word_for_a_number_is_not_sent():
    with pytest.raises(ValueError, match="JSON compliant"):
        encode_packet(Packet(Kind.EVENT, ["x", float("nan")]))


def test_a_packet_is_as_short_as_javascript_writes_it():
    assert encode_packet(Packet(Kind.EVENT, ["message", {"a": "é"}])) == '2["message",{"a":"é"}]'
    assert encode_packet(Packet(Kind.ERROR, "no", namespace="/a")) == '4/a,"no"'
