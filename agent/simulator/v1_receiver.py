"""The receiver of the 1.0 sketch, with all it does to bad input.

It reads bytes that have not arrived yet as 0xFF, keeps one buffer for all frames, and waits for an
end marker in steps of two bytes before it looks at the frame before it.
Source: protocol-v1, section 3; arduino-cloud-cli c6c9ee2, CryptoProvision.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from agent.protocols.v1.commands import PAYLOAD_LIMIT
from agent.protocols.v2.frames import CRC_BYTES, END, START, crc16_x25

SHORTEST_FRAME: Final = 10
BUFFER_BYTES: Final = PAYLOAD_LIMIT + CRC_BYTES
NOT_THERE: Final = 0xFF


class BufferOverrun(Exception):
    """A frame longer than the buffer: on hardware it overwrites what stands behind."""


@dataclass(frozen=True, slots=True)
class Message:
    """A frame whose end marker was found."""

    type: int
    payload: bytes
    """Without the check value; of length 0 in a frame of length 0, which is not checked."""
    length: int
    """As the frame says it: with the check value."""
    intact: bool
    code: int
    """First byte of the buffer: left over from an earlier frame if this one is empty."""


class V1Receiver:
    """Takes messages out of the port's buffer."""

    def __init__(self) -> None:
        self._buffer = bytearray(BUFFER_BYTES)
        self._type = 0
        self._length = 0
        self._awaits_end = False

    def lose_end(self) -> None:
        """The end marker of a response was lost: nothing is heard until a marker comes."""
        self._type, self._length, self._awaits_end = 3, 0, True

    def poll(self, received: bytearray) -> Message | None:
        """The next message, taken out of ``received``; None if more must arrive first.

        Raises :class:`BufferOverrun`.
        """
        if not self._awaits_end and not self._begin(received):
            return None
        while len(received) >= len(END):
            pair = bytes(received[: len(END)])
            del received[: len(END)]
            if pair == END:
                self._awaits_end = False
                return self._message()
        return None

    def _begin(self, received: bytearray) -> bool:
        """Read up to the end marker; False if no frame starts here."""
        if len(received) < SHORTEST_FRAME or not _skip_to_start(received):
            return False
        self._type = _read(received)
        self._length = _read(received) << 8 | _read(received)
        if self._length > BUFFER_BYTES:
            raise BufferOverrun
        for index in range(self._length):
            self._buffer[index] = _read(received)
        self._awaits_end = True
        return True

    def _message(self) -> Message:
        size = max(0, self._length - CRC_BYTES)
        payload = bytes(self._buffer[:size])
        crc = int.from_bytes(self._buffer[size : self._length], "big")
        # A length of 1 makes the sketch look in front of its buffer: never right by more than luck.
        intact = self._length == 0 or (self._length >= CRC_BYTES and crc == crc16_x25(payload))
        return Message(self._type, payload, self._length, intact, self._buffer[0])


def _skip_to_start(received: bytearray) -> bool:
    """Behind the next start marker; a 0x55 in front of one swallows its first byte."""
    while received:
        if received.pop(0) == START[0] and _read(received) == START[1]:
            return True
    return False


def _read(received: bytearray) -> int:
    return received.pop(0) if received else NOT_THERE
