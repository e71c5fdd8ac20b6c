"""Simulated SAM-BA bootloaders: bytes of the host in, answers out; no I/O and no clock.

:class:`SamdLoader` is the loader of the SAMD21 and SAMD51 boards, :class:`UnoR4Loader` that of the
UNO R4 WiFi. ``samba_port`` puts one on a pseudo-terminal or a socket.
Sources: arduino/ArduinoCore-samd: bootloaders/zero/sam_ba_monitor.c;
arduino/arduino-renesas-bootloader: src/bossa.c; bench-boards, section b.
"""

from __future__ import annotations

import binascii
import re
from collections import Counter
from dataclasses import dataclass
from enum import Enum
from typing import Final, Protocol

from agent.simulator.samba_chip import RA4M1, SAMD21G18A, Chip, ChipMemory

PACKET_BYTES: Final = 64
CHUNK_BYTES: Final = 4096
SCRATCH_BYTES: Final = 8192
COMMAND_BYTES: Final = 64
ERASE_BY_WRITE_BYTES: Final = 4096
BUILT: Final = "Mar  7 2020 12:00:00"


class End(Enum):
    """Why a loader is no longer there."""

    RESET = "reset"
    """It was told to start the sketch."""
    UNPLUGGED = "unplugged"
    """The fault ``vanish_at`` or ``vanish_on``."""


@dataclass(kw_only=True)
class LoaderFaults:
    """What goes wrong; may be changed while it runs."""

    silent: bool = False
    """Takes everything and answers nothing."""
    silent_on: str = ""
    """Letters of commands that are not answered."""
    vanish_at: int | None = None
    """Number of the command (from 1) at which the cable is pulled."""
    vanish_on: str = ""
    """Letters of commands at which the cable is pulled; an erase is half done then."""
    noise: bytes = b""
    """Sent before every answer."""
    delay_s: float = 0.0
    """Before every answer."""


class SambaLoader(Protocol):
    """What the two loaders share."""

    memory: ChipMemory
    faults: LoaderFaults
    commands: Counter[str]
    """How often each command came."""
    ended: End | None

    def receive(self, data: bytes) -> bytes:
        """Bytes of the host; returns the answer."""


