"""The board's packet receiver, with all it does to bad input.

It does not search for the start of a frame, forgets a stale packet without returning to its
first state, and is one object for all agents while each agent has packets of its own.
Source: protocol-v2, 1.1; Arduino_NetworkConfigurator ec9ff8e, PacketManager.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Final

from agent.protocols.v2.frames import CRC_BYTES, END, HEADER_BYTES, START, PacketType, crc16_x25

BYTE_VALIDITY_MS: Final = 10_000
"""Longest pause inside a packet; then what was received of it is thrown away."""
TRAILER_BYTES: Final = CRC_BYTES + len(END)


class Reception(Enum):
    """State of the receiver, and result of each byte."""

    HEADER = auto()
    PAYLOAD = auto()
    END = auto()
    RECEIVED = auto()
    ERROR = auto()


class Packet:
    """Where one agent's packet is put together.

    The bytes of the header stay readable after :meth:`clear`, as in the firmware, which
    matters for a packet whose header was forgotten before its end arrived.
    """

    def __init__(self) -> None:
        self.header = bytearray(HEADER_BYTES)
        self.header_len = 0
        self.payload = bytearray()
        self.payload_size = 0
        self.trailer = bytearray()
        self.last_byte_at = 0.0

    def clear(self) -> None:
        """Forget everything received so far."""
        self.header_len = 0
        self.payload = bytearray()
        self.payload_size = 0
        self.trailer = bytearray()
        self.last_byte_at = 0.0

    @property
    def type(self) -> int:
        """Type byte of the header received last."""
        return self.header[2]


class Receiver:
    """The state that is shared by all agents and survives their changes."""

    def __init__(self) -> None:
        self.state = Reception.HEADER

    def wedge(self, packet: Packet) -> None:
        """Bring about the state in which nothing is ever received again."""
        packet.clear()
        self.state = Reception.PAYLOAD

    def receive(self, packet: Packet, byte: int, now: float) -> Reception:
        """Take one byte at ``now``, in ms of board time.

        :attr:`Reception.RECEIVED`: it was the last of a good packet, which the caller must
        then clear.
        """
        if self.state in {Reception.ERROR, Reception.RECEIVED}:
            self.state = Reception.HEADER
        if now - packet.last_byte_at > BYTE_VALIDITY_MS:
            packet.clear()
        packet.last_byte_at = now
        if self.state is Reception.HEADER:
            self.state = _header(packet, byte)
        elif self.state is Reception.PAYLOAD:
            self.state = _payload(packet, byte)
        else:
            self.state = _end(packet, byte)
        if self.state is Reception.RECEIVED and packet.type not in set(PacketType):
            self.state = Reception.ERROR
        if self.state is Reception.ERROR:
            packet.clear()
        return self.state


def _header(packet: Packet, byte: int) -> Reception:
    if packet.header_len < HEADER_BYTES:  # else: left over from before another agent's packet
        packet.header[packet.header_len] = byte
        packet.header_len += 1
    if packet.header_len < HEADER_BYTES:
        return Reception.HEADER
    if not packet.header.startswith(START):
        return Reception.ERROR
    length = int.from_bytes(packet.header[3:5], "big")
    # 16 bits: a length below that of the CRC wraps around.
    packet.payload_size = length - CRC_BYTES & 0xFFFF
    packet.payload = bytearray()
    return Reception.PAYLOAD


def _payload(packet: Packet, byte: int) -> Reception:
    if len(packet.payload) < packet.payload_size:
        packet.payload.append(byte)
    # A size of 0 is never complete: an empty payload, or one forgotten in the middle.
    complete = 0 < packet.payload_size == len(packet.payload)
    return Reception.END if complete else Reception.PAYLOAD


def _end(packet: Packet, byte: int) -> Reception:
    if len(packet.trailer) < TRAILER_BYTES:
        packet.trailer.append(byte)
    if len(packet.trailer) < TRAILER_BYTES:
        return Reception.END
    crc = int.from_bytes(packet.trailer[:CRC_BYTES], "big")
    good = crc == crc16_x25(bytes(packet.payload)) and packet.trailer.endswith(END)
    return Reception.RECEIVED if good else Reception.ERROR
