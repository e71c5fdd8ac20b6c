"""Ports of simulated boards: one JSON file each in a folder that the configuration names.

A file holds the fields of :class:`Port` and, as ``process``, the id of the process behind it.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import TYPE_CHECKING, Final

import msgspec

from agent.boards.board import Port
from agent.boards.inotify import FolderListener
from agent.boards.sighting import Sighting
from agent.boards.system_ports import TEXT_CHARS
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

EVENTS_POLL_S: Final = 1.0
"""Where the system tells of changes in the folder: only a process that was killed is found so."""
BLIND_POLL_S: Final = 0.2
"""Where it does not. A look costs some ten microseconds; people notice a tenth of a second."""
FILE_LIMIT_BYTES: Final = 16 * 1024
ADDRESS_CHARS: Final = 4096
"""PATH_MAX of Linux: the address of a volume is a folder."""
FILES_LIMIT: Final = 256
"""Eight times the number of boards that are meant to run side by side."""

_log = logging.getLogger(__name__)


class _Announcement(Port, frozen=True, kw_only=True):
    process: int


class SimulatedPorts:
    """Source of the ports in a folder."""

    in_thread = False

    def __init__(self, folder: Path, ignore: Iterable[str] = ()) -> None:
        self._folder = folder
        self._ignore = frozenset(ignore)
        self._listener: FolderListener | None = None
        self._read: dict[tuple[str, int, int, int], tuple[Sighting, int] | None] = {}

    @property
    def poll_s(self) -> float:
        """Seconds between two looks without an event."""
        return BLIND_POLL_S if self._listener is None else EVENTS_POLL_S

    def start(self, wake: Callable[[], None]) -> None:
        """Make the folder if it is missing, and listen to its changes if the system can."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            listener = FolderListener(self._folder)
            listener.start(wake)
        except OSError as error:
            _log.debug("no folder events (%s); looking every %s s", error, BLIND_POLL_S)
            return
        self._listener = listener

    def close(self) -> None:
        """Stop listening."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def look(self) -> list[Sighting]:
        """Ports whose process lives. Files are read only when they changed."""
        read: dict[tuple[str, int, int, int], tuple[Sighting, int] | None] = {}
        for entry in self._entries():
            try:
                facts = entry.stat()
            except OSError:
                continue
            key = (entry.path, facts.st_ino, facts.st_mtime_ns, facts.st_size)
            read[key] = self._read[key] if key in self._read else _parse(entry, facts)
        self._read = read
        return [
            known[0]
            for known in read.values()
            if known and known[0].port.address not in self._ignore and process_lives(known[1])
        ]

    def _entries(self) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(self._folder) as entries:
                found = [entry for entry in entries if entry.name.endswith(".json")]
        except OSError:
            return []
        return sorted(found, key=lambda entry: entry.name)[:FILES_LIMIT]


def _parse(entry: os.DirEntry[str], facts: os.stat_result) -> tuple[Sighting, int] | None:
    try:
        if facts.st_size > FILE_LIMIT_BYTES:
            raise msgspec.ValidationError("too large")
        with open(entry.path, "rb") as file:  # noqa: PTH123 - an entry of scandir is no Path
            said = msgspec.json.decode(file.read(FILE_LIMIT_BYTES), type=_Announcement)
    except OSError:
        return None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        _log.warning("%s announces no port: %s", entry.name, clean_text(str(error)))
        return None
    port = Port(
        kind=said.kind,
        address=clean_text(said.address, ADDRESS_CHARS),
        vid=said.vid,
        pid=said.pid,
        serial_number=_text(said.serial_number),
        location=_text(said.location),
        manufacturer=_text(said.manufacturer),
        product=_text(said.product),
        interface=_text(said.interface),
        simulated=True,
    )
    return Sighting(port, hash((facts.st_ino, facts.st_mtime_ns))), said.process


def process_lives(process: int) -> bool:
    """Whether the process of this id still runs."""
    if process <= 0:
        return False
    if sys.platform == "win32":
        # os.kill would end the process there, whatever the signal.
        import ctypes

        synchronize, timed_out = 0x0010_0000, 0x102
        kernel = ctypes.WinDLL("kernel32")
        kernel.OpenProcess.restype = ctypes.c_void_p
        handle = ctypes.c_void_p(kernel.OpenProcess(synchronize, False, process))
        if handle.value is None:
            return False
        running: bool = kernel.WaitForSingleObject(handle, 0) == timed_out
        kernel.CloseHandle(handle)
        return running
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _text(text: str | None) -> str | None:
    return clean_text(text, TEXT_CHARS) if text else None
