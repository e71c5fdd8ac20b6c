"""Packets into bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, assert_never

from agent.protocols.mqtt.packets import (
    V5,
    Acknowledge,
    ConnAck,
    Connect,
    Disconnect,
    Kind,
    Packet,
    PingReq,
    PingResp,
    Publish,
    SubAck,
    Subscribe,
    UnsubAck,
    Unsubscribe,
)
from agent.protocols.mqtt.properties import encode_properties
from agent.protocols.mqtt.wire import binary, text, u16, variable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.protocols.mqtt.properties import Value

NAME: Final = "MQTT"
REQUIRED_FLAGS: Final = {Kind.SUBSCRIBE: 2, Kind.UNSUBSCRIBE: 2, Kind.PUBREL: 2}
"""Types whose low four bits are fixed and not 0 (2.1.3)."""


def encode(packet: Packet, version: int) -> bytes:
    """A whole packet; ``ValueError`` for what MQTT cannot say (a text over 65535 bytes, a zero)."""
    kind, flags, body = _body(packet, v5=version == V5)
    return bytes([kind << 4 | flags]) + variable(len(body)) + body


def _body(packet: Packet, *, v5: bool) -> tuple[Kind, int, bytes]:
    match packet:
        case Connect():
            return Kind.CONNECT, 0, _connect(packet)
        case ConnAck():
            head = bytes([packet.session_present, packet.code])
            return Kind.CONNACK, 0, head + _more(packet.properties, v5=v5)
        case Publish():
            return Kind.PUBLISH, *_publish(packet, v5=v5)
        case Acknowledge():
            body = u16(packet.packet_id) + _code(packet.code, packet.properties, v5=v5)
            return packet.kind, REQUIRED_FLAGS.get(packet.kind, 0), body
        case Subscribe():
            head = u16(packet.packet_id) + _more(packet.properties, v5=v5)
            filters = b"".join(text(name) + bytes([options]) for name, options in packet.filters)
            return Kind.SUBSCRIBE, 2, head + filters
        case SubAck():
            head = u16(packet.packet_id) + _more(packet.properties, v5=v5)
            return Kind.SUBACK, 0, head + bytes(packet.codes)
        case Unsubscribe():
            head = u16(packet.packet_id) + _more(packet.properties, v5=v5)
            return Kind.UNSUBSCRIBE, 2, head + b"".join(map(text, packet.filters))
        case UnsubAck():
            head = u16(packet.packet_id) + _more(packet.properties, v5=v5)
            return Kind.UNSUBACK, 0, head + (bytes(packet.codes) if v5 else b"")
        case PingReq():
            return Kind.PINGREQ, 0, b""
        case PingResp():
            return Kind.PINGRESP, 0, b""
        case Disconnect():
            return Kind.DISCONNECT, 0, _code(packet.code, packet.properties, v5=v5)
        case _:
            assert_never(packet)


def _connect(packet: Connect) -> bytes:
    v5 = packet.version == V5
    flags = 2 if packet.clean_start else 0
    payload = text(packet.client_id)
    if packet.will is not None:
        flags |= 4 | packet.will.qos << 3 | packet.will.retain << 5
        payload += _more(packet.will.properties, v5=v5)
        payload += text(packet.will.topic) + binary(packet.will.payload)
    if packet.username is not None:
        flags |= 0x80
        payload += text(packet.username)
    if packet.password is not None:
        flags |= 0x40
        payload += binary(packet.password)
    head = text(NAME) + bytes([packet.version, flags]) + u16(packet.keep_alive_s)
    return head + _more(packet.properties, v5=v5) + payload


def _publish(packet: Publish, *, v5: bool) -> tuple[int, bytes]:
    if bool(packet.qos) != bool(packet.packet_id):
        msg = "a message has a packet identifier with QoS 1 and 2, and only then"
        raise ValueError(msg)
    flags = packet.dup << 3 | packet.qos << 1 | packet.retain
    number = u16(packet.packet_id) if packet.qos else b""
    return flags, text(packet.topic) + number + _more(packet.properties, v5=v5) + packet.payload


def _more(properties: Mapping[int, Value], *, v5: bool) -> bytes:
    return encode_properties(properties) if v5 else b""


def _code(code: int, properties: Mapping[int, Value], *, v5: bool) -> bytes:
    """The end of an acknowledgement, which is left out where it says nothing (3.4.2.1)."""
    if not v5 or not (code or properties):
        return b""
    return bytes([code]) + (encode_properties(properties) if properties else b"")
