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
