"""Which program has a serial port open (Linux); elsewhere the system does not tell."""

from __future__ import annotations

import os
from pathlib import Path

from agent.settings import clean_text

PROC = Path("/proc")


def find_holder(address: str, proc: Path = PROC) -> str | None:
    """``name (process 4711)`` of the first program that has the device open, else None.

    Without rights over other users' programs only this user's own are seen. Reads a few
    thousand links: some ten milliseconds, so call it in a thread.
    """
    device = os.path.realpath(address)
    try:
        processes = sorted((int(p.name) for p in proc.iterdir() if p.name.isdigit()), reverse=True)
    except OSError:
        return None
    for process in processes:
        folder = proc / str(process)
        try:
            with os.scandir(folder / "fd") as entries:
                holds = any(_points_to(entry, device) for entry in entries)
            if holds:
                name = (folder / "comm").read_text(encoding="utf-8", errors="replace").strip()
                return f"{clean_text(name, 40)} (process {process})"
        except OSError:
            continue
    return None


def _points_to(entry: os.DirEntry[str], device: str) -> bool:
    try:
        return os.readlink(entry.path) == device  # noqa: PTH115 - one system call, not five
    except OSError:
        return False
