"""A clock that moves only when somebody sleeps."""

from __future__ import annotations

import asyncio


class ManualClock:
    """Stands where the computer's clock stands; ``slept`` are the waits that nobody waited."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return 1_800_000_000.0 + self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)
