"""Finds the drives that bootloaders show: folders that hold ``INFO_UF2.TXT``.

One function per system lists the places where a drive may be; the rest is the same on all three.
Source: flashing, section 5; proc_pid_mountinfo(5).
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, TypeAlias

import msgspec

from agent.settings.text import clean_text

INFO_FILE: Final = "INFO_UF2.TXT"
INFO_BYTES_MAX: Final = 4096
"""The file of a loader has three lines; more is not read."""
MAC_VOLUMES: Final = Path("/Volumes")
MOUNT_TABLE: Final = Path("/proc/self/mountinfo")
FAT: Final = frozenset({"vfat", "msdos", "fuseblk", "exfat"})
"""File systems that a bootloader's drive may be mounted as."""
DRIVE_REMOVABLE: Final = 2
"""GetDriveTypeW of the Windows interface."""

Places: TypeAlias = Callable[[], "Iterable[Place]"]


class Place(msgspec.Struct, frozen=True):
    """A folder where a drive is mounted."""

    path: Path
    location: str | None = None
    """USB topology of the drive, as in :class:`agent.flash.method.FlashTarget`; None: the system
    does not tell."""


class Mount(msgspec.Struct, frozen=True):
    """One line of the mount table of Linux."""

    path: str
    device: str
    """Major and minor number: ``8:1``."""
    kind: str
    """File system."""
    read_only: bool


class LoaderInfo(msgspec.Struct, frozen=True):
    """What a loader says about itself; cleaned, for it is foreign text."""

    loader: str = ""
    model: str = ""
    board_id: str = ""
    """``RPI-RP2`` for every RP2040."""


class Volume(msgspec.Struct, frozen=True):
    """A bootloader's drive."""

    path: Path
    info: LoaderInfo
    location: str | None = None


class VolumeFinder:
    """Looks for bootloaders' drives; ``places`` says where drives are on this system."""

    def __init__(self, places: Places | None = None) -> None:
        self._places = places or places_here()

    def find(self) -> list[Volume]:
        """The drives that are there now. Reads a file of each: call it in a thread."""
        found = []
        for place in self._places():
            info = read_info(place.path)
            if info is not None:
                found.append(Volume(place.path, info, place.location))
        return found


def places_here() -> Places:
    """Where drives are mounted on this system."""
    if sys.platform == "win32":
        return _windows_places
    if sys.platform == "darwin":
        return lambda: folder_places(MAC_VOLUMES)
    return _linux_places


def folder_places(folder: Path) -> list[Place]:
    """Each folder in ``folder`` is a place; none if it cannot be read."""
    try:
        return [Place(path) for path in sorted(folder.iterdir()) if path.is_dir()]
    except OSError:
        return []


def read_info(folder: Path) -> LoaderInfo | None:
    """What the loader says whose drive is mounted at ``folder``; None if it is no such drive."""
    try:
        with (folder / INFO_FILE).open("rb") as file:
            data = file.read(INFO_BYTES_MAX)
    except OSError:
        return None
    return parse_info(data.decode("utf-8", "replace"))


def parse_info(text: str) -> LoaderInfo:
    """The lines of ``INFO_UF2.TXT``; an unknown line is passed over, a missing one is empty."""
    lines = [line.strip() for line in text.splitlines()]
    fields: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            fields.setdefault(name.strip().lower(), clean_text(value.strip()))
    return LoaderInfo(
        loader=clean_text(lines[0]) if lines else "",
        model=fields.get("model", ""),
        board_id=fields.get("board-id", ""),
    )


# --- Linux --------------------------------------------------------------------------------------

_ESCAPE = re.compile(r"\\([01][0-7]{2})")
_USB = re.compile(r"/usb\d+/(?:[^/]+/)*?(\d+-\d+(?:\.\d+)*):\d+\.\d+/")


def parse_mountinfo(text: str) -> list[Mount]:
    """All mounts in ``/proc/self/mountinfo``; a line that is not understood is passed over.

    Fields: id, parent, major:minor, root, mount point, options, optional fields, ``-``, file
    system, source, its options. Blanks in a path are written as octal escapes.
    """
    mounts = []
    for line in text.splitlines():
        before, dash, after = line.partition(" - ")
        fields, kind = before.split(" "), after.split(" ")
        if not dash or len(fields) < 6 or len(kind) < 2:
            continue
        options = {*fields[5].split(","), *(kind[2].split(",") if len(kind) > 2 else ())}
        mounts.append(Mount(_unescaped(fields[4]), fields[2], kind[0], "ro" in options))
    return mounts


def usb_location(device_path: str) -> str | None:
    """The USB topology in a path below ``/sys/devices``: ``1-2.3``; None: it is no USB device."""
    hops = _USB.findall(device_path)
    return hops[-1] if hops else None


def _unescaped(path: str) -> str:
    return _ESCAPE.sub(lambda found: chr(int(found[1], 8)), path)


def _linux_places() -> list[Place]:
    # The names in the table are bytes; what is not UTF-8 survives this way.
    try:
        text = os.fsdecode(MOUNT_TABLE.read_bytes())
    except OSError:
        return []
    return [
        Place(Path(mount.path), usb_location(os.path.realpath(f"/sys/dev/block/{mount.device}")))
        for mount in parse_mountinfo(text)
        if mount.kind in FAT
    ]


# --- Windows ------------------------------------------------------------------------------------


def drive_letters(mask: int) -> list[str]:
    """The roots of the drives whose bits are set: bit 0 is drive A."""
    return [f"{chr(ord('A') + bit)}:\\" for bit in range(26) if mask >> bit & 1]


def _windows_places() -> list[Place]:
    if sys.platform != "win32":
        return []
    import ctypes

    kernel = ctypes.windll.kernel32
    letters = drive_letters(kernel.GetLogicalDrives())
    return [Place(Path(root)) for root in letters if kernel.GetDriveTypeW(root) == DRIVE_REMOVABLE]
