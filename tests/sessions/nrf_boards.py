"""Simulated nRF91 boards for the tests of sessions."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from agent.links.open import open_link
from agent.sessions.nrf import BAUD, NrfSession, open_nrf
from agent.simulator.nrf_board import SimulatedNrfBoard
from agent.simulator.nrf_config import NrfConfig

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agent.simulator.nrf_orders import ProvisioningService

SPEED = 200.0


@asynccontextmanager
async def board(
    service: ProvisioningService | None = None, *, tcp: bool = False, **config: Any
) -> AsyncIterator[SimulatedNrfBoard]:
    """A board that is plugged in."""
    plugged = SimulatedNrfBoard(NrfConfig(**config), speed=SPEED, service=service, tcp=tcp)
    await plugged.start()
    try:
        yield plugged
    finally:
        await plugged.stop()


@asynccontextmanager
async def session(plugged: SimulatedNrfBoard, *, tries: int = 3) -> AsyncIterator[NrfSession]:
    """A session on its first port."""
    opened = await open_nrf(await open_link(plugged.port.address, BAUD), tries=tries)
    try:
        yield opened
    finally:
        await opened.close()


@asynccontextmanager
async def talking(
    service: ProvisioningService | None = None, **config: Any
) -> AsyncIterator[tuple[SimulatedNrfBoard, NrfSession]]:
    """A board and a session on it."""
    async with board(service, **config) as plugged, session(plugged) as opened:
        while plugged.program.state == "PROVISIONING":  # as it does when it starts
            await asyncio.sleep(0)
        yield plugged, opened
