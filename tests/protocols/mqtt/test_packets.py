"""The codec of MQTT: what is said arrives, in any pieces, and anything else ends it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.protocols.mqtt import (
    V5,
    V311,
    Acknowledge,
    ConnAck,
    Connect,
    Disconnect,
    Malformed,
    Packet,
    PacketDecoder,
    PingReq,
    PingResp,
    Property,
    Publish,
    SubAck,
    Subscribe,
    UnsubAck,
    Unsubscribe,
    Will,
    encode,
)
from agent.protocols.mqtt.packets import Kind

VERSIONS = [V311, V5]
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
names = texts.filter(lambda t: t and not set(t) & {"+", "#"})
numbers = st.integers(1, 0xFFFF)
bytes_ = st.binary(max_size=40)
property_sets: st.SearchStrategy[dict[int, Any]] = st.fixed_dictionaries(
    {},
    optional={
        Property.REASON: texts,
        Property.SESSION_EXPIRY_S: st.integers(0, 2**32 - 1),
        Property.RECEIVE_MAXIMUM: numbers,
        Property.MAXIMUM_QOS: st.integers(0, 1),
        Property.CORRELATION: bytes_,
        Property.USER: st.lists(st.tuples(texts, texts), min_size=1, max_size=3).map(tuple),
        Property.SUBSCRIPTION_ID: st.lists(st.integers(1, 2**28 - 1), min_size=1, max_size=3).map(
            tuple
        ),
    },
)


def packets(version: int) -> st.SearchStrategy[Packet]:
    more = property_sets if version == V5 else st.just({})
    codes = st.integers(0, 255) if version == V5 else st.just(0)
    qos = st.integers(0, 2)
    wills = st.builds(
        Will, topic=names, payload=bytes_, qos=qos, retain=st.booleans(), properties=more
    )
    connects = st.builds(
        Connect,
        client_id=texts,
        username=texts,
        password=st.none() | bytes_,
        clean_start=st.booleans(),
        keep_alive_s=st.integers(0, 0xFFFF),
        will=st.none() | wills,
        version=st.just(version),
        properties=more,
    )
    many = st.lists(st.tuples(names, qos), min_size=1, max_size=4).map(tuple)
    some = st.lists(st.integers(0, 255), min_size=1, max_size=4).map(tuple)
    common: dict[str, Any] = {"packet_id": numbers, "properties": more}
    sent: dict[str, Any] = {
        "topic": names,
        "payload": bytes_,
        "retain": st.booleans(),
        "properties": more,
    }
    return st.one_of(
        connects,
        st.builds(
            ConnAck,
            code=st.integers(0, 255),
            session_present=st.booleans(),
            properties=more,
        ),
        st.builds(Publish, **sent),
        st.builds(Publish, **sent, qos=st.integers(1, 2), dup=st.booleans(), packet_id=numbers),
        st.builds(
            Acknowledge,
            **common,
            kind=st.sampled_from([Kind.PUBACK, Kind.PUBREC, Kind.PUBREL, Kind.PUBCOMP]),
            code=codes,
        ),
        st.builds(Subscribe, **common, filters=many),
        st.builds(SubAck, **common, codes=some),
        st.builds(Unsubscribe, **common, filters=st.lists(names, min_size=1).map(tuple)),
        st.builds(UnsubAck, **common, codes=some if version == V5 else st.just(())),
        st.just(PingReq()),
        st.just(PingResp()),
        st.builds(Disconnect, code=codes, properties=more),
    )


conversations = st.sampled_from(VERSIONS).flatmap(
    lambda version: st.tuples(st.just(version), st.lists(packets(version), max_size=4))
)


@given(conversations, st.lists(st.integers(0, 400), max_size=6))
def test_what_is_said_arrives_in_any_pieces(
    conversation: tuple[int, list[Packet]], cuts: list[int]
) -> None:
    version, said = conversation
    stream = b"".join(encode(packet, version) for packet in said)
    decoder = PacketDecoder(version)
    heard: list[Packet | Malformed] = []
    before = 0
    for cut in [*sorted(cuts), len(stream)]:
        heard += decoder.feed(stream[before:cut])
        before = max(before, cut)
    assert heard == said


@given(st.sampled_from(VERSIONS), st.lists(st.binary(max_size=300), max_size=8))
def test_any_bytes_give_packets_or_one_end(version: int, chunks: list[bytes]) -> None:
    decoder = PacketDecoder(version, limit=200)
    heard = [each for chunk in chunks for each in decoder.feed(chunk)]
    ends = [index for index, each in enumerate(heard) if isinstance(each, Malformed)]
    assert ends in ([], [len(heard) - 1])
    assert len(decoder._pending) <= 200 + 300


@given(conversations, st.data())
def test_a_damaged_stream_gives_packets_or_one_end(
    conversation: tuple[int, list[Packet]], data: st.DataObject
) -> None:
    version, said = conversation
    stream = bytearray(b"".join(encode(packet, version) for packet in said) or b"\xc0\x00")
    place = data.draw(st.integers(0, len(stream) - 1))
    stream[place] ^= data.draw(st.integers(1, 255))
    heard = PacketDecoder(version).feed(bytes(stream))
    assert all(not isinstance(each, Malformed) for each in heard[:-1])


@pytest.mark.parametrize(
    ("version", "wire", "reason"),
    [
        (V311, "00 00", "type 0"),
        (V311, "f0 00", "AUTH was not asked for"),
        (V5, "f0 00", "AUTH was not asked for"),
        (V311, "c1 00", "flags of PINGREQ"),
        (V311, "80 03 00 01 00", "flags of SUBSCRIBE"),
        (V311, "c0 80 00", "shortest form"),
        (V311, "c0 ff ff ff ff", "more than four bytes"),
        (V311, "30 ff ff ff 7f", "longer than 262144 bytes"),
        (V311, "c0 01 00", "longer than it should be"),
        (V311, "20 01 00", "longer than its packet"),
        (V311, "20 02 02 00", "flags of the answer"),
        (V311, "36 03 00 01 61", "flags of PUBLISH"),
        (V311, "38 03 00 01 61", "flags of PUBLISH"),
        (V311, "30 03 00 01 23", "pattern"),
        (V311, "30 03 00 01 2b", "pattern"),
        (V311, "30 03 00 01 ff", "not UTF-8"),
        (V311, "30 03 00 01 00", "zero character"),
        (V311, "32 05 00 01 61 00 00", "identifier is 0"),
        (V311, "40 02 00 00", "identifier is 0"),
        (V311, "90 02 00 01", "no code"),
        (V311, "82 02 00 01", "names nothing"),
        (V311, "82 06 00 01 00 01 61 03", "filter"),
        (V311, "82 06 00 01 00 01 61 10", "filter"),
        (V311, "10 0c 00 04 4d 51 54 54 03 02 00 3c 00 00", "version 3"),
        (V311, "10 0c 00 04 4d 51 49 73 04 02 00 3c 00 00", "does not name MQTT"),
        (V311, "10 0c 00 04 4d 51 54 54 04 03 00 3c 00 00", "lowest flag"),
        (V311, "10 0c 00 04 4d 51 54 54 04 0a 00 3c 00 00", "will"),
        (V311, "10 0e 00 04 4d 51 54 54 04 42 00 3c 00 00 00 00", "without a user name"),
        (V5, "20 06 00 00 03 7f 00 00", "property 127"),
        (V5, "20 09 00 00 06 21 00 01 21 00 02", "twice"),
        (V5, "20 05 00 00 ff ff 7f", "longer than its packet"),
    ],
)
def test_each_rule_is_kept(version: int, wire: str, reason: str) -> None:
    decoder = PacketDecoder(version)
    heard = decoder.feed(bytes.fromhex(wire))
    assert len(heard) == 1
    assert isinstance(heard[0], Malformed)
    assert reason in heard[0].reason
    assert decoder.feed(encode(PingReq(), version)) == []


def test_bytes_of_the_standards_own_examples() -> None:
    # MQTT 3.1.1: figure 3.6 (CONNECT), 5.0: 1.5.4 (a text), non-normative examples.
    head = bytes.fromhex("0004 4d515454 04 ce 000a".replace(" ", ""))
    rest = encode(
        Connect(
            client_id="c", username="u", password=b"p", keep_alive_s=10, will=Will(topic="w", qos=1)
        ),
        V311,
    )
    assert rest[2 : 2 + len(head)] == head
    text = Publish(topic="A\U0002a6d4")
    assert encode(text, V311) == bytes.fromhex("3007 0005 41 f0aa9b94".replace(" ", ""))


def test_a_refusal_of_the_version_is_understood_without_properties() -> None:
    assert PacketDecoder(V5).feed(bytes.fromhex("20020001")) == [ConnAck(code=1)]


@pytest.mark.parametrize(
    "packet",
    [
        Publish(topic="x" * 70_000),
        Publish(topic="a\0b"),
        Publish(topic="a", qos=1),
        Publish(topic="a", packet_id=4),
        Connect(password=b"x" * 70_000),
        Publish(topic="a\ud800"),
    ],
    ids=lambda packet: type(packet).__name__,
)
def test_what_mqtt_cannot_say_is_an_error_of_the_speaker(packet: Packet) -> None:
    with pytest.raises(ValueError):
        encode(packet, V311)


def test_names_passwords_and_messages_are_not_shown() -> None:
    shown = repr(
        [Connect(username="MARKER", password=b"MARKER"), Publish(topic="t", payload=b"MARKER")]
    )
    assert "MARKER" not in shown
