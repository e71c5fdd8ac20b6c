"""Images for boards that do not exist, and a recorder of progress."""

from __future__ import annotations

import functools
import hashlib
import operator
import struct
from typing import TYPE_CHECKING

from agent.flash.esp_image import CHIP_IDS
from agent.flash.method import FlashImage, FlashProgress

if TYPE_CHECKING:
    from agent.flash.method import ImageFormat


def image(data: bytes, form: ImageFormat = "bin", name: str = "sketch.bin") -> FlashImage:
    """``data`` as a file that was checked and read."""
    return FlashImage(name=name, format=form, data=data, sha256=hashlib.sha256(data).hexdigest())


def noise(size: int, seed: bytes = b"sketch") -> bytes:
    """Bytes that do not compress and are the same in every run."""
    return hashlib.shake_128(seed).digest(size)


def arm_elf(parts: list[tuple[int, bytes]], machine: int = 40) -> bytes:
    """An ELF file with these loadable segments (physical address, content)."""
    offset = 52 + 32 * len(parts)
    head = b"\x7fELF\x01\x01\x01" + bytes(9)
    head += struct.pack("<HHIIIIIHHHHHH", 2, machine, 1, 0, 52, 0, 0, 52, 32, len(parts), 40, 0, 0)
    table, content = b"", b""
    for address, data in parts:
        at = offset + len(content)
        table += struct.pack("<8I", 1, at, address, address, len(data), len(data), 5, 4)
        content += data
    return head + table + content


class Steps(list[FlashProgress]):
    """Collects the progress of a run; call it."""

    __call__ = list.append

    def stages(self) -> list[str]:
        """Names of the stages, each time one begins."""
        names = [step.stage for step in self]
        return [name for name, before in zip(names, ["", *names], strict=False) if name != before]


def esp_image(chip: str, body: bytes) -> bytes:
    """An image for ESP chips with one segment and a right check value."""
    body = body.ljust((len(body) + 3) & ~3, b"\xff")
    head = struct.pack("<BBBBI", 0xE9, 1, 2, 0x20, 0x4008_0000)
    if chip in CHIP_IDS:
        fields = (0xEE, bytes(3), CHIP_IDS[chip], 0, 0, 0xFFFF, bytes(4), 0)
        head += struct.pack("<B3sHBHH4sB", *fields)
    data = head + struct.pack("<II", 0x4008_0000, len(body)) + body
    check = functools.reduce(operator.xor, body, 0xEF)
    return data + bytes(15 - len(data) % 16) + bytes([check])


def esp_merged(chip: str, bootloader_at: int, sketch: bytes) -> bytes:
    """A whole flash: bootloader, partition table and the sketch at 0x10000."""
    flash = b"\xff" * bootloader_at + esp_image(chip, noise(6000, b"bootloader"))
    flash = flash.ljust(0x8000, b"\xff") + b"\xaa\x50" + noise(30, b"partition")
    return flash.ljust(0x1_0000, b"\xff") + sketch


def cortex_image(size: int, base: int, ram_end: int) -> bytes:
    """A sketch with a vector table that the chip can start."""
    # At 0x2000 begin sketches of the SAMD21, a Cortex-M0+: no fault handlers.
    faults = bytes(12) if base == 0x2000 else struct.pack("<III", *[base + 0x101] * 3)
    table = struct.pack("<IIII", ram_end, base + 0x101, base + 0x101, base + 0x101) + faults
    return (table + noise(size))[:size]