class _Loader:
    def __init__(self, memory: ChipMemory, faults: LoaderFaults | None) -> None:
        self.memory = memory
        memory.reset_requested = False
        self.faults = faults or LoaderFaults()
        self.commands: Counter[str] = Counter()
        self.ended: End | None = None

    def _vanishes(self, command: str, address: int) -> bool:
        """Count the command; whether the cable is pulled now."""
        self.commands[command] += 1
        faults = self.faults
        if faults.vanish_at != self.commands.total() and command not in tuple(faults.vanish_on):
            return False
        if command == "X":
            self.memory.erase(address, (address + len(self.memory.flash)) // 2)
        self.ended = End.UNPLUGGED
        return True

    def _answer(self, command: str, answer: bytes) -> bytes:
        if self.faults.silent or command in tuple(self.faults.silent_on) or not answer:
            return b""
        return self.faults.noise + answer

    def _crc(self, address: int, size: int) -> bytes:
        self.memory.reach("verify")
        return b"Z%08X#\n\r" % binascii.crc_hqx(self.memory.read(address, size), 0)


class SamdLoader(_Loader):
    """The monitor in the SAMD21 boards and the Wio Terminal; ``extended``: with X, Y and Z.

    ``memory`` is that of a board which had one before; else one of ``chip`` is made.
    """

    def __init__(
        self,
        chip: Chip = SAMD21G18A,
        *,
        memory: ChipMemory | None = None,
        extended: bool = True,
        terminal: bool = False,
        faults: LoaderFaults | None = None,
    ) -> None:
        super().__init__(memory or ChipMemory(chip), faults)
        self._extended = extended
        self._terminal = terminal
        self._command = ""
        self._number = 0
        self._pointer = 0
        self._expected = 0
        self._source = 0

    def receive(self, data: bytes) -> bytes:
        """Bytes of the host; returns the answer."""
        output = bytearray()
        at = 0
        while at < len(data) and self.ended is None:
            if self._expected:
                piece = data[at : at + self._expected]
                self.memory.write(self._pointer, piece)
                self._pointer += len(piece)
                self._expected -= len(piece)
                at += len(piece)
            else:
                output += self._take(data[at])
                at += 1
        return bytes(output)

    def _take(self, byte: int) -> bytes:
        """One byte of a command, as the monitor's loop does: digits are shifted in."""
        character = chr(byte)
        if byte == 0xFF:
            return b""
        if character == "#":
            return self._run()
        if character in "0123456789abcdefABCDEF":
            self._number = (self._number << 4 | int(character, 16)) & 0xFFFFFFFF
        elif character == ",":
            self._pointer, self._number = self._number, 0
        else:
            self._command, self._number = character, 0
        return b""

    def _run(self) -> bytes:
        command, number = self._command, self._number
        self._command, self._number = "", 0
        erases_from = number if command == "X" else self._pointer
        if command and self._vanishes(command, erases_from):
            return b""
        echo = b"\n\r" if self._terminal else b""
        answer = self._answer(command, self._execute(command, number))
        prompt = b">" if self._terminal else b""
        if self.memory.reset_requested:
            self.ended = End.RESET
        return echo + answer + prompt

    def _execute(self, command: str, number: int) -> bytes:
        memory, pointer = self.memory, self._pointer
        match command:
            case "N":
                answer = b"" if self._terminal else b"\n\r"
                self._terminal = False
                return answer
            case "T":
                self._terminal = True
                return b"\n\r"
            case "V":
                bracket = "[Arduino:XYZ] " if self._extended else ""
                return f"v2.0 {bracket}{BUILT}\n\r".encode()
            case "w" | "h" | "o":
                return self._shown(memory.read(pointer, {"w": 4, "h": 2, "o": 1}[command]))
            case "W":
                memory.write(pointer, number.to_bytes(4, "little"))
            case "O":
                memory.write(pointer, bytes([number & 0xFF]))
            case "R" if number < PACKET_BYTES:
                # At 64 bytes the host waits for ever: no packet says that the transfer is over.
                memory.reach("verify")
                return memory.read(pointer, number)
            case "S":
                self._expected = number
            case "G":
                memory.run_applet(number)
            case "X" | "Y" | "Z" if self._extended:
                return self._execute_extension(command, number)
        return b""

    def _execute_extension(self, command: str, number: int) -> bytes:
        memory, pointer = self.memory, self._pointer
        if command == "X":
            memory.erase(number, len(memory.flash))
            return b"X\n\r"
        if command == "Z":
            return self._crc(pointer, number)
        if number:
            memory.program(pointer, memory.read(self._source, number - number % 4))
        else:
            self._source = pointer
        return b"Y\n\r"

    def _shown(self, data: bytes) -> bytes:
        if not self._terminal:
            return data
        return b"0x%s\n\r" % data[::-1].hex().upper().encode()


class UnoR4Loader(_Loader):
    """The loader of the RA4M1 behind the bridge of the UNO R4 WiFi; addresses begin after it."""

    _COMMAND = re.compile(rb"([A-Za-z])([0-9A-Fa-f]*),?([0-9A-Fa-f]*)#")

    def __init__(
        self, *, memory: ChipMemory | None = None, faults: LoaderFaults | None = None
    ) -> None:
        super().__init__(memory or ChipMemory(RA4M1), faults)
        self.scratch = bytearray(SCRATCH_BYTES)
        self._line = bytearray()
        self._at = 0
        self._expected = 0
        self._source = 0

    def receive(self, data: bytes) -> bytes:
        """Bytes of the host; returns the answer."""
        output = bytearray()
        for byte in data:
            if self.ended is not None:
                break
            if self._expected:
                # It waits for ever when the scratch buffer is full before the data ends.
                if self._at < SCRATCH_BYTES:
                    self.scratch[self._at] = byte
                    self._at += 1
                    self._expected -= 1
            elif len(self._line) < COMMAND_BYTES:
                # A longer line never ends: only a reset helps, as on the board.
                self._line.append(byte)
                if byte == ord("#"):
                    output += self._run()
                    self._line.clear()
        return bytes(output)

    def _run(self) -> bytes:
        found = self._COMMAND.fullmatch(bytes(self._line))
        if found is None:
            return b""
        command = found[1].decode()
        first, second = (int(text or b"0", 16) for text in found.groups()[1:])
        if self._vanishes(command, first):
            return b""
        answer = self._execute(command, first, second)
        return self._answer(command, answer)

    def _execute(self, command: str, first: int, second: int) -> bytes:
        place = self.memory.chip.loader_bytes + first
        match command:
            case "N":
                return b"\n\r"
            case "V":
                return b"Arduino Bootloader (SAM-BA extended) 2.0 [Arduino:IKXYZ]\n\r"
            case "I":
                return b"nRF52840-QIAA\n\r"
            case "X":
                return b"X\n\r"
            case "S":
                self._at, self._expected = first, second
            case "Y":
                if second:
                    if place % self.memory.chip.erase_bytes == 0:
                        self.memory.erase(place, place + ERASE_BY_WRITE_BYTES)
                    source = self.scratch[self._source : self._source + second]
                    self.memory.program(place, bytes(source))
                else:
                    self._source = first
                return b"Y\n\r"
            case "Z" if second <= CHUNK_BYTES:
                return self._crc(place, second)
            case "K":
                self.ended = End.RESET
        return b""
