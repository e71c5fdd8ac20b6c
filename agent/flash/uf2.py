"""Writes a sketch to a board that shows itself as a drive (RP2040): copy a UF2 file, and look.

The drive is no file system: each block is written to flash as it arrives, and with the last one
the loader starts the sketch and the drive vanishes. Source: flashing, section 5.
"""

from __future__ import annotations

import asyncio
import errno
import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from agent.errors import FlashFailed, ImageRefused, NoBootloader, NotSupported
from agent.flash.content import require_format
from agent.flash.method import FlashPlan, FlashProgress
from agent.flash.volumes import INFO_FILE, read_info
from agent.protocols.elf import MACHINE_ARM, ElfError, Segment, parse_elf
from agent.protocols.uf2 import BLOCK_BYTES, Uf2, Uf2Error, build_uf2, parse_uf2

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.catalog import Model
    from agent.flash.method import FlashImage, FlashTarget, Progress, Stage

FILE_NAME: Final = "MOORING.UF2"
CHUNK_BYTES: Final = 64 * BLOCK_BYTES
"""Written between two reports; each is flushed, so that a report says what the board has."""

VECTORS_AT: Final = (0x100, 0)
"""Where the table of an RP2040 image is: behind the boot code, which a few images lack."""
STACKS: Final = range(0x2000_0004, 0x2004_2004, 4)
"""Where a stack may begin: in or at the end of the 264 KiB of RAM (RP2040 data sheet, 2.2)."""

VANISH_S: Final = 10.0
"""How long a drive may stay after its last block. The loader of the RP2040 restarts at once; the
system takes up to some seconds to notice (flashing, section 5)."""
VANISH_POLL_S: Final = 0.05
"""The three systems have no common event for it, and this wait is short."""

STOP_S: Final = 1.0
"""How long a cancelled run waits for the chunk that is being written (a drive that hangs is left
to its thread), and how long the thread waits for a busy event loop."""

_REFUSALS: Final = {
    errno.EROFS: "the drive can only be read",
    errno.EACCES: "this account may not write to the drive",
    errno.EPERM: "this account may not write to the drive",
    errno.ENOSPC: "the drive is full",
}


class Uf2Plan(FlashPlan, frozen=True, kw_only=True):
    """A checked UF2 file."""

    file: bytes
    """What is written to the drive; of the image itself, or made from it."""
    board_id: str
    """What the loader must say it is; empty: not checked."""
    manual: str

    def __repr__(self) -> str:
        return f"Uf2Plan({self.image.name!r}, {self.size} bytes)"


class Uf2Flasher:
    """Copies UF2 files; a ``.bin`` or ``.elf`` is made into one."""

    def __init__(self, method: str = "uf2", vanish_s: float = VANISH_S) -> None:
        self.method = method
        self._vanish_s = vanish_s

    def plan(self, image: FlashImage, model: Model) -> Uf2Plan:
        """Check the file and bring it into UF2; raises :class:`ImageRefused`."""
        try:
            family, start, end = _flash_of(model)
            if image.data:
                require_format(image, model, "bin", "elf", "uf2")
            ready = image.format == "uf2"
            data = image.data if ready else build_uf2(_segments(image, start, end), family)
            content = parse_uf2(data)
            _check(content, family, start, end)
        except (ElfError, Uf2Error) as error:
            raise ImageRefused(name=image.name, model=model.name, problem=str(error)) from None
        return Uf2Plan(
            image=image,
            model=model.id,
            address=content.segments[0].address,
            size=len(data),
            file=data,
            board_id=model.upload.volume_label,
            manual=model.bootloader_entry.manual,
        )

    async def run(self, plan: FlashPlan, target: FlashTarget, progress: Progress) -> None:
        """Write the file and wait until the drive vanishes.

        Raises :class:`NoBootloader` if the drive is not there or is another chip's, and
        :class:`FlashFailed`. The sketch that comes back is the last proof: a board that was
        pulled out during the last block looks the same from here.
        """
        if not isinstance(plan, Uf2Plan):
            msg = f"not a plan of this method: {type(plan).__name__}"
            raise TypeError(msg)
        if target.volume is None:
            raise NoBootloader(detail="it has no drive", manual=plan.manual)
        volume = Path(target.volume)
        await asyncio.to_thread(_require_loader, volume, plan)
        progress(_at("prepare", 0, 0))
        await _write(plan.file, volume, progress)
        progress(_at("reset", 0, 0))
        await self._vanished(volume)

    async def start(self, model: Model, target: FlashTarget) -> None:  # noqa: ARG002 - no way in
        """Raises :class:`NotSupported`: these bootloaders leave by a new file only."""
        raise NotSupported(
            model=model.name,
            what="start its sketch on a command",
            why="Its bootloader only waits for a new sketch.",
            action="Press RESET, or unplug the board and plug it in again: its sketch starts then.",
        )

    async def _vanished(self, volume: Path) -> None:
        end = time.monotonic() + self._vanish_s
        while await asyncio.to_thread((volume / INFO_FILE).exists):
            if time.monotonic() > end:
                detail = "the loader took the file but does not start it"
                raise FlashFailed(stage="reset", detail=detail)
            await asyncio.sleep(VANISH_POLL_S)


