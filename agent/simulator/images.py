"""Sketch files for simulated boards: sound in their structure, and they know what they are.

A simulated bootloader takes such a file as a real one would; :func:`read_identity` tells from the
bytes in its flash what the board runs from then on. Nothing here would run on real hardware.
Sources of the memory maps: arduino/ArduinoCore-samd, ArduinoCore-renesas, ArduinoCore-mbed (linker
scripts); espressif/esptool: docs, firmware image format.
"""

from __future__ import annotations

import hashlib
import struct
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import msgspec

from agent.protocols.elf import Segment
from agent.protocols.uf2 import build_uf2

if TYPE_CHECKING:
    from agent.catalog import Model

Runs: TypeAlias = Literal[
    "provisioning-2.0",
    "provisioning-1.0",
    "lora-1.0",
    "console-1.0",
    "console",
    "nvs",
    "micropython",
    "circuitpython",
    "application",
    "other",
]
"""What a board does once it runs an image; ``console``: takes settings over our serial console;
``nvs``: reads them in its settings area; ``micropython``, ``circuitpython``: in a file;
``other``: a sketch that knows no provisioning."""

IMAGE_BYTES: Final = 16 * 1024
"""Size of an image unless asked otherwise; real provisioning sketches have 100 to 400 kB."""
SMALLEST_BYTES: Final = 2048
"""Vector table, marker and identity fit in."""

_MARKER: Final = b"\xa7MOORING simulated sketch\xa7"
_MARKER_AT: Final = 0x200
_MARKER_BEFORE: Final = 0x400
"""It begins before this place, behind the headers of an image for an ESP chip too."""
_IDENTITY_BYTES: Final = 512
_HEADER = struct.Struct("<HI")
"""Length of the description and size of the image, behind the marker."""
_VECTORS: Final = 48
_VECTOR_BYTES: Final = 4 * _VECTORS

_MAPS: Final[dict[str, tuple[int, int]]] = {
    # FQBN: first address of the sketch, end of its RAM.
    "arduino:samd": (0x2000, 0x2000_8000),
    "Seeeduino:samd": (0x4000, 0x2003_0000),
    "arduino:renesas_uno": (0x4000, 0x2000_8000),
    "arduino:renesas_portenta": (0x1_0000, 0x2008_0000),
    "arduino:mbed_nano": (0x1000_0000, 0x2004_2000),
    "rp2040:rp2040": (0x1000_0000, 0x2004_2000),
}
_H7: Final = (0x0804_0000, 0x2408_0000)
_ESP_CHIPS: Final = {
    "esp32": 0x0000,
    "esp32s2": 0x0002,
    "esp32c3": 0x0005,
    "esp32s3": 0x0009,
    "nano_nora": 0x0009,
    "esp32c6": 0x000D,
}
"""Chip ids of the extended header; the ESP8266 has none."""
_ESP_LOAD: Final = 0x4008_0000
_ESP_MAGIC: Final = b"\xe9"
_VECTORS_AT: Final = (0, 0x100)
"""An RP2040 has 256 bytes of code in front of its table."""
_RAM_PAGE: Final = 0x20
_CODE_PAGES: Final = frozenset({0x0, 0x1})
"""Top digits of addresses: RAM; flash inside the chip and flash beside it (RP2040)."""


class ImageIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """What an image says of itself."""

    runs: Runs
    fqbn: str
    version: str = ""
    """Version that the sketch tells; 1.0 sketches have none."""


def build_image(identity: ImageIdentity, model: Model, size: int = IMAGE_BYTES) -> bytes:
    """The file for a model in the format that its vendor publishes: ``.bin``, ``.elf``, ``.uf2``.

    ``size`` is that of the memory image in bytes, at least 2048; the file may be a little longer.
    """
    if size < SMALLEST_BYTES:
        raise ValueError(f"an image has at least {SMALLEST_BYTES} bytes")
    board = model.fqbn or ""
    last = board.rpartition(":")[2]
    if last in _ESP_CHIPS or board.startswith("esp8266:"):
        return _esp_image(_body(identity, size), _ESP_CHIPS.get(last))
    start, ram_end = _MAPS.get(board.rpartition(":")[0], _H7)
    memory = _cortex_image(identity, size, start, ram_end)
    if model.upload.file_extension == ".elf":
        return _elf(memory, start)
    if model.upload.file_extension == ".uf2":
        return build_uf2([Segment(start, memory)])
    return memory


