"""The serial side of a simulated Improv device: a receiver as firmware has it, byte by byte.

Written apart from the agent's own decoder, so that one checks the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.protocols.improv.messages import Rpc, RpcResult, encode_result
from agent.protocols.improv.packets import (
    END,
    START,
    TYPE_RESULT,
    TYPE_RPC,
    encode_message,
    encode_packet,
)

if TYPE_CHECKING:
    from agent.protocols.improv.messages import Message
    from agent.simulator.improv import ImprovFirmware

HEAD_BYTES: Final = 9
FORGETS_MS: Final = 100.0
"""A packet that stands still so long is dropped (ESPHome, IMPROV_SERIAL_TIMEOUT)."""


class ImprovSerial:
    """Bytes of a host in, bytes of the device out; the time is the firmware's."""

    def __init__(self, firmware: ImprovFirmware) -> None:
        self.firmware = firmware
        self._packet = bytearray()
        self._heard_at = 0.0

    def hear(self, data: bytes) -> None:
        """Bytes of the host."""
        firmware = self.firmware
        if firmware.deaf:
            self._packet.clear()
            return
        if self._packet and firmware.now - self._heard_at > FORGETS_MS:
            self._packet.clear()
        self._heard_at = firmware.now
        for byte in data:
            self._hear_byte(byte)

    def take_output(self) -> list[bytes]:
        """What the device wrote: packets and lines, each on its own."""
        return [
            part if isinstance(part, bytes) else self._packet_of(part)
            for part in self.firmware.take()
        ]

    def _packet_of(self, message: Message) -> bytes:
        habits = self.firmware.habits
        packet = encode_message(message)
        if habits.pads_results and isinstance(message, RpcResult):
            packet = encode_packet(TYPE_RESULT, encode_result(message) + b"\0")
        return packet if habits.sends_newline else packet.removesuffix(END)

    def _hear_byte(self, byte: int) -> None:
        packet = self._packet
        at = len(packet)
        if at < len(START) and byte != START[at]:
            packet.clear()  # this byte too, even if it is the first of a packet
            return
        packet.append(byte)
        size = HEAD_BYTES + packet[HEAD_BYTES - 1] + 1 if at >= HEAD_BYTES - 1 else 0
        if self.firmware.habits.wants_newline:
            if size and at == size:
                self._hear_packet(bytes(packet[:size]))
        elif size and at == size:
            packet.clear()  # the byte behind a packet belongs to it, whatever it is
        elif size and at == size - 1:
            self._hear_packet(bytes(packet), keep=True)

    def _hear_packet(self, packet: bytes, *, keep: bool = False) -> None:
        if not keep:
            self._packet.clear()
        if sum(packet[:-1]) & 0xFF != packet[-1]:
            self._packet.clear()
            self.firmware.command(None)
        elif packet[len(START)] == TYPE_RPC:
            data = packet[HEAD_BYTES:-1]
            whole = len(data) >= 2 and data[1] == len(data) - 2
            self.firmware.command(Rpc(data[0], data[2:]) if whole else None)
