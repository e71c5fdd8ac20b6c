"""What was learned about boards, kept over restarts in a small file (``boards.json``)."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING, Final

import msgspec

from agent.settings.files import write_private

if TYPE_CHECKING:
    from pathlib import Path

FORMAT: Final = 1
KNOWN_LIMIT: Final = 512
"""Boards remembered; the one not seen for longest is forgotten. A class or a small production
batch fits, and the file stays below 100 kB."""
FILE_LIMIT_BYTES: Final = 1_000_000
"""A larger file was not written by this program."""

_log = logging.getLogger(__name__)


class KnownBoard(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was learned about one board."""

    id: str
    uhwid: str | None = None
    name: str | None = None
    installed: str | None = None
    """Version of provisioning that was found on it."""
    ble_address: str | None = None
    """What it is recognised by in the air: ``A1B2C3D4E5F6`` (``identity.air_key``)."""
    also: list[str] = []
    """Ids that it had before it was recognised."""
    seen: float = 0.0
    """Unix seconds of the last time something was learned."""


class _File(msgspec.Struct, frozen=True, kw_only=True):
    format: int = FORMAT
    boards: list[KnownBoard] = []


class KnownBoards:
    """The memory of boards; without a path it lasts as long as the process."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._boards: dict[str, KnownBoard] = {}

    @property
    def boards(self) -> list[KnownBoard]:
        """All, longest unseen first."""
        return list(self._boards.values())

    def load(self) -> None:
        """Read the file if there is one. A damaged one is set aside: nothing in it is vital."""
        if self._path is None or not self._path.exists():
            return
        try:
            if self._path.stat().st_size > FILE_LIMIT_BYTES:
                raise msgspec.ValidationError("too large")
            file = msgspec.json.decode(self._path.read_bytes(), type=_File)
            if file.format != FORMAT:
                raise msgspec.ValidationError(f"format {file.format}")
        except OSError as error:
            _log.warning("%s cannot be read: %s", self._path, error.strerror)
            return
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            aside = self._path.with_suffix(".damaged")
            _log.warning("%s is damaged (%s); it is kept as %s", self._path, error, aside.name)
            with contextlib.suppress(OSError):  # on a read-only disk it stays where it is
                self._path.replace(aside)
            return
        ordered = sorted(file.boards, key=lambda board: board.seen)
        self._boards = {board.id: board for board in ordered[-KNOWN_LIMIT:]}

    def put(self, board: KnownBoard) -> None:
        """Remember ``board``; written at once, the whole file or nothing."""
        for earlier in (board.id, *board.also):
            self._boards.pop(earlier, None)
        self._boards[board.id] = board
        while len(self._boards) > KNOWN_LIMIT:
            del self._boards[next(iter(self._boards))]
        self._save()

    def _save(self) -> None:
        if self._path is None:
            return
        data = msgspec.json.format(msgspec.json.encode(_File(boards=self.boards)))
        try:
            # Not durable: nothing in it is vital, and 32 boards are learned at once.
            write_private(self._path, data, durable=False)
        except OSError as error:
            _log.warning("%s cannot be written: %s", self._path, error.strerror)
