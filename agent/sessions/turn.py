"""One turn of a protocol machine over a link; sessions take turns until the machine has a result."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.links.link import Link


class Machine(Protocol):
    """A protocol without I/O; times are those of the event loop, in seconds."""

    @property
    def next_deadline(self) -> float | None:
        """When it wants to be told the time at the latest; None or infinity: never."""

    def take_writes(self) -> Iterable[bytes]:
        """What is to be written now, each part with one call."""

    def receive(self, data: bytes, now: float) -> None:
        """What the board said."""

    def tick(self, now: float) -> None:
        """The time; harmless before the deadline."""


async def take_turn(machine: Machine, link: Link) -> bytes:
    """Write what is due, then wait for bytes or for the time; the bytes, empty if there were none."""
    for part in machine.take_writes():
        await link.write(part)
    now = asyncio.get_running_loop().time
    data = b""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout_at(machine.next_deadline):
            data = await link.receive()
    if data:
        machine.receive(data, now())
    # Also after bytes: a flood never lets the time above run out.
    machine.tick(now())
    return data
