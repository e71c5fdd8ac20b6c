"""A clock without waiting, a simulated cloud, and Mooring's client signed in to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.catalog import Catalog
from agent.clouds.accounts import AccountStore
from agent.clouds.arduino import ArduinoCloud
from agent.simulator.arduino_cloud import SimulatedArduinoCloud
from tests.clouds.manual_clock import ManualClock
from tests.clouds.signing import SigningBoard

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from agent.clouds.http import Limits


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return Catalog.load()


@pytest.fixture
def board() -> SigningBoard:
    return SigningBoard()


@pytest.fixture
def store(tmp_path: Path) -> AccountStore:
    return AccountStore(tmp_path / "accounts.json", use_keyring=False)


@pytest.fixture
async def cloud(catalog: Catalog) -> AsyncIterator[SimulatedArduinoCloud]:
    async with SimulatedArduinoCloud(catalog=catalog, organizations=["space-1"]) as running:
        yield running


@pytest.fixture
async def connect(
    cloud: SimulatedArduinoCloud, catalog: Catalog, clock: ManualClock, store: AccountStore
) -> AsyncIterator[Callable[..., ArduinoCloud]]:
    """Makes clients of the simulated cloud that share the stored account."""
    made: list[ArduinoCloud] = []

    def make(limits: Limits | None = None) -> ArduinoCloud:
        client = ArduinoCloud(
            base_url=cloud.base_url, accounts=store, catalog=catalog, clock=clock, limits=limits
        )
        made.append(client)
        return client

    yield make
    for client in made:
        await client.close()


@pytest.fixture
async def arduino(
    connect: Callable[..., ArduinoCloud], cloud: SimulatedArduinoCloud
) -> ArduinoCloud:
    """Signed in."""
    client = connect()
    await client.login(cloud.account)
    return client
