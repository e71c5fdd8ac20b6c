"""What the tray keeps over restarts, in a small file (``tray.json``). Nothing in it is vital."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

import msgspec

from agent.settings.files import write_private

if TYPE_CHECKING:
    from pathlib import Path

FILE_LIMIT_BYTES: Final = 1_000_000
"""A larger file was not written by this program."""

_log = logging.getLogger(__name__)


class TrayMemory(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept."""

    chosen: str | None = None
    """Id of the marked board."""
    met: list[str] = []
    """Ids of the boards that were here before, oldest first."""


def load_memory(path: Path) -> TrayMemory:
    """What an earlier run kept; without it, or if it is damaged, nothing."""
    try:
        if path.stat().st_size <= FILE_LIMIT_BYTES:
            return msgspec.json.decode(path.read_bytes(), type=TrayMemory)
        _log.warning("%s is too large and is not used", path)
    except FileNotFoundError:
        pass
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        _log.warning("%s is not used: %s", path, error)
    return TrayMemory()


def save_memory(path: Path, memory: TrayMemory) -> None:
    """Keep ``memory``; a disk that refuses costs the mark, not the tray."""
    try:
        write_private(path, msgspec.json.encode(memory), durable=False)
    except OSError as error:
        _log.warning("%s cannot be written: %s", path, error.strerror)
