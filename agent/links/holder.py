"""Which program has a serial port or a socket open (Linux); elsewhere the system does not tell."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

PROC = Path("/proc")
NAME_CHARS = 40


class Holder(NamedTuple):
    """A program that runs."""

    name: str
    """As the system calls it: at most 15 characters of its file's name; cleaned."""
    process: int

    def __str__(self) -> str:
        """``name (process 4711)``."""
        return f"{self.name} (process {self.process})"


def find_holder(address: str, proc: Path = PROC) -> str | None:
    """``name (process 4711)`` of the first program that has the device open, else None.

    Without rights over other users' programs only this user's own are seen. Reads a few
    thousand links: some ten milliseconds, so call it in a thread.
    """
    holder = holder_of(os.path.realpath(address), proc)
    return None if holder is None else str(holder)


def holder_of(target: str, proc: Path = PROC, *, besides: Collection[int] = ()) -> Holder | None:
    """The newest program that has ``target`` open: a path, or ``socket:[INODE]``.

    Processes in ``besides`` do not count. Sees and costs what :func:`find_holder` does.
    """
    for process in _processes(proc):
        if process in besides:
            continue
        folder = proc / str(process)
        try:
            with os.scandir(folder / "fd") as entries:
                holds = any(_points_to(entry, target) for entry in entries)
            if holds:
                return Holder(_name(folder), process)
        except OSError:
            continue
    return None


def running_programs(proc: Path = PROC) -> Iterator[Holder]:
    """All programs that run, of all users, newest first."""
    for process in _processes(proc):
        try:
            yield Holder(_name(proc / str(process)), process)
        except OSError:
            continue


def _processes(proc: Path) -> list[int]:
    try:
        return sorted((int(p.name) for p in proc.iterdir() if p.name.isdigit()), reverse=True)
    except OSError:
        return []


def _name(folder: Path) -> str:
    text = (folder / "comm").read_text(encoding="utf-8", errors="replace")
    return clean_text(text.strip(), NAME_CHARS)


def _points_to(entry: os.DirEntry[str], target: str) -> bool:
    try:
        return os.readlink(entry.path) == target  # noqa: PTH115 - one system call, not five
    except OSError:
        return False
