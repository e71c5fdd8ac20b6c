"""A simulated nRF Cloud whose clock is ours, and Mooring's client signed in to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.clouds.nrf.cloud import NrfCloud
from agent.simulator.nrf_cloud import SimulatedNrfCloud
from tests.clouds.nrf.modem import Modem

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from agent.clouds.accounts import AccountStore
    from agent.clouds.http import Limits
    from tests.clouds.manual_clock import ManualClock


@pytest.fixture
async def service(clock: ManualClock) -> AsyncIterator[SimulatedNrfCloud]:
    async with SimulatedNrfCloud(now=clock.wall) as running:
        yield running


@pytest.fixture
async def connect(
    service: SimulatedNrfCloud, clock: ManualClock, store: AccountStore
) -> AsyncIterator[Callable[..., NrfCloud]]:
    """Makes clients of the simulated cloud that share the stored account."""
    made: list[NrfCloud] = []

    def make(limits: Limits | None = None, clock: ManualClock = clock) -> NrfCloud:
        url = service.base_url
        client = NrfCloud(
            accounts=store, provisioning_url=url, devices_url=url, clock=clock, limits=limits
        )
        made.append(client)
        return client

    yield make
    for client in made:
        await client.close()


@pytest.fixture
async def nrf(connect: Callable[..., NrfCloud], service: SimulatedNrfCloud) -> NrfCloud:
    """Signed in."""
    client = connect()
    await client.login({"api_key": service.key.secret})
    return client


@pytest.fixture
def modem() -> Modem:
    return Modem()