def _flash_of(model: Model) -> tuple[int, int, int]:
    """Family id, first address and end of a model's flash."""
    upload = model.upload
    if upload.uf2_family is None or upload.address is None:
        raise Uf2Error("the catalogue knows no drive for this board")
    start = int(upload.address, 16)
    # Without a size: the address space of the RP2040's flash.
    return int(upload.uf2_family, 16), start, start + (upload.max_size or 1 << 24)


def _segments(image: FlashImage, start: int, end: int) -> list[Segment]:
    if not image.data:
        raise Uf2Error("it is empty")
    if image.format == "bin":
        if len(image.data) > end - start:
            raise Uf2Error(f"it has {len(image.data)} bytes and at most {end - start} fit")
        if not (image.any_board or _can_start(image.data, start)):
            raise Uf2Error("it was built for another board, or is no sketch")
        return [Segment(start, image.data)]
    elf = parse_elf(image.data)
    if elf.machine != MACHINE_ARM:
        raise Uf2Error("it was not built for an ARM chip")
    return list(elf.segments)


def _can_start(data: bytes, start: int) -> bool:
    """Whether a memory image has a vector table: its stack in RAM, its code inside the file."""
    for at in VECTORS_AT:
        stack = int.from_bytes(data[at : at + 4], "little")
        code = int.from_bytes(data[at + 4 : at + 8], "little")
        if stack in STACKS and code % 2 and start < code < start + len(data):
            return True
    return False


def _check(content: Uf2, family: int, start: int, end: int) -> None:
    if content.family != family:
        found = "no family" if content.family is None else f"family 0x{content.family:08x}"
        raise Uf2Error(f"it is for {found}, this board is family 0x{family:08x}")
    for segment in content.segments:
        if segment.address < start or segment.address + len(segment.data) > end:
            raise Uf2Error(
                f"it writes to 0x{segment.address:08x}, which is not in the board's flash memory "
                f"(0x{start:08x} to 0x{end - 1:08x})"
            )
    if content.segments[0].address != start:
        raise Uf2Error(f"it begins at 0x{content.segments[0].address:08x}, so it cannot start")


def _require_loader(volume: Path, plan: Uf2Plan) -> None:
    info = read_info(volume)
    if info is None:
        detail = f"{volume} is not the drive of a bootloader"
        raise NoBootloader(detail=detail, manual=plan.manual)
    if plan.board_id and info.board_id != plan.board_id:
        detail = f"the drive at {volume} is one of {info.board_id or 'an unknown chip'}"
        raise NoBootloader(detail=detail, manual=plan.manual)


async def _write(data: bytes, volume: Path, progress: Progress) -> None:
    """All blocks to the drive, from one thread, which a cancellation stops after its chunk."""
    loop = asyncio.get_running_loop()
    stop, shown = threading.Event(), threading.Event()

    def show(done: int) -> None:
        progress(_at("write", done, len(data)))
        shown.set()

    def report(done: int) -> None:
        # The thread waits, so that reports cannot pile up.
        shown.clear()
        loop.call_soon_threadsafe(show, done)
        shown.wait(STOP_S)

    writing = asyncio.ensure_future(asyncio.to_thread(_copy, data, volume, report, stop))
    try:
        await asyncio.shield(writing)
    except asyncio.CancelledError:
        stop.set()
        await asyncio.wait([writing], timeout=STOP_S)
        raise


def _copy(data: bytes, volume: Path, report: Callable[[int], None], stop: threading.Event) -> None:
    """What fails at the last block alone is a success: the drive is gone because it has all."""
    last = len(data) - BLOCK_BYTES
    try:
        file = _create(volume / FILE_NAME)
        try:
            for start in range(0, last, CHUNK_BYTES):
                if stop.is_set():
                    return
                end = min(start + CHUNK_BYTES, last)
                _put(file, data[start:end])
                if not (volume / INFO_FILE).exists():
                    raise _broken_off("the drive vanished before the last block")
                report(end)
            _put_last(file, data[last:])
            report(len(data))
        finally:
            _release(file)
    except OSError as error:
        known = _REFUSALS.get(error.errno or 0)
        raise _broken_off(known or f"the drive reported “{error.strerror or error}”") from error


def _put_last(file: int, data: bytes) -> None:
    try:
        _put(file, data)
    except OSError as error:
        if error.errno in _REFUSALS:
            raise


def _create(path: Path) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)
    return os.open(path, flags, 0o666)


def _put(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]
    os.fsync(file)


def _release(file: int) -> None:
    try:
        os.close(file)
    except OSError:
        # The drive is gone, and the descriptor with it.
        return


def _broken_off(detail: str) -> FlashFailed:
    return FlashFailed(stage="write", detail=detail)


def _at(stage: Stage, done: int, total: int) -> FlashProgress:
    return FlashProgress(stage=stage, done=done, total=total)
