"""Bytes into packets: any split, bounded, and over at the first byte that is no MQTT."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from agent.protocols.mqtt.encode import NAME, REQUIRED_FLAGS
from agent.protocols.mqtt.packets import (
    V5,
    V311,
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
    Will,
)
from agent.protocols.mqtt.properties import Value, read_properties
from agent.protocols.mqtt.wire import Reader, Wrong

PACKET_LIMIT: Final = 256 * 1024
"""Bytes of one packet: four times what ThingsBoard takes and sends by default."""


@dataclass(frozen=True, slots=True)
class Malformed:
    """The peer does not speak MQTT; nothing that comes after it can be understood."""

    reason: str


class PacketDecoder:
    """Cuts a stream into packets.

    ``version`` is what was agreed; a CONNECT that is decoded sets it. After :class:`Malformed` all
    further bytes are dropped: MQTT has no mark at which to begin again.
    """

    def __init__(self, version: int = V311, *, limit: int = PACKET_LIMIT) -> None:
        self.version = version
        self._limit = limit
        self._pending = bytearray()
        self._broken = False

    def feed(self, data: bytes) -> list[Packet | Malformed]:
        """The packets that are whole with ``data``."""
        found: list[Packet | Malformed] = []
        if not self._broken:
            self._pending += data
        try:
            while (size := self._whole()) is not None:
                head, length = size
                packet = bytes(self._pending[: head + length])
                del self._pending[: head + length]
                found.append(self._decode(packet[0], Reader(packet[head:])))
        except Wrong as wrong:
            self._broken = True
            self._pending.clear()
            found.append(Malformed(str(wrong)))
        return found

    def _whole(self) -> tuple[int, int] | None:
        """Bytes of the fixed header and of the rest; None: not all is there."""
        length = 0
        for place, byte in enumerate(self._pending[1:5]):
            length |= (byte & 0x7F) << (7 * place)
            if byte & 0x80:
                continue
            if place and not byte:
                raise Wrong("a length is not in its shortest form")
            head = 2 + place
            if head + length > self._limit:
                raise Wrong(f"a packet is longer than {self._limit} bytes")
            return (head, length) if len(self._pending) >= head + length else None
        if len(self._pending) >= 5:
            raise Wrong("a length has more than four bytes")
        return None

    def _decode(self, first: int, body: Reader) -> Packet:
        flags = first & 0x0F
        try:
            kind = Kind(first >> 4)
        except ValueError:
            raise Wrong("packet type 0 does not exist") from None
        if kind is Kind.PUBLISH:
            return self._publish(flags, body)
        if flags != REQUIRED_FLAGS.get(kind, 0):
            raise Wrong(f"the flags of {kind.name} are wrong")
        packet = self._other(kind, body)
        if body.left:
            raise Wrong(f"{kind.name} is longer than it should be")
        return packet

    def _other(self, kind: Kind, body: Reader) -> Packet:
        match kind:
            case Kind.CONNECT:
                return self._connect(body)
            case Kind.CONNACK:
                return self._connack(body)
            case Kind.PUBACK | Kind.PUBREC | Kind.PUBREL | Kind.PUBCOMP:
                number = body.packet_id()
                code, properties = self._code(body)
                return Acknowledge(kind=kind, packet_id=number, code=code, properties=properties)
            case Kind.SUBSCRIBE | Kind.UNSUBSCRIBE:
                return self._filters(kind, body)
            case Kind.SUBACK:
                number, properties = body.packet_id(), self._more(body)
                codes = tuple(body.rest())
                if not codes:
                    raise Wrong("SUBACK has no code")
                return SubAck(packet_id=number, codes=codes, properties=properties)
            case Kind.UNSUBACK:
                number, properties = body.packet_id(), self._more(body)
                codes = tuple(body.rest()) if self.version == V5 else ()
                return UnsubAck(packet_id=number, codes=codes, properties=properties)
            case Kind.DISCONNECT:
                code, properties = self._code(body)
                return Disconnect(code=code, properties=properties)
            case Kind.PINGREQ:
                return PingReq()
            case Kind.PINGRESP:
                return PingResp()
            case _:
                raise Wrong(f"{kind.name} was not asked for")

    def _connect(self, body: Reader) -> Connect:
        if body.text() != NAME:
            raise Wrong("CONNECT does not name MQTT")
        version = body.number(1)
        if version not in {V311, V5}:
            raise Wrong(f"version {version} is not spoken here")
        self.version = version
        flags = body.number(1)
        if flags & 1:
            raise Wrong("the lowest flag of CONNECT is set")
        keep_alive_s = body.number(2)
        properties = self._more(body)
        client_id = body.text()
        will = self._will(flags, body)
        username = body.text() if flags & 0x80 else None
        password = body.binary() if flags & 0x40 else None
        if version == V311 and password is not None and username is None:
            raise Wrong("a password without a user name")
        return Connect(
            client_id=client_id,
            username=username,
            password=password,
            clean_start=bool(flags & 2),
            keep_alive_s=keep_alive_s,
            will=will,
            version=version,
            properties=properties,
        )

    def _will(self, flags: int, body: Reader) -> Will | None:
        qos = flags >> 3 & 3
        if qos == 3 or (not flags & 4 and flags & 0x38):
            raise Wrong("the flags of the will are wrong")
        if not flags & 4:
            return None
        properties = self._more(body)
        topic = body.text()
        return Will(
            topic=topic,
            payload=body.binary(),
            qos=qos,
            retain=bool(flags & 0x20),
            properties=properties,
        )

    def _connack(self, body: Reader) -> ConnAck:
        flags = body.number(1)
        if flags & 0xFE:
            raise Wrong("the flags of the answer to CONNECT are wrong")
        code = body.number(1)
        # A refusal of the version comes in the server's own, which has no properties (3.2.2.2).
        properties = self._more(body) if body.left else {}
        return ConnAck(code=code, session_present=bool(flags), properties=properties)

    def _publish(self, flags: int, body: Reader) -> Publish:
        qos = flags >> 1 & 3
        if qos == 3 or (not qos and flags & 8):
            raise Wrong("the flags of PUBLISH are wrong")
        topic = body.text()
        if "+" in topic or "#" in topic:
            raise Wrong("a message has a pattern for a topic")
        number = body.packet_id() if qos else 0
        properties = self._more(body)
        return Publish(
            topic=topic,
            payload=body.rest(),
            qos=qos,
            retain=bool(flags & 1),
            dup=bool(flags & 8),
            packet_id=number,
            properties=properties,
        )

    def _filters(self, kind: Kind, body: Reader) -> Subscribe | Unsubscribe:
        number, properties = body.packet_id(), self._more(body)
        found: list[tuple[str, int]] = []
        while body.left:
            name = body.text()
            options = body.number(1) if kind is Kind.SUBSCRIBE else 0
            reserved = 0xC0 if self.version == V5 else 0xFC
            if not name or options & 3 == 3 or options & reserved:
                raise Wrong("a filter or its options are wrong")
            found.append((name, options))
        if not found:
            raise Wrong(f"{kind.name} names nothing")
        if kind is Kind.SUBSCRIBE:
            return Subscribe(packet_id=number, filters=tuple(found), properties=properties)
        names = tuple(name for name, _ in found)
        return Unsubscribe(packet_id=number, filters=names, properties=properties)

    def _more(self, body: Reader) -> dict[int, Value]:
        return read_properties(body) if self.version == V5 else {}

    def _code(self, body: Reader) -> tuple[int, dict[int, Value]]:
        """What MQTT 5 may add to an acknowledgement; left out it means 0 (3.4.2.1)."""
        if self.version != V5 or not body.left:
            return 0, {}
        code = body.number(1)
        return code, read_properties(body) if body.left else {}
