"""The way back on the disk, and who may change it: one excursion at a time on this computer."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING, Final

import msgspec

from agent.errors import WifiJoining, WifiUnremembered
from agent.links.access_point_wifi import WayBack
from agent.settings import clean_text
from agent.settings.files import sync_folder, write_private

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SIZE_LIMIT: Final = 16_384
"""Bytes; a note has some three hundred."""

_log = logging.getLogger(__name__)


class WayNote:
    """The file ``path``, and a lock beside it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, way: WayBack) -> None:
        """On the disk when this returns; raises :class:`WifiUnremembered`."""
        try:
            write_private(self._path, msgspec.json.encode(way))
        except OSError as error:
            raise WifiUnremembered(path=str(self._path), detail=_words(error)) from error

    def read(self) -> WayBack | None:
        """What was noted. A file that is none of ours is left, and told once in the log."""
        try:
            with self._path.open("rb") as file:
                return msgspec.json.decode(file.read(SIZE_LIMIT), type=WayBack)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
            _log.warning(
                "the way back in %s cannot be read: %s", self._path, clean_text(str(error))
            )
            return None

    def forget(self) -> None:
        """Nothing is to be done any more; if the file stays, the next start finds that too."""
        try:
            self._path.unlink(missing_ok=True)
            sync_folder(self._path.parent)
        except OSError as error:
            _log.warning("the way back in %s stays there: %s", self._path, _words(error))

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Nobody else changes the network meanwhile; the system lets go when this process ends.

        Raises :class:`WifiJoining`, and :class:`WifiUnremembered` if no lock can be had.
        """
        from filelock import FileLock, Timeout

        lock = FileLock(self._path.with_suffix(".lock"), blocking=False)
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock.acquire()
        except Timeout:
            raise WifiJoining from None
        except OSError as error:
            raise WifiUnremembered(path=str(self._path), detail=_words(error)) from error
        try:
            yield
        finally:
            lock.release()


def _words(error: OSError) -> str:
    return error.strerror or type(error).__name__
