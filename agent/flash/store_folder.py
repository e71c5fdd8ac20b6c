"""A folder that is a store: processes change it one after the other, and what fails is told as its."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agent.errors import StoreFailed, ToolStoreFailed

_LOCK: Final = ".lock"


@dataclass(frozen=True, slots=True)
class StoreFolder:
    """The folder of one store, and the error that is raised where it cannot be used."""

    path: Path
    failed: type[StoreFailed | ToolStoreFailed]
    turn_limit_s: float
    """Longest wait for another process that writes."""

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Nobody else writes meanwhile, in this process or another one; makes the folder."""
        from filelock import FileLock, Timeout

        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            with FileLock(self.path / _LOCK, timeout=self.turn_limit_s):
                yield
        except Timeout:
            detail = f"another process has been writing for {self.turn_limit_s:.0f} s"
            raise self.failed(path=str(self.path), detail=detail) from None

    @contextlib.contextmanager
    def failing(self) -> Iterator[None]:
        """What the system refuses inside becomes the error of the store."""
        try:
            yield
        except OSError as error:
            raise self.error(error) from error

    def error(self, error: OSError) -> StoreFailed | ToolStoreFailed:
        """The error of the store for what the system said."""
        return self.failed(path=str(self.path), detail=error.strerror or str(error))
