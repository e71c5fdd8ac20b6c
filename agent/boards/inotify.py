"""Linux: the kernel tells when files of a folder come and go.

The standard library has no access to inotify; two calls of the C library are all it takes.
Source: inotify(7), include/uapi/linux/inotify.h.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_CLOSE_WRITE: Final = 0x0008
_MOVED_FROM: Final = 0x0040
_MOVED_TO: Final = 0x0080
_DELETE: Final = 0x0200
_ONLYDIR: Final = 0x0100_0000
_READ_BYTES: Final = 64 * 1024
"""Some thousand events; what they say is not used, so one read a turn is enough."""


class FolderListener:
    """Calls ``wake`` in the event loop whenever a file was written, renamed or removed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._descriptor = -1
        self._wake: Callable[[], None] | None = None

    def start(self, wake: Callable[[], None]) -> None:
        """Begin to listen; :class:`OSError` where that cannot be done or the folder is missing."""
        if sys.platform != "linux":
            raise OSError("no folder events on this system")
        library = ctypes.CDLL(None, use_errno=True)
        self._descriptor = _checked(library.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
        self._wake = wake
        mask = _CLOSE_WRITE | _MOVED_FROM | _MOVED_TO | _DELETE | _ONLYDIR
        try:
            _checked(library.inotify_add_watch(self._descriptor, os.fsencode(self._folder), mask))
            asyncio.get_running_loop().add_reader(self._descriptor, self._readable)
        except BaseException:
            os.close(self._descriptor)
            self._descriptor = -1
            raise

    def close(self) -> None:
        """Stop listening; may be called more than once."""
        if self._descriptor >= 0:
            asyncio.get_running_loop().remove_reader(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1

    def _readable(self) -> None:
        with contextlib.suppress(BlockingIOError, InterruptedError):
            os.read(self._descriptor, _READ_BYTES)
        if self._wake is not None:
            self._wake()


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
