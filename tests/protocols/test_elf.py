"""ELF: loadable segments by physical address, and nothing that a broken file can do."""

from __future__ import annotations

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.protocols.elf import SEGMENTS_MAX, ElfError, Segment, parse_elf

LOAD, NOTE = 1, 4


def elf(
    parts: list[tuple[int, int, bytes]], *, machine: int = 40, entry: int = 0x10000001
) -> bytes:
    """A file with one program header for each (kind, physical address, content)."""
    ident = b"\x7fELF\x01\x01\x01" + bytes(9)
    head = struct.pack(
        "<HHIIIIIHHHHHH", 2, machine, 1, entry, 52, 0, 0, 52, 32, len(parts), 40, 0, 0
    )
    offset = 52 + 32 * len(parts)
    table, content = b"", b""
    for kind, address, data in parts:
        table += struct.pack(
            "<8I",
            kind,
            offset + len(content),
            0x20000000,
            address,
            len(data),
            len(data) + 64,
            5,
            4,
        )
        content += data
    return ident + head + table + content


def test_segments_come_by_physical_address_without_those_that_hold_nothing():
    file = elf(
        [
            (LOAD, 0x1000_0100, b"text"),
            (NOTE, 0, b"note"),
            (LOAD, 0x1000_0000, b"boot"),
            (LOAD, 0x2000_0000, b""),
        ]
    )
    read = parse_elf(file)
    assert read.segments == (Segment(0x1000_0000, b"boot"), Segment(0x1000_0100, b"text"))
    assert (read.machine, read.entry) == (40, 0x1000_0001)


@given(st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=SEGMENTS_MAX))
def test_what_was_put_in_comes_out(contents):
    parts = [(LOAD, 0x1000_0000 + 64 * index, data) for index, data in enumerate(contents)]
    assert [segment.data for segment in parse_elf(elf(parts)).segments] == contents


@given(st.integers(0, 200), st.binary(max_size=8))
def test_a_damaged_file_is_read_or_refused(at, damage):
    file = bytearray(elf([(LOAD, 0x1000_0000, bytes(50)), (LOAD, 0x1000_1000, bytes(9))]))
    file[at : at + len(damage)] = damage
    try:
        read = parse_elf(bytes(file))
    except ElfError:
        return
    assert sum(len(segment.data) for segment in read.segments) <= len(file)


@given(st.binary(max_size=300))
def test_any_bytes_behind_the_magic_are_read_or_refused(rest):
    with contextlib.suppress(ElfError):
        parse_elf(b"\x7fELF\x01\x01" + rest)


@pytest.mark.parametrize(
    ("file", "problem"),
    [
        (b"", "no ELF"),
        (b"MZ" + bytes(100), "no ELF"),
        (elf([(LOAD, 0, b"x")])[:40], "cut off"),
        (elf([(LOAD, 0, b"x" * 99)])[:-1], "outside the file"),
        (elf([(LOAD, 0, b"x")])[:60], "table of segments lies outside"),
        (elf([]), "makes no sense"),
        (elf([(LOAD, 0, b"")] * (SEGMENTS_MAX + 1)), "makes no sense"),
        (elf([(NOTE, 0, b"x")]), "nothing to load"),
        (elf([(LOAD, 0, b"abc"), (LOAD, 2, b"d")]), "overlap"),
        (elf([(LOAD, 0xFFFF_FFFF, b"ab")]), "outside the memory"),
        (b"\x7fELF\x02\x01" + bytes(60), "32-bit"),
        (b"\x7fELF\x01\x02" + bytes(60), "32-bit"),
    ],
)
def test_a_file_that_cannot_be_flashed_is_refused_with_its_reason(file, problem):
    with pytest.raises(ElfError, match=problem):
        parse_elf(file)


def test_segments_that_share_their_bytes_do_not_make_a_small_file_large():
    file = bytearray(elf([(LOAD, 0x1000 * index, b"") for index in range(SEGMENTS_MAX)]))
    for index in range(SEGMENTS_MAX):
        struct.pack_into("<I", file, 52 + 32 * index + 4, 0)
        struct.pack_into("<I", file, 52 + 32 * index + 16, len(file))
    with pytest.raises(ElfError, match="outside the file"):
        parse_elf(bytes(file))
