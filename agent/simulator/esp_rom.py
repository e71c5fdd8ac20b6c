"""The serial loader in the ROM of Espressif chips, and the stub that a host loads over it.

Bytes in, bytes out: SLIP frames with one request each. The stub's code is not run; that it was
loaded is enough to answer as it does. Sources: espressif/esptool: docs, serial protocol;
bench-boards, section c.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from enum import IntEnum
from typing import TYPE_CHECKING, Final

import msgspec

from agent.simulator.esp_spi import FLASH_BYTES, SpiFlash, SpiUnit

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.simulator.samba_chip import FlashStep

FRAME_LIMIT: Final = 64 * 1024
"""Bytes of one frame; the stub takes blocks of 16 KiB."""
CHECKSUM_SEED: Final = 0xEF
MAGIC_REGISTER: Final = 0x4000_1000
STUB_HELLO: Final = b"OHAI"

_END, _ESCAPE, _ESCAPED_END, _ESCAPED_ESCAPE = 0xC0, 0xDB, 0xDC, 0xDD


class Op(IntEnum):
    """Commands; those from 0xD0 on are the stub's."""

    FLASH_BEGIN = 0x02
    FLASH_DATA = 0x03
    FLASH_END = 0x04
    MEM_BEGIN = 0x05
    MEM_END = 0x06
    MEM_DATA = 0x07
    SYNC = 0x08
    WRITE_REG = 0x09
    READ_REG = 0x0A
    SPI_SET_PARAMS = 0x0B
    SPI_ATTACH = 0x0D
    CHANGE_BAUDRATE = 0x0F
    DEFL_BEGIN = 0x10
    DEFL_DATA = 0x11
    DEFL_END = 0x12
    READ_FLASH_SLOW = 0x0E
    FLASH_MD5 = 0x13
    SECURITY_INFO = 0x14
    ERASE_FLASH = 0xD0
    ERASE_REGION = 0xD1
    READ_FLASH = 0xD2


class Failure(IntEnum):
    """Second status byte."""

    INVALID_COMMAND = 5
    FAILED = 6
    CHECKSUM = 7


class Chip(msgspec.Struct, frozen=True):
    """What a host can tell chips apart by."""

    chip_id: int | None
    """In the answer to SECURITY_INFO; None: the chip tells none."""
    magic: int | None
    """At MAGIC_REGISTER."""
    spi: SpiUnit
    mac: int
    """Register with the lower half of the MAC address."""


CHIPS: Final = {
    "esp8266": Chip(None, 0xFFF0_C101, SpiUnit(0x6000_0200, 0x24, 0x40, True), 0x3FF0_0050),
    "esp32": Chip(None, 0x00F0_1D83, SpiUnit(0x3FF4_2000, 0x24, 0x80, True), 0x3FF5_A004),
    "esp32s2": Chip(None, 0x0000_07C6, SpiUnit(0x3F40_2000, 0x20, 0x58, False), 0x3F41_A044),
    "esp32s3": Chip(9, None, SpiUnit(0x6000_2000, 0x20, 0x58, False), 0x6000_7044),
    "esp32c3": Chip(5, None, SpiUnit(0x6000_2000, 0x20, 0x58, False), 0x6000_8844),
    "esp32c6": Chip(13, None, SpiUnit(0x6000_3000, 0x20, 0x58, False), 0x600B_0844),
}
MAC: Final = bytes.fromhex("a01122334455")
"""Of a chip of which nobody says another; the first half is not that of any vendor."""
_ALWAYS_ATTACHED: Final = frozenset({"esp32s2"})
"""Chips whose pins lead to the flash without being told so."""
SLOW_READ_BYTES: Final = 64
"""What the ROM reads at once; its answer always has this length."""
AHEAD_BYTES: Final = 16 * 1024
"""The stub sends no further ahead of the host, whatever that allows."""


