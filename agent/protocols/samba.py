"""SAM-BA, the host's side: the commands of the bootloader, and one exchange at a time.

No I/O and no clock. What commands to send in which order is not here but in ``flash``. Hand a
:class:`SambaMachine` an :class:`Ask`, write what :meth:`SambaMachine.take_write` returns, each
piece with one call, and give it what comes back. Nothing that a board sends makes it raise.

Sources: arduino/ArduinoCore-samd: bootloaders/zero/sam_ba_monitor.c;
arduino/arduino-renesas-bootloader: src/bossa.c.
"""

from __future__ import annotations

import binascii
import math
import re
from collections import deque
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeAlias

ANSWER_S: Final = 2.0
"""Limit for commands that a loader answers at once; a USB round trip takes a few ms."""
HELLO_S: Final = 0.5
"""The same for the first command: it is repeated, and the other side may not be a loader."""
WRITE_S: Final = 5.0
"""Limit for 4096 bytes of flash: a SAMD21 takes 64 pages of 2.5 ms, an RA4M1 erases first."""
ERASE_S: Final = 30.0
"""Limit for erasing the whole application: 992 rows of up to 6 ms, or 62 blocks of 200 ms."""
GAP_S: Final = 0.001
"""Pause between a command and its binary data: one USB frame, so that they travel in two packets.
In one packet they confuse the loader, which then copies the data to the wrong place."""
BRIDGE_GAP_S: Final = 0.005
"""The same through a USB bridge, which forwards to a UART with a buffer of its own."""

CHUNK_BYTES: Final = 4096
"""Most that one ``Y`` or ``Z`` takes."""
READ_BYTES_MAX: Final = 63
"""Most that one ``R`` may ask for: at 64 the loader forgets the empty packet that ends a transfer."""
NOISE_BYTES_MAX: Final = 512
"""Foreign bytes before an answer that are skipped; a loader sends none, a sketch's last words and
a bad cable may."""
VERSION_BYTES_MAX: Final = 200

_WORD: Final = 0xFFFFFFFF


class Reason(Enum):
    """Why an exchange failed."""

    SILENT = "silent"
    """Not enough came within the limit."""
    GARBLED = "garbled"
    """Too much came that is no answer."""


class SambaFailure(Exception):
    """An exchange without an answer; ``command`` is what was sent."""

    def __init__(self, reason: Reason, command: bytes) -> None:
        super().__init__(f"{reason.value} after {command[:32]!r}")
        self.reason = reason
        self.command = command


@dataclass(frozen=True, slots=True)
class Exactly:
    """A binary answer of this many bytes."""

    size: int


@dataclass(frozen=True, slots=True)
class Matching:
    """A text answer; its first group is what counts. Other bytes before it are skipped."""

    pattern: re.Pattern[bytes]


Reply: TypeAlias = Exactly | Matching

_NO_REPLY: Final = Exactly(0)
_HELLO: Final = Matching(re.compile(rb"()\n\r"))
_LINE: Final = Matching(re.compile(rb"([\x20-\x7e]{1,%d})\n\r" % VERSION_BYTES_MAX))
_ERASED: Final = Matching(re.compile(rb"(X)\n\r"))
_WRITTEN: Final = Matching(re.compile(rb"(Y)\n\r"))
_CRC: Final = Matching(re.compile(rb"Z([0-9A-Fa-f]{8})#\n\r"))


@dataclass(frozen=True, slots=True)
class Ask:
    """One exchange: a command, the binary data that follows it, and the answer."""

    command: bytes
    data: bytes = b""
    reply: Reply = _NO_REPLY
    limit_s: float = ANSWER_S
    gap_s: float = GAP_S


def hello() -> Ask:
    """``N``: leave terminal mode. A loader that was in it says nothing the first time."""
    return Ask(b"N#", reply=_HELLO, limit_s=HELLO_S)


def version() -> Ask:
    """``V``: a line that says who answers, see :func:`extensions`."""
    return Ask(b"V#", reply=_LINE)


def fill(count: int) -> Ask:
    """Ends of empty commands: ignored, but they complete a transfer that somebody broke off."""
    return Ask(b"#" * count)


def read_word(address: int) -> Ask:
    """``w``: four bytes, see :func:`word`."""
    return Ask(b"w%08X,4#" % _in_range(address), reply=Exactly(4))


def read_block(address: int, size: int) -> Ask:
    """``R``: 1 to 63 bytes of memory; ``ValueError`` for more."""
    if not 1 <= size <= READ_BYTES_MAX:
        msg = f"between 1 and {READ_BYTES_MAX} bytes in one read, not {size}"
        raise ValueError(msg)
    return Ask(b"R%08X,%08X#" % (_in_range(address), size), reply=Exactly(size))


def write_word(address: int, value: int) -> Ask:
    """``W``: 32 bits to memory or a register; no answer."""
    return Ask(b"W%08X,%08X#" % (_in_range(address), _in_range(value)))


def load(address: int, data: bytes, gap_s: float = GAP_S) -> Ask:
    """``S``: data to RAM; no answer."""
    return Ask(b"S%08X,%08X#" % (_in_range(address), len(data)), data=data, gap_s=gap_s)


def erase(address: int) -> Ask:
    """``X``, where announced: erase from here to the end of the flash."""
    return Ask(b"X%08X#" % _in_range(address), reply=_ERASED, limit_s=ERASE_S)


