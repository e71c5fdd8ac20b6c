"""Copies of settings areas, for as long as the new content is not proven.

They hold what the area holds, so only this user can read them; the folder is the agent's own.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from agent.errors import DeliveryFailed
from agent.settings.files import write_private

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

WORK_PREFIX: Final = "work-"
STALE_S: Final = 3600.0
"""A folder of work that is older was left by a process that was killed: no call takes so long."""


class Backup(msgspec.Struct, frozen=True, kw_only=True):
    """What an area held before, and what was being written."""

    old: bytes
    new: bytes

    def __repr__(self) -> str:
        return f"Backup({len(self.old)} bytes)"


class NvsBackups:
    """One file for each area, under ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def save(self, hardware_id: str, offset: int, backup: Backup) -> None:
        """Keep it, on the disk when this returns; raises :class:`DeliveryFailed`."""
        path = self._path(hardware_id, offset)
        try:
            await asyncio.to_thread(write_private, path, msgspec.json.encode(backup))
        except OSError as error:
            why = f"This computer cannot keep a copy of what the board has: {error.strerror}."
            raise DeliveryFailed(why=why) from error

    async def find(self, hardware_id: str, offset: int) -> Backup | None:
        """What was kept; None if there is none. A file that is damaged counts as none."""
        try:
            data = await asyncio.to_thread(self._path(hardware_id, offset).read_bytes)
            return msgspec.json.decode(data, type=Backup)
        except (OSError, msgspec.MsgspecError):
            return None

    async def drop(self, hardware_id: str, offset: int) -> None:
        """The new content is proven."""
        with contextlib.suppress(OSError):
            await asyncio.to_thread(self._path(hardware_id, offset).unlink, missing_ok=True)

    @contextlib.asynccontextmanager
    async def work_folder(self) -> AsyncIterator[Path]:
        """A folder for the files that a program reads and writes; nothing of it stays."""
        folder = await asyncio.to_thread(self._new_folder)
        try:
            yield Path(folder.name)
        finally:
            # Not in a thread: a cancelled run would leave the folder behind.
            folder.cleanup()

    def _new_folder(self) -> tempfile.TemporaryDirectory[str]:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for left in self._folder.glob(f"{WORK_PREFIX}*"):
                if time.time() - left.stat().st_mtime > STALE_S:
                    for file in left.iterdir():
                        file.unlink()
                    left.rmdir()
            return tempfile.TemporaryDirectory(prefix=WORK_PREFIX, dir=self._folder)
        except OSError as error:
            why = f"This computer has no place for the files of it: {error.strerror}."
            raise DeliveryFailed(why=why) from error

    def _path(self, hardware_id: str, offset: int) -> Path:
        return self._folder / f"{hardware_id}-{offset:x}.json"
