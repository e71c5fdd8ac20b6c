"""Is this file what its name says, and can it run on that board? Looks at bytes only.

Every check raises :class:`agent.errors.ImageRefused`, before anything is sent to a board.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Final, NoReturn

import msgspec

from agent.errors import ImageRefused
from agent.flash.method import FlashImage, ImageFormat
from agent.settings import clean_text

if TYPE_CHECKING:
    from agent.catalog import Model

ELF_MAGIC: Final = b"\x7fELF"
UF2_MAGIC: Final = bytes.fromhex("5546320a")
"""First word of a UF2 block, 0x0A324655."""
ESP_MAGIC: Final = b"\xe9"
ESP_LATE_OFFSET: Final = 0x1000
"""Where the bootloader is in a merged image of an ESP32 or ESP32-S2; before it nothing."""
NAME_CHARS_MAX: Final = 120

_SHOWN: Final[dict[ImageFormat, str]] = {
    "bin": "a memory image (.bin)",
    "elf": "an ELF file",
    "uf2": "a UF2 file",
    "esp": "an image for ESP chips",
}
ZIP_MAGIC: Final = b"PK\x03\x04"
_HEX_LINE: Final = re.compile(rb":[0-9A-Fa-f]{10}")
_NO_TEXT: Final = bytes({*range(32), 127} - {*b"\t\n\r\f"})
"""Bytes that no text has; every memory image begins with some of them."""
_TEXT_BYTES: Final = 512


class CortexM(msgspec.Struct, frozen=True, kw_only=True):
    """Where a sketch lives on a Cortex-M chip."""

    ram: tuple[range, ...]
    """Memory that a stack may begin in."""
    base: int
    """Address that the first byte of the sketch runs at."""
    m0: bool = False
    """A Cortex-M0+: it has no handlers for memory, bus and usage faults, so their places in the
    vector table are empty."""


SAMD21: Final = CortexM(ram=(range(0x20000000, 0x20008000),), base=0x2000, m0=True)
_FAULT_HANDLERS: Final = slice(16, 28)
"""Three words of the vector table."""
SAMD51: Final = CortexM(ram=(range(0x20000000, 0x20030000),), base=0x4000)
RA4M1: Final = CortexM(ram=(range(0x20000000, 0x20008000),), base=0x4000)
STM32H7: Final = CortexM(
    ram=(range(0x20000000, 0x20020000), range(0x24000000, 0x24080000)), base=0x08040000
)
"""Data sheets: SAM D21 (32 KiB), SAM D51P19 (192 KiB), RA4M1 (32 KiB), STM32H747 (128 KiB DTCM and
512 KiB AXI SRAM). Bases: flashing, sections 2 to 4."""


def read_image(name: str, data: bytes, *, any_board: bool = False) -> FlashImage:
    """Tell the format by the content; refuses what is empty or is not what its extension says.

    ``any_board``: what it was built for will not be checked; format and size always are.
    """
    shown = clean_text(name.replace("\\", "/").rpartition("/")[2])[:NAME_CHARS_MAX] or "the file"
    kind = _format_of(data)
    extension = shown.rpartition(".")[2].lower()
    if not data:
        _refuse(shown, "a board", "it is empty")
    if extension in {"elf", "uf2"} and kind != extension:
        _refuse(shown, "a board", f"its content is not that of a .{extension} file")
    sha256 = hashlib.sha256(data).hexdigest()
    return FlashImage(name=shown, format=kind, data=data, sha256=sha256, any_board=any_board)


def require_format(image: FlashImage, model: Model, *formats: ImageFormat) -> None:
    """The board takes one of these formats."""
    found = _other_file(image.data) if image.format == "bin" else _SHOWN[image.format]
    if image.format not in formats or found != _SHOWN[image.format]:
        wanted = " or ".join(_SHOWN[each] for each in formats)
        refuse(image, model, f"it is {found}, and this board takes {wanted}")


def require_size(image: FlashImage, model: Model, size: int, limit: int) -> None:
    """``size`` bytes fit into the ``limit`` bytes that a sketch may have."""
    if size > limit:
        refuse(image, model, f"it has {size} bytes, and the board has room for {limit}")


def require_vectors(image: FlashImage, model: Model, chip: CortexM) -> None:
    """The image begins with a vector table that this chip can start.

    The stack begins in RAM, on a word boundary; the code begins inside the image, at an odd
    address, which marks Thumb code; and only processors with fault handlers have some. Source:
    ARMv6-M and ARMv7-M architecture, exception model.
    """
    if image.any_board:
        return
    if len(image.data) < 8:
        refuse(image, model, "it is too short for a sketch")
    stack = int.from_bytes(image.data[:4], "little")
    start = int.from_bytes(image.data[4:8], "little")
    # A stack grows downwards: it may begin at the first address behind the RAM.
    if stack % 4 or not any(ram.start < stack <= ram.stop for ram in chip.ram):
        _refuse_other(image, model, f"its stack at {stack:#010x} is outside the memory here")
    inside = chip.base < start < chip.base + len(image.data)
    if not (start % 2 and inside):
        _refuse_other(image, model, f"its code begins at {start:#010x}, outside the file")
    faults = image.data[_FAULT_HANDLERS]
    if len(faults) == _FAULT_HANDLERS.stop - _FAULT_HANDLERS.start and any(faults) is chip.m0:
        # Chips with memory at the same addresses are told apart by this.
        refuse(image, model, "it was built for another kind of processor", overridable=True)


def refuse(image: FlashImage, model: Model, problem: str, *, overridable: bool = False) -> NoReturn:
    """Raise the error that says why."""
    _refuse(image.name, model.name, problem, overridable=overridable)


def _refuse_other(image: FlashImage, model: Model, why: str) -> NoReturn:
    problem = f"it was built for another board, or is no sketch ({why})"
    refuse(image, model, problem, overridable=True)


def _refuse(name: str, model: str, problem: str, *, overridable: bool = False) -> NoReturn:
    more = {"overridable": True} if overridable else {}
    raise ImageRefused(name=name, model=model, problem=problem, **more)


def _format_of(data: bytes) -> ImageFormat:
    if data.startswith(ELF_MAGIC):
        return "elf"
    if data.startswith(UF2_MAGIC):
        return "uf2"
    # A stack pointer is a multiple of four, so no sketch of a Cortex-M begins with this byte.
    late = data[ESP_LATE_OFFSET : ESP_LATE_OFFSET + 1]
    if data.startswith(ESP_MAGIC) or (
        late == ESP_MAGIC and not data[:ESP_LATE_OFFSET].strip(b"\xff")
    ):
        return "esp"
    return "bin"


def _other_file(data: bytes) -> str:
    """What a file without a magic of ours is: files that people take for a memory image."""
    if data.startswith(ZIP_MAGIC):
        return "a ZIP archive"
    if _HEX_LINE.match(data):
        return "an Intel HEX file"
    if not data.strip(data[:1]):
        return "a file of empty bytes"
    begin = data[:_TEXT_BYTES]
    if begin.translate(None, _NO_TEXT) == begin:
        return "a text"
    return _SHOWN["bin"]
