"""A simulated Blynk.Cloud, and Mooring's client of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.clouds.blynk.cloud import Blynk
from agent.clouds.route import Routes
from agent.clouds.system_proxy import SystemProxy
from agent.simulator.blynk_cloud import SimulatedBlynkCloud

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from agent.clouds.accounts import AccountStore
    from tests.clouds.manual_clock import ManualClock


@pytest.fixture
def routes() -> Routes:
    """Without a proxy, whatever this computer has."""
    return Routes(system=SystemProxy, environ={})


@pytest.fixture
async def server(clock: ManualClock) -> AsyncIterator[SimulatedBlynkCloud]:
    async with SimulatedBlynkCloud(now=clock.monotonic) as running:
        yield running


@pytest.fixture
async def connect(
    store: AccountStore, clock: ManualClock, routes: Routes
) -> AsyncIterator[Callable[[], Blynk]]:
    """Makes clients that share the stored account."""
    made: list[Blynk] = []

    def make() -> Blynk:
        made.append(Blynk(accounts=store, routes=routes, clock=clock))
        return made[-1]

    yield make
    for client in made:
        await client.close()


@pytest.fixture
async def blynk(connect: Callable[[], Blynk], server: SimulatedBlynkCloud) -> Blynk:
    """Signed in with the OAuth client."""
    client = connect()
    await client.login(server.account)
    return client


@pytest.fixture
async def free(connect: Callable[[], Blynk], server: SimulatedBlynkCloud) -> Blynk:
    """As on a free plan: a server and no client."""
    client = connect()
    await client.login({"server": server.addresses["http"]})
    return client
