"""The simulated loader of ESP chips, byte by byte."""

from __future__ import annotations

import functools
import hashlib
import operator
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.simulator.esp_rom import CHIPS, EspRom, Failure, Op, checksum, escape, unescape


def request(op: int, body: bytes = b"", check: int = 0) -> bytes:
    return escape(struct.pack("<BBHI", 0, op, len(body), check) + body)


def answers(data: bytes) -> list[bytes]:
    return [unescape(part) for part in data.split(b"\xc0") if part]


def block(op: Op, data: bytes) -> bytes:
    return request(op, struct.pack("<4I", len(data), 0, 0, 0) + data, checksum(data))


@given(st.binary(max_size=300))
def test_a_frame_survives_its_escapes(frame):
    wire = escape(frame)
    assert wire.count(b"\xc0") == 2
    assert unescape(wire[1:-1]) == frame


@given(st.binary(max_size=300))
def test_the_check_value_is_the_exclusive_or(data):
    assert checksum(data) == functools.reduce(operator.xor, data, 0xEF)


@given(st.binary(max_size=400), st.integers(1, 50))
def test_any_bytes_in_any_split_give_the_same_answers(noise, step):
    data = noise + request(Op.SYNC) + request(Op.READ_REG, b"\0\x10\0\x40") + noise
    whole, parts = EspRom("esp32"), EspRom("esp32")
    out = b"".join(parts.feed(data[at : at + step]) for at in range(0, len(data), step))
    assert out == whole.feed(data)


@pytest.mark.parametrize("chip", CHIPS)
def test_every_chip_answers_a_sync_eight_times_with_its_own_status(chip):
    found = answers(EspRom(chip).feed(request(Op.SYNC)))
    assert len(found) == 8
    assert {len(answer) for answer in found} == {10 if chip == "esp8266" else 12}


@pytest.mark.parametrize("compressed", [False, True])
def test_an_image_comes_into_flash_and_has_its_digest(compressed):
    rom, data = EspRom("esp32s3"), b"sketch" * 100
    begin, put = (Op.DEFL_BEGIN, Op.DEFL_DATA) if compressed else (Op.FLASH_BEGIN, Op.FLASH_DATA)
    rom.feed(request(begin, struct.pack("<4I", len(data), 1, 1024, 0x1000)))
    rom.feed(block(put, zlib.compress(data) if compressed else data))
    assert rom.flash[0x1000 : 0x1000 + len(data)] == data
    (answer,) = answers(
        rom.feed(request(Op.FLASH_MD5, struct.pack("<4I", 0x1000, len(data), 0, 0)))
    )
    assert answer[8:40].decode() == hashlib.md5(data).hexdigest()


def test_a_wrong_checksum_and_an_unknown_command_are_refused():
    rom = EspRom("esp32")
    (answer,) = answers(rom.feed(request(Op.FLASH_DATA, bytes(16) + b"abc", check=1)))
    assert answer[8:10] == bytes([1, Failure.CHECKSUM])
    for unknown in (0x77, Op.ERASE_FLASH):
        (answer,) = answers(rom.feed(request(unknown)))
        assert answer[8:10] == bytes([1, Failure.INVALID_COMMAND])


def test_a_stub_says_hello_changes_the_rules_and_ends_with_a_reset():
    rom = EspRom("esp32c3")
    end, hello = answers(rom.feed(request(Op.MEM_END, struct.pack("<II", 0, 0x4038_0000))))
    assert (end[1], hello) == (Op.MEM_END, b"OHAI")
    (answer,) = answers(rom.feed(request(Op.FLASH_MD5, bytes(16))))
    assert len(answer) == 8 + 16 + 2
    rom.flash[5] = 0
    rom.feed(request(Op.ERASE_FLASH))
    assert rom.flash[5] == 0xFF
    rom.reset()
    assert not rom.stub


def test_what_lies_outside_the_flash_is_refused():
    rom = EspRom("esp32")
    (answer,) = answers(rom.feed(request(Op.FLASH_BEGIN, struct.pack("<4I", 4096, 1, 1, 8 << 20))))
    assert answer[8:10] == bytes([1, Failure.FAILED])


def register(rom: EspRom, address: int) -> int:
    (answer,) = answers(rom.feed(request(Op.READ_REG, struct.pack("<I", address))))
    return int(struct.unpack_from("<I", answer, 4)[0])


