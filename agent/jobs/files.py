"""Files with secrets that jobs made for people: kept in memory only, for a while, then forgotten."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from agent.settings import Secret

KEEP_S: Final = 3600.0
"""An hour: long enough to save a file after a batch of boards; a secret should not lie about."""
FILES_MAX: Final = 512
"""Twice as many as jobs may run at once, each with one file of less than a kilobyte. The oldest
file makes room."""


class Files:
    """By job and name. To be used in one event loop."""

    def __init__(self, keep_s: float = KEEP_S) -> None:
        self._keep_s = keep_s
        self._kept: dict[tuple[str, str], tuple[Secret, asyncio.TimerHandle]] = {}

    def put(self, job: str, name: str, content: Secret) -> None:
        """Keep a file; one of the same job and name is replaced."""
        self._drop((job, name))
        while len(self._kept) >= FILES_MAX:
            self._drop(next(iter(self._kept)))
        timer = asyncio.get_running_loop().call_later(self._keep_s, self._drop, (job, name))
        self._kept[job, name] = (content, timer)

    def get(self, job: str, name: str) -> Secret | None:
        """The file, if it is still kept."""
        kept = self._kept.get((job, name))
        return kept[0] if kept else None

    def forget(self, job: str | None = None) -> None:
        """Forget the files of a job, or all."""
        for key in [key for key in self._kept if job in (None, key[0])]:
            self._drop(key)

    def _drop(self, key: tuple[str, str]) -> None:
        kept = self._kept.pop(key, None)
        if kept is not None:
            kept[1].cancel()
