"""How a newer board logs in over MQTT 5, and what the server says to its token. Without I/O.

A device that was deleted is refused with a return code of MQTT 3.1.1 inside a CONNACK of version 5.
Not every reading of that succeeds; so a CONNACK that cannot be read is taken as a refusal of the
token. Source: cloud-blynk, section 5.4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec

from agent.protocols.mqtt import (
    V5,
    Acknowledge,
    ConnAck,
    Connect,
    Disconnect,
    Malformed,
    PacketDecoder,
    Publish,
    encode,
)
from agent.protocols.mqtt.packets import Kind

if TYPE_CHECKING:
    from agent.settings import Secret

USER: Final = "device"
MQTTS_PORT: Final = 8883
KEEP_ALIVE_S: Final = 45
INFO_TOPIC: Final = "info/mcu"
RECEIVE_BUFFER: Final = 1024
"""Bytes that a board says it can take at once."""
REFUSED: Final = frozenset({4, 5, 0x86, 0x87, 0x8A})
"""User name or password, not authorised; in the numbers of both versions."""
NOT_NOW: Final = frozenset({3, 0x88, 0x89, 0x97, 0x9F})
_CONNACK: Final = Kind.CONNACK << 4
_FIRST: Final = frozenset({Kind.CONNACK, Kind.DISCONNECT})
"""What a server begins with."""


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """The token is of a device."""


@dataclass(frozen=True, slots=True)
class TokenRefused:
    """It is of none (any more)."""

    code: int | None
    """None: the refusal could not be read."""


@dataclass(frozen=True, slots=True)
class NotNow:
    """The server has no time, or wants something else."""

    detail: str


Outcome: TypeAlias = LoggedIn | TokenRefused | NotNow


class Login:
    """The first words of one connection."""

    def __init__(self, token: Secret, client_id: str) -> None:
        self._token = token
        self._client_id = client_id
        self._decoder = PacketDecoder(V5)
        self._first: int | None = None
        self._outcome: Outcome | None = None

    def hello(self) -> bytes:
        """What is sent first. Holds a secret."""
        packet = Connect(
            client_id=self._client_id,
            username=USER,
            password=self._token.reveal().encode(),
            keep_alive_s=KEEP_ALIVE_S,
            version=V5,
        )
        return encode(packet, V5)

    def feed(self, data: bytes) -> Outcome | None:
        """What the server decided; None: not all of it is there. Stays as it is afterwards."""
        if data and self._first is None:
            self._first = data[0]
            if self._first >> 4 not in _FIRST:
                self._outcome = NotNow("The server does not speak MQTT.")
        for packet in self._decoder.feed(data):
            if self._outcome is None:
                self._outcome = self._read(packet)
        return self._outcome

    def closed(self) -> Outcome:
        """The server hung up."""
        if self._outcome is None:
            self._outcome = NotNow("The server closed the connection without an answer.")
        return self._outcome

    def _read(self, packet: object) -> Outcome:
        match packet:
            case ConnAck(code=0):
                return LoggedIn()
            case ConnAck(code=code) | Disconnect(code=code) if code in REFUSED:
                return TokenRefused(code)
            case ConnAck(code=code) | Disconnect(code=code):
                later = " It has no time now." if code in NOT_NOW else ""
                return NotNow(f"The server answers with code 0x{code:02X}.{later}")
            case Malformed() if self._first == _CONNACK:
                return TokenRefused(None)
            case _:
                return NotNow("The server does not speak MQTT.")


def info_packet(template_id: str, version: str, build: str = "", *, number: int = 1) -> bytes:
    """What a board publishes first, retained: which firmware it is."""
    info = {
        "tmpl": template_id,
        "ver": version,
        "build": build,
        "type": template_id,
        "rxbuff": RECEIVE_BUFFER,
    }
    payload = msgspec.json.encode(info)
    message = Publish(topic=INFO_TOPIC, payload=payload, qos=1, retain=True, packet_id=number)
    return encode(message, V5)


def read_info(message: Publish) -> dict[str, str]:
    """What such a message says; texts alone, empty if it is none."""
    if message.topic != INFO_TOPIC:
        return {}
    try:
        said = msgspec.json.decode(message.payload, type=dict[str, object])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}
    return {name: value for name, value in said.items() if isinstance(value, str)}


def taken(number: int) -> Acknowledge:
    """The server's word that it has the message."""
    return Acknowledge(kind=Kind.PUBACK, packet_id=number)
