"""The line between board and host: passes bytes on, or damages, cuts and collects them."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from agent.simulator.config import LineFaults

PIECE_GAP_S: Final = 0.001
"""Between two pieces of a cut output, so that the host really reads them one by one."""
PIECES_WAITING: Final = 200
"""Beyond it pieces follow each other without a gap: a slow line must not fall behind for ever."""
NOISE_BYTES: Final = 12
CRC_AND_END_BYTES: Final = 4
"""The end of a frame: damage there makes the board answer NACK and never wedges it."""


class Line:
    """One plugged-in line; ``deliver`` takes what reaches the host."""

    def __init__(
        self, faults: LineFaults, chance: random.Random, deliver: Callable[[bytes], None]
    ) -> None:
        self.faults = faults
        self._chance = chance
        self._deliver = deliver
        self._pieces: deque[bytes] = deque()
        self._collected = bytearray()
        self._timer: asyncio.TimerHandle | None = None

    def to_host(self, data: bytes) -> None:
        """Something that the board wrote: a frame or a line of text."""
        if self.faults.noise and self._chance.random() < self.faults.noise:
            data = self._chance.randbytes(self._chance.randint(1, NOISE_BYTES)) + data
        if self.faults.merge_ms:
            self._collected += data
            self._later(self.faults.merge_ms / 1000)
        elif self.faults.split:
            size = self.faults.split
            self._pieces.extend(data[i : i + size] for i in range(0, len(data), size))
            self._later(0)
        else:
            self._deliver(data)

    def to_board(self, data: bytes) -> bytes:
        """What arrives at the board of something that the host wrote."""
        if not self.faults.corrupt or self._chance.random() >= self.faults.corrupt:
            return data
        damaged = bytearray(data)
        place = len(data) - self._chance.randint(1, min(CRC_AND_END_BYTES, len(data)))
        damaged[place] ^= 1 << self._chance.randrange(8)
        return bytes(damaged)

    def close(self) -> None:
        """Lose what is still on the way."""
        self._pieces.clear()
        self._collected.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _later(self, delay_s: float) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(delay_s, self._deliver_due)

    def _deliver_due(self) -> None:
        self._timer = None
        if self._collected:
            self._deliver(bytes(self._collected))
            self._collected.clear()
        due = max(1, len(self._pieces) - PIECES_WAITING)
        for _ in range(min(due, len(self._pieces))):
            self._deliver(self._pieces.popleft())
        if self._pieces:
            self._later(PIECE_GAP_S)
