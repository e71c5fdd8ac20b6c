"""The tools on this computer: ``<folder>/<packager>/<name>/<version>/<random>/`` and a record.

The record ``installed.json`` beside the random folder names it, and is written last: it alone makes
a tool count as installed, and replacing it puts a new content in place of an old one in one step.
What no record names is left over from a process that was killed and goes at the next change.
Changes of several processes take turns; reading needs no turn.
"""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from agent.errors import InputError, ToolRefused, ToolStoreFailed
from agent.flash.store_folder import StoreFolder
from agent.flash.toolstore.tool import ToolId, tool_id, version_key
from agent.flash.toolstore.unpack import (
    ArchiveWrong,
    Limits,
    UnpackedFile,
    inside,
    unpack,
)
from agent.settings.files import sync_folder, write_private

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STORE_LIMIT: Final = 1024 * 1024 * 1024
"""Bytes of all tools. What a page needs has some megabytes; above this, new ones are refused."""
TOOLS_LIMIT: Final = 200
TURN_LIMIT_S: Final = 60.0
"""Longest wait for another process that writes; a large tool on a slow disk takes some seconds."""
RECORD: Final = "installed.json"
RECORD_LIMIT: Final = 8 * 1024 * 1024
_DRAFTS: Final = ".drafts"


class _Record(msgspec.Struct, frozen=True, kw_only=True):
    folder: str
    """Name of the folder beside the record."""
    archive: str
    """SHA-256 of the archive that it came from."""
    installed_at: float
    asked_at: float = 0.0
    """0: not since it was installed."""
    files: dict[str, UnpackedFile]


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledTool:
    """A tool that is whole on the disk."""

    id: ToolId
    folder: Path
    """Where its files are."""
    archive: str
    """SHA-256 of the archive that it came from, lower-case hexadecimal digits."""
    installed_at: float
    """Unix seconds."""
    asked_at: float
    """Unix seconds; when somebody asked last that it be installed."""
    files: dict[str, UnpackedFile]

    @property
    def size(self) -> int:
        """Bytes on the disk."""
        return sum(file.size for file in self.files.values())