def set_source(address: int) -> Ask:
    """``Y`` with size 0, where announced: where the next :func:`write_flash` takes its data."""
    return Ask(b"Y%08X,0#" % _in_range(address), reply=_WRITTEN)


def write_flash(address: int, size: int) -> Ask:
    """``Y``, where announced: copy from RAM to flash; 1 to 4096 bytes."""
    command = b"Y%08X,%08X#" % (_in_range(address), _chunk(size))
    return Ask(command, reply=_WRITTEN, limit_s=WRITE_S)


def check(address: int, size: int) -> Ask:
    """``Z``, where announced: the check value of 1 to 4096 bytes, see :func:`crc`."""
    return Ask(b"Z%08X,%08X#" % (_in_range(address), _chunk(size)), reply=_CRC)


def restart() -> Ask:
    """``K``, where announced: reset the chip; no answer."""
    return Ask(b"K#")


def batch(*asks: Ask) -> Ask:
    """Several commands in one write; only the last may be answered, none may carry data."""
    if any(ask.data for ask in asks) or any(ask.reply != _NO_REPLY for ask in asks[:-1]):
        msg = "only commands without data and without an answer go together"
        raise ValueError(msg)
    last = asks[-1]
    return Ask(b"".join(ask.command for ask in asks), reply=last.reply, limit_s=last.limit_s)


def word(answer: bytes) -> int:
    """The number in the answer of :func:`read_word`."""
    return int.from_bytes(answer, "little")


def crc(answer: bytes) -> int:
    """The number in the answer of :func:`check`."""
    return int(answer, 16)


def crc16(data: bytes | bytearray) -> int:
    """CRC-16/XMODEM, what :func:`check` returns: polynomial 0x1021, start 0."""
    return binascii.crc_hqx(data, 0)


def extensions(line: bytes) -> frozenset[str]:
    """The letters in ``[Arduino:XYZ]`` of the answer of :func:`version`; empty without it."""
    found = re.search(rb"\[Arduino:([A-Z]{1,26})\]", line)
    return frozenset(found[1].decode("ascii")) if found else frozenset()


def _in_range(number: int) -> int:
    if not 0 <= number <= _WORD:
        msg = f"{number:#x} does not fit in 32 bits"
        raise ValueError(msg)
    return number


def _chunk(size: int) -> int:
    if not 1 <= size <= CHUNK_BYTES:
        msg = f"between 1 and {CHUNK_BYTES} bytes at once, not {size}"
        raise ValueError(msg)
    return size


class SambaMachine:
    """One exchange at a time. ``now`` is any clock that only grows, in seconds."""

    def __init__(self) -> None:
        self._ask: Ask | None = None
        self._writes: deque[bytes] = deque()
        self._write_at = math.inf
        self._fails_at = math.inf
        self._received = bytearray()
        self._result: bytes | SambaFailure | None = None
        self.ignored_bytes = 0
        """Bytes of the board that belonged to no answer."""

    @property
    def next_deadline(self) -> float:
        """When :meth:`tick` or :meth:`take_write` must be called at the latest; infinity: never."""
        return self._write_at if self._writes else self._fails_at

    def start(self, ask: Ask, now: float) -> None:
        """Begin an exchange; RuntimeError while another runs."""
        if self._ask is not None:
            msg = "one exchange at a time"
            raise RuntimeError(msg)
        self._forget()
        self._ask = ask
        self._result = None
        self._writes.append(ask.command)
        if ask.data:
            self._writes.append(ask.data)
        self._write_at = now

    def take_write(self, now: float) -> bytes | None:
        """The bytes to be written now with one call; None: nothing, or not yet."""
        if self._ask is None or not self._writes or now < self._write_at:
            return None
        data = self._writes.popleft()
        if self._writes:
            self._write_at = now + self._ask.gap_s
        else:
            self._fails_at = now + self._ask.limit_s
            self._look()
        return data

    def receive(self, data: bytes) -> None:
        """Bytes of the board."""
        if self._ask is None or self._ask.reply == _NO_REPLY:
            self.ignored_bytes += len(data)
            return
        self._received += data
        if not self._writes:
            self._look()

    def tick(self, now: float) -> None:
        """The time; harmless before :attr:`next_deadline`."""
        if self._ask is not None and not self._writes and now >= self._fails_at:
            self._end(SambaFailure(Reason.SILENT, self._ask.command))

    def take_result(self) -> bytes | SambaFailure | None:
        """How the exchange ended, once; None while it runs."""
        result, self._result = self._result, None
        return result

    def _look(self) -> None:
        ask = self._ask
        if ask is None:
            return
        match ask.reply:
            case Exactly(size):
                if len(self._received) >= size:
                    answer = bytes(self._received[:size])
                    del self._received[:size]
                    self._end(answer)
            case Matching(pattern):
                if found := pattern.search(self._received):
                    answer = found[1]
                    self.ignored_bytes += found.start()
                    del self._received[: found.end()]
                    self._end(bytes(answer))
                elif len(self._received) > NOISE_BYTES_MAX:
                    self._end(SambaFailure(Reason.GARBLED, ask.command))

    def _end(self, result: bytes | SambaFailure) -> None:
        self._forget()
        self._ask = None
        self._fails_at = math.inf
        self._result = result

    def _forget(self) -> None:
        self.ignored_bytes += len(self._received)
        self._received.clear()
