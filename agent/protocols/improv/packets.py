"""The serial carrier: packets between lines of text, ``IMPROV`` to checksum.

Devices print their log on the same port, so what is no packet is text and goes on, not away.
Source: improv-wifi.com, "Improv via Serial".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

from agent.protocols.improv.messages import (
    BYTE_MAX,
    CurrentState,
    ErrorState,
    Message,
    Rpc,
    RpcResult,
    Unknown,
    encode_result,
    encode_rpc,
    parse_result,
    parse_rpc,
)

HEADER: Final = b"IMPROV"
VERSION: Final = 1
START: Final = HEADER + bytes((VERSION,))
HEAD_BYTES: Final = len(START) + 2
"""Up to the length."""
PACKET_LIMIT: Final = HEAD_BYTES + BYTE_MAX + 1
END: Final = b"\n"
"""Behind each packet. The specification does not ask for it, but devices do: Tasmota carries a
packet out only when it comes, and receivers built on the C++ SDK take the byte behind a packet for
the end of it (sdk-cpp 1.2.6; Improv-WiFi-Library 0e9116e; Tasmota xdrv_62)."""

TYPE_STATE: Final = 1
TYPE_ERROR: Final = 2
TYPE_RPC: Final = 3
TYPE_RESULT: Final = 4


@dataclass(frozen=True, slots=True)
class Text:
    """Bytes between packets: the device's log, or damage. Not cleaned."""

    data: bytes


Piece: TypeAlias = Message | Text


def checksum(data: bytes) -> int:
    """Sum of all bytes, low 8 bits; from ``IMPROV`` on over serial, from the command on over BLE."""
    return sum(data) & 0xFF


def encode_packet(kind: int, data: bytes) -> bytes:
    """One packet with its end, to be written with one call; ValueError above 255 bytes."""
    if len(data) > BYTE_MAX:
        msg = f"a packet has at most {BYTE_MAX} bytes of data, not {len(data)}"
        raise ValueError(msg)
    packet = START + bytes((kind, len(data))) + data
    return packet + bytes((checksum(packet),)) + END


def encode_message(message: Message) -> bytes:
    """The packet of a message; ValueError for one that is too long."""
    match message:
        case CurrentState(value):
            return encode_packet(TYPE_STATE, bytes((value,)))
        case ErrorState(value):
            return encode_packet(TYPE_ERROR, bytes((value,)))
        case Rpc():
            return encode_packet(TYPE_RPC, encode_rpc(message))
        case RpcResult():
            return encode_packet(TYPE_RESULT, encode_result(message))
        case Unknown(kind, data):
            return encode_packet(kind, data)


class PacketDecoder:
    """Cuts a byte stream into messages and the text between them; never raises.

    Any split of the input gives the same pieces (text apart, which comes in as many parts). A
    packet whose checksum is wrong is text, and the search goes on one byte behind its start, so
    it costs at most itself. The newline behind a packet is not shown as text.

    A start whose packet never ends (a device that restarted while it wrote) holds back what
    stands behind it, at most :data:`PACKET_LIMIT` bytes. :meth:`release` gives that up; call it
    when the line was silent for a while, because a device writes a packet in one go.
    """

    __slots__ = ("_after_packet", "_pending")

    def __init__(self) -> None:
        self._pending = b""
        self._after_packet = False

    @property
    def pending_bytes(self) -> int:
        """Bytes held back; below the length of the longest packet."""
        return len(self._pending)

    def feed(self, data: bytes) -> list[Piece]:
        """The pieces that ``data`` completes, in order."""
        return self._cut(self._pending + data)

    def release(self) -> list[Piece]:
        """Give up an unfinished packet: its start is text, whole packets behind it are read."""
        pending, self._pending = self._pending, b""
        return [*self._text(pending[:1]), *self._cut(pending[1:])] if pending else []

    def _cut(self, data: bytes) -> list[Piece]:
        pieces: list[Piece] = []
        done = at = 0
        while (at := _find_start(data, at)) < len(data):
            size = HEAD_BYTES + data[at + HEAD_BYTES - 1] + 1 if len(data) - at >= HEAD_BYTES else 0
            if not size or len(data) - at < size:
                break
            packet = data[at : at + size]
            if checksum(packet[:-1]) != packet[-1]:
                at += 1
                continue
            pieces += self._text(data[done:at])
            pieces.append(_message(packet[len(START)], packet[HEAD_BYTES:-1]))
            self._after_packet = True
            done = at = at + size
        pieces += self._text(data[done:at])
        self._pending = data[at:]
        return pieces

    def _text(self, data: bytes) -> list[Piece]:
        if self._after_packet and data:
            self._after_packet = False
            data = data.removeprefix(END)
        return [Text(data)] if data else []


def _find_start(data: bytes, at: int) -> int:
    """Where a packet starts, or may start with what is still to come; else the end of ``data``."""
    found = data.find(START, at)
    if found >= 0:
        return found
    for size in range(min(len(START) - 1, len(data) - at), 0, -1):
        if data.endswith(START[:size]):
            return len(data) - size
    return len(data)


def _message(kind: int, data: bytes) -> Message:
    message: Message | None = None
    if kind == TYPE_STATE and len(data) == 1:
        message = CurrentState(data[0])
    elif kind == TYPE_ERROR and len(data) == 1:
        message = ErrorState(data[0])
    elif kind == TYPE_RPC:
        message = parse_rpc(data)
    elif kind == TYPE_RESULT:
        message = parse_result(data)
    return Unknown(kind, data) if message is None else message
