"""What a SAM-BA loader can be told to do, per kind of loader: as steps, without I/O.

Steps are generators that yield what to ask the board and get its answer; see ``samba_steps``.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Final, Protocol, TypeAlias, TypeVar

import msgspec

from agent.errors import NoBootloader, VerifyFailed
from agent.flash.content import RA4M1, SAMD21, SAMD51, CortexM
from agent.flash.method import FlashProgress
from agent.protocols import samba
from agent.protocols.samba import CHUNK_BYTES, Ask

T = TypeVar("T")
Steps: TypeAlias = Generator[Ask | FlashProgress, bytes, T]
"""A yielded progress marks a place where a run may stop: the loader takes any command next."""

AIRCR: Final = 0xE000ED0C
RESET_REQUEST: Final = 0x05FA0004
DEVICE_ID: Final = 0x41002018
DEVICE_SERIES: Final = 0xFFFF0000
"""Processor, family and series; below it are die, revision and the size of the package.
Source: SAM D21 and SAM D5x data sheets, DSU, device identification."""
ERASED: Final = b"\xff"

MANUAL_WRITE: Final = 0x80
NO_CACHE: Final = 0x40000
ERASE_ROW: Final = 0xA502
WRITE_PAGE: Final = 0xA504
CLEAR_PAGE_BUFFER: Final = 0xA544
NVM_COMMAND: Final = 0x41004000
NVM_CONTROL: Final = 0x41004004
NVM_STATE: Final = 0x41004014
NVM_STATUS: Final = 0x41004018
NVM_ADDRESS: Final = 0x4100401C
NVM_READY: Final = 1
NVM_ERROR: Final = 2
NVM_STATUS_ERRORS: Final = 0x1C
"""Flash controller of the SAM D21; its address register counts half-words, and bits of the status
are cleared by writing ones. Source: SAM D21 data sheet, NVMCTRL."""
NVM_POLLS: Final = 200
"""Questions until the controller must be ready: an erased row takes 6 ms, a question 0.05 to 1 ms."""


class LoaderKind(msgspec.Struct, frozen=True, kw_only=True):
    """Facts of a chip and the loader on it; sizes in bytes."""

    chip: str
    cortex: CortexM
    first: int
    """Where sketches begin, in the addresses of the loader."""
    room: int
    """Most that a sketch may take."""
    page: int
    """A write ends on a multiple of this."""
    erase_unit: int
    buffer: int
    """Where the loader keeps data for the flash."""
    needs: str
    """Extensions without which this loader is not the expected one."""
    series: int | None = None
    """Upper half of the device id, where it can be read."""
    bauds: tuple[int, ...]
    """In the order of trying."""
    gap_s: float = samba.GAP_S


SAMD21_LOADER: Final = LoaderKind(
    chip="SAMD21",
    cortex=SAMD21,
    first=0x2000,
    room=0x40000 - 0x2000,
    page=64,
    erase_unit=256,
    buffer=0x20004000,
    needs="",
    series=0x1001,
    bauds=(921600,),
)
SAMD51_LOADER: Final = LoaderKind(
    chip="SAMD51",
    cortex=SAMD51,
    first=0x4000,
    room=0x80000 - 0x4000,
    page=512,
    erase_unit=8192,
    buffer=0x20004000,
    needs="XYZ",
    series=0x6006,
    bauds=(921600,),
)
UNO_R4_LOADER: Final = LoaderKind(
    chip="RA4M1",
    cortex=RA4M1,
    first=0,
    room=0x40000 - 0x4000,
    page=CHUNK_BYTES,
    erase_unit=CHUNK_BYTES,
    buffer=0,
    needs="KXYZ",
    bauds=(230400, 921600),
    gap_s=samba.BRIDGE_GAP_S,
)
"""The bridge gives its UART the speed of the USB port, and the loader listens at 230400 (sources:
arduino/uno-r4-wifi-usb-bridge: UNOR4USBBridge.ino; arduino/arduino-renesas-bootloader: Makefile.wifi,
src/bossa.c); the speed of the vendor's recipe is tried where that is silent."""


class Writer(Protocol):
    """How one kind of loader erases, writes and checks; addresses are those of the loader."""

    def erase(self, address: int) -> Steps[None]:
        """Everything from here on."""

    def write(self, address: int, chunk: bytes) -> Steps[None]:
        """At most 4096 bytes into erased flash."""

    def check(self, address: int, chunk: bytes) -> Steps[None]:
        """:class:`VerifyFailed` if the flash holds something else."""

    def undo(self, address: int) -> Steps[None]:
        """Make what :meth:`write` wrote from here on writable again."""