def read_identity(flash: bytes) -> ImageIdentity | None:
    """What the image in these bytes of flash, or in this file, is; None if it is none of ours."""
    at = flash.find(_MARKER)
    if at < 0:
        return None
    found = _described(flash, at)
    return found[0] if found else None


def read_running(flash: bytes | bytearray) -> ImageIdentity | None:
    """What a chip runs whose flash holds these bytes from the place of a sketch on.

    None: it does not start. One of our images starts only if all of it is there; of another
    sketch only its beginning can be judged.
    """
    at = flash.find(_MARKER, 0, _MARKER_BEFORE)
    if at < 0:
        begins = flash[:1] == _ESP_MAGIC or any(_has_vectors(flash, at) for at in _VECTORS_AT)
        return ImageIdentity(runs="other", fqbn="") if begins else None
    found = _described(flash, at)
    if found is None:
        return None
    identity, size = found
    begin = at - _MARKER_AT
    whole = _body(identity, size)[_VECTOR_BYTES:]
    return identity if flash[begin + _VECTOR_BYTES : begin + size] == whole else None


def _described(flash: bytes | bytearray, at: int) -> tuple[ImageIdentity, int] | None:
    """Identity and size that stand behind the marker at this place."""
    at += len(_MARKER)
    if at + _HEADER.size > len(flash):
        return None
    length, size = _HEADER.unpack_from(flash, at)
    at += _HEADER.size
    try:
        identity = msgspec.json.decode(flash[at : at + length], type=ImageIdentity)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return identity, min(size, len(flash))


def _has_vectors(flash: bytes | bytearray, at: int) -> bool:
    """Whether a stack in RAM and an odd (Thumb) address of code stand here."""
    stack, reset = struct.unpack("<II", flash[at : at + 8].ljust(8, b"\0"))
    return stack >> 24 == _RAM_PAGE and reset % 2 == 1 and reset >> 28 in _CODE_PAGES


def _body(identity: ImageIdentity, size: int) -> bytes:
    """Bytes that look like code and are the same whenever the identity is."""
    described = msgspec.json.encode(identity)
    if len(described) > _IDENTITY_BYTES:
        raise ValueError("the identity is too long")
    filler = hashlib.shake_128(described).digest(size)
    marker = _MARKER + _HEADER.pack(len(described), size) + described
    return filler[:_MARKER_AT] + marker + filler[_MARKER_AT + len(marker) :]


def _cortex_image(identity: ImageIdentity, size: int, start: int, ram_end: int) -> bytes:
    """Vector table in front: end of RAM, then handlers inside the image (odd: Thumb)."""
    code = start + _MARKER_AT + _IDENTITY_BYTES + 64
    vectors = [ram_end, *(code + 4 * number + 1 for number in range(_VECTORS - 1))]
    if start == _MAPS["arduino:samd"][0]:
        # A Cortex-M0+ has no fault handlers.
        vectors[4:11] = [0] * 7
    table = struct.pack(f"<{_VECTORS}I", *vectors)
    return table + _body(identity, size)[len(table) :]


def _elf(memory: bytes, start: int) -> bytes:
    """One loadable segment behind the two headers of a 32-bit ARM file."""
    header, program = 52, 32
    ident = b"\x7fELF\x01\x01\x01".ljust(16, b"\0")
    entry = struct.unpack_from("<I", memory, 4)[0]
    return (
        ident
        + struct.pack(
            "<HHIIIIIHHHHHH", 2, 40, 1, entry, header, 0, 0x0500_0200, header, program, 1, 40, 0, 0
        )
        + struct.pack("<8I", 1, header + program, start, start, len(memory), len(memory), 5, 4)
        + memory
    )


def _esp_image(body: bytes, chip: int | None) -> bytes:
    """One segment with its checksum; newer chips also name themselves and add a SHA-256."""
    body = body.ljust((len(body) + 3) & ~3, b"\xff")
    data = struct.pack("<BBBBI", 0xE9, 1, 2, 0x20, _ESP_LOAD)
    if chip is not None:
        data += struct.pack("<B3sHBHH4sB", 0xEE, b"\0" * 3, chip, 0, 0, 0xFFFF, b"\0" * 4, 1)
    data += struct.pack("<II", _ESP_LOAD, len(body)) + body
    check = 0xEF
    for byte in body:
        check ^= byte
    data += b"\0" * (15 - len(data) % 16) + bytes([check])
    return data + hashlib.sha256(data).digest() if chip is not None else data
