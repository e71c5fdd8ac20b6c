"""UF2: a file of 512-byte blocks, each of which says where its bytes go.

Writer (from segments) and reader. Source: microsoft/uf2, README.md; flashing, section 5.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

import msgspec

from agent.protocols.elf import Segment

if TYPE_CHECKING:
    from collections.abc import Iterable

BLOCK_BYTES: Final = 512
PAYLOAD_BYTES: Final = 256
"""What our blocks carry; loaders of flash with 256-byte pages take nothing else."""
PAYLOAD_MAX: Final = 476
SECTOR_BYTES: Final = 4096
"""Unit in which the loader of the RP2040 erases."""

MAGIC_START: Final = b"UF2\n\x57\x51\x5d\x9e"
MAGIC_END: Final = b"\x30\x6f\xb1\x0a"
NOT_MAIN_FLASH: Final = 0x0000_0001
FAMILY_PRESENT: Final = 0x0000_2000

FAMILY_RP2040: Final = 0xE48B_FF56

_HEAD: Final = struct.Struct("<8s6I")
_HEAD_BYTES: Final = _HEAD.size


class Uf2Error(ValueError):
    """Bytes that are no sound UF2; the text says why, as half a sentence."""


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """One record of 512 bytes."""

    address: int
    payload: bytes
    number: int
    count: int
    flags: int = FAMILY_PRESENT
    family: int = FAMILY_RP2040
    """Family id of the chip, or the size of the file where the flag says that there is none."""


class Uf2(msgspec.Struct, frozen=True):
    """A whole file."""

    family: int | None
    """Family id that all blocks carry; None: the file names none."""
    segments: tuple[Segment, ...]
    """Contents by address; blocks that follow each other are one segment."""
    blocks: int


def encode_block(block: Block) -> bytes:
    """The 512 bytes of a block. Raises ValueError for a payload above 476 bytes."""
    if len(block.payload) > PAYLOAD_MAX:
        raise ValueError(f"a payload of {len(block.payload)} bytes does not fit into a block")
    head = _HEAD.pack(
        MAGIC_START,
        block.flags,
        block.address,
        len(block.payload),
        block.number,
        block.count,
        block.family,
    )
    return head + block.payload.ljust(PAYLOAD_MAX, b"\0") + MAGIC_END


def parse_block(data: bytes) -> Block:
    """The block that ``data`` (512 bytes) is; raises :class:`Uf2Error`."""
    if len(data) != BLOCK_BYTES or not data.endswith(MAGIC_END):
        raise Uf2Error("a block does not end as it should")
    magic, flags, address, size, number, count, family = _HEAD.unpack_from(data)
    if magic != MAGIC_START:
        raise Uf2Error("a block does not begin as it should")
    if not 0 < size <= PAYLOAD_MAX or address + size > 1 << 32:
        raise Uf2Error("a block has an impossible size or address")
    if number >= count:
        raise Uf2Error("a block has an impossible number")
    return Block(
        address=address,
        payload=data[_HEAD_BYTES : _HEAD_BYTES + size],
        number=number,
        count=count,
        flags=flags,
        family=family,
    )


def parse_uf2(data: bytes) -> Uf2:
    """All blocks of a file, checked against each other; raises :class:`Uf2Error`.

    Refused: a file that is cut off, blocks that are missing, doubled or out of order, that overlap,
    or that are for different chips. Blocks that do not go to flash are left out of ``segments``.
    """
    count, rest = divmod(len(data), BLOCK_BYTES)
    if rest or not count:
        raise Uf2Error("its length is no multiple of 512 bytes")
    blocks = [
        parse_block(data[start : start + BLOCK_BYTES]) for start in range(0, len(data), BLOCK_BYTES)
    ]
    for index, block in enumerate(blocks):
        if (block.number, block.count) != (index, count):
            raise Uf2Error("blocks are missing or not in their order")
    families = {block.family if block.flags & FAMILY_PRESENT else None for block in blocks}
    if len(families) > 1:
        raise Uf2Error("its blocks are for different chips")
    flash = [block for block in blocks if not block.flags & NOT_MAIN_FLASH]
    if not flash:
        raise Uf2Error("it holds nothing for the flash memory")
    return Uf2(families.pop(), _joined(flash), count)


def build_uf2(
    segments: Iterable[Segment], family: int = FAMILY_RP2040, sector: int = SECTOR_BYTES
) -> bytes:
    """A UF2 file that writes ``segments``; raises :class:`Uf2Error` if they overlap or are empty.

    Every ``sector`` that is touched is written whole, what no segment covers as zero: the loader
    of the RP2040 is only right about sectors that come complete (erratum RP2040-E14).
    """
    sectors: dict[int, bytearray] = {}
    end = -1
    for segment in sorted(segments, key=lambda each: each.address):
        if segment.address < end:
            raise Uf2Error("its segments overlap")
        end = segment.address + len(segment.data)
        if end > 1 << 32:
            raise Uf2Error("a segment lies outside the memory of the chip")
        _fill(sectors, segment, sector)
    if not sectors:
        raise Uf2Error("it holds nothing to write")
    pages = [
        (base + start, bytes(content[start : start + PAYLOAD_BYTES]))
        for base, content in sectors.items()
        for start in range(0, sector, PAYLOAD_BYTES)
    ]
    return b"".join(
        encode_block(
            Block(address=address, payload=page, number=number, count=len(pages), family=family)
        )
        for number, (address, page) in enumerate(pages)
    )


def _fill(sectors: dict[int, bytearray], segment: Segment, sector: int) -> None:
    done = 0
    while done < len(segment.data):
        base = (segment.address + done) // sector * sector
        start = segment.address + done - base
        part = segment.data[done : done + sector - start]
        content = sectors.setdefault(base, bytearray(sector))
        content[start : start + len(part)] = part
        done += len(part)


def _joined(blocks: list[Block]) -> tuple[Segment, ...]:
    runs: list[tuple[int, list[bytes]]] = []
    end = -1
    for block in sorted(blocks, key=lambda each: each.address):
        if block.address < end:
            raise Uf2Error("its blocks overlap")
        if block.address != end:
            runs.append((block.address, []))
        runs[-1][1].append(block.payload)
        end = block.address + len(block.payload)
    return tuple(Segment(address, b"".join(parts)) for address, parts in runs)
