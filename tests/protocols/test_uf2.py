"""UF2: blocks, whole files, and images made of segments."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.protocols.elf import Segment
from agent.protocols.uf2 import (
    BLOCK_BYTES,
    FAMILY_RP2040,
    NOT_MAIN_FLASH,
    Block,
    Uf2Error,
    build_uf2,
    encode_block,
    parse_block,
    parse_uf2,
)

FLASH = 0x1000_0000

words = st.integers(0, 0xFFFF_FFFF)
blocks = st.builds(
    lambda address, payload, number, more, flags, family: Block(
        address=address,
        payload=payload,
        number=number,
        count=number + more,
        flags=flags,
        family=family,
    ),
    st.integers(0, 0xFFFF_FFFF - 476),
    st.binary(min_size=1, max_size=476),
    st.integers(0, 0x7FFF_FFFF),
    st.integers(1, 1000),
    words,
    words,
)


def file_of(parts: list[Block]) -> bytes:
    return b"".join(map(encode_block, parts))


def numbered(count: int) -> list[Block]:
    return [
        Block(
            address=FLASH + 256 * number, payload=bytes([number]) * 256, number=number, count=count
        )
        for number in range(count)
    ]


@given(blocks)
def test_a_block_comes_back_as_it_was(block):
    data = encode_block(block)
    assert len(data) == BLOCK_BYTES
    assert parse_block(data) == block


def test_a_block_has_the_bytes_of_the_specification():
    data = encode_block(Block(address=FLASH, payload=b"\xaa" * 256, number=1, count=3))
    assert data[:32].hex(" ", 4) == (
        "5546320a 57515d9e 00200000 00000010 00010000 01000000 03000000 56ff8be4"
    )
    assert data[32:288] == b"\xaa" * 256
    assert data[288:508] == bytes(220)
    assert data[508:].hex() == "306fb10a"


@given(st.integers(0, FLASH), st.binary(min_size=1, max_size=9000))
def test_an_image_at_any_address_comes_back_within_whole_sectors(offset, image):
    address = FLASH + offset
    file = parse_uf2(build_uf2([Segment(address, image)]))
    assert file.family == FAMILY_RP2040
    (segment,) = file.segments
    start = address - segment.address
    assert segment.data[start : start + len(image)] == image
    assert segment.address % 4096 == len(segment.data) % 4096 == 0
    assert not segment.data[:start].strip(b"\0")
    assert not segment.data[start + len(image) :].strip(b"\0")
    assert 0 <= start < 4096
    assert len(segment.data) - start - len(image) < 4096


@given(st.lists(st.tuples(st.integers(0, 30), st.binary(min_size=1, max_size=4096)), max_size=6))
def test_segments_apart_and_in_one_sector_keep_their_places(parts):
    placed, end = [], FLASH
    for gap, data in parts:
        placed.append(Segment(end + gap * 700, data))
        end = placed[-1].address + len(data)
    if not placed:
        with pytest.raises(Uf2Error, match="nothing to write"):
            build_uf2(placed)
        return
    memory: dict[int, int] = {}
    for segment in parse_uf2(build_uf2(reversed(placed))).segments:
        memory.update(enumerate(segment.data, segment.address))
    for segment in placed:
        where = range(segment.address, segment.address + len(segment.data))
        assert bytes(memory[at] for at in where) == segment.data


@given(st.integers(0, 3 * BLOCK_BYTES - 1), st.integers(1, 255))
def test_a_changed_byte_is_noticed_or_lies_in_content_address_or_padding(at, change):
    file = bytearray(file_of(numbered(3)))
    file[at] ^= change
    inside = at % BLOCK_BYTES
    try:
        parse_uf2(bytes(file))
    except Uf2Error:
        assert inside < 32 or inside >= 508
    else:
        assert not (inside < 8)
        assert not (20 <= inside < 28)
        assert not (inside >= 508)


@given(st.binary(max_size=1200))
def test_any_bytes_are_read_or_refused(data):
    with contextlib.suppress(Uf2Error):
        parse_uf2(data)


def with_change(index: int, **changes: object) -> bytes:
    parts = numbered(3)
    fields = {name: getattr(parts[index], name) for name in Block.__struct_fields__}
    parts[index] = Block(**{**fields, **changes})
    return file_of(parts)


@pytest.mark.parametrize(
    ("file", "problem"),
    [
        (b"", "no multiple of 512"),
        (file_of(numbered(3))[:-1], "no multiple of 512"),
        (file_of(numbered(3))[:-BLOCK_BYTES], "missing"),
        (file_of(numbered(3)[::-1]), "order"),
        (file_of([*numbered(3)[:2], numbered(3)[1]]), "missing"),
        (with_change(1, family=0x5511_4460), "different chips"),
        (with_change(1, flags=0), "different chips"),
        (with_change(1, address=FLASH + 100), "overlap"),
        (
            file_of([Block(address=0, payload=b"x", number=0, count=1, flags=NOT_MAIN_FLASH)]),
            "nothing for the flash",
        ),
        (bytes(512), "does not end"),
        (b"x" + file_of(numbered(1))[1:], "does not begin"),
    ],
)
def test_a_broken_file_is_refused_with_its_reason(file, problem):
    with pytest.raises(Uf2Error, match=problem):
        parse_uf2(file)


def test_a_file_without_a_family_says_so():
    bare = [Block(address=FLASH, payload=b"x" * 256, number=0, count=1, flags=0, family=0)]
    assert parse_uf2(file_of(bare)).family is None


def test_what_cannot_be_written_is_refused():
    with pytest.raises(Uf2Error, match="overlap"):
        build_uf2([Segment(FLASH, b"abc"), Segment(FLASH + 2, b"d")])
    with pytest.raises(Uf2Error, match="outside"):
        build_uf2([Segment(0xFFFF_FFFF, b"ab")])
    with pytest.raises(ValueError, match="does not fit"):
        encode_block(Block(address=0, payload=bytes(477), number=0, count=1))
