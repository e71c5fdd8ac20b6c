"""A folder that behaves as the drive of an RP2040 in its bootloader.

It looks at the files that appear in it; when all blocks of a file for its chip have come, it keeps
their content as its flash memory and vanishes. Source: bench-boards, section f.
"""

from __future__ import annotations

import contextlib
import shutil
import threading
from typing import TYPE_CHECKING, Final

from agent.protocols.uf2 import (
    BLOCK_BYTES,
    FAMILY_PRESENT,
    FAMILY_RP2040,
    Uf2Error,
    parse_block,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

    from agent.protocols.uf2 import Block

READ_BYTES: Final = 33 << 20
"""Of one file: the address space of the chip's flash, in blocks that are half payload."""
LOOK_EVERY_S: Final = 0.005
"""A folder tells nobody on all systems that a file grew; this is far below what a person sees."""
INFO: Final = "UF2 Bootloader v3.0\r\nModel: {model}\r\nBoard-ID: {board_id}\r\n"
STOP_LIMIT_S: Final = 5.0


class Uf2Volume:
    """A drive at ``folder``, which it makes and removes; a context manager.

    A ``deaf`` one never starts what it got; :meth:`unplug` may come at any time.
    """

    def __init__(
        self,
        folder: Path,
        *,
        family: int = FAMILY_RP2040,
        board_id: str = "RPI-RP2",
        model: str = "Raspberry Pi RP2",
        deaf: bool = False,
        flash: dict[int, bytes] | None = None,
    ) -> None:
        self.folder = folder
        self.flash: dict[int, bytes] = flash if flash is not None else {}
        """Content by address, block by block: what was there before, and what came."""
        self.on_block: Callable[[], None] | None = None
        """Told after each block; what it raises comes out of :meth:`look`."""
        self.complete = False
        """Whether all blocks of a file came; the sketch runs then."""
        self._family = family
        self._info = INFO.format(model=model, board_id=board_id)
        self._deaf = deaf
        self._came: set[int] = set()
        self._count = 0
        """Blocks of the file that is coming: another number is another file, as in the chip's ROM."""
        self._read: dict[Path, bytes] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="uf2-volume", daemon=True)

    def plug(self, *, watch: bool = True) -> None:
        """Make the drive; who does not want a thread to ``watch`` it calls :meth:`look`."""
        self.folder.mkdir(parents=True)
        (self.folder / "INFO_UF2.TXT").write_bytes(self._info.encode())
        (self.folder / "INDEX.HTM").write_bytes(b"<html></html>\r\n")
        if watch:
            self._thread.start()

    def unplug(self) -> None:
        """Remove the drive, if it has not vanished by itself."""
        self._stop.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(STOP_LIMIT_S)
        self._remove()

    def __enter__(self) -> Uf2Volume:
        self.plug()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.unplug()

    def look(self) -> bool:
        """Take what is new in the files; True once all came and the drive has vanished."""
        for path in self.folder.glob("*"):
            if path.suffix.lower() == ".uf2" and self._take(path):
                self._remove()
                return True
        return False

    def _watch(self) -> None:
        while not self._stop.wait(LOOK_EVERY_S):
            if self.look():
                return

    def _take(self, path: Path) -> bool:
        """Read what is new in a file; whether the drive is to vanish."""
        try:
            if not path.is_file():
                return False
            with path.open("rb") as file:
                data = file.read(READ_BYTES)
        except OSError:
            return False
        before = self._read.get(path, b"")
        # A file of the same name that is written anew comes in blocks like any other.
        start = len(before) if data.startswith(before) else 0
        whole = len(data) // BLOCK_BYTES * BLOCK_BYTES
        self._read[path] = data[:whole]
        for at in range(start, whole, BLOCK_BYTES):
            with contextlib.suppress(Uf2Error):
                if self._put(parse_block(data[at : at + BLOCK_BYTES])):
                    return True
        return False

    def _put(self, block: Block) -> bool:
        if not block.flags & FAMILY_PRESENT or block.family != self._family:
            return False
        if block.count != self._count:
            self._came.clear()
            self._count = block.count
        self.flash[block.address] = block.payload
        self._came.add(block.address)
        if self.on_block is not None:
            self.on_block()
        self.complete = len(self._came) == block.count and not self._deaf
        return self.complete

    def _remove(self) -> None:
        # The info file first: without it the folder is no drive any more.
        (self.folder / "INFO_UF2.TXT").unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)
