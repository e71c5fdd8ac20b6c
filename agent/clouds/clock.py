"""Time as clouds see it; tests bring their own and wait for nothing."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Two readings and a wait."""

    def monotonic(self) -> float:
        """Seconds that only grow."""

    def wall(self) -> float:
        """Unix seconds."""

    async def sleep(self, seconds: float) -> None:
        """Return when the time has passed."""


class SystemClock:
    """The computer's clock."""

    def monotonic(self) -> float:
        """Seconds that only grow."""
        return time.monotonic()

    def wall(self) -> float:
        """Unix seconds."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """Return when the time has passed."""
        await asyncio.sleep(seconds)


async def sleep_or_hear(clock: Clock, seconds: float, heard: asyncio.Event | None) -> bool:
    """Return when the time has passed, or somebody else said that there is news: whether they did.

    What they said is taken: ``heard`` is not set any more.
    """
    if heard is None:
        await clock.sleep(seconds)
        return False
    sleeping = asyncio.ensure_future(clock.sleep(seconds))
    hearing = asyncio.ensure_future(heard.wait())
    try:
        await asyncio.wait({sleeping, hearing}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (sleeping, hearing):
            task.cancel()
    spoke = heard.is_set()
    heard.clear()
    return spoke
