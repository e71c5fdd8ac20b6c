"""The folder of the vault: one file for each entry, so that damage to one is damage to one.

An entry is written under its name only when it is whole and on the disk. A file that cannot be
read is never in the way: ids are random, so nothing is ever written over it. Everything blocks for
some milliseconds.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from agent.clouds.vault_entry import (
    ENTRY_BYTES,
    GROUP_CHARS,
    Damaged,
    Plain,
    Stored,
    new_id,
    parse_entry,
)
from agent.errors import VaultFailed, VaultFull, VaultUnknown
from agent.settings import clean_text
from agent.settings.files import sync_folder, write_private
from agent.settings.room import free_bytes, size_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

ENTRIES_MAX: Final = 10_000
"""As many as the journal keeps jobs; reading all of them takes a second."""
LOCK_S: Final = 10.0
"""A change takes some milliseconds, a minute's worth of a slow disk is not waited for."""
ROOM_BYTES: Final = 1 << 20
"""What must be free before a cloud is asked: the largest entry, several times over."""
WRITES_MAX: Final = 10
OPEN_S: Final = 0.05
"""Windows replaces no file that somebody has open; a reader is done in a millisecond, a scanner for
viruses in some more, and nothing tells when."""

_LOCK: Final = "lock"
_NAME: Final = re.compile(r"([0-9a-f]{16})-([0-9a-f]{8})\.json")
_DRAFT: Final = re.compile(r"\.[0-9a-f]{16}-[0-9a-f]{8}\.json\.[0-9a-f]{12}")
_POLL_S: Final = 0.01


@dataclass(frozen=True, slots=True)
class Found:
    """A file of the vault."""

    id: str
    group: str
    name: str
    """Of the file."""
    stored: Stored | None
    """None: it cannot be read; it stays as it is."""


class VaultFolder:
    """The files. OSErrors become :class:`VaultFailed`."""

    def __init__(self, path: Path, *, limit: int = ENTRIES_MAX, wait_s: float = LOCK_S) -> None:
        self.path = path
        self._limit = limit
        self._wait_s = wait_s

    def scan(self, group: str = "") -> list[Found]:
        """All entries, or those of one board and cloud; an entry that is just removed is none."""
        with self.failing():
            return [
                found for parts in self._names(group) if (found := self._read(*parts)) is not None
            ]

    def find(self, wanted: str) -> Found:
        """The entry with this id, or the only one whose id begins so; raises VaultUnknown."""
        with self.failing():
            names = self._names(number=wanted) if wanted else ()
            found = [each for parts in names if (each := self._read(*parts)) is not None]
        # A copy that somebody made of a file is not the entry.
        sound = [each for each in found if each.stored is not None] or found
        if len(sound) == 1:
            return sound[0]
        problem = "is no entry of the vault" if not sound else "begins several entries of the vault"
        raise VaultUnknown(entry=clean_text(wanted), problem=problem)

    def prepare(self) -> None:
        """See that an entry can be added, before anything depends on it.

        Raises :class:`VaultFailed` or :class:`VaultFull`.
        """
        with self.turn(), self.failing():
            names = self._listed()
            self._sweep(names)
        count = sum(1 for name in names if _NAME.fullmatch(name))
        if count >= self._limit:
            raise VaultFull(count=count)
        free = free_bytes(self.path)
        if free is not None and free < ROOM_BYTES:
            raise VaultFailed(path=str(self.path), detail=f"only {size_text(free)} are free")

    def free_id(self) -> str:
        """An id that no entry has; only while it is this one's :meth:`turn`."""
        with self.failing():
            names = self._listed()
        while True:
            number = new_id()
            if not any(name.startswith(number, GROUP_CHARS + 1) for name in names):
                return number

    def write(self, plain: Plain, data: bytes) -> None:
        """Write an entry; once this returns it survives a power cut."""
        if len(data) > ENTRY_BYTES:
            raise VaultFailed(path=str(self.path), detail=f"{plain.device} is too long to be kept")
        path = self.path / plain.file_name
        with self.failing():
            for last in (False,) * (WRITES_MAX - 1) + (True,):
                try:
                    write_private(path, data)
                except PermissionError:
                    if sys.platform != "win32" or last:
                        raise
                    time.sleep(OPEN_S)
                else:
                    return

    def remove(self, found: Found) -> None:
        """Delete an entry."""
        with self.failing():
            (self.path / found.name).unlink(missing_ok=True)
            sync_folder(self.path)

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """While this process alone changes the vault; others are waited for."""
        from filelock import FileLock, Timeout

        with self.failing():
            self._make()
            try:
                lock = FileLock(
                    self.path / _LOCK, timeout=self._wait_s, poll_interval=_POLL_S, mode=0o600
                ).acquire()
            except Timeout:  # one of the system's errors, too
                detail = "another program of yours has been changing it for too long"
                raise VaultFailed(path=str(self.path), detail=detail) from None
        with lock:
            yield

    @contextlib.contextmanager
    def failing(self) -> Iterator[None]:
        """Errors of the system in here are :class:`VaultFailed`."""
        try:
            yield
        except OSError as error:
            detail = error.strerror or type(error).__name__
            raise VaultFailed(path=str(self.path), detail=detail) from error

    def _names(self, group: str = "", number: str = "") -> Iterator[tuple[str, str]]:
        """Group and id of the files, of those that begin so; a folder of 10 000 is listed in 7 ms."""
        names = [
            name
            for name in self._listed()
            if name.startswith(group) and name.startswith(number, GROUP_CHARS + 1)
        ]
        for name in sorted(names):
            if match := _NAME.fullmatch(name):
                yield match[1], match[2]

    def _listed(self) -> list[str]:
        try:
            with os.scandir(self.path) as entries:
                return [entry.name for entry in entries]
        except FileNotFoundError:
            return []

    def _read(self, group: str, number: str) -> Found | None:
        name = f"{group}-{number}.json"
        stored: Stored | None = None
        try:
            with (self.path / name).open("rb") as file:
                stored = parse_entry(file.read(ENTRY_BYTES + 1))
        except FileNotFoundError:
            return None
        except (OSError, Damaged):
            pass
        if stored is not None and stored.plain.file_name != name:
            stored = None
        return Found(number, group, name, stored)

    def _make(self) -> None:
        if not self.path.is_dir():
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            sync_folder(self.path.parent)

    def _sweep(self, names: Iterable[str]) -> None:
        """Remove what killed processes left half-written; nobody writes now."""
        with contextlib.suppress(OSError):
            for name in names:
                if name.startswith(".") and _DRAFT.fullmatch(name):
                    (self.path / name).unlink()
