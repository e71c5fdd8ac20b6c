"""Images of the Espressif family: which chip they are for, and whether they are whole.

Sources: espressif/esptool: docs, firmware image format; espressif/esp-idf: partition tables;
flashing, section 6.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from agent.flash.content import refuse

if TYPE_CHECKING:
    from agent.catalog import Model
    from agent.flash.method import FlashImage

MAGIC: Final = 0xE9
HEADER_BYTES: Final = 8
EXTENDED_BYTES: Final = 16
CHIP_ID_AT: Final = 12
SEGMENTS_MAX: Final = 16
CHECKSUM_SEED: Final = 0xEF

PARTITIONS_AT: Final = 0x8000
PARTITION_MAGIC: Final = b"\xaa\x50"

CHIP_IDS: Final = {
    "esp32": 0x0000,
    "esp32s2": 0x0002,
    "esp32c3": 0x0005,
    "esp32s3": 0x0009,
    "esp32c2": 0x000C,
    "esp32c6": 0x000D,
    "esp32h2": 0x0010,
}
"""Chip ids of the extended header; the ESP8266 has no such header."""
_NAMES: Final = {number: name for name, number in CHIP_IDS.items()}


def is_merged(data: bytes, bootloader_at: int) -> bool:
    """Whether a file is a whole flash: bootloader and partition table at their places."""
    return (
        data[bootloader_at : bootloader_at + 1] == bytes([MAGIC])
        and data[PARTITIONS_AT : PARTITIONS_AT + 2] == PARTITION_MAGIC
    )


def require_chip(image: FlashImage, model: Model, chip: str, at: int) -> None:
    """The image that begins at ``at`` of the file is for ``chip`` and whole.

    Raises :class:`agent.errors.ImageRefused`.
    """
    data = image.data
    if data[at : at + 1] != bytes([MAGIC]):
        refuse(image, model, "it does not begin as an image for ESP chips does")
    if chip in CHIP_IDS:
        if len(data) < at + HEADER_BYTES + EXTENDED_BYTES:
            refuse(image, model, "it is cut off")
        (found,) = struct.unpack_from("<H", data, at + CHIP_ID_AT)
        if found != CHIP_IDS[chip]:
            other = _NAMES.get(found, f"chip {found}")
            refuse(image, model, f"it was built for {other}, and this board has {chip}")
    _require_whole(image, model, at, HEADER_BYTES + EXTENDED_BYTES * (chip in CHIP_IDS))


def _require_whole(image: FlashImage, model: Model, at: int, header: int) -> None:
    """All segments are in the file, and their check value is right."""
    data = image.data
    count, place = data[at + 1] if len(data) > at + 1 else 0, at + header
    if not 0 < count <= SEGMENTS_MAX:
        refuse(image, model, f"its {count} segments make no sense")
    check = CHECKSUM_SEED
    for _ in range(count):
        if place + 8 > len(data):
            refuse(image, model, "it is cut off")
        (size,) = struct.unpack_from("<I", data, place + 4)
        place += 8
        if place + size > len(data):
            refuse(image, model, "it is cut off")
        check ^= _xor(data[place : place + size])
        place += size
    # The check value is the last byte of a block of 16.
    end = place + (15 - (place - at) % 16)
    if end >= len(data):
        refuse(image, model, "it is cut off")
    if data[end] != check:
        refuse(image, model, "its check value is wrong, so it is damaged")


def _xor(data: bytes) -> int:
    """All bytes combined with exclusive or; folds halves, which is fast."""
    value, size = int.from_bytes(data, "little"), len(data)
    while size > 1:
        half = 8 * ((size + 1) // 2)
        value = (value >> half) ^ (value & ((1 << half) - 1))
        size = (size + 1) // 2
    return value
