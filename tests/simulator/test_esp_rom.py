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
