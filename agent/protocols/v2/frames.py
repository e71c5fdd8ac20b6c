"""Frames of provisioning 2.0: cutting them out of a byte stream, and building them.

Start ``55 AA``, type, length (payload + 2, high byte first), payload, check value (high byte
first), end ``AA 55``. Nothing is escaped: only the length delimits a payload, so markers, and
even whole frames, may stand inside one (a network may be named like that).
Source: protocol-v2, section 1; Arduino_NetworkConfigurator ec9ff8e, PacketManager.
"""

from __future__ import annotations

import binascii
from enum import IntEnum
from typing import Final, TypeAlias

import msgspec

START: Final = b"\x55\xaa"
END: Final = b"\xaa\x55"
HEADER_BYTES: Final = 5
OVERHEAD_BYTES: Final = 9
CRC_BYTES: Final = 2
PAYLOAD_LIMIT: Final = 0xFFFF - CRC_BYTES
"""What the length field can say."""

HOST_PAYLOAD_LIMIT: Final = 1024
"""Longest payload a host waits for. The longest that a board can send is a list of 20 networks
with names of 32 bytes: 7 + 20 x (34 + 3) = 747 bytes (protocol-v2, 1 and 4.2). A length field
above this is not one, and costs nothing; below it, a false start holds back at most this much."""


class PacketType(IntEnum):
    """Third byte of a frame."""

    DATA = 2
    CONTROL = 3


class Control(IntEnum):
    """The one payload byte of a control packet."""

    CONNECT = 1
    DISCONNECT = 2
    NACK = 3


class Frame(msgspec.Struct, frozen=True, gc=False):
    """A frame whose magic, type, length, check value and end marker were all right."""

    type: PacketType
    payload: bytes


class Noise(msgspec.Struct, frozen=True, gc=False):
    """Bytes that belong to no frame: log text of the sketch, or a damaged frame."""

    data: bytes

    @property
    def damaged_frame(self) -> bool:
        """Whether this may have been a frame: every frame has a zero byte, and text has none."""
        return b"\0" in self.data or START in self.data


Piece: TypeAlias = Frame | Noise

_REVERSED: Final = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_TYPES: Final = {int(kind): kind for kind in PacketType}


def crc16_x25(data: bytes) -> int:
    """Check value of a payload (16 bits, sent high byte first).

    CRC-16/X-25: polynomial 0x1021 reflected, start and final xor 0xFFFF.
    Source: protocol-v2, section 1.
    """
    # The C routine computes the mirror image of this CRC: so mirror what goes in and comes out.
    mirrored = binascii.crc_hqx(data.translate(_REVERSED), 0xFFFF)
    return (_REVERSED[mirrored & 0xFF] << 8 | _REVERSED[mirrored >> 8]) ^ 0xFFFF


def encode_frame(kind: int, payload: bytes) -> bytes:
    """The bytes of one frame, to be written with one call.

    Raises ValueError for a payload above 65533 bytes. An empty payload is a frame by the format
    but stops a board's receiver for good: never send one (protocol-v2, 1.1).
    """
    if len(payload) > PAYLOAD_LIMIT:
        msg = f"a payload of {len(payload)} bytes does not fit the length field"
        raise ValueError(msg)
    head = START + bytes((kind,)) + (len(payload) + CRC_BYTES).to_bytes(2, "big")
    return head + payload + crc16_x25(payload).to_bytes(CRC_BYTES, "big") + END


def encode_control(control: Control) -> bytes:
    """The frame of a control packet."""
    return encode_frame(PacketType.CONTROL, bytes((control,)))


_UNFINISHED: Final = Frame(PacketType.CONTROL, b"")
"""Stands for a frame that may still be completed; compared by identity."""


class FrameDecoder:
    """Cuts a byte stream into frames and the noise between them; never raises.

    Any split of the input gives the same pieces (noise apart, which comes in as many parts).
    After a mismatch it goes on one byte further, so a bad frame costs at most itself. The last
    byte of a frame may also be the first of the next: the end of the former was lost then.

    A start with a plausible length whose frame never ends (a frame cut off by a restart) holds
    back what stands behind it until its length is reached. :meth:`release` gives that up; call
    it when the line was silent for a while, because a board writes a frame in one go.
    """

    __slots__ = ("_limit", "_pending", "_used")

    def __init__(self, payload_limit: int = HOST_PAYLOAD_LIMIT) -> None:
        self._limit = payload_limit
        self._pending = b""
        self._used = 0  # bytes at the head of pending that a frame has had already: 0 or 1

    @property
    def pending_bytes(self) -> int:
        """Bytes held back; at most the payload limit plus 8."""
        return len(self._pending)

    def feed(self, data: bytes) -> list[Piece]:
        """The pieces that ``data`` completes, in order."""
        return self._cut(self._pending + data, self._used)

    def release(self) -> list[Piece]:
        """Give up an unfinished frame if a whole one stands behind its start; else nothing."""
        pending = self._pending
        start = pending.find(START, 1)
        while start >= 0:
            found = self._frame_at(pending, start)
            if found is not None and found is not _UNFINISHED:
                return [Noise(pending[self._used : start]), *self._cut(pending[start:], 0)]
            start = pending.find(START, start + 1)
        return []

    def reset(self) -> list[Piece]:
        """Forget an unfinished frame: what was held back, as noise."""
        rest = self._pending[self._used :]
        self._pending, self._used = b"", 0
        return [Noise(rest)] if rest else []

    def _cut(self, data: bytes, done: int) -> list[Piece]:
        """The pieces of ``data``, whose first ``done`` bytes a frame has had already."""
        pieces: list[Piece] = []
        start = data.find(START)
        while start >= 0:
            found = self._frame_at(data, start)
            if found is None:
                start = data.find(START, start + 1)
                continue
            if start > done:
                pieces.append(Noise(data[done:start]))
            if found is _UNFINISHED:
                break
            pieces.append(found)
            done = start + OVERHEAD_BYTES + len(found.payload)
            start = data.find(START, done - 1)
        else:
            start = len(data) - 1 if data.endswith(START[:1]) else len(data)
            if start > done:
                pieces.append(Noise(data[done:start]))
        self._pending = data[start:]
        self._used = max(0, done - start)
        return pieces

    def _frame_at(self, data: bytes, start: int) -> Frame | None:
        """The frame that begins at ``start``, ``_UNFINISHED``, or None if none does."""
        available = len(data) - start
        if available < HEADER_BYTES:
            return _UNFINISHED
        kind = _TYPES.get(data[start + 2])
        size = (data[start + 3] << 8 | data[start + 4]) - CRC_BYTES
        if kind is None or not 0 <= size <= self._limit:
            return None
        if available < size + OVERHEAD_BYTES:
            return _UNFINISHED
        crc_at = start + HEADER_BYTES + size
        if not data.startswith(END, crc_at + CRC_BYTES):
            return None
        payload = data[start + HEADER_BYTES : crc_at]
        if crc16_x25(payload) != (data[crc_at] << 8 | data[crc_at + 1]):
            return None
        return Frame(kind, payload)
