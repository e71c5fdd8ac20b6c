"""Whether what Mooring keeps can be kept: rights, owner and room of its folders."""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import stat
import sys
from functools import partial
from typing import TYPE_CHECKING, Final

from agent.desktop.doctor.found import fine, found
from agent.errors import Level, SettingsBroken
from agent.settings.load import read_settings
from agent.settings.room import FULL_BYTES, size_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from agent.desktop.doctor.found import Found
    from agent.errors import Fact
    from agent.settings.paths import Paths

AREA: Final = "disk"
SCARCE_BYTES: Final = 256 << 20
"""All sketches of the public list, and what a desktop fills in a day."""
OTHERS: Final = 0o077
"""Rights of the group and of everybody."""


class Folders:
    """Looks at the folders and files of this user; writes nothing."""

    area = AREA

    def __init__(self, paths: Paths) -> None:
        self._paths = paths

    async def look(self) -> Sequence[Found]:
        """Folders that cannot be used, files that others could read, and a disk that is full."""
        return await asyncio.to_thread(self._look)

    def _look(self) -> list[Found]:
        folders = self._folders()
        findings = [one for folder in folders if (one := _unusable(folder)) is not None]
        findings += _no_room(folders)
        findings += [_readable(path) for path in self._private() if _too_open(path)]
        if findings:
            return findings
        free = min(shutil.disk_usage(existing(folder)).free for folder in folders)
        title = f"The folders of Mooring can be written, and {size_text(free)} are free."
        return [fine(AREA, title, free_bytes=free)]

    def _folders(self) -> list[Path]:
        paths = self._paths
        every = (
            paths.config_dir,
            paths.data_dir,
            paths.state_dir,
            paths.cache_dir,
            paths.log_dir,
            paths.runtime_dir,
        )
        return list(dict.fromkeys(every))

    def _private(self) -> Iterator[Path]:
        """What only this user may read, as far as it is there.

        A folder that is closed closes what is in it.
        """
        paths = self._paths
        for folder in (paths.data_dir, paths.state_dir, paths.log_dir, paths.runtime_dir):
            if is_there(folder) and folder.is_dir():
                yield folder
        secret = (paths.accounts_file, paths.gateway_file, paths.instance_file)
        files = (*secret, paths.origins_file, paths.journal_file)
        logs = sorted(paths.log_dir.glob(f"{paths.log_file.name}*"))
        settings = [paths.config_file] if _has_password(paths.config_file) else []
        for file in (*files, *logs, *settings):
            if is_there(file) and file.is_file() and _too_open(file.parent):
                yield file


def is_there(path: Path) -> bool:
    """Whether it is there and this account may know it; never raises."""
    return os.access(path, os.F_OK, effective_ids=os.access in os.supports_effective_ids)


def existing(folder: Path) -> Path:
    """``folder``, or the nearest one above it that is there."""
    while not is_there(folder) and folder != folder.parent:
        folder = folder.parent
    return folder


def _unusable(folder: Path) -> Found | None:
    base = existing(folder)
    facts: dict[str, Fact] = {"path": str(folder)}
    if not base.is_dir():
        return found(
            AREA,
            "folder-file",
            Level.PROBLEM,
            f"There is a file in place of the folder {base}.",
            "Mooring keeps its settings, log and journal in folders of this user.",
            "Move that file away.",
            facts=facts,
        )
    effective = os.access in os.supports_effective_ids
    if os.access(base, os.W_OK | os.X_OK, effective_ids=effective):
        return None
    owner = _other_owner(base)
    if owner:
        own = f'sudo chown -R "$USER" {shlex.quote(str(base))}'
        return found(
            AREA,
            "folder-owner",
            Level.PROBLEM,
            f"The folder {base} belongs to {owner}.",
            "Mooring was probably started once with sudo; now it cannot write its own files.",
            f"Run: {own}",
            commands=[own],
            facts=facts,
        )
    opening = f"chmod u+rwx {shlex.quote(str(base))}"
    return found(
        AREA,
        "folder-closed",
        Level.PROBLEM,
        f"The folder {base} cannot be written.",
        "Either its rights forbid that, or its disk is read-only, as after an error of the disk.",
        f"Run: {opening}; or set MOORING_HOME to a folder that you may write.",
        commands=[opening],
        facts=facts,
    )


def _other_owner(path: Path) -> str:
    """Who owns it, if that is somebody else."""
    if sys.platform == "win32":
        return ""
    try:
        uid = path.stat().st_uid
    except OSError:
        return ""
    if uid == os.geteuid():
        return ""
    try:
        return path.owner()
    except KeyError:
        return f"user {uid}"


def _no_room(folders: Sequence[Path]) -> list[Found]:
    """One finding per disk that has no room."""
    seen: dict[int, Found | None] = {}
    for folder in folders:
        base = existing(folder)
        try:
            device = base.stat().st_dev
            if device not in seen:
                seen[device] = _full(base)
        except OSError:
            continue
    return [one for one in seen.values() if one is not None]


def _full(base: Path) -> Found | None:
    free = shutil.disk_usage(base).free
    facts: dict[str, Fact] = {"path": str(base), "free_bytes": free}
    if _no_files_left(base):
        return found(
            AREA,
            "disk-files",
            Level.PROBLEM,
            f"No more files can be made on the disk of {base}.",
            "It has room, but all its entries for files are used up; jobs cannot be written down.",
            "Remove folders with many small files, such as caches.",
            facts=facts,
        )
    if free >= SCARCE_BYTES:
        return None
    full = free < FULL_BYTES
    return found(
        AREA,
        "disk-full" if full else "disk-scarce",
        Level.PROBLEM if full else Level.WARNING,
        f"The disk of {base} is {'full' if full else 'nearly full'}: {size_text(free)} are free.",
        "What is done to boards is written down before it is done; without room no job starts.",
        "Remove what you no longer need on that disk.",
        facts=facts,
    )


def _no_files_left(base: Path) -> bool:
    if sys.platform == "win32":
        return False
    status = os.statvfs(base)
    # File systems without a fixed number say 0 of 0.
    return status.f_files > 0 and status.f_favail == 0


def _too_open(path: Path) -> bool:
    if sys.platform == "win32":
        return False  # the folder of the user protects what is in it
    try:
        status = path.stat()
    except OSError:
        return False
    return stat.S_IMODE(status.st_mode) & OTHERS != 0 and status.st_uid == os.geteuid()


def _has_password(settings: Path) -> bool:
    """Whether the settings name a proxy with its login."""
    try:
        proxy = read_settings(settings).values.get("network.proxy")
    except SettingsBroken:
        return False
    return proxy is not None and proxy.has_login


def _readable(path: Path) -> Found:
    kind = "folder" if path.is_dir() else "file"
    closing = f"chmod go-rwx {shlex.quote(str(path))}"
    return found(
        AREA,
        "private-file",
        Level.WARNING,
        f"Other users of this computer can get at the {kind} {path}.",
        "It may tell them about your boards, or hold what gives access to your accounts.",
        f"Run: {closing}",
        commands=[closing],
        facts={"path": str(path)},
        fix=partial(asyncio.to_thread, _close, path),
        will=f"Closes {path} for everybody but you.",
    )


def _close(path: Path) -> None:
    path.chmod(stat.S_IMODE(path.stat().st_mode) & ~OTHERS)