class EspRom:
    """One chip in its loader.

    Faults: ``silent_at`` (it says nothing more from that block on), ``refuse`` (it finds a wrong
    checksum in these blocks), ``flip_at`` (it stores one bit of that block wrongly); blocks are
    counted as they come, from 1.
    """

    def __init__(
        self,
        chip: str,
        *,
        silent_at: int | None = None,
        refuse: range = range(0),
        flip_at: int | None = None,
        flash: bytearray | None = None,
        mac: bytes = MAC,
    ) -> None:
        self.flash = flash if flash is not None else bytearray(b"\xff" * FLASH_BYTES)
        self.leaks = False
        """The next byte that is written goes wrong."""
        self.on_step: Callable[[FlashStep], None] | None = None
        """As that of ``samba_chip.ChipMemory``."""
        self.blocks = 0
        """Blocks of an image that came, plain or compressed."""
        self.stub = False
        """The host loaded its stub."""
        self._name = chip
        self._chip = CHIPS[chip]
        self._silent_at, self._refuse, self._flip_at = silent_at, refuse, flip_at
        high, low = int.from_bytes(mac[:2]), int.from_bytes(mac[2:])
        self._registers = {self._chip.mac: low, self._chip.mac + 4: high}
        if self._chip.magic is not None:
            self._registers[MAGIC_REGISTER] = self._chip.magic
        attached = chip in _ALWAYS_ATTACHED
        self._spi = SpiFlash(self._chip.spi, self._registers, attached=attached)
        self._size = FLASH_BYTES
        """What the host said that there is."""
        self._reading: FlashReading | None = None
        self._pending = bytearray()
        self._inside = False
        self._place = 0
        self._unpacker = zlib.decompressobj()

    def reset(self) -> None:
        """As after the reset lines: the ROM, without a stub."""
        self.stub = False
        self._spi.attached = self._name in _ALWAYS_ATTACHED
        self._size = FLASH_BYTES
        self._reading = None
        self._pending.clear()
        self._inside = False

    def feed(self, data: bytes) -> bytes:
        """What the chip answers to ``data``, in any split."""
        out = b""
        for byte in data:
            if byte == _END:
                if self._inside and self._pending:
                    out += self._frame(unescape(bytes(self._pending)))
                    self._pending.clear()
                self._inside = True
            elif self._inside:
                self._pending.append(byte)
                if len(self._pending) > FRAME_LIMIT:
                    self._pending.clear()
                    self._inside = False
        return out

    def _frame(self, frame: bytes) -> bytes:
        if self._reading is not None and len(frame) == 4:
            return self._reading.go_on(int.from_bytes(frame, "little"))
        if len(frame) < 8 or frame[0] != 0:
            return b""
        _, op, size, check = struct.unpack_from("<BBHI", frame)
        body = frame[8:]
        if self._silent_at is not None and self.blocks >= self._silent_at:
            return b""
        if size != len(body) or op not in list(Op):
            return self._reply(op, failure=Failure.INVALID_COMMAND)
        return self._answer(Op(op), body, check)

    def _answer(self, op: Op, body: bytes, check: int) -> bytes:
        if op == Op.SYNC:
            return self._reply(op, value=0 if self.stub else 0x2012_0707) * 8
        if op == Op.SECURITY_INFO:
            return self._security_info()
        if op == Op.READ_REG:
            (register,) = struct.unpack_from("<I", body.ljust(4, b"\0"))
            return self._reply(op, value=self._read(register))
        if op == Op.WRITE_REG:
            register, value = struct.unpack_from("<II", body.ljust(8, b"\0"))
            self._registers[register] = value
            return self._reply(op)
        if op in {Op.FLASH_BEGIN, Op.DEFL_BEGIN}:
            return self._begin(op, body)
        if op in {Op.FLASH_DATA, Op.DEFL_DATA}:
            return self._data(op, body[16:], check)
        if op == Op.FLASH_MD5:
            return self._digest(body)
        if op == Op.MEM_END:
            return self._memory_end(body)
        if op in {Op.ERASE_FLASH, Op.ERASE_REGION}:
            return self._erase(op, body)
        if op in {Op.READ_FLASH, Op.READ_FLASH_SLOW}:
            return self._read_flash(op, body)
        if op == Op.SPI_ATTACH:
            self._spi.attached = True
        if op == Op.SPI_SET_PARAMS:
            _, size = struct.unpack_from("<II", body.ljust(8, b"\0"))
            self._size = min(size, FLASH_BYTES) or FLASH_BYTES
        return self._reply(op)

    def _read_flash(self, op: Op, body: bytes) -> bytes:
        start, size, block, ahead = struct.unpack_from("<4I", body.ljust(16, b"\0"))
        by_stub = op == Op.READ_FLASH
        if by_stub is not self.stub or (not by_stub and self._name == "esp8266"):
            return self._reply(op, failure=Failure.INVALID_COMMAND)
        if start + size > FLASH_BYTES:
            return self._reply(op, failure=Failure.FAILED)
        if not by_stub:
            size = min(size, SLOW_READ_BYTES)
            data = bytes(self.flash[start : start + size])
            return self._reply(op, data=data.ljust(SLOW_READ_BYTES, b"\0"))
        if not 0 < block <= FRAME_LIMIT or not ahead:
            return self._reply(op, failure=Failure.FAILED)
        self._reading = FlashReading(bytes(self.flash[start : start + size]), block, ahead)
        return self._reply(op) + self._reading.go_on(0)

    def _read(self, register: int) -> int:
        found = self._spi.read(register)
        return self._registers.get(register, 0) if found is None else found

    def _security_info(self) -> bytes:
        if self._chip.chip_id is not None:
            info = struct.pack("<IB7xII", 0, 0, self._chip.chip_id, 0)
        elif self._name == "esp32s2":
            info = bytes(12)
        else:
            return self._reply(Op.SECURITY_INFO, failure=Failure.INVALID_COMMAND)
        return self._reply(Op.SECURITY_INFO, data=info)

    def _begin(self, op: Op, body: bytes) -> bytes:
        size, _count, _block, offset = struct.unpack_from("<4I", body.ljust(16, b"\0"))
        if offset + size > self._size:
            return self._reply(op, failure=Failure.FAILED)
        self._place = offset
        self._spi.attached = True
        self._unpacker = zlib.decompressobj()
        start = offset // 4096 * 4096
        self._clear(start, -(-(offset + size) // 4096) * 4096 - start)
        return self._reply(op)

    def _data(self, op: Op, data: bytes, check: int) -> bytes:
        self.blocks += 1
        if self.blocks == self._silent_at:
            return b""
        if self.blocks in self._refuse or check != checksum(data):
            return self._reply(op, failure=Failure.CHECKSUM)
        if op == Op.DEFL_DATA:
            try:
                data = self._unpacker.decompress(data, FLASH_BYTES)
            except zlib.error:
                return self._reply(op, failure=Failure.FAILED)
        end = self._place + len(data)
        if end > FLASH_BYTES:
            return self._reply(op, failure=Failure.FAILED)
        half = len(data) // 2
        self._program(self._place, data[:half])
        self._reach("write")
        self._program(self._place + half, data[half:])
        if data and (self.leaks or self.blocks == self._flip_at):
            self.leaks = False
            self.flash[self._place + half] ^= 1
        self._place = end
        return self._reply(op)

    def _program(self, start: int, data: bytes) -> None:
        """Bits of flash only become 0: what fills up a block leaves its neighbours as they are."""
        end = start + len(data)
        both = int.from_bytes(self.flash[start:end], "big") & int.from_bytes(data, "big")
        self.flash[start:end] = both.to_bytes(len(data), "big")

    def _digest(self, body: bytes) -> bytes:
        if self._name == "esp8266" and not self.stub:
            return self._reply(Op.FLASH_MD5, failure=Failure.INVALID_COMMAND)
        self._reach("verify")
        address, size = struct.unpack_from("<II", body.ljust(8, b"\0"))
        found = hashlib.md5(self.flash[address : address + size], usedforsecurity=False)
        data = found.digest() if self.stub else found.hexdigest().encode()
        return self._reply(Op.FLASH_MD5, data=data)

    def _memory_end(self, body: bytes) -> bytes:
        _stay, entry = struct.unpack_from("<II", body.ljust(8, b"\0"))
        answer = self._reply(Op.MEM_END)
        if not entry:
            return answer
        # It finds the pins of the flash by itself.
        self.stub = self._spi.attached = True
        return answer + escape(STUB_HELLO)

    def _erase(self, op: Op, body: bytes) -> bytes:
        if not self.stub:
            return self._reply(op, failure=Failure.INVALID_COMMAND)
        start, size = struct.unpack_from("<II", body.ljust(8, b"\0"))
        if op == Op.ERASE_FLASH:
            start, size = 0, FLASH_BYTES
        if start + size > self._size:
            return self._reply(op, failure=Failure.FAILED)
        self._clear(start, size)
        return self._reply(op)

    def _clear(self, start: int, size: int) -> None:
        half = size // 2
        self.flash[start : start + half] = b"\xff" * half
        self._reach("erase")
        self.flash[start + half : start + size] = b"\xff" * (size - half)

    def _reach(self, step: FlashStep) -> None:
        if self.on_step is not None:
            self.on_step(step)

    def _reply(
        self, op: int, value: int = 0, data: bytes = b"", failure: Failure | None = None
    ) -> bytes:
        status = bytes([1, failure]) if failure else bytes(2)
        if not self.stub and self._name != "esp8266":
            status += bytes(2)
        content = data + status
        return escape(struct.pack("<BBHI", 1, op, len(content), value) + content)


class FlashReading:
    """What the stub sends of the flash: blocks, as far ahead of the host as it allows, and MD5."""

    def __init__(self, data: bytes, block: int, ahead: int) -> None:
        self._data, self._block = data, block
        self._ahead = min(ahead * block, max(block, AHEAD_BYTES))
        self._sent = 0
        self._ended = False

    def go_on(self, taken: int) -> bytes:
        """What may be sent now that the host has ``taken`` so many bytes."""
        out = b""
        while self._sent < min(len(self._data), taken + self._ahead):
            end = self._sent + self._block
            out += escape(self._data[self._sent : end])
            self._sent = min(end, len(self._data))
        if taken >= len(self._data) and not self._ended:
            self._ended = True
            out += escape(hashlib.md5(self._data, usedforsecurity=False).digest())
        return out


def checksum(data: bytes) -> int:
    """Check value of a block: all bytes and 0xEF, combined with exclusive or."""
    value, size = int.from_bytes(data, "little"), len(data)
    while size > 1:
        half = 8 * ((size + 1) // 2)
        value = (value >> half) ^ (value & ((1 << half) - 1))
        size = (size + 1) // 2
    return value ^ CHECKSUM_SEED


def escape(frame: bytes) -> bytes:
    """A frame as it travels (SLIP, RFC 1055)."""
    inside = frame.replace(b"\xdb", b"\xdb\xdd").replace(b"\xc0", b"\xdb\xdc")
    return b"\xc0" + inside + b"\xc0"


def unescape(content: bytes) -> bytes:
    """What stood between two frame ends."""
    return content.replace(b"\xdb\xdc", b"\xc0").replace(b"\xdb\xdd", b"\xdb")