class ToolStore:
    """The store in one folder. Its methods block; run them in a thread."""

    def __init__(
        self,
        folder: Path,
        *,
        limit: int = STORE_LIMIT,
        tools_limit: int = TOOLS_LIMIT,
        limits: Limits | None = None,
    ) -> None:
        """``limit``: bytes of all tools; ``limits``: what one archive may become."""
        self.folder = folder
        self._disk = StoreFolder(folder, ToolStoreFailed, TURN_LIMIT_S)
        self._limit = limit
        self._tools_limit = tools_limit
        self._limits = limits or Limits()

    def list(self) -> list[InstalledTool]:
        """What is installed, by packager, name and version; contents are not checked."""
        with self._disk.failing():
            found = [tool for path in self._records() if (tool := _read(path)) is not None]
        return sorted(found, key=lambda t: (t.id.packager, t.id.name, version_key(t.id.version)))

    def get(self, tool: ToolId) -> InstalledTool | None:
        """The tool in this version; None if it is not installed."""
        with self._disk.failing():
            return _read(self._place_of(tool) / RECORD)

    def find(self, key: str) -> InstalledTool | None:
        """The tool that a command line calls ``name`` or ``name-version``.

        Of several it is the one that was asked for last, as in the original, which installs a tool
        again whenever a page asks. Keys are exact.
        """
        named = [t for t in self.list() if key in {t.id.name, f"{t.id.name}-{t.id.version}"}]
        return max(named, key=lambda t: t.asked_at, default=None)

    def folder_of(self, key: str) -> Path | None:
        """Where the files of :meth:`find`'s tool are; None if it is not installed, or damaged.

        What is found here is run, so all its files are read first: a tenth of a second for 20 MB.
        """
        found = self.find(key)
        return found.folder if found is not None and self.is_whole(found) else None

    def is_whole(self, tool: InstalledTool) -> bool:
        """Whether each file is as it was unpacked; reads them all."""
        try:
            return all(
                (tool.folder / name).stat().st_size == file.size
                and _digest_of(tool.folder / name) == file.sha256
                for name, file in tool.files.items()
            )
        except OSError:
            return False

    def put(self, tool: ToolId, data: bytes, *, now: float) -> InstalledTool:
        """Unpack an archive whose checksum was checked, and make it count as installed.

        What was installed before stays until then, and if it fails. Raises :class:`ToolRefused`,
        :class:`InputError` if the store is full, :class:`ToolStoreFailed`.
        """
        tool_id(tool.packager, tool.name, tool.version)
        with self._disk.failing(), self._disk.turn():
            self._sweep()
            place = self._place_of(tool)
            draft = self.folder / _DRAFTS / secrets.token_hex(6)
            try:
                draft.mkdir(mode=0o700, parents=True)
                try:
                    files = unpack(data, draft, self._limits)
                except ArchiveWrong as error:
                    raise ToolRefused(wanted=str(tool), problem=str(error)) from None
                self._require_room(tool, sum(file.size for file in files.values()))
                place.mkdir(mode=0o700, parents=True, exist_ok=True)
                content = place / draft.name
                draft.rename(content)
            except BaseException:
                shutil.rmtree(draft, ignore_errors=True)
                raise
            sync_folder(place)
            record = _Record(
                folder=content.name,
                archive=hashlib.sha256(data).hexdigest(),
                installed_at=now,
                files=files,
            )
            write_private(place / RECORD, msgspec.json.encode(record))
            self._sweep_version(place)
            installed = _read(place / RECORD)
            if installed is None:
                detail = "what was written cannot be read back"
                raise ToolStoreFailed(path=str(place), detail=detail)
            return installed

    def prefer(self, tool: InstalledTool, *, now: float) -> None:
        """Somebody asked for an installed tool: its plain name means this version from now on.

        Raises :class:`ToolStoreFailed`.
        """
        with self._disk.failing(), self._disk.turn():
            path = self._place_of(tool.id) / RECORD
            there = _read(path)
            meant = self.find(tool.id.name)
            if there is None or (meant is not None and meant.id == tool.id):
                return
            record = _Record(
                folder=there.folder.name,
                archive=there.archive,
                installed_at=there.installed_at,
                asked_at=max(now, meant.asked_at + 1 if meant is not None else now),
                files=there.files,
            )
            write_private(path, msgspec.json.encode(record))

    def remove(self, tool: ToolId) -> bool:
        """Take a tool out; whether it was there. Raises :class:`ToolStoreFailed`."""
        with self._disk.failing(), self._disk.turn():
            place = self._place_of(tool)
            record = place / RECORD
            there = record.exists()
            # The record first: from here on it is not installed, whatever happens.
            record.unlink(missing_ok=True)
            shutil.rmtree(place, ignore_errors=True)
            for empty in (place.parent, place.parent.parent):
                with contextlib.suppress(OSError):
                    empty.rmdir()
            return there

    # --- what needs the turn ---

    def _require_room(self, tool: ToolId, size: int) -> None:
        others = [each for each in self.list() if each.id != tool]
        if len(others) >= self._tools_limit:
            problem = f"is full: it holds {self._tools_limit} tools; remove some of them"
            raise InputError(field="the store of tools", problem=problem)
        if sum(each.size for each in others) + size > self._limit:
            problem = f"is full: it may hold {self._limit} bytes; remove some tools"
            raise InputError(field="the store of tools", problem=problem)

    def _sweep(self) -> None:
        """Delete what a process that was killed left over: nobody else writes now."""
        shutil.rmtree(self.folder / _DRAFTS, ignore_errors=True)
        for place in _folders(self.folder, 3):
            self._sweep_version(place)

    def _sweep_version(self, place: Path) -> None:
        installed = _read(place / RECORD)
        for left in place.iterdir():
            if left.name == RECORD or (installed is not None and left == installed.folder):
                continue
            if left.is_dir() and not left.is_symlink():
                shutil.rmtree(left, ignore_errors=True)
            else:
                with contextlib.suppress(OSError):
                    left.unlink()

    # --- files ---

    def _place_of(self, tool: ToolId) -> Path:
        checked = tool_id(tool.packager, tool.name, tool.version)
        return self.folder / checked.packager / checked.name / checked.version

    def _records(self) -> Iterator[Path]:
        for place in _folders(self.folder, 3):
            yield place / RECORD


def _folders(folder: Path, depth: int) -> Iterator[Path]:
    """The folders so deep below one; hidden ones are not ours to look into."""
    if not depth:
        yield folder
        return
    try:
        below = sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return
    for path in below:
        if not path.name.startswith(".") and path.is_dir() and not path.is_symlink():
            yield from _folders(path, depth - 1)


def _read(path: Path) -> InstalledTool | None:
    """The tool of a record; None for one that cannot be read or whose folder is gone."""
    try:
        with path.open("rb") as file:
            record = msgspec.json.decode(file.read(RECORD_LIMIT), type=_Record)
        place = path.parent
        found = tool_id(place.parent.parent.name, place.parent.name, place.name)
        names = all(inside(name, drop_first=False) == name for name in record.files)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, InputError, ArchiveWrong):
        return None
    folder = place / record.folder
    if not names or not record.folder.isalnum() or not folder.is_dir() or folder.is_symlink():
        return None
    return InstalledTool(
        id=found,
        folder=folder,
        archive=record.archive,
        installed_at=record.installed_at,
        asked_at=max(record.installed_at, record.asked_at),
        files=record.files,
    )


def _digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