class FastWriter:
    """A loader that announces X, Y and Z."""

    def __init__(self, kind: LoaderKind) -> None:
        self._kind = kind

    def erase(self, address: int) -> Steps[None]:
        """One command; the loader of the UNO R4 only nods and erases when it writes."""
        yield samba.erase(address)

    def write(self, address: int, chunk: bytes) -> Steps[None]:
        """Load, and copy to the flash."""
        kind = self._kind
        yield samba.load(kind.buffer, chunk, kind.gap_s)
        yield samba.set_source(kind.buffer)
        yield samba.write_flash(address, len(chunk))

    def check(self, address: int, chunk: bytes) -> Steps[None]:
        """By the check value that the loader computes."""
        found = samba.crc((yield samba.check(address, len(chunk))))
        _compare(address, samba.crc16(chunk), found)

    def undo(self, address: int) -> Steps[None]:
        """Erase again."""
        yield samba.erase(address)


class SlowWriter:
    """A SAMD21 loader without extensions: through the flash controller, by words.

    The sixteen words of a page, the command and the question for its end travel in one write.
    """

    def __init__(self, kind: LoaderKind) -> None:
        self._kind = kind

    def erase(self, address: int) -> Steps[None]:
        """Row by row to the end of the flash."""
        control = samba.word((yield samba.read_word(NVM_CONTROL)))
        yield samba.write_word(NVM_CONTROL, control | MANUAL_WRITE | NO_CACHE)
        first, end = address, self._kind.first + self._kind.room
        for row in range(first, end, self._kind.erase_unit):
            yield FlashProgress(stage="erase", done=row - first, total=end - first)
            yield from self._run(ERASE_ROW, samba.write_word(NVM_ADDRESS, row // 2))

    def write(self, address: int, chunk: bytes) -> Steps[None]:
        """Page by page; filling the page buffer tells the controller which page."""
        for start in range(0, len(chunk), self._kind.page):
            page = chunk[start : start + self._kind.page]
            words = [
                samba.write_word(address + start + at, int.from_bytes(page[at : at + 4], "little"))
                for at in range(0, len(page), 4)
            ]
            clear = samba.write_word(NVM_COMMAND, CLEAR_PAGE_BUFFER)
            yield from self._run(WRITE_PAGE, clear, *words)

    def check(self, address: int, chunk: bytes) -> Steps[None]:
        """By reading back."""
        found = bytearray()
        while len(found) < len(chunk):
            size = min(samba.READ_BYTES_MAX, len(chunk) - len(found))
            found += yield samba.read_block(address + len(found), size)
        _compare(address, samba.crc16(chunk), samba.crc16(found), same=found == chunk)

    def undo(self, address: int) -> Steps[None]:
        """Erase the rows of one chunk; behind it nothing is written yet."""
        for row in range(address, address + CHUNK_BYTES, self._kind.erase_unit):
            yield from self._run(ERASE_ROW, samba.write_word(NVM_ADDRESS, row // 2))

    def _run(self, command: int, *before: Ask) -> Steps[None]:
        """A command of the controller, until it is ready."""
        ask = samba.read_word(NVM_STATE)
        state = samba.word(
            (yield samba.batch(*before, samba.write_word(NVM_COMMAND, command), ask))
        )
        for _ in range(NVM_POLLS):
            if state & NVM_READY:
                break
            state = samba.word((yield ask))
        if state & NVM_ERROR or not state & NVM_READY:
            # A refused command shows when the flash is read back; only the marks are cleared here.
            yield samba.batch(
                samba.write_word(NVM_STATUS, NVM_STATUS_ERRORS),
                samba.write_word(NVM_STATE, NVM_ERROR),
            )


def choose_writer(kind: LoaderKind, letters: frozenset[str], manual: str) -> Writer:
    """The way to write that the loader announced; :class:`NoBootloader` if there is none."""
    if letters >= {"X", "Y", "Z"}:
        return FastWriter(kind)
    if not kind.needs:
        return SlowWriter(kind)
    raise NoBootloader(detail="the one that answers is of another kind", manual=manual)


def identify(kind: LoaderKind, manual: str) -> Steps[frozenset[str]]:
    """Who answers: the letters of its extensions; :class:`NoBootloader` for the wrong chip."""
    letters = samba.extensions((yield samba.version()))
    if missing := set(kind.needs) - letters:
        detail = f"the one that answers lacks {', '.join(sorted(missing))}"
        raise NoBootloader(detail=detail, manual=manual)
    if kind.series is not None:
        # The loader of the UNO R4 would never answer these.
        if "K" in letters:
            raise NoBootloader(detail="another kind of board is on the port", manual=manual)
        found = samba.word((yield samba.read_word(DEVICE_ID)))
        if found & DEVICE_SERIES != kind.series << 16:
            detail = f"the chip has id {found:#010x}, which is no {kind.chip}"
            raise NoBootloader(detail=detail, manual=manual)
    return letters


def start_sketch(kind: LoaderKind) -> Ask:
    """Reset the chip; a port that vanishes while this is sent is what was wanted."""
    if "K" in kind.needs:
        return samba.restart()
    return samba.write_word(AIRCR, RESET_REQUEST)


def _compare(address: int, expected: int, found: int, *, same: bool = True) -> None:
    if expected != found or not same:
        raise VerifyFailed(
            address=f"{address:#010x}", expected=f"{expected:04X}", found=f"{found:04X}"
        )
