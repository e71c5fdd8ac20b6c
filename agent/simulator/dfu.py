"""A board in its DFU bootloader, as control requests in and answers out; no USB, no clock.

Plain DFU 1.1 (the board knows where the image goes) and DfuSe (the host sends addresses).
Sources: USB Device Firmware Upgrade 1.1; STMicroelectronics AN3156 and UM0424 (DfuSe);
flashing, section 4; bench-boards, section d. Standard library only: the bench that offers it to
a real USB library runs in the interpreter that has that library.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

STALL: Final = None
"""Answer to a request that a device refuses."""

_CLASS_OUT, _CLASS_IN, _STANDARD_IN, _STANDARD_OUT = 0x21, 0xA1, 0x80, 0x00
_GET_DESCRIPTOR, _GET_CONFIGURATION, _SET_CONFIGURATION = 6, 8, 9
_DEVICE, _CONFIGURATION, _STRING, _FUNCTIONAL = 1, 2, 3, 0x21
_ENGLISH: Final = 0x0409
_RUN_TIME, _DFU_MODE = 1, 2
_SET_ADDRESS, _ERASE = 0x21, 0x41
_FIRST_DATA_BLOCK: Final = 2
"""DfuSe: block 0 is a command, block 1 is reserved."""
BUSY_MS: Final = 1
"""What a busy device asks the host to wait; a real one asks for up to seconds to erase."""


class Request(IntEnum):
    """Class requests of DFU 1.1, table 3.2."""

    DETACH = 0
    DNLOAD = 1
    UPLOAD = 2
    GETSTATUS = 3
    CLRSTATUS = 4
    GETSTATE = 5
    ABORT = 6


class State(IntEnum):
    """States of DFU 1.1, section 6.1.2."""

    APP_IDLE = 0
    APP_DETACH = 1
    IDLE = 2
    DNLOAD_SYNC = 3
    DNBUSY = 4
    DNLOAD_IDLE = 5
    MANIFEST_SYNC = 6
    MANIFEST = 7
    MANIFEST_WAIT_RESET = 8
    UPLOAD_IDLE = 9
    ERROR = 10


class Status(IntEnum):
    """Status of DFU 1.1, section 6.1.2; those that this device reports."""

    OK = 0
    ERR_WRITE = 3
    ERR_PROG = 6
    ERR_ADDRESS = 8
    ERR_STALLED_PKT = 15


@dataclass(frozen=True)
class Setup:
    """The eight bytes that begin a control transfer."""

    kind: int
    request: int
    value: int
    index: int
    length: int

    @classmethod
    def parse(cls, data: bytes) -> Setup:
        """From the wire; little endian."""
        return cls(*struct.unpack_from("<BBHHH", data))


@dataclass
class DfuDevice:
    """One board; the fields say what it is and how it misbehaves."""

    vid: int
    pid: int
    serial: str
    dfuse: bool
    transfer_size: int = 4096
    base: int = 0x0800_0000
    sectors: int = 16
    sector_size: int = 128 * 1024
    run_time: bool = False
    """It runs its sketch, which has a DFU interface for DETACH."""
    tolerant: bool = True
    """It goes on as a bootloader when it has everything, until it is reset (manifestation
    tolerant); else it waits for the reset and does nothing more."""
    error_at: int | None = None
    """The DNLOAD with this number (from 1) ends in the error state."""
    unplug_at: int | None = None
    """The cable is pulled at the DNLOAD with this number."""

    flash: bytearray = field(default_factory=bytearray)
    state: State = State.IDLE
    status: Status = Status.OK
    downloads: int = 0
    erases: int = 0
    started: bool = False
    """It left the bootloader with what it had got."""
    detached: bool = False
    """It runs its sketch no more: the bootloader comes, maybe under another id."""
    gone: bool = False
    """The cable was pulled."""
    _address: int = 0
    _written: int = 0
    _complete: bool = False

    def __post_init__(self) -> None:
        """An erased flash, unless there is one."""
        if not self.flash:
            self.flash = bytearray(b"\xff" * (self.sectors * self.sector_size))
        if self.run_time:
            self.state = State.APP_IDLE

    # --- what a host asks -------------------------------------------------------------------

    def control(self, setup: Setup, data: bytes) -> bytes | None:
        """Answer one control transfer; None: it is refused. ``data`` is what the host sent."""
        if self.gone:
            return STALL
        if setup.kind == _STANDARD_IN and setup.request == _GET_DESCRIPTOR:
            found = self._descriptor(setup.value >> 8, setup.value & 0xFF)
            return None if found is None else found[: setup.length]
        if setup.kind == _STANDARD_IN and setup.request == _GET_CONFIGURATION:
            return b"\x01"[: setup.length]
        if setup.kind == _STANDARD_OUT and setup.request == _SET_CONFIGURATION:
            return b""
        if setup.kind in {_CLASS_OUT, _CLASS_IN} and setup.request in list(Request):
            answer = self._class_request(Request(setup.request), setup, data)
            return None if answer is None else answer[: setup.length]
        return STALL

    def reset(self) -> None:
        """The host resets the bus: a finished download starts."""
        self.started = self.started or self._complete

    def _class_request(self, request: Request, setup: Setup, data: bytes) -> bytes | None:
        if request == Request.GETSTATUS:
            return self._get_status()
        if request == Request.GETSTATE:
            return bytes([self.state])
        if request == Request.CLRSTATUS:
            self.state, self.status = State.IDLE, Status.OK
            return b""
        if request == Request.ABORT:
            self.state = State.IDLE
            return b""
        if request == Request.DETACH:
            return self._detach()
        if request == Request.DNLOAD and not self.run_time:
            return self._download(setup.value, data)
        self._refuse(Status.ERR_STALLED_PKT)
        return STALL

    def _detach(self) -> bytes | None:
        """A sketch makes way; the bootloader of the Portenta C33 restarts the board.

        The standard knows the request only for a sketch (section 5.1), and DfuSe has another way.
        Source: arduino/arduino-renesas-bootloader: src/main.c.
        """
        if self.run_time:
            # It says of itself that it needs no reset for that (bitWillDetach).
            self.state = State.APP_DETACH
            self.detached = True
        elif self.dfuse:
            return STALL
        else:
            self.started = True
        return b""

    def _get_status(self) -> bytes:
        """Reading the status is what moves a download on (section 6.1.2)."""
        if self.state == State.DNLOAD_SYNC:
            self.state = State.DNBUSY if self.dfuse else State.DNLOAD_IDLE
        elif self.state == State.DNBUSY:
            self.state = State.DNLOAD_IDLE
        elif self.state == State.MANIFEST_SYNC:
            self.state = State.MANIFEST
            self._complete = True
            # A DfuSe device starts its sketch now, and is not heard of again.
            self.started = self.dfuse
        elif self.state == State.MANIFEST:
            self.state = State.IDLE if self.tolerant else State.MANIFEST_WAIT_RESET
        wait = BUSY_MS if self.state in {State.DNBUSY, State.MANIFEST} else 0
        return bytes([self.status]) + wait.to_bytes(3, "little") + bytes([self.state, 0])

    # --- the image --------------------------------------------------------------------------

    def _download(self, block: int, data: bytes) -> bytes | None:
        if self.state not in {State.IDLE, State.DNLOAD_IDLE}:
            self._refuse(Status.ERR_STALLED_PKT)
            return STALL
        self.downloads += 1
        if self.downloads == self.unplug_at:
            self.gone = True
            return STALL
        if self.downloads == self.error_at:
            return self._fail(Status.ERR_WRITE)
        if not data:
            self.state = State.MANIFEST_SYNC
            return b""
        if not self.dfuse:
            return self._program(self.base + self._written, data)
        if block == 0:
            return self._command(data)
        if block < _FIRST_DATA_BLOCK:
            self._refuse(Status.ERR_STALLED_PKT)
            return STALL
        return self._program(self._address + (block - _FIRST_DATA_BLOCK) * self.transfer_size, data)

    def _command(self, data: bytes) -> bytes | None:
        if len(data) != 5:
            return self._fail(Status.ERR_WRITE)
        address = int.from_bytes(data[1:], "little")
        if not self.base <= address < self.base + len(self.flash):
            return self._fail(Status.ERR_ADDRESS)
        if data[0] == _SET_ADDRESS:
            self._address = address
        elif data[0] == _ERASE:
            self.erases += 1
            start = (address - self.base) // self.sector_size * self.sector_size
            self.flash[start : start + self.sector_size] = b"\xff" * self.sector_size
        else:
            return self._fail(Status.ERR_WRITE)
        self.state = State.DNLOAD_SYNC
        return b""

    def _program(self, address: int, data: bytes) -> bytes:
        start = address - self.base
        end = start + len(data)
        if start < 0 or end > len(self.flash):
            return self._fail(Status.ERR_ADDRESS)
        if self.dfuse and self.flash[start:end].strip(b"\xff"):
            # Only erased flash can be written.
            return self._fail(Status.ERR_PROG)
        self.flash[start:end] = data
        self._written += len(data)
        self.state = State.DNLOAD_SYNC
        return b""

    def _fail(self, status: Status) -> bytes:
        """Take the request, but end in the error state."""
        self.state, self.status = State.ERROR, status
        return b""

    def _refuse(self, status: Status) -> None:
        self.state, self.status = State.ERROR, status

    # --- what it says it is -----------------------------------------------------------------

    def descriptors(self) -> bytes:
        """Device and configuration descriptor, as the kernel offers them."""
        return self._device() + self._configuration()

    def _descriptor(self, kind: int, number: int) -> bytes | None:
        if kind == _DEVICE:
            return self._device()
        if kind == _CONFIGURATION:
            return self._configuration()
        if kind == _FUNCTIONAL:
            return self._functional()
        if kind == _STRING:
            return self._string(number)
        return None

    def _string(self, number: int) -> bytes | None:
        memory = (
            f"@Internal Flash  /0x{self.base:08X}/{self.sectors:02d}*{self.sector_size >> 10}Kg"
        )
        texts = ("", "Arduino", "Simulated board", self.serial, memory if self.dfuse else "Flash")
        if number >= len(texts):
            return None
        content = texts[number].encode("utf-16-le") if number else _ENGLISH.to_bytes(2, "little")
        return bytes([2 + len(content), _STRING]) + content

    def _device(self) -> bytes:
        return struct.pack(
            "<BBHBBBBHHHBBBB",
            18,
            _DEVICE,
            0x0200,
            0,
            0,
            0,
            64,
            self.vid,
            self.pid,
            0x0100,
            1,
            2,
            3,
            1,
        )

    def _configuration(self) -> bytes:
        protocol = _RUN_TIME if self.run_time else _DFU_MODE
        interface = bytes([9, 4, 0, 0, 0, 0xFE, 1, protocol, 4])
        body = interface + self._functional()
        return struct.pack("<BBHBBBBB", 9, _CONFIGURATION, 9 + len(body), 1, 1, 0, 0x80, 250) + body

    def _functional(self) -> bytes:
        # Can download and upload; tolerant; detaches by itself when a run-time interface is asked.
        attributes = 0x03 | 0x04 * self.tolerant | 0x08 * (self.run_time or self.dfuse)
        version = 0x011A if self.dfuse else 0x0110
        return struct.pack("<BBBHHH", 9, _FUNCTIONAL, attributes, 1000, self.transfer_size, version)
