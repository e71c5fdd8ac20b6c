"""Another account while one is in use: what is stored is what is used."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from agent.clouds.blynk.cloud import Blynk
from agent.errors import FolderFailed
from tests.clouds.account_stores import FullStore, SlowStore

if TYPE_CHECKING:
    from pathlib import Path

    from agent.clouds.route import Routes
    from agent.simulator.blynk_cloud import SimulatedBlynkCloud
    from tests.clouds.manual_clock import ManualClock


async def test_an_account_that_cannot_be_stored_leaves_the_one_in_use(
    server: SimulatedBlynkCloud, routes: Routes, clock: ManualClock, tmp_path: Path
) -> None:
    store = FullStore(tmp_path / "accounts.json")
    client = Blynk(accounts=store, routes=routes, clock=clock)
    try:
        await client.login(server.account)
        store.full = "blynk"
        with pytest.raises(FolderFailed):
            await client.login({"server": server.addresses["http"]})
        assert (await client.info()).signed_in
        assert (await client.provision()).device_id
    finally:
        await client.close()


async def test_a_person_who_leaves_while_it_is_stored_finds_it_used(
    server: SimulatedBlynkCloud, routes: Routes, clock: ManualClock, tmp_path: Path
) -> None:
    store = SlowStore(tmp_path / "accounts.json")
    client = Blynk(accounts=store, routes=routes, clock=clock)
    try:
        assert not (await client.info()).signed_in
        store.go_on.clear()
        login = asyncio.create_task(client.login(server.account))
        await store.stored.wait()
        login.cancel()
        await asyncio.wait([login])
        assert login.cancelled()
        store.go_on.set()
        assert (await client.info()).signed_in
        assert (await client.provision()).device_id
    finally:
        await client.close()