def flash_chip(rom: EspRom, chip: str, command: int, address: int = 0) -> int:
    """What the flash chip answers to a command, asked as a host asks."""
    unit = CHIPS[chip].spi
    address = address << 8 if unit.high_address else address
    for place, value in ((unit.command, 7 << 28 | command), (4, address), (0, 1 << 18)):
        rom.feed(request(Op.WRITE_REG, struct.pack("<4I", unit.base + place, value, 0xFFFFFFFF, 0)))
    assert register(rom, unit.base) == 0
    return register(rom, unit.base + unit.answer)


@pytest.mark.parametrize("chip", CHIPS)
def test_the_flash_chip_tells_who_it_is_once_its_pins_are_known(chip):
    rom = EspRom(chip)
    assert flash_chip(rom, chip, 0x9F) == (0x17_40C8 if chip == "esp32s2" else 0)
    rom.feed(request(Op.SPI_ATTACH, bytes(8)))
    assert flash_chip(rom, chip, 0x9F) == 0x17_40C8
    assert flash_chip(rom, chip, 0x5A).to_bytes(4, "little") == b"SFDP"
    assert flash_chip(rom, chip, 0x5A, 1).to_bytes(4, "little")[:3] == b"FDP"
    assert flash_chip(rom, chip, 0x5A, 0x34) == 8 * (8 << 20) - 1
    assert flash_chip(rom, chip, 0x05) == 0
    rom.reset()
    assert flash_chip(rom, chip, 0x9F) == (0x17_40C8 if chip == "esp32s2" else 0)


def test_a_host_says_how_large_the_flash_is():
    rom = EspRom("esp32")
    rom.feed(request(Op.SPI_SET_PARAMS, struct.pack("<6I", 0, 1 << 20, 65536, 4096, 256, 0xFFFF)))
    begin = struct.pack("<4I", 4096, 1, 1024, 1 << 20)
    (answer,) = answers(rom.feed(request(Op.FLASH_BEGIN, begin)))
    assert answer[8:10] == bytes([1, Failure.FAILED])


def test_what_fills_up_a_block_leaves_its_neighbours_as_they_are():
    rom = EspRom("esp32")
    rom.flash[0x2000:0x2004] = b"next"
    rom.feed(request(Op.FLASH_BEGIN, struct.pack("<4I", 4, 1, 8192, 0x1000)))
    rom.feed(block(Op.FLASH_DATA, b"mine".ljust(8192, b"\xff")))
    assert rom.flash[0x1000:0x1004] == b"mine"
    assert rom.flash[0x2000:0x2004] == b"next"


def test_the_rom_reads_slowly_and_the_stub_does_not_read_so():
    rom = EspRom("esp32")
    rom.flash[0x1000:0x1004] = b"abcd"
    ask = request(Op.READ_FLASH_SLOW, struct.pack("<II", 0x1000, 3))
    (answer,) = answers(rom.feed(ask))
    assert answer[8:-4] == b"abc".ljust(64, b"\0")
    rom.feed(request(Op.MEM_END, struct.pack("<II", 0, 1)))
    (answer,) = answers(rom.feed(ask))
    assert answer[8:10] == bytes([1, Failure.INVALID_COMMAND])


@given(st.integers(0, 70_000), st.integers(1, 5000), st.integers(1, 80))
def test_the_stub_sends_all_that_was_asked_for_and_no_further_ahead_than_allowed(size, part, ahead):
    rom = EspRom("esp32s3")
    rom.flash[:size] = content = hashlib.shake_128(b"flash").digest(size)
    rom.feed(request(Op.MEM_END, struct.pack("<II", 0, 1)))
    body = struct.pack("<4I", 0, size, part, ahead)
    accepted, *blocks = answers(rom.feed(request(Op.READ_FLASH, body)))
    assert accepted[1] == Op.READ_FLASH
    read = b""
    while len(read) < size:
        assert sum(map(len, blocks)) <= max(part, min(ahead * part, 16 * 1024 + part))
        read += blocks.pop(0)
        blocks += answers(rom.feed(escape(struct.pack("<I", len(read)))))
    assert read == content
    assert blocks == [hashlib.md5(content).digest()]


@pytest.mark.parametrize(
    "body", [(8 << 20, 1, 1024, 1), (0, 1, 0, 1), (0, 1, 1024, 0), (0, 1, 1 << 20, 1)]
)
def test_a_reading_that_cannot_be_is_refused(body):
    rom = EspRom("esp32s3")
    rom.feed(request(Op.MEM_END, struct.pack("<II", 0, 1)))
    (answer,) = answers(rom.feed(request(Op.READ_FLASH, struct.pack("<4I", *body))))
    assert answer[8:10] == bytes([1, Failure.FAILED])
