"""Commands and responses of provisioning 1.0, and what each may carry.

The sketch checks next to nothing and writes past its buffers, so everything is checked here.
Source: protocol-v1, sections 3 and 4.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Final, TypeAlias

from agent.protocols.v2.frames import encode_frame

PAYLOAD_LIMIT: Final = 130
"""Longest payload: the sketch has a buffer for this and the check value, and no check."""
DEVICE_ID_CHARS: Final = 36
"""A shorter device id would keep the tail of the one before it."""
SERIAL_BYTES: Final = 16
AUTHORITY_KEY_ID_BYTES: Final = 20
SIGNATURE_BYTES: Final = 64
FIRST_YEAR: Final = 2000
LAST_YEAR: Final = 2031
"""The secure element keeps the year in five bits."""
VALIDITY_YEARS: Final = 31


class FrameType(IntEnum):
    """Third byte of a frame; 2 and 3 as in 2.0."""

    COMMAND = 1
    DATA = 2
    """From the board: a certificate request. Never from a host: the answer is malformed."""
    RESPONSE = 3


class Command(IntEnum):
    """First byte of a host's payload. 3, 4, 5 and 7 are declared and do nothing."""

    SKETCH_INFO = 1
    CSR = 2
    BEGIN_STORAGE = 6
    YEAR = 8
    MONTH = 9
    DAY = 10
    HOUR = 11
    VALIDITY = 12
    SERIAL = 13
    AUTHORITY_KEY_ID = 14
    SIGNATURE = 15
    END_STORAGE = 16
    RECONSTRUCT = 17

    @property
    def words(self) -> str:
        """The command in words: ``begin storage``."""
        return _WORDS.get(self, self.name.lower().replace("_", " "))


class Response(IntEnum):
    """The one payload byte of a response. Anything but ACK is a refusal, unknown bytes too."""

    NONE = 1
    ACK = 2
    NACK = 3
    ERROR = 4


def encode_command(command: Command, data: bytes = b"") -> bytes:
    """The frame of a command, to be written with one call.

    ``data``: a device id or digits in ASCII, or bytes. ValueError for what the sketch cannot take.
    """
    if not _FITS[command](data):
        msg = f"{command.words}: not what the sketch can take ({len(data)} bytes)"
        raise ValueError(msg)
    return encode_frame(FrameType.COMMAND, bytes((command,)) + data)


_Rule: TypeAlias = Callable[[bytes], bool]


def _size(count: int) -> _Rule:
    return lambda data: len(data) == count


def _digits(count: int, low: int, high: int) -> _Rule:
    def fits(data: bytes) -> bool:
        return len(data) == count and data.isdigit() and low <= int(data) <= high

    return fits


def _device_id(data: bytes) -> bool:
    return len(data) == DEVICE_ID_CHARS and all(0x21 <= byte <= 0x7E for byte in data)


_FITS: Final[dict[Command, _Rule]] = {
    Command.SKETCH_INFO: _size(0),
    Command.CSR: _device_id,
    Command.BEGIN_STORAGE: _size(0),
    Command.YEAR: _digits(4, FIRST_YEAR, LAST_YEAR),
    Command.MONTH: _digits(2, 1, 12),
    Command.DAY: _digits(2, 1, 31),
    Command.HOUR: _digits(2, 0, 23),
    Command.VALIDITY: _digits(2, 1, VALIDITY_YEARS),
    Command.SERIAL: _size(SERIAL_BYTES),
    Command.AUTHORITY_KEY_ID: _size(AUTHORITY_KEY_ID_BYTES),
    Command.SIGNATURE: _size(SIGNATURE_BYTES),
    Command.END_STORAGE: _size(0),
    Command.RECONSTRUCT: _size(0),
}
_WORDS: Final = {
    Command.CSR: "certificate request",
    Command.VALIDITY: "validity in years",
    Command.SERIAL: "certificate serial number",
    Command.RECONSTRUCT: "reconstruct certificate",
}
