"""Reads the loadable segments of a 32-bit ELF file: what goes where in flash.

Only that: no sections, no symbols, no relocation. Source: Tool Interface Standard, Executable and
Linking Format 1.2, parts 1 and 2.
"""

from __future__ import annotations

import itertools
import struct
from typing import Final

import msgspec

MAGIC: Final = b"\x7fELF"
HEADER_BYTES: Final = 52
PROGRAM_HEADER_BYTES: Final = 32
SEGMENTS_MAX: Final = 64
"""A sketch has under ten; the field could say 65535."""

CLASS_32: Final = 1
LITTLE_ENDIAN: Final = 1
LOAD: Final = 1
MACHINE_ARM: Final = 40


class ElfError(ValueError):
    """The file is not an ELF file that can be flashed; the text says why, as half a sentence."""


class Segment(msgspec.Struct, frozen=True):
    """Bytes and the physical address they belong to."""

    address: int
    data: bytes


class Elf(msgspec.Struct, frozen=True):
    """What of an ELF file matters for flashing."""

    machine: int
    entry: int
    segments: tuple[Segment, ...]
    """Loadable segments that have bytes in the file, by physical address; they do not overlap."""


def parse_elf(data: bytes) -> Elf:
    """The loadable segments of a 32-bit little-endian ELF file.

    Raises :class:`ElfError`. Never takes more memory than the file has bytes.
    """
    if not data.startswith(MAGIC):
        raise ElfError("it is no ELF file")
    if len(data) < HEADER_BYTES:
        raise ElfError("it is cut off in its header")
    if data[4] != CLASS_32 or data[5] != LITTLE_ENDIAN:
        raise ElfError("it was not built for a 32-bit little-endian chip")
    machine, _, entry, table = struct.unpack_from("<HIII", data, 18)
    entry_bytes, count = struct.unpack_from("<HH", data, 42)
    if not 0 < count <= SEGMENTS_MAX or entry_bytes < PROGRAM_HEADER_BYTES:
        raise ElfError(f"its table of {count} segments makes no sense")
    if table + count * entry_bytes > len(data):
        raise ElfError("its table of segments lies outside the file")
    segments: list[Segment] = []
    total = 0
    for index in range(count):
        kind, offset, _, address, size = struct.unpack_from(
            "<5I", data, table + index * entry_bytes
        )
        if kind != LOAD or size == 0:
            continue
        total += size
        # Bytes may be used once: a small file cannot grow into a large image.
        if offset + size > len(data) or total > len(data):
            raise ElfError("a segment lies outside the file")
        if address + size > 1 << 32:
            raise ElfError("a segment lies outside the memory of the chip")
        segments.append(Segment(address, data[offset : offset + size]))
    if not segments:
        raise ElfError("it holds nothing to load")
    return Elf(machine, entry, _in_order(segments))


def _in_order(segments: list[Segment]) -> tuple[Segment, ...]:
    segments.sort(key=lambda segment: segment.address)
    for low, high in itertools.pairwise(segments):
        if low.address + len(low.data) > high.address:
            raise ElfError("its segments overlap")
    return tuple(segments)
